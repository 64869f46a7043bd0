"""Strange rows planted among the rows of real data: how well outliers ranks and finds them, beside cleanlab's check, LOF and IsolationForest.

Texts of another language or domain; blank images, noise and photos among digits, digits among photos. They come one by one, and in groups of eight that
resemble each other. All methods get the same vectors. Rows that are strange in the data themselves count as clean ones, so that no method reaches 1 everywhere.
"""

import argparse
import csv
import io
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image
from sklearn.metrics import average_precision_score

from bench import ROOT, Usage, copy_project, report, run_measured, write_text_params
from bench.copies import as_file
from stages.contracts.clean import load_cleaner
from stages.contracts.embed import load_embedder
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.core.tables import PART_ROWS, Vectors, new_table, row_schema, vector_column, write_tables
from stages.dedupe import VERDICT as DUPLICATE_VERDICT
from stages.outliers import Section, find_outliers
from stages.sources.descriptors import read_digits
from tests.planted.plant import OTHER_LANGUAGE

ROWS = 3_000  # clean ones at most
FEW = 300  # of a domain that rows are planted from
SHARES = (0.02, 0.005)
GROUPS = (1, 8)
SEEDS = 3
WRONG = 0.05  # labels, where rows are compared with their class
SPEED_ROWS, DIM = 20_000, 384
SIZES = (100_000, 1_000_000)
DATALAB = (
    1 / 0.37037 - 1
)  # interquartile ranges above the upper quartile, from which cleanlab's Datalab calls a row an outlier
SECTION = Section(neighbours=30, threshold=3.5)
TEXTS = {
    "banking77": ("train.csv", "text", "category"),
    "noisy_agnews": ("train.csv", "text", "label"),
    "sms_spam": ("sms.tsv", "1", "0"),
}
# k and the threshold were chosen on the first two, and on the vectors of goemotions and of the reviews.
PLANTED = {
    "banking77": ("language", "noisy_agnews", "sms_spam"),
    "digits": ("blank", "noise", "clothing", "grey clothing"),
    "sms_spam": ("language", "noisy_agnews", "banking77"),
    "noisy_agnews": ("language", "banking77", "sms_spam"),
    "clothing": ("blank", "noise", "digits"),
}
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    vectors: Vectors  # (n_rows, dim)
    labels: list[str]


@dataclass(frozen=True)
class Said:
    """What a method says of rows."""

    scores: Scores  # (n_rows,): the higher, the stranger
    called: npt.NDArray[np.bool_]  # (n_rows,): outliers by its default


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("outliers")
    group.add_argument(
        "--outlier-rows",
        type=int,
        nargs="*",
        default=SIZES,
        help="sizes to run, the smallest first (default: 100000 1000000)",
    )


# --- data ---


def read_texts(name: str, external: Path, rows: int) -> list[tuple[bytes, str]]:
    """Distinct texts and their labels."""
    file, content, label = TEXTS[name]
    path = external / name / file
    if not path.exists():
        raise InputError(f"{path}: no such file; name the folder with --external")
    with path.open(encoding="utf-8", newline="") as opened:
        reader = (
            csv.reader(opened, delimiter="\t", quoting=csv.QUOTE_NONE) if path.suffix == ".tsv" else csv.reader(opened)
        )
        header = next(reader) if content != "1" else ["0", "1"]
        texts = {row[header.index(content)]: row[header.index(label)] for row in reader}
    return random.Random(0).sample([(text.encode(), label) for text, label in sorted(texts.items())], rows)


def read_photos(external: Path) -> list[tuple[Image.Image, str]]:
    folder = external / "clothing"
    if not (folder / "images.csv").exists():
        raise InputError(f"{folder}/images.csv: no such file; name the folder of data sets with --external")
    with (folder / "images.csv").open(encoding="utf-8", newline="") as opened:
        labels = {row["image"]: row["label"] for row in csv.DictReader(opened)}
    paths = [path for path in sorted((folder / "images").glob("*.jpg")) if path.stem in labels]
    return [(Image.open(path).convert("RGB").resize((192, 256)), labels[path.stem]) for path in paths]


def read_digit_images() -> list[tuple[Image.Image, str]]:
    return [
        (Image.open(io.BytesIO(record.values["image"])).convert("RGB"), record.values["digit"])
        for record in read_digits()
    ]


def blanks(size: tuple[int, int]) -> Iterator[Image.Image]:
    chances = random.Random(0)
    for number in range(60):
        grey = chances.randrange(256)
        yield Image.new(
            "RGB", size, (grey, grey, grey) if number % 2 else tuple(chances.randrange(256) for _ in range(3))
        )


