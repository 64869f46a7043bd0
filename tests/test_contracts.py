"""Every module of the two axes, found by its file name, meets its Protocol of stages/contracts.py and does what that promises.

A new module needs no test of its own here, only samples of what it is made for.
"""

import ast
import importlib
import inspect
import io
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from stages.contracts import Modality, Target, Task, load_modality, load_target, load_task
from stages.model_folder import write_recipe
from stages.params import Strict
from tests import tiny

STAGES = Path(__file__).parents[1] / "stages"
PROTOCOLS = {"modalities": Modality, "targets": Target, "tasks": Task}


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (STAGES / folder).glob("[!_]*.py"))


modalities = pytest.mark.parametrize("name", names("modalities"))
targets = pytest.mark.parametrize("name", names("targets"))
tasks = pytest.mark.parametrize("name", names("tasks"))


# --- samples ---


@dataclass(frozen=True)
class ModalitySamples:
    contents: Sequence[bytes]  # raw, all different, all of use
    same: Sequence[tuple[bytes, bytes]]  # pairs that say the same
    near: Sequence[tuple[bytes, bytes]]  # pairs that are alike to at least `threshold`
    threshold: float
    reasons: Mapping[str, bytes]  # reason -> a raw content that is dropped for it
    clean: Mapping[str, Any]  # CleanParams
    embedders: Sequence[Mapping[str, Any]]  # EmbedParams; where a model's name stands, {folder} is one with tiny models


@dataclass(frozen=True)
class TaskSamples:
    augment: Mapping[str, Any]  # AugmentParams with everything on
    wildest: Mapping[str, Any]  # AugmentParams at the ends of their ranges
    write_model: Callable[[Path], None]  # as finetune would, without training


@dataclass(frozen=True)
class TargetSamples:
    labels: Sequence[Any]  # cleaned; as many of each kind
    reasons: Mapping[str, str | None]  # reason -> a raw label that is dropped for it
    aliases: Mapping[str, str] = field(default_factory=dict)
    unwanted: Sequence[str] = ()


def texts(*lines: str) -> list[bytes]:
    return [line.encode() for line in lines]


def picture(shape: str, colour: str = "red", side: int = 40, format: str = "PNG", seed: int = 0, **options: Any) -> bytes:
    """A shape on white; "blank" is nothing but colour, "noise" is nothing but noise, another one for every seed."""
    image = Image.new("RGB", (side, side), colour if shape == "blank" else "white")
    pen, box = ImageDraw.Draw(image), (side // 5, side // 4, side * 3 // 4, side * 4 // 5)
    if shape == "noise":
        image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))
    elif shape == "line":
        pen.line(box, fill=colour, width=3)
    elif shape != "blank":
        getattr(pen, shape)(box, fill=colour)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def deep_picture() -> bytes:
    """A TIFF of floating-point numbers."""
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)).save(file, "TIFF")
    return file.getvalue()


