"""Outliers planted in real data: how well they are ranked and found, beside cleanlab, LOF and IsolationForest.

Planted are texts of another language or domain; blank images, noise and photos among digits; digits among photos; each
alone, or in groups of eight similar rows. All methods get the same vectors. Real outliers of the data sets count as
clean rows, so no method reaches 1 everywhere.
"""

import argparse
import csv
import io
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, product
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

N_CLEAN = 3_000  # texts of a data set
N_FOREIGN = 300  # rows of a domain from which planted rows are drawn
N_PATTERNS = 60  # blank images, and images of noise
SHARES = (0.02, 0.005)  # of planted rows
GROUPS = (1, 8)  # similar planted rows
N_SEEDS = 3
WRONG = 0.05  # the share of wrong labels for `class_score`
N_SPEED, DIM = 20_000, 384
SIZES = (100_000, 1_000_000)
DATALAB = 1 / 0.37037 - 1  # cleanlab's Datalab: interquartile ranges above the upper quartile
SECTION = Section(neighbours=30, threshold=3.5)
DIGIT, PHOTO = (8, 8), (192, 256)  # width and height in pixels
TEXTS = {  # data set -> file, column of the text, column of the label
    "banking77": ("train.csv", "text", "category"),
    "noisy_agnews": ("train.csv", "text", "label"),
    "sms_spam": ("sms.tsv", "1", "0"),
}
# SECTION was chosen on the first two, and on the vectors of goemotions and of the reviews.
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
class Detection:
    """The result of a method."""

    scores: Scores  # (n_rows,): the higher, the more unusual
    is_outlier: npt.NDArray[np.bool_]  # (n_rows,), at the method's default threshold


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("outliers")
    group.add_argument(
        "--outlier-rows",
        type=int,
        nargs="*",
        default=SIZES,
        help="numbers of rows (default: 100000 1000000)",
    )


# --- data ---


def read_texts(name: str, external: Path, n_rows: int) -> list[tuple[bytes, str]]:
    """A sample of distinct texts and their labels."""
    file, content, label = TEXTS[name]
    path = external / name / file
    if not path.exists():
        raise InputError(f"{path}: no such file; set the folder of data sets with --external")
    with path.open(encoding="utf-8", newline="") as opened:
        if path.suffix == ".tsv":
            reader, header = csv.reader(opened, delimiter="\t", quoting=csv.QUOTE_NONE), ["0", "1"]
        else:
            reader = csv.reader(opened)
            header = next(reader)
        texts = {row[header.index(content)]: row[header.index(label)] for row in reader}
    rows = [(text.encode(), label) for text, label in sorted(texts.items())]
    return random.Random(0).sample(rows, n_rows)


def read_photos(external: Path) -> list[tuple[Image.Image, str]]:
    folder = external / "clothing"
    if not (folder / "images.csv").exists():
        raise InputError(f"{folder}/images.csv: no such file; set the folder of data sets with --external")
    with (folder / "images.csv").open(encoding="utf-8", newline="") as opened:
        labels = {row["image"]: row["label"] for row in csv.DictReader(opened)}
    paths = [path for path in sorted((folder / "images").glob("*.jpg")) if path.stem in labels]
    return [(Image.open(path).convert("RGB").resize(PHOTO), labels[path.stem]) for path in paths]


def read_digit_images() -> list[tuple[Image.Image, str]]:
    return [
        (Image.open(io.BytesIO(record.values["image"])).convert("RGB"), record.values["digit"])
        for record in read_digits()
    ]


def blanks(size: tuple[int, int]) -> Iterator[Image.Image]:
    """Images of one colour; every second one is grey."""
    rng = random.Random(0)
    for number in range(N_PATTERNS):
        grey = rng.randrange(256)
        colour = (grey, grey, grey) if number % 2 else tuple(rng.randrange(256) for _ in range(3))
        yield Image.new("RGB", size, colour)


def noises(size: tuple[int, int]) -> Iterator[Image.Image]:
    """Images of random pixels; every second one is grey."""
    rng = np.random.default_rng(0)
    for number in range(N_PATTERNS):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        yield Image.fromarray(pixels).convert("L" if number % 2 else "RGB").convert("RGB")


def embedded(preset: str, contents: Sequence[bytes]) -> Vectors:
    """The vectors of the contents that the preset's cleaning keeps; no image is dropped for its looks."""
    params = read_yaml(ROOT / "presets" / f"{preset}.yaml")
    modality = params["modality"]
    if modality == "image":
        params["clean"]["image"]["lowest"] = dict.fromkeys(params["clean"]["image"]["lowest"])
    cleaner, embedder = load_cleaner(modality), load_embedder(modality)
    clean_params = cleaner.CleanParams(**params["clean"][modality])
    embed_params = embedder.EmbedParams(**params["embed"][modality])
    cleaned = [cleaner.clean(content, clean_params).content for content in contents]
    return embedder.embed([content for content in cleaned if content is not None], embed_params).rows