def noises(size: tuple[int, int]) -> Iterator[Image.Image]:
    chances = np.random.default_rng(0)
    for number in range(60):
        pixels = chances.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        yield Image.fromarray(pixels).convert("L" if number % 2 else "RGB").convert("RGB")


def embedded(preset: str, contents: Sequence[bytes]) -> Vectors:
    """Cleaned and embedded as the preset says."""
    params = read_yaml(ROOT / "presets" / f"{preset}.yaml")
    modality = params["modality"]
    cleaner, embedder = load_cleaner(modality), load_embedder(modality)
    how = cleaner.CleanParams(**params["clean"][modality])
    cleaned = [cleaner.clean(content, how).content for content in contents]
    return embedder.embed(
        [content for content in cleaned if content is not None], embedder.EmbedParams(**params["embed"][modality])
    ).rows


def as_rows(preset: str, rows: Sequence[tuple[bytes, str]]) -> Rows:
    return Rows(embedded(preset, [content for content, _ in rows]), [label for _, label in rows])


def all_rows(external: Path) -> tuple[dict[str, Rows], dict[str, dict[str, Vectors]]]:
    """The clean rows of each data set, and what is planted among them, by kind."""
    clean = {name: as_rows(name, read_texts(name, external, ROWS)) for name in TEXTS}
    strange = {name: rows.vectors[:FEW] for name, rows in clean.items()}
    strange["language"] = embedded("reviews", [text.encode() for text, _ in OTHER_LANGUAGE])
    digits, photos = read_digit_images(), read_photos(external)
    planted = {name: {kind: strange[kind] for kind in kinds if kind in strange} for name, kinds in PLANTED.items()}
    small = [photo.resize((8, 8)) for photo, _ in photos[:FEW]]
    among = {
        "digits": {
            "blank": blanks((8, 8)),
            "noise": noises((8, 8)),
            "clothing": small,
            "grey clothing": [image.convert("L") for image in small],
        },
        "clothing": {
            "blank": blanks((192, 256)),
            "noise": noises((192, 256)),
            "digits": [image.resize((192, 192)) for image, _ in digits[:FEW]],
        },
    }
    for name, images in (("digits", digits), ("clothing", photos)):
        clean[name] = as_rows(name, [(as_file(image), label) for image, label in images])
        planted[name] = {
            kind: embedded(name, [as_file(image) for image in kinds]) for kind, kinds in among[name].items()
        }
    return clean, planted


def draw(kinds: Mapping[str, Vectors], most: int, group: int, seed: int) -> Vectors:
    """At most so many distinct vectors, of all kinds in turn, each with those of its kind that it resembles most."""
    chances = random.Random(seed)
    found: list[Any] = []
    for vectors in cycle(kinds.values()):
        centre = vectors[chances.randrange(len(vectors))]
        found += list(vectors[np.argsort(-(vectors @ centre), kind="stable")[:group]])
        if len(found) >= most:
            return np.unique(np.stack(found[:most]), axis=0)
    raise ValueError("no kinds")


# --- methods ---


def ours(vectors: Vectors) -> Said:
    found = verdicts(vectors, [""] * len(vectors))
    return Said(found["score"].to_numpy(), ~found["keep"].to_numpy())


def verdicts(vectors: Vectors, labels: Sequence[str]) -> Any:
    ids = np.array(
        [f"{number:08d}" for number in np.random.default_rng(0).permutation(len(vectors))], dtype=object
    )  # random, as ids are
    return find_outliers(dict(zip(ids, [(label,) for label in labels], strict=True)), lambda: [(ids, vectors)], SECTION)


def cleanlab(vectors: Vectors) -> Said:
    from cleanlab.outlier import OutOfDistribution

    model = OutOfDistribution()
    scores = model.fit_score(features=vectors, verbose=False)
    distances = model.params["knn"].kneighbors()[0].mean(axis=1)
    low, high = np.quantile(distances, [0.25, 0.75])
    return Said(-scores, distances > high + DATALAB * (high - low))


def lof(vectors: Vectors) -> Said:
    from sklearn.neighbors import LocalOutlierFactor

    model = LocalOutlierFactor(metric="cosine")
    return Said(-model.fit(vectors).negative_outlier_factor_, model.fit_predict(vectors) < 0)


def isolation_forest(vectors: Vectors) -> Said:
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(random_state=0).fit(vectors)
    return Said(-model.score_samples(vectors), model.predict(vectors) < 0)


METHODS: dict[str, Callable[[Vectors], Said]] = {
    "ours": ours,
    "cleanlab": cleanlab,
    "LOF": lof,
    "IsolationForest": isolation_forest,
}


# --- measures ---