def write_text_model(folder: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    from stages.encoders.text import PooledText

    tiny.write_text_model(folder / "backbone")
    PooledText(AutoModel.from_pretrained(folder / "backbone"), 2).save(folder)
    AutoTokenizer.from_pretrained(folder / "backbone").save_pretrained(folder)
    write_recipe(folder, {"columns": ["fruit", "tool"], "pooling": "mean", "max_length": 16})


def write_image_model(folder: Path) -> None:
    from transformers import AutoConfig, AutoModelForImageClassification, ViTImageProcessorPil

    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    AutoModelForImageClassification.from_config(AutoConfig.for_model("resnet", num_labels=2, **sizes)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder)
    write_recipe(folder, {"columns": ["fruit", "tool"]})


MODALITY_SAMPLES = {
    "text": ModalitySamples(
        contents=texts(
            "a ripe apple",
            "a ripe apple from the old shop, and the large red one with it",
            "a hammer, an anvil and a file from the new box of tools",
            "fig",
            "?!",
            "熟したりんごを買いました",
            "яблоко с рынка",
            "🍏🍐",
            "a " * 40 + "mango",
        ),
        same=[
            (b"A ripe apple!", b"a ripe, apple"),
            ("ﬁne pears".encode(), b"fine PEARS"),
            (b"<p>two &amp; three</p>", b"two three"),
        ],
        near=[
            (
                b"the quick fox ran over the hill to the old shop and bought a box of ripe apples",
                b"the quick fox ran over the hill to the old shop and bought a bag of ripe apples",
            ),
            (b"open daily from nine to five, closed on Sundays and holidays", b"open daily from nine to six, closed on Sundays and holidays"),
        ],
        threshold=0.7,
        reasons={"empty": b" <br> \x00 ", "too_short": b"f", "too_long": b"a mango " * 50},
        clean={"min_chars": 2, "max_chars": 200},
        embedders=[
            {"model": "{folder}/text", "max_length": 16, "batch_size": 4},
            {"model": "sentence-transformers/all-MiniLM-L6-v2", "max_length": 32, "batch_size": 4},
        ],
    ),
    "image": ModalitySamples(
        contents=[
            picture("rectangle"),
            picture("ellipse"),
            picture("ellipse", "blue", 30),
            picture("line", "black"),
            picture("blank", "white"),
            picture("blank", "black"),
            *(picture("noise", seed=seed) for seed in range(6)),
        ],
        same=[
            (picture("ellipse"), picture("ellipse", compress_level=0)),
            (picture("rectangle"), picture("rectangle", format="BMP")),
        ],
        near=[
            (picture("ellipse", side=64), picture("ellipse", side=64, format="JPEG", quality=80)),
            (picture("rectangle", side=64), picture("rectangle", side=32)),
        ],
        threshold=0.9,
        reasons={
            "empty": b"",
            "unreadable": picture("noise")[:-100],
            "too_many_pixels": picture("blank", side=101),
            "unknown_range": deep_picture(),
            "too_small": picture("line", side=7),
        },
        clean={"max_pixels": 10_000, "min_side": 8, "max_side": 48},
        embedders=[{"model": "hog", "batch_size": 4}, {"model": "{folder}/image", "batch_size": 4}],
    ),
}

TARGET_SAMPLES = {
    "category": TargetSamples(
        labels=["apple"] * 6 + ["pear"] * 6 + ["plum"] * 6,
        reasons={"missing_label": " \t", "unwanted_label": "apfelsine"},
        aliases={"apfelsine": "orange"},
        unwanted=["orange"],
    )
}

TASK_SAMPLES = {
    "text_category": TaskSamples(
        augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
        wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
        write_model=write_text_model,
    ),
    "image_category": TaskSamples(
        augment={"flip": True, "rotate": 20.0, "crop": 0.2, "colour": 0.3, "noise": 0.2},
        wildest={"flip": True, "rotate": 180.0, "crop": 0.99, "colour": 1.0, "noise": 1.0},
        write_model=write_image_model,
    ),
}


def samples_of(name: str, known: Mapping[str, Any]) -> Any:
    assert name in known, f"{name} is new: give it samples in {Path(__file__).name}"
    return known[name]


def cleaned(name: str, raws: Sequence[bytes]) -> list[Any]:
    modality, samples = load_modality(name), samples_of(name, MODALITY_SAMPLES)
    found = [modality.clean(raw, modality.CleanParams(**samples.clean)) for raw in raws]
    assert [content.reason for content in found] == [None] * len(raws)
    return [content.content for content in found]


def raw(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


def rows_of(modality: str) -> list[Any]:
    return cleaned(modality, samples_of(modality, MODALITY_SAMPLES).contents)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny encoders, `text` and `image`."""
    import torch
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    folder = tmp_path_factory.mktemp("models")
    tiny.write_text_model(folder / "text")
    torch.manual_seed(0)
    ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")).eval().save_pretrained(folder / "image")
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder / "image")
    return folder


# --- what the Protocols ask for ---


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder in PROTOCOLS for name in names(folder)])
def test_module_has_all_of_its_protocol(folder: str, name: str) -> None:
    module, protocol = importlib.import_module(f"stages.{folder}.{name}"), PROTOCOLS[folder]
    for attribute in protocol.__annotations__:
        check_attribute(module, attribute)
    functions = {key: value for key, value in vars(protocol).items() if isinstance(value, FunctionType) and not key.startswith("_")}
    assert functions
    for key, function in functions.items():
        promised = list(inspect.signature(function).parameters)[1:]  # without self
        assert list(inspect.signature(getattr(module, key)).parameters) == promised, f"{folder}/{name}.py: {key}"


def check_attribute(module: ModuleType, attribute: str) -> None:
    value = getattr(module, attribute)
    if attribute.endswith("Params"):
        assert issubclass(value, Strict), f"{attribute} takes unknown keys"
    elif attribute == "REASONS":
        assert value and isinstance(value, tuple) and all(reason == reason.lower() and reason.isidentifier() for reason in value)
    else:
        assert isinstance(value, pa.DataType)


def given_reasons(path: Path, result: str) -> Iterator[str]:
    """The reasons that the code of `path` gives to `result`, read from the source."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == result:
            reasons = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "reason")]
            for reason in reasons:
                assert isinstance(reason, ast.Constant), f"{path.name}, line {node.lineno}: a reason is a word that stands in REASONS"
                yield reason.value