def as_rows(preset: str, rows: Sequence[tuple[bytes, str]]) -> Rows:
    return Rows(embedded(preset, [content for content, _ in rows]), [label for _, label in rows])


def all_rows(external: Path) -> tuple[dict[str, Rows], dict[str, dict[str, Vectors]]]:
    """The clean rows by data set, and the rows to plant by data set and kind."""
    clean = {name: as_rows(name, read_texts(name, external, N_CLEAN)) for name in TEXTS}
    foreign = {name: rows.vectors[:N_FOREIGN] for name, rows in clean.items()}
    foreign["language"] = embedded("reviews", [text.encode() for text, _ in OTHER_LANGUAGE])
    planted = {name: {kind: foreign[kind] for kind in PLANTED[name]} for name in TEXTS}
    digits, photos = read_digit_images(), read_photos(external)
    foreign_images = images_to_plant([image for image, _ in digits], [image for image, _ in photos])
    for name, images in (("digits", digits), ("clothing", photos)):
        clean[name] = as_rows(name, [(as_file(image), label) for image, label in images])
        planted[name] = {
            kind: embedded(name, [as_file(image) for image in kinds]) for kind, kinds in foreign_images[name].items()
        }
    return clean, {name: planted[name] for name in PLANTED}


def images_to_plant(
    digits: Sequence[Image.Image], photos: Sequence[Image.Image]
) -> dict[str, dict[str, Sequence[Image.Image]]]:
    """Images by data set and kind, in the size of the data set."""
    small_photos = [photo.resize(DIGIT) for photo in photos[:N_FOREIGN]]
    return {
        "digits": {
            "blank": list(blanks(DIGIT)),
            "noise": list(noises(DIGIT)),
            "clothing": small_photos,
            "grey clothing": [photo.convert("L") for photo in small_photos],
        },
        "clothing": {
            "blank": list(blanks(PHOTO)),
            "noise": list(noises(PHOTO)),
            "digits": [digit.resize((192, 192)) for digit in digits[:N_FOREIGN]],
        },
    }


def draw(kinds: Mapping[str, Vectors], n_rows: int, group: int, seed: int) -> Vectors:
    """At most `n_rows` distinct vectors, from each kind in turn: a random one and its nearest, `group` together."""
    rng = random.Random(seed)
    drawn: list[Any] = []
    for vectors in cycle(kinds.values()):
        centre = vectors[rng.randrange(len(vectors))]
        drawn += list(vectors[np.argsort(-(vectors @ centre), kind="stable")[:group]])
        if len(drawn) >= n_rows:
            break
    return np.unique(np.stack(drawn[:n_rows]), axis=0)


# --- methods ---


def ours(vectors: Vectors) -> Detection:
    verdicts = verdicts_of(vectors, [""] * len(vectors))
    return Detection(verdicts["score"].to_numpy(), ~verdicts["keep"].to_numpy())


def verdicts_of(vectors: Vectors, labels: Sequence[str]) -> Any:
    """The verdicts of the stage outliers, in the order of the rows; like real ids, these are in random order."""
    numbers = np.random.default_rng(0).permutation(len(vectors))
    ids = np.array([f"{number:08d}" for number in numbers], dtype=object)
    strata = dict(zip(ids, [(label,) for label in labels], strict=True))
    return find_outliers(strata, lambda: [(ids, vectors)], SECTION)


def cleanlab(vectors: Vectors) -> Detection:
    from cleanlab.outlier import OutOfDistribution

    model = OutOfDistribution()
    typicality = model.fit_score(features=vectors, verbose=False)
    distances = model.params["knn"].kneighbors()[0].mean(axis=1)
    low, high = np.quantile(distances, [0.25, 0.75])
    return Detection(-typicality, distances > high + DATALAB * (high - low))


def lof(vectors: Vectors) -> Detection:
    from sklearn.neighbors import LocalOutlierFactor

    model = LocalOutlierFactor(metric="cosine")
    return Detection(-model.fit(vectors).negative_outlier_factor_, model.fit_predict(vectors) < 0)


def isolation_forest(vectors: Vectors) -> Detection:
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(random_state=0).fit(vectors)
    return Detection(-model.score_samples(vectors), model.predict(vectors) < 0)


METHODS: dict[str, Callable[[Vectors], Detection]] = {
    "ours": ours,
    "cleanlab": cleanlab,
    "LOF": lof,
    "IsolationForest": isolation_forest,
}


# --- measures ---


def compare(clean: Vectors, kinds: Mapping[str, Vectors], share: float, group: int) -> dict[str, list[float]]:
    """By method, means over seeds: average precision, and the shares of planted and of clean rows called outliers."""
    scores: dict[str, list[list[float]]] = {name: [] for name in METHODS}
    for seed in range(N_SEEDS):
        planted = draw(kinds, max(4, round(share * len(clean))), group, seed)
        vectors = np.vstack([clean, planted])
        is_planted = np.arange(len(vectors)) >= len(clean)
        for name, method in METHODS.items():
            detection = method(vectors)
            precision = average_precision_score(is_planted, detection.scores)
            recall = detection.is_outlier[is_planted].mean()
            false_alarms = detection.is_outlier[~is_planted].mean()
            scores[name].append([precision, recall, false_alarms])
    return {name: np.mean(values, axis=0).tolist() for name, values in scores.items()}