def compare(clean: Vectors, kinds: Mapping[str, Vectors], share: float, group: int) -> dict[str, list[float]]:
    """Of each method: average precision, share of planted rows and of clean ones that it calls outliers; means over seeds."""
    found: dict[str, list[list[float]]] = {name: [] for name in METHODS}
    for seed in range(SEEDS):
        strange = draw(kinds, max(4, round(share * len(clean))), group, seed)
        vectors, planted = np.vstack([clean, strange]), np.arange(len(clean) + len(strange)) >= len(clean)
        for name, method in METHODS.items():
            said = method(vectors)
            found[name].append(
                [
                    average_precision_score(planted, said.scores),
                    said.called[planted].mean(),
                    said.called[~planted].mean(),
                ]
            )
    return {name: np.mean(values, axis=0).tolist() for name, values in found.items()}


def wrong_labels(rows: Rows) -> dict[str, float]:
    """Average precision of `class_score` and of `score`, where some rows have the label of another row of another class."""
    chances = random.Random(0)
    labels, names = list(rows.labels), sorted(set(rows.labels))
    wrong = set(chances.sample(range(len(labels)), round(WRONG * len(labels))))
    for row in sorted(wrong):
        labels[row] = chances.choice([name for name in names if name != labels[row]])
    found = verdicts(rows.vectors, labels)
    is_wrong = [row in wrong for row in range(len(labels))]
    return {
        column: float(average_precision_score(is_wrong, found[column].fillna(0.0)))
        for column in ("class_score", "score")
    }


def cpu_seconds(method: Callable[[Vectors], Said]) -> float:
    vectors = directions(SPEED_ROWS, np.random.default_rng(0))
    started = time.process_time()
    method(vectors)
    return time.process_time() - started


def run_size(n_rows: int) -> Usage:
    """The stage on random vectors of ten classes."""
    chances = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        with (
            new_table(folder / paths.CLEANED, row_schema(pa.string(), pa.string())) as cleaned,
            new_table(folder / paths.DUPLICATE_VERDICTS, DUPLICATE_VERDICT) as unique,
        ):
            ids = [chances.bytes(16).hex() for _ in range(n_rows)]
            for number, row in enumerate(ids):
                cleaned.write_row({"id": row, "content": "", "label": f"class {number % 10}"})
                unique.write_row({"id": row, "keep": True})
        write_tables(
            folder / paths.EMBEDDINGS,
            (vectors_table(ids[start : start + PART_ROWS], chances) for start in range(0, n_rows, PART_ROWS)),
        )
        write_text_params(folder / "params.yaml", "none", ("text", "label"), {"outliers": SECTION.model_dump()})
        return run_measured(["-m", "stages.outliers"], folder)


def vectors_table(ids: Sequence[str], chances: np.random.Generator) -> pa.Table:
    return pa.table({"id": ids, "vector": vector_column(directions(len(ids), chances))})


def directions(n_rows: int, chances: np.random.Generator) -> Vectors:
    vectors = chances.standard_normal((n_rows, DIM), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def main(arguments: argparse.Namespace) -> None:
    clean, planted = all_rows(arguments.external)
    table, facts = [], {}
    for name, kinds in planted.items():
        for share in SHARES:
            for group in GROUPS:
                found = compare(clean[name].vectors, kinds, share, group)
                facts[f"{name} {share} {group}"] = found
                table.append(
                    (
                        name,
                        f"{share:.1%}",
                        group,
                        *(" ".join(f"{value:.1%}" for value in values) for values in found.values()),
                    )
                )
    report(
        "outliers",
        ("rows", "planted", "in groups of", *METHODS),
        table,
        "average precision, planted rows found, clean rows called outliers",
        facts,
    )

    untouched = {name: float(ours(rows.vectors).called.mean()) for name, rows in clean.items()}
    report(
        "outliers_clean",
        ("rows", "called outliers"),
        [(name, f"{share:.2%}") for name, share in untouched.items()],
        "nothing planted",
        untouched,
    )

    judged = {name: wrong_labels(rows) for name, rows in clean.items()}
    cells = [(name, *(f"{value:.3f}" for value in values.values())) for name, values in judged.items()]
    report("outliers_classes", ("5% wrong labels", "class_score", "score"), cells, "average precision", judged)

    speed = {name: cpu_seconds(method) for name, method in METHODS.items()}
    report("outliers_speed", ("method", "CPU seconds"), list(speed.items()), f"{SPEED_ROWS:,} x {DIM}", speed)

    grown = {n_rows: run_size(n_rows) for n_rows in arguments.outlier_rows}
    lines = [(f"{n_rows:,}", usage.cpu_seconds, usage.peak_mb) for n_rows, usage in grown.items()]
    report(
        "outliers_growth",
        ("rows", "CPU seconds", "peak MB"),
        lines,
        f"the stage, {DIM} numbers a row",
        {str(line[0]): line[1:] for line in lines},
    )