@modalities
def test_reasons_of_clean_are_closed(name: str) -> None:
    modality, samples = load_modality(name), samples_of(name, MODALITY_SAMPLES)
    assert set(given_reasons(STAGES / f"modalities/{name}.py", "Cleaned")) == set(modality.REASONS)
    params = modality.CleanParams(**samples.clean)
    assert {reason: modality.clean(content, params).reason for reason, content in samples.reasons.items()} == {reason: reason for reason in modality.REASONS}
    assert all(modality.clean(content, params).content is None for content in samples.reasons.values())


@targets
def test_reasons_of_clean_label_are_closed(name: str) -> None:
    target, samples = load_target(name), samples_of(name, TARGET_SAMPLES)
    assert set(given_reasons(STAGES / f"targets/{name}.py", "CleanedLabel")) == set(target.REASONS)
    found = {reason: target.clean_label(label, samples.aliases, samples.unwanted) for reason, label in samples.reasons.items()}
    assert {reason: cleaned.reason for reason, cleaned in found.items()} == {reason: reason for reason in target.REASONS}
    assert all(cleaned.label is None for cleaned in found.values())


# --- modalities ---


@modalities
def test_cleaned_content_can_be_stored_and_stays_clean(name: str) -> None:
    modality, rows = load_modality(name), rows_of(name)
    assert pa.array(rows, modality.CONTENT).to_pylist() == rows
    assert cleaned(name, [raw(row) for row in rows]) == rows


@modalities
def test_exact_key(name: str) -> None:
    modality, rows = load_modality(name), rows_of(name)
    keys = [modality.exact_key(row) for row in rows]
    assert all(isinstance(key, bytes) and len(key) == 16 for key in keys)
    assert len(set(keys)) == len(rows)
    assert keys == [modality.exact_key(row) for row in rows_of(name)]
    for pair in samples_of(name, MODALITY_SAMPLES).same:
        one, other = cleaned(name, pair)
        assert modality.exact_key(one) == modality.exact_key(other)


@modalities
def test_signatures(name: str) -> None:
    modality, samples, rows = load_modality(name), samples_of(name, MODALITY_SAMPLES), rows_of(name)
    signatures = modality.signatures(rows, samples.threshold)
    assert signatures.dtype == np.uint64
    assert signatures.shape == (len(rows), signatures.shape[1])
    assert (modality.signatures(rows[::-1], samples.threshold) == signatures[::-1]).all()
    for row, signature in zip(rows, signatures, strict=True):  # each on its own
        assert (modality.signatures([row], samples.threshold) == signature).all()
    for pair in samples.near:
        one, other = modality.signatures(cleaned(name, pair), samples.threshold)
        assert (one == other).any()


@modalities
def test_similarity(name: str) -> None:
    modality, samples, rows = load_modality(name), samples_of(name, MODALITY_SAMPLES), rows_of(name)
    prints = [modality.fingerprint(row) for row in rows]
    for number, one in enumerate(prints):
        assert modality.similarity(one, one) == pytest.approx(1, abs=1e-6), f"row {number} with itself"
    for one, other in combinations([*prints, *map(modality.fingerprint, rows)], 2):
        assert 0 <= modality.similarity(one, other) <= 1
        assert modality.similarity(one, other) == modality.similarity(other, one)
    for pair in samples.near:
        one, other = map(modality.fingerprint, cleaned(name, pair))
        assert samples.threshold <= modality.similarity(one, other) < 1
    assert modality.similarity(prints[0], prints[2]) < samples.threshold