def wrong_labels(rows: Rows) -> dict[str, float]:
    """Average precision of `class_score` and of `score` for rows that were given the label of another class."""
    rng = random.Random(0)
    labels, names = list(rows.labels), sorted(set(rows.labels))
    wrong = set(rng.sample(range(len(labels)), round(WRONG * len(labels))))
    for row in sorted(wrong):
        labels[row] = rng.choice([name for name in names if name != labels[row]])
    verdicts = verdicts_of(rows.vectors, labels)
    is_wrong = [row in wrong for row in range(len(labels))]
    return {
        column: float(average_precision_score(is_wrong, verdicts[column].fillna(0.0)))
        for column in ("class_score", "score")
    }


def cpu_seconds(method: Callable[[Vectors], Detection]) -> float:
    vectors = unit_vectors(N_SPEED, np.random.default_rng(0))
    started = time.process_time()
    method(vectors)
    return time.process_time() - started


def run_size(n_rows: int) -> Usage:
    """The usage of the stage on random vectors of ten classes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        write_tables_for_stage(folder, n_rows)
        write_text_params(folder / "params.yaml", "none", ("text", "label"), {"outliers": SECTION.model_dump()})
        return run_measured(["-m", "stages.outliers"], folder)


def write_tables_for_stage(folder: Path, n_rows: int) -> None:
    rng = np.random.default_rng(0)
    ids = [rng.bytes(16).hex() for _ in range(n_rows)]
    with (
        new_table(folder / paths.CLEANED, row_schema(pa.string(), pa.string())) as cleaned,
        new_table(folder / paths.DUPLICATE_VERDICTS, DUPLICATE_VERDICT) as duplicates,
    ):
        for number, id in enumerate(ids):
            cleaned.write_row({"id": id, "content": "", "label": f"class {number % 10}"})
            duplicates.write_row({"id": id, "keep": True})
    parts = (ids[start : start + PART_ROWS] for start in range(0, n_rows, PART_ROWS))
    write_tables(folder / paths.EMBEDDINGS, (vectors_table(part, rng) for part in parts))


def vectors_table(ids: Sequence[str], rng: np.random.Generator) -> pa.Table:
    return pa.table({"id": ids, "vector": vector_column(unit_vectors(len(ids), rng))})


def unit_vectors(n_rows: int, rng: np.random.Generator) -> Vectors:
    vectors = rng.standard_normal((n_rows, DIM), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


# --- reports ---


def report_planted(clean: Mapping[str, Rows], planted: Mapping[str, Mapping[str, Vectors]]) -> None:
    table, result = [], {}
    for name, share, group in product(planted, SHARES, GROUPS):
        scores = compare(clean[name].vectors, planted[name], share, group)
        result[f"{name} {share} {group}"] = scores
        table.append((name, f"{share:.1%}", group, *map(percentages, scores.values())))
    header = ("rows", "planted", "in groups of", *METHODS)
    report("outliers", header, table, "average precision, planted rows found, clean rows called outliers", result)


def percentages(values: Sequence[float]) -> str:
    return " ".join(f"{value:.1%}" for value in values)


def report_clean(clean: Mapping[str, Rows]) -> None:
    shares = {name: float(ours(rows.vectors).is_outlier.mean()) for name, rows in clean.items()}
    table = [(name, f"{share:.2%}") for name, share in shares.items()]
    report("outliers_clean", ("rows", "called outliers"), table, "nothing planted", shares)


def report_classes(clean: Mapping[str, Rows]) -> None:
    precisions = {name: wrong_labels(rows) for name, rows in clean.items()}
    table = [(name, *(f"{value:.3f}" for value in values.values())) for name, values in precisions.items()]
    report("outliers_classes", ("5% wrong labels", "class_score", "score"), table, "average precision", precisions)


def report_speed() -> None:
    seconds = {name: cpu_seconds(method) for name, method in METHODS.items()}
    report("outliers_speed", ("method", "CPU seconds"), list(seconds.items()), f"{N_SPEED:,} x {DIM}", seconds)


def report_growth(sizes: Sequence[int]) -> None:
    usages = {n_rows: run_size(n_rows) for n_rows in sizes}
    table = [(f"{n_rows:,}", usage.cpu_seconds, usage.peak_mb) for n_rows, usage in usages.items()]
    result = {f"{n_rows:,}": (usage.cpu_seconds, usage.peak_mb) for n_rows, usage in usages.items()}
    report("outliers_growth", ("rows", "CPU seconds", "peak MB"), table, f"the stage, {DIM} numbers per row", result)


def main(arguments: argparse.Namespace) -> None:
    clean, planted = all_rows(arguments.external)
    report_planted(clean, planted)
    report_clean(clean)
    report_classes(clean)
    report_speed()
    report_growth(arguments.outlier_rows)