EMBEDDERS = [(name, number) for name in names("modalities") for number in range(len(samples_of(name, MODALITY_SAMPLES).embedders))]


@pytest.mark.parametrize(("name", "number"), EMBEDDERS)
def test_embed(name: str, number: int, models: Path) -> None:
    """Vectors of length 1, with the same bits whatever rows stand beside them."""
    modality, rows = load_modality(name), rows_of(name)
    given = samples_of(name, MODALITY_SAMPLES).embedders[number]
    params = modality.EmbedParams(**{**given, "model": given["model"].format(folder=models)})
    vectors = modality.embed(rows, params)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(rows), vectors.shape[1])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    assert modality.embed(rows[::-1], params)[::-1].tobytes() == vectors.tobytes()
    assert modality.embed(rows[1::2], params).tobytes() == vectors[1::2].tobytes()
    for row, vector in zip(rows, vectors, strict=True):
        assert modality.embed([row], params).tobytes() == vector.tobytes()


def test_encoders_run_batches_of_one_shape(models: Path) -> None:
    """Equal bits need it on machines where kernels choose their order of summation by shape; this one may not show it."""
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer

    from stages.encoders import image, text

    shapes: list[tuple[int, ...]] = []

    def forward(batch: Any) -> torch.Tensor:
        values = batch["input_ids"] if isinstance(batch, dict) else batch
        shapes.append(tuple(values.shape))
        return torch.zeros(len(values), 1)

    words = [" ".join(["apple"] * count) for count in (1, 2, 3, 4, 5, 9, 10, 30)]
    text.run_fixed(words, AutoTokenizer.from_pretrained(models / "text"), 20, 4, forward, "embed")
    assert shapes == [(4, 8), (4, 8), (4, 16), (4, 20)]
    shapes.clear()
    image.run_fixed(rows_of("image")[:6], AutoImageProcessor.from_pretrained(models / "image", backend="pil"), 4, forward, "embed")
    assert shapes == [(4, 3, 24, 24), (4, 3, 24, 24)]


@modalities
def test_preview(name: str) -> None:
    modality = load_modality(name)
    for row in rows_of(name):
        preview = modality.preview(row)
        assert isinstance(preview, str)
        assert preview
        assert len(preview) <= 120
        assert preview == " ".join(preview.split())


# --- tasks ---


def modality_of(task: str) -> str:
    return max((name for name in names("modalities") if task.startswith(f"{name}_")), key=len)


@tasks
def test_augment_depends_on_content_params_and_seed_alone(name: str) -> None:
    task, rows = load_task(*name.rsplit("_", 1)), rows_of(modality_of(name))
    params = task.AugmentParams(**samples_of(name, TASK_SAMPLES).augment)
    before = [task.augment(row, params, seed) for row in rows for seed in (1, 2)]
    random.seed(7)
    np.random.seed(7)
    task.augment(rows[0], task.AugmentParams(**samples_of(name, TASK_SAMPLES).wildest), 99)
    after = [task.augment(row, params, seed) for row in rows[::-1] for seed in (2, 1)]
    assert after == before[::-1]
    copies = {task.augment(rows[1], params, seed) for seed in range(20)}
    assert len(copies) > 10


@tasks
@pytest.mark.parametrize("strength", ["augment", "wildest"])
def test_augmented_content_is_valid(name: str, strength: str) -> None:
    modality = modality_of(name)
    task, rows = load_task(*name.rsplit("_", 1)), rows_of(modality)
    params = task.AugmentParams(**getattr(samples_of(name, TASK_SAMPLES), strength))
    clean = load_modality(modality).CleanParams(**{**samples_of(modality, MODALITY_SAMPLES).clean, **({"min_chars": 1} if modality == "text" else {})})
    copies = [task.augment(row, params, seed) for row in rows for seed in range(5)]
    assert pa.array(copies, load_modality(modality).CONTENT).to_pylist() == copies
    assert {load_modality(modality).clean(raw(copy), clean).reason for copy in copies} == {None}


@tasks
def test_predict(name: str, tmp_path: Path) -> None:
    """Probabilities of named columns, with the same bits whatever rows stand beside them."""
    task, rows = load_task(*name.rsplit("_", 1)), rows_of(modality_of(name))
    samples_of(name, TASK_SAMPLES).write_model(tmp_path / "model")
    found = task.predict(tmp_path / "model", rows, 4)
    assert found.num_rows == len(rows)
    assert set(found["predicted_label"].to_pylist()) <= {"fruit", "tool"}
    predictions = found["predictions"].to_pylist()
    assert all(prediction.keys() == {"fruit", "tool"} and sum(prediction.values()) == pytest.approx(1) for prediction in predictions)
    assert task.predict(tmp_path / "model", rows[1::2], 4)["predictions"].to_pylist() == predictions[1::2]
    assert task.predict(tmp_path / "model", rows[:1], 4)["predictions"].to_pylist() == predictions[:1]


# --- targets ---


def separated(labels: Sequence[Any]) -> np.ndarray:
    """(n_rows, dim): a vector of length 1 for every label, each label in its own corner."""
    rng = np.random.default_rng(0)
    corners = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    vectors = rng.normal(0, 0.1, (len(labels), len(corners) + 1))
    vectors[np.arange(len(labels)), [corners[label] for label in labels]] += 1
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@targets
def test_labels_of_the_target(name: str) -> None:
    target, samples = load_target(name), samples_of(name, TARGET_SAMPLES)
    labels = pd.Series(samples.labels)
    assert pa.array(samples.labels, target.LABEL).to_pylist() == list(samples.labels)
    assert [target.clean_label(f" {label}\n", {}, []).label for label in samples.labels] == list(samples.labels)
    strata = target.strata(labels)
    assert strata.shape == (len(labels),)
    assert strata.dtype.kind == "U"
    columns = target.classes(labels)
    assert columns == target.classes(labels[::-1])
    assert len(set(columns)) == len(columns)


@targets
def test_probe_and_audit(name: str) -> None:
    target, samples = load_target(name), samples_of(name, TARGET_SAMPLES)
    labels = pd.Series(samples.labels, index=range(100, 100 + len(samples.labels)))
    vectors, columns = separated(samples.labels), target.classes(labels)
    predictions = target.fit_predict(labels, vectors, vectors, columns, 10.0)
    assert predictions.shape == (len(labels), len(columns))
    assert (target.fit_predict(labels, vectors, vectors, columns, 10.0) == predictions).all()
    judged = target.audit(labels, predictions, columns)
    assert set(judged.columns) == {"label_quality", "is_label_issue", "predicted_label"}
    assert judged.index.equals(labels.index)
    assert judged["label_quality"].between(0, 1).all()
    assert not judged["is_label_issue"].any()
    assert judged["predicted_label"].tolist() == list(samples.labels)


@targets
def test_scores_and_plots(name: str) -> None:
    target, samples = load_target(name), samples_of(name, TARGET_SAMPLES)
    labels = pd.Series(samples.labels)
    columns = target.classes(labels)
    majority = target.majority(labels, len(labels), columns)
    assert majority.shape == (len(labels), len(columns))
    assert (majority == majority[0]).all()
    model = target.fit_predict(labels, separated(samples.labels), separated(samples.labels), columns, 10.0)
    one, other = (target.score(labels, predictions, columns, 5) for predictions in (model, majority))
    assert list(one) == list(other)
    assert all(type(value) is float and np.isfinite(value) for value in [*one.values(), *other.values()])
    for title, table in target.plots(labels, model, columns, 5).items():
        assert title.isidentifier()
        assert len(table)


@targets
def test_few_held_out_rows_can_be_judged_and_scored(name: str) -> None:
    """A small test set lacks some classes and has one row of others."""
    target, samples = load_target(name), samples_of(name, TARGET_SAMPLES)
    labels, vectors = pd.Series(samples.labels), separated(samples.labels)
    columns = target.classes(labels)
    for rows in ([0], [0, 1], [0, 8], [0, 1, 8]):
        few = labels.iloc[rows].reset_index(drop=True)
        predictions = target.fit_predict(labels, vectors, vectors[rows], columns, 10.0)
        assert target.audit(few, predictions, columns)["label_quality"].between(0, 1).all()
        assert all(np.isfinite(value) for value in target.score(few, predictions, columns, 5).values())
