"""Every module of the two axes, found by its file name, meets its Protocol of stages/contracts.py and does what that promises.

A new module needs no test of its own here, only samples of what it is made for.
"""

import ast
import importlib
import inspect
import io
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from stages import dedupe
from stages.contracts.audit import Auditor
from stages.contracts.augment import Augmentation
from stages.contracts.clean import Cleaner, load_cleaner
from stages.contracts.compare import Comparer, load_comparer
from stages.contracts.content import Modality, load_modality
from stages.contracts.embed import Embedder, load_embedder
from stages.contracts.label import CleanedLabel, Target
from stages.contracts.learn import Task
from stages.contracts.objective import Conclusion, Learnable, load_objective
from stages.contracts.report import Reporter, load_reporter
from stages.contracts.score import Scorer
from stages.core import tables, variants
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Content, Label, Predictions, Vectors
from stages.label_audit import predict_with_probe
from stages.page import glossary
from stages.training.recipe import write_recipe
from tests import tiny
from tests.sounds import encoded, sound, tones

STAGES = Path(__file__).parents[1] / "stages"
PROTOCOLS = {
    "modalities": {"content": Modality, "clean": Cleaner, "compare": Comparer, "report": Reporter, "embed": Embedder},
    "targets": {"label": Target, "audit": Auditor, "objective": Learnable, "score": Scorer},
    "tasks": {"augment": Augmentation, "learn": Task},
}


names = variants.names


def modules() -> list[tuple[str, type]]:
    return [
        (f"{axis}.{name}.{part}", protocol)
        for axis, parts in PROTOCOLS.items()
        for name in names(axis)
        for part, protocol in parts.items()
    ]


def whole_target(name: str) -> Any:
    """All parts of a target in one object."""
    return SimpleNamespace(
        **{
            key: value
            for part in ("score", "audit", "label")
            for key, value in vars(variants.load("targets", name, part)).items()
        }
    )


def whole_task(name: str) -> Any:
    """All parts of a task in one object."""
    return SimpleNamespace(
        **{
            key: value
            for part in ("augment", "learn")
            for key, value in vars(variants.load("tasks", name, part)).items()
        }
    )


modalities = pytest.mark.parametrize("name", names("modalities"))
targets = pytest.mark.parametrize("name", names("targets"))
objectives = pytest.mark.parametrize("name", names("targets"))
tasks = pytest.mark.parametrize("name", names("tasks"))
of_category = pytest.mark.parametrize("name", [name for name in names("tasks") if name.endswith("_category")])


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
    clean_reasons: Mapping[str, Any] = field(default_factory=dict)  # what of CleanParams is otherwise for `reasons`
    clean_copies: Mapping[str, Any] = field(
        default_factory=dict
    )  # what of CleanParams is otherwise for augmented copies


@dataclass(frozen=True)
class TargetSamples:
    labels: Sequence[Label]  # cleaned; as many of each kind
    vectors: Vectors  # of rows with these labels, from which a probe can learn them
    params: Mapping[str, Any]  # LabelParams
    cleaned: Mapping[str, Label]  # raw label -> what it becomes
    reasons: Mapping[str, str | None]  # reason -> a raw label that is dropped for it
    content: Content = None  # the cleaned content beside these raw labels


@dataclass(frozen=True)
class TaskSamples:
    augment: Mapping[str, Any]  # AugmentParams with everything on
    wildest: Mapping[str, Any]  # AugmentParams at the ends of their ranges
    write_model: Callable[[Path, Mapping[str, Any]], None]  # as finetune would, without training
    recipe: Mapping[str, Any]  # the objective's
    label_of: Callable[[Content], Label]  # a label that a row of this content may have


def texts(*lines: str) -> list[bytes]:
    return [line.encode() for line in lines]


def picture(
    shape: str, colour: str = "red", side: int = 40, format: str = "PNG", seed: int = 0, **options: Any
) -> bytes:
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


def stripe() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (10, 90, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def slope() -> bytes:
    """From dark to bright, without an edge."""
    file = io.BytesIO()
    steps = np.add.outer(np.arange(80), np.arange(80))
    Image.fromarray(np.stack([steps] * 3, axis=2).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def deep_picture() -> bytes:
    """A TIFF of floating-point numbers."""
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)).save(file, "TIFF")
    return file.getvalue()


def write_text_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import AutoModel, AutoTokenizer

    from stages.modalities.text.encode.texts import PooledText

    tiny.write_text_model(folder / "backbone")
    PooledText(AutoModel.from_pretrained(folder / "backbone"), len(recipe["columns"])).save(folder)
    AutoTokenizer.from_pretrained(folder / "backbone").save_pretrained(folder)
    write_recipe(folder, {**recipe, "pooling": "mean", "max_length": 16})


def write_image_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import AutoConfig, AutoModelForImageClassification, ViTImageProcessorPil

    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    AutoModelForImageClassification.from_config(
        AutoConfig.for_model("resnet", num_labels=len(recipe["columns"]), **sizes)
    ).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder)
    write_recipe(folder, recipe)


def write_tags_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import AutoModel, AutoTokenizer

    from stages.modalities.text.encode.words import TaggedText

    tiny.write_text_model(folder / "backbone")
    TaggedText(AutoModel.from_pretrained(folder / "backbone"), recipe["layers"], len(recipe["columns"])).save(folder)
    AutoTokenizer.from_pretrained(folder / "backbone").save_pretrained(folder)
    write_recipe(folder, recipe)


def write_audio_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import ASTFeatureExtractor, AutoConfig, AutoModelForImageClassification

    sizes = {"num_channels": 1, "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    AutoModelForImageClassification.from_config(
        AutoConfig.for_model("resnet", num_labels=len(recipe["columns"]), **sizes)
    ).save_pretrained(folder)
    ASTFeatureExtractor(sampling_rate=8_000, num_mel_bins=16, max_length=30).save_pretrained(folder)
    write_recipe(folder, {**recipe, "max_seconds": 0.6})


def separated(labels: Sequence[str]) -> Vectors:
    """(n_rows, dim): a vector of length 1 for every label, each label in its own corner."""
    rng = np.random.default_rng(0)
    corners = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    vectors = rng.normal(0, 0.1, (len(labels), len(corners) + 1))
    vectors[np.arange(len(labels)), [corners[label] for label in labels]] += 1
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def along(labels: Sequence[float]) -> Vectors:
    """(n_rows, dim): a vector of length 1 for every number, which it is nearly a linear function of."""
    places = (np.asarray(labels) - np.mean(labels)) / (1.2 * np.ptp(labels))
    vectors = np.stack([places, np.sqrt(1 - places**2)], axis=1) + np.random.default_rng(0).normal(
        0, 0.01, (len(labels), 2)
    )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def separated_tokens(labels: Sequence[Sequence[str]]) -> Vectors:
    """Of each row (n_tokens, dim): a vector for every tag."""
    vectors = separated([tag for tags in labels for tag in tags])
    return tables.ragged(np.split(vectors, np.cumsum([len(tags) for tags in labels])[:-1]))


def fruit_tags(content: str) -> list[str]:
    """Some words are fruit; a word after one of them belongs to it."""
    tags = ["B-fruit" if word in ("apple", "mango", "яблоко") else "O" for word in content.split(" ")]
    return [
        "I-fruit" if before == "B-fruit" and tag == "O" else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


TAGS = [
    ["O", "B-fruit"],
    ["B-fruit", "I-fruit", "O"],
    ["O", "O", "B-tool", "I-tool"],
    ["B-tool", "O", "B-fruit"],
    ["O", "O", "O"],
    ["B-fruit", "B-fruit"],
] * 6
CATEGORIES = ["apple"] * 6 + ["pear"] * 6 + ["plum"] * 6
NUMBERS = [number % 18 / 4 for number in range(0, 18 * 5, 5)]

LOWEST = {
    "dark": 0.2,
    "light": 0.05,
    "odd_aspect_ratio": 0.35,
    "low_information": 0.2,
    "blurry": 0.2,
    "grayscale": None,
    "odd_size": None,
}

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
            (
                b"open daily from nine to five, closed on Sundays and holidays",
                b"open daily from nine to six, closed on Sundays and holidays",
            ),
        ],
        threshold=0.7,
        reasons={
            "empty": b" <br> \x00 ",
            "too_short": b"f",
            "too_long": b"a mango " * 50,
            "gibberish": b"#=#-*#-#*=/=#",
            "other_language": "Hier gibt es nur Äpfel und Birnen, aber keine Pflaumen und erst recht keine Mangos".encode(),
            "pii": b"apples: call Ann on 020 7946 0958",
        },
        clean=tiny.CLEAN_TEXT
        | {"min_chars": 2, "max_chars": 200, "languages": ["en", "ja", "ru"], "max_symbol_ratio": 0.9, "pii": "drop"},
        embedders=[
            {"model": "{folder}/text", "max_length": 16, "batch_size": 4, "token_layer": None},
            {"model": "{folder}/text", "max_length": 16, "batch_size": 4, "token_layer": 1},
            {"model": "sentence-transformers/all-MiniLM-L6-v2", "max_length": 32, "batch_size": 4, "token_layer": 4},
        ],
        clean_copies={"min_chars": 1, "languages": []},
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
            "dark": picture("blank", "black"),
            "light": picture("blank", "white"),
            "odd_aspect_ratio": stripe(),
            "low_information": picture("blank"),
            "blurry": slope(),
        },
        clean=tiny.CLEAN_IMAGE | {"max_pixels": 10_000, "max_side": 48},
        clean_reasons={"lowest": LOWEST},
        embedders=[{"model": "hog", "batch_size": 4}, {"model": "{folder}/image", "batch_size": 4}],
    ),
    "audio": ModalitySamples(
        contents=[
            sound("up"),
            sound("up", "FLAC", seconds=1.2, rate=16_000),
            sound("down"),
            sound("flat", "OGG"),
            sound("low", "MP3", rate=22_050),
            encoded(np.stack([tones("down", 0.7), tones("flat", 0.7)], axis=1), "FLAC"),
            *(sound("noise", seconds=0.2 + seed / 10, seed=seed) for seed in range(4)),
        ],
        same=[
            (sound("up"), sound("up", "FLAC")),
            (sound("flat"), encoded(np.pad(tones("flat"), 800))),
        ],
        near=[
            (sound("up"), sound("up", "MP3")),
            (sound("down"), encoded(tones("down") * 0.3 + np.random.default_rng(1).normal(0, 0.001, 4_000), "OGG")),
        ],
        threshold=0.9,
        reasons={
            "empty": b"",
            "unreadable": sound("up", "FLAC")[:-100],
            "implausible_header": encoded(np.zeros((100, 17))),
            "truncated": sound("up")[:-100],
            "too_long": encoded(np.zeros(20_001), "FLAC"),
            "clipped": encoded(np.clip(tones("up") * 20, -1, 1)),
            "silent": encoded(tones("up") * 1e-3, "FLAC", subtype="PCM_24"),
            "too_short": sound("up", seconds=0.04),
        },
        clean={
            "sample_rate": 8_000,
            "min_seconds": 0.1,
            "max_seconds": 2.5,
            "trim_db": 30.0,
            "level_db": -20.0,
            "min_peak_db": -50.0,
            "max_clipped": 0.1,
        },
        embedders=[
            {"model": "logmel", "max_seconds": 1.0, "batch_size": 4},
            {"model": "{folder}/wav2vec2", "max_seconds": 0.75, "batch_size": 4},
            {"model": "{folder}/ast", "max_seconds": 1.0, "batch_size": 4},
        ],
        clean_copies={"min_seconds": 0.01, "max_seconds": 30.0, "min_peak_db": -90.0, "max_clipped": 1.0},
    ),
}

LISTS = [["apple"], ["apple", "pear"], ["plum"], []] * 6

TARGET_SAMPLES = {
    "category": TargetSamples(
        labels=CATEGORIES,
        vectors=separated(CATEGORIES),
        params=tiny.CLEAN_NAMES | {"aliases": {"apfelsine": "orange", "birne": "pear"}, "drop": ["orange"]},
        cleaned={" apple\n": "apple", "pear": "pear", "birne": "pear", "plum\u200b": "plum"},
        reasons={"missing_label": " \t", "unwanted_label": "apfelsine"},
    ),
    "categories": TargetSamples(
        labels=LISTS,
        vectors=separated([str(names) for names in LISTS]),
        params=tiny.CLEAN_NAMES | {"aliases": {"birne": "pear"}, "drop": ["orange"]},
        cleaned={
            '["pear", " apple\\n"]': ["apple", "pear"],
            '["birne", "pear", "plum\u200b"]': ["pear", "plum"],
            '["orange", "plum"]': ["plum"],
            "[]": [],
            '[" "]': [],
        },
        reasons={"missing_label": " \t", "not_a_list": "apple", "unwanted_label": '["orange"]'},
    ),
    "number": TargetSamples(
        labels=NUMBERS,
        vectors=along(NUMBERS),
        params={"minimum": 0.0, "maximum": 5.0},
        cleaned={" 2.5\n": 2.5, "1e-1": 0.1, "0": 0.0, "5": 5.0},
        reasons={"missing_label": " \t", "not_a_number": "nan", "out_of_range": "5.01"},
    ),
    "tags": TargetSamples(
        labels=TAGS,
        vectors=separated_tokens(TAGS),
        params=tiny.CLEAN_NAMES
        | {"aliases": {"Obst": "fruit", "hand tool": "tool"}, "drop": ["shop"], "on_invalid": "repair"},
        cleaned={
            "O O B-fruit": ["O", "O", "B-fruit"],
            '["O", "B-hand tool", "I-tool"]': ["O", "B-tool", "I-tool"],
            " B-Obst\u200b I-Obst B-shop\n": ["B-fruit", "I-fruit", "O"],
            "I-tool I-fruit I-fruit": ["B-tool", "B-fruit", "I-fruit"],
            "B-shop I-shop O": ["O", "O", "O"],
        },
        reasons={"missing_label": " \t", "unaligned_tags": "O O", "invalid_tags": "O E-fruit O"},
        content="one ripe apple",
    ),
}

TASK_SAMPLES = {
    "text_category": TaskSamples(
        augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
        wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
        write_model=write_text_model,
        recipe={"columns": ["fruit", "tool"]},
        label_of=lambda content: "fruit" if "apple" in content else "tool",
    ),
    "text_categories": TaskSamples(
        augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
        wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
        write_model=write_text_model,
        recipe={"columns": ["fruit", "tool"], "thresholds": [0.4, 0.6]},
        label_of=lambda content: [name for name, word in (("fruit", "apple"), ("tool", "a ")) if word in content],
    ),
    "text_number": TaskSamples(
        augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
        wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
        write_model=write_text_model,
        recipe={"columns": ["predicted"], "mean": 2.5, "std": 1.5, "errors": [-1.0, -0.5, 0.0, 0.5, 1.0]},
        label_of=lambda content: len(content) / 4,
    ),
    "text_tags": TaskSamples(
        augment={"swap": 0.5, "delete": 0.2, "typo": 0.2},
        wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
        write_model=write_tags_model,
        recipe={"columns": ["O", "B-fruit", "I-fruit"], "layers": [1, 2], "max_length": 16},
        label_of=fruit_tags,
    ),
    "image_category": TaskSamples(
        augment={"flip": True, "rotate": 20.0, "crop": 0.2, "colour": 0.3, "noise": 0.2},
        wildest={"flip": True, "rotate": 180.0, "crop": 0.99, "colour": 1.0, "noise": 1.0},
        write_model=write_image_model,
        recipe={"columns": ["fruit", "tool"]},
        label_of=lambda content: "fruit" if len(content) % 2 else "tool",
    ),
    "audio_category": TaskSamples(
        augment={"speed": 0.2, "shift": 0.1, "gain": 6.0, "noise": 10.0, "gap": 0.2, "band": 0.2},
        wildest={"speed": 0.5, "shift": 10.0, "gain": 20.0, "noise": 0.0, "gap": 0.99, "band": 0.99},
        write_model=write_audio_model,
        recipe={"columns": ["fruit", "tool"]},
        label_of=lambda content: "fruit" if len(content) % 2 else "tool",
    ),
}


def samples_of(name: str, known: Mapping[str, Any]) -> Any:
    assert name in known, f"{name} is new: give it samples in {Path(__file__).name}"
    return known[name]


def cleaned(name: str, raws: Sequence[bytes]) -> list[Any]:
    cleaner, samples = load_cleaner(name), samples_of(name, MODALITY_SAMPLES)
    found = [cleaner.clean(raw, cleaner.CleanParams(**samples.clean)) for raw in raws]
    assert [content.reason for content in found] == [None] * len(raws)
    return [content.content for content in found]


def raw(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


def rows_of(modality: str) -> list[Any]:
    return cleaned(modality, samples_of(modality, MODALITY_SAMPLES).contents)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny encoders, `text`, `image`, `wav2vec2` and `ast`."""
    import torch
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    folder = tmp_path_factory.mktemp("models")
    tiny.write_text_model(folder / "text")
    torch.manual_seed(0)
    ResNetModel(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ).eval().save_pretrained(folder / "image")
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder / "image")
    tiny.write_audio_models(folder)
    return folder


# --- what the Protocols ask for ---


def members(protocol: type) -> dict[str, Any]:
    """What a Protocol and those that it extends define; of what is only annotated, the annotation."""
    bases = [base for base in reversed(protocol.__mro__) if base.__module__ == protocol.__module__]
    return {
        key: value
        for base in bases
        for key, value in {**base.__annotations__, **vars(base)}.items()
        if not key.startswith("_")
    }


@pytest.mark.parametrize(("name", "protocol"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_module_has_all_of_its_protocol(name: str, protocol: type) -> None:
    module: Any = importlib.import_module(f"stages.{name}")
    subject = module.Objective if protocol is Learnable else module
    promised = members(protocol)
    assert any(isinstance(value, FunctionType) for value in promised.values())
    for key, value in promised.items():
        if isinstance(value, FunctionType | classmethod):
            parameters = inspect.signature(value.__get__(None, protocol)).parameters.values()
            check_signature(
                subject, key, [one.name for one in parameters if one.default is one.empty], f"{name}: {key}"
            )
        elif isinstance(value, property):
            assert hasattr(subject, key) or key in subject.__dataclass_fields__, f"{name}: {key}"
        else:
            check_attribute(key, getattr(subject, key))


def check_signature(subject: Any, key: str, promised: list[str], where: str) -> None:
    """The same parameters; an objective may take more that have a default."""
    given = inspect.signature(getattr(subject, key)).parameters.values()
    more_allowed = isinstance(subject, type)
    expected = promised if more_allowed else promised[1:]  # a module has no self
    assert [
        parameter.name for parameter in given if not more_allowed or parameter.default is parameter.empty
    ] == expected, where


def check_reasons(reasons: Mapping[str, str]) -> None:
    """Each reason with words that end "the row was dropped because ..."."""
    assert isinstance(reasons, Mapping)
    for reason, words in reasons.items():
        assert reason == reason.lower() and reason.isidentifier()
        assert words and words == words.strip() and words[0].islower() and not words.endswith("."), reason


def check_attribute(name: str, value: Any) -> None:
    if name.endswith("Params"):
        assert issubclass(value, Strict), f"{name} takes unknown keys"
    elif name == "REASONS":
        assert value
        check_reasons(value)
    elif name == "REASONS_TOGETHER":
        check_reasons(value)
    elif name == "MEASURES":
        assert all(measure.isidentifier() and isinstance(kind, pa.DataType) for measure, kind in value.items())
    elif name == "SIZES":
        assert isinstance(value, tuple) and all(isinstance(size, str) for size in value)
    elif name == "HEADLINE":
        assert value and isinstance(value, tuple) and len(set(value)) == len(value)
    elif name == "VECTORS":
        assert value in ("vector", "token_vectors")
    elif name == "CLOSED":
        assert isinstance(value, bool)
    elif name == "signatures":
        assert value is None or list(inspect.signature(value).parameters) == ["contents", "threshold"]
    elif name == "CONSTANT":
        assert isinstance(value, str) and value.isidentifier()  # a prefix of metrics
    else:
        assert isinstance(value, pa.DataType), name


def given_reasons(path: Path, result: str) -> Iterator[str]:
    """The reasons that the code of `path` gives to `result`, read from the source."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == result:
            reasons = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "reason")]
            for reason in reasons:
                assert isinstance(reason, ast.Constant), (
                    f"{path.name}, line {node.lineno}: a reason is a word that stands in REASONS"
                )
                yield reason.value


@modalities
def test_reasons_of_clean_are_closed(name: str) -> None:
    cleaner, samples = load_cleaner(name), samples_of(name, MODALITY_SAMPLES)
    assert set(given_reasons(STAGES / f"modalities/{name}/clean/cleaner.py", "Cleaned")) == set(cleaner.REASONS)
    params = cleaner.CleanParams(**{**samples.clean, **samples.clean_reasons})
    assert {reason: cleaner.clean(content, params).reason for reason, content in samples.reasons.items()} == {
        reason: reason for reason in cleaner.REASONS
    }
    assert all(cleaner.clean(content, params).content is None for content in samples.reasons.values())


@targets
def test_reasons_of_clean_label_are_closed(name: str) -> None:
    target, samples = whole_target(name), samples_of(name, TARGET_SAMPLES)
    assert set(given_reasons(STAGES / f"targets/{name}/label.py", "CleanedLabel")) == set(target.REASONS)
    params = target.LabelParams(**samples.params)
    found = {reason: target.clean_label(label, samples.content, params) for reason, label in samples.reasons.items()}
    assert {reason: cleaned.reason for reason, cleaned in found.items()} == {
        reason: reason for reason in target.REASONS
    }
    assert all(cleaned.label is None for cleaned in found.values())


def test_every_reason_has_words() -> None:
    """Reasons of a stage in stages/page/glossary.py, those of a modality or a target in its REASONS."""
    check_reasons(glossary.OF_STAGES)
    bad_rows = re.findall(r'BadRow\("(\w+)"', (STAGES / "collect.py").read_text(encoding="utf-8"))
    of_split = re.findall(r'reasons\[.*\] = "(\w+)"', (STAGES / "split.py").read_text(encoding="utf-8"))
    assert set(glossary.OF_COLLECT) >= set(bad_rows)
    assert set(glossary.OF_CLEAN) == {"ledger", "rare_label"}
    assert set(glossary.OF_DEDUPE) == {*dedupe.REASONS.values(), dedupe.LEAK, dedupe.CONFLICT}
    assert set(glossary.OF_OUTLIERS) == {"far_from_all"}
    assert set(glossary.OF_SPLIT) == set(of_split)
    assert set(glossary.OF_LABEL_AUDIT) == {"label_issue"}
    for modality, target in (name.split("_", 1) for name in names("tasks")):
        cleaner, labels = load_cleaner(modality), whole_target(target)
        parts = [glossary.OF_STAGES, cleaner.REASONS, cleaner.REASONS_TOGETHER, labels.REASONS]
        reasons = glossary.load_reasons(modality, target)
        assert set(reasons.words) == {reason for part in parts for reason in part}
        assert len(reasons.words) == sum(map(len, parts)), "one reason with two meanings"
        assert reasons.of_labels == {*labels.REASONS, "rare_label"}


def test_every_measure_has_words() -> None:
    """Whoever adds a measure says in stages/page/glossary.py what it means."""
    measures = {name for modality in names("modalities") for name in load_cleaner(modality).MEASURES}
    assert set(glossary.MEASURES) == measures | {"repairs", "similarity", "score", "class_score", "label_quality"}


# --- modalities ---


@modalities
def test_contents_can_be_shown_whatever_they_are(name: str) -> None:
    """Raw and cleaned, useless and broken; of a bounded size, in the same bytes every time, on a page that makes no request."""
    reporter, samples = load_reporter(name), samples_of(name, MODALITY_SAMPLES)
    raws = [
        *samples.contents,
        *samples.reasons.values(),
        *(content[: len(content) // 2] for content in samples.contents),
        b"",
        b"\x00\xff" * 9,
    ]
    for content in [*raws, *rows_of(name)]:
        shown = reporter.show(content)
        assert shown == reporter.show(content)
        assert "\n" not in shown.line
        assert sum(map(len, (shown.line, shown.image, shown.sound, *(piece.text for piece in shown.text)))) < 60_000
        assert all(not uri or re.match(r"data:(image|audio)/[a-z]+;base64,", uri) for uri in (shown.image, shown.sound))
        assert not any(piece.changed for side in reporter.show_pair(content, content) for piece in side.text)
    assert all(len(reporter.sizes(raw)) in (0, len(reporter.SIZES)) for raw in raws)
    assert all(len(reporter.sizes(raw)) == len(reporter.SIZES) for raw in samples.contents)
    assert all(
        shown.text or shown.image or shown.sound for shown in map(reporter.show, [*samples.contents, *rows_of(name)])
    )


@targets
def test_labels_can_be_shown(name: str) -> None:
    samples = samples_of(name, TARGET_SAMPLES)
    shown = [whole_target(name).preview(label, "a b c d e f g h") for label in samples.labels]
    assert all(isinstance(line, str) and line and "\n" not in line for line in shown)
    assert len(set(shown)) > 1


@modalities
def test_cleaned_content_can_be_stored_and_stays_clean(name: str) -> None:
    modality, rows = load_modality(name), rows_of(name)
    assert pa.array(rows, modality.CONTENT).to_pylist() == rows
    assert cleaned(name, [raw(row) for row in rows]) == rows


@modalities
def test_exact_key(name: str) -> None:
    comparer, rows = load_comparer(name), rows_of(name)
    keys = [comparer.exact_key(row) for row in rows]
    assert all(isinstance(key, bytes) and len(key) == 16 for key in keys)
    assert len(set(keys)) == len(rows)
    assert keys == [comparer.exact_key(row) for row in rows_of(name)]
    for pair in samples_of(name, MODALITY_SAMPLES).same:
        one, other = cleaned(name, pair)
        assert comparer.exact_key(one) == comparer.exact_key(other)


@pytest.mark.parametrize("name", [name for name in names("modalities") if load_comparer(name).signatures])
def test_signatures(name: str) -> None:
    comparer, samples, rows = load_comparer(name), samples_of(name, MODALITY_SAMPLES), rows_of(name)
    assert comparer.signatures
    signatures = comparer.signatures(rows, samples.threshold)
    assert signatures.dtype == np.uint64
    assert signatures.shape == (len(rows), signatures.shape[1])
    assert (comparer.signatures(rows[::-1], samples.threshold) == signatures[::-1]).all()
    for row, signature in zip(rows, signatures, strict=True):  # each on its own
        assert (comparer.signatures([row], samples.threshold) == signature).all()
    for pair in samples.near:
        one, other = comparer.signatures(cleaned(name, pair), samples.threshold)
        assert (one == other).any()


@pytest.mark.parametrize("name", [name for name in names("modalities") if not load_comparer(name).signatures])
def test_fingerprints_that_are_vectors(name: str) -> None:
    """Without signatures the nearest are searched for: fingerprints have length 1, and `similarity` is their cosine."""
    comparer = load_comparer(name)
    prints = np.stack([comparer.fingerprint(row) for row in rows_of(name)])
    assert prints.dtype == np.float32
    assert np.linalg.norm(prints, axis=1) == pytest.approx(np.ones(len(prints)), abs=1e-5)
    found = [[comparer.similarity(one, other) for other in prints] for one in prints]
    assert np.array(found) == pytest.approx(np.clip(prints @ prints.T, 0, 1), abs=1e-5)


@modalities
def test_size(name: str) -> None:
    comparer, rows = load_comparer(name), rows_of(name)
    sizes = [comparer.size(row) for row in rows]
    assert all(isinstance(size, int) and size > 0 for size in sizes)
    assert len(set(sizes)) > 1


@modalities
def test_similarity(name: str) -> None:
    comparer, samples, rows = load_comparer(name), samples_of(name, MODALITY_SAMPLES), rows_of(name)
    prints = [comparer.fingerprint(row) for row in rows]
    for number, one in enumerate(prints):
        assert comparer.similarity(one, one) == pytest.approx(1, abs=1e-6), f"row {number} with itself"
    for one, other in combinations([*prints, *map(comparer.fingerprint, rows)], 2):
        assert 0 <= comparer.similarity(one, other) <= 1
        assert comparer.similarity(one, other) == comparer.similarity(other, one)
    for pair in samples.near:
        one, other = map(comparer.fingerprint, cleaned(name, pair))
        assert samples.threshold <= comparer.similarity(one, other) < 1
    assert comparer.similarity(prints[0], prints[2]) < samples.threshold


EMBEDDERS = [
    (name, number)
    for name in names("modalities")
    for number in range(len(samples_of(name, MODALITY_SAMPLES).embedders))
]


@pytest.mark.parametrize(("name", "number"), EMBEDDERS)
def test_embed(name: str, number: int, models: Path) -> None:
    """Vectors of length 1, with the same bits whatever rows stand beside them."""
    embedder, rows = load_embedder(name), rows_of(name)
    given = samples_of(name, MODALITY_SAMPLES).embedders[number]
    params = embedder.EmbedParams(**{**given, "model": given["model"].format(folder=models)})
    found = embedder.embed(rows, params)
    assert found.rows.dtype == np.float32
    assert found.rows.shape == (len(rows), found.rows.shape[1])
    assert np.linalg.norm(found.rows, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    for some in ([*range(len(rows))][::-1], [*range(1, len(rows), 2)], *([row] for row in range(len(rows)))):
        again = embedder.embed([rows[row] for row in some], params)
        assert same_bits(again.rows, found.rows[some])
        assert (again.tokens is None) == (found.tokens is None)
        assert found.tokens is None or same_bits(again.tokens, found.tokens[some])


def same_bits(one: Any, other: Any) -> bool:
    """Of (n_rows, n) numbers, or of one array of any shape a row."""
    return [(row.dtype, row.shape, row.tobytes()) for row in one] == [
        (row.dtype, row.shape, row.tobytes()) for row in other
    ]


def test_encoders_run_batches_of_one_shape(models: Path) -> None:
    """Equal bits need it on machines where kernels choose their order of summation by shape; this one may not show it."""
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer

    from stages.modalities.audio.encode import sounds as audio
    from stages.modalities.image.encode import images as image
    from stages.modalities.text.encode import backbone
    from stages.modalities.text.encode import texts as text

    shapes: list[tuple[int, ...]] = []

    def forward(batch: Any) -> torch.Tensor:
        values = batch["input_ids"] if isinstance(batch, dict) else batch
        shapes.append(tuple(values.shape))
        return torch.zeros(len(values), 1)

    words = [" ".join(["apple"] * count) for count in (1, 2, 3, 4, 5, 9, 10, 30)]
    tokenizer = AutoTokenizer.from_pretrained(models / "text")
    backbone.run_fixed(
        [side for row in text.encode(tokenizer, words, 20) for side in row], tokenizer, 20, 4, forward, "embed"
    )
    assert shapes == [(4, 8), (4, 8), (4, 16), (4, 20)]
    shapes.clear()
    image.run_fixed(
        rows_of("image")[:6], AutoImageProcessor.from_pretrained(models / "image", backend="pil"), 4, forward, "embed"
    )
    assert shapes == [(4, 3, 24, 24), (4, 3, 24, 24)]
    for name, expected in (
        ("wav2vec2", [(4, 2_000), (4, 4_000), (4, 4_000), (4, 6_000)]),
        ("ast", [(4, 40, 16), (4, 40, 16)]),
    ):
        shapes.clear()
        sounds = cleaned(
            "audio", [sound("up", seconds=seconds) for seconds in (1.5, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0)]
        )
        audio.run_fixed(
            sounds,
            audio.AudioEncoder.load(str(models / name), 0.75).frontend,
            4,
            lambda inputs, _: forward(inputs["input_values"]),
            "embed",
        )
        assert shapes == expected


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


def parts_of(task: str) -> tuple[str, str]:
    modality = modality_of(task)
    return modality, task.removeprefix(f"{modality}_")


def labelled_rows(task: str) -> list[tuple[Content, Label]]:
    label_of = samples_of(task, TASK_SAMPLES).label_of
    return [(content, label_of(content)) for content in rows_of(modality_of(task))]


def augmenter(name: str, strength: str) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    task = whole_task(name)
    params = task.AugmentParams(**getattr(samples_of(name, TASK_SAMPLES), strength))
    return task.augmenter(params, lambda: iter(labelled_rows(name)))


@tasks
def test_augment_depends_on_the_row_params_and_seed_alone(name: str) -> None:
    rows, changed = labelled_rows(name), augmenter(name, "augment")
    before = [changed(*row, seed) for row in rows for seed in (1, 2)]
    random.seed(7)
    np.random.seed(7)
    augmenter(name, "wildest")(*rows[0], 99)
    after = [changed(*row, seed) for row in rows[::-1] for seed in (2, 1)]
    assert after == before[::-1]
    anew = augmenter(name, "augment")
    assert [anew(*row, seed) for row in rows for seed in (1, 2)] == before
    copies = {changed(*rows[1], seed)[0] for seed in range(20)}
    assert len(copies) > 10


@tasks
@pytest.mark.parametrize("strength", ["augment", "wildest"])
def test_augmented_rows_are_valid(name: str, strength: str) -> None:
    modality_name, target_name = parts_of(name)
    cleaner, target, samples = (
        load_cleaner(modality_name),
        whole_target(target_name),
        samples_of(modality_name, MODALITY_SAMPLES),
    )
    clean = cleaner.CleanParams(**{**samples.clean, **samples.clean_copies})
    changed = augmenter(name, strength)
    copies = [changed(*row, seed) for row in labelled_rows(name) for seed in range(5)]
    contents, labels = map(list, zip(*copies, strict=True))
    assert pa.array(contents, load_modality(modality_name).CONTENT).to_pylist() == contents
    assert pa.array(labels, target.LABEL).to_pylist() == labels
    assert {cleaner.clean(raw(content), clean).reason for content in contents} == {None}


@of_category
@pytest.mark.parametrize("strength", ["augment", "wildest"])
def test_a_copy_has_the_category_of_its_row(name: str, strength: str) -> None:
    changed = augmenter(name, strength)
    assert all(changed(*row, seed)[1] == row[1] for row in labelled_rows(name) for seed in range(5))


def write_model(name: str, folder: Path) -> None:
    samples = samples_of(name, TASK_SAMPLES)
    samples.write_model(folder, samples.recipe)


@tasks
def test_predict(name: str, tmp_path: Path) -> None:
    """A label and numbers for every row, with the same bits whatever rows stand beside it."""
    task, rows = whole_task(name), rows_of(modality_of(name))
    write_model(name, tmp_path / "model")
    found = task.predict(tmp_path / "model", rows, 4)
    check_conclusion(found, len(rows), whole_target(parts_of(name)[1]))
    for some in ([*range(len(rows))][::-1], [*range(1, len(rows), 2)], [0]):
        again = task.predict(tmp_path / "model", [rows[row] for row in some], 4)
        assert same_bits(again.predictions, found.predictions[some])
        assert list(again.labels) == [found.labels[row] for row in some]
        assert list(again.columns) == list(found.columns)


@of_category
def test_predicted_categories(name: str, tmp_path: Path) -> None:
    """Probabilities, and the class of the largest one."""
    write_model(name, tmp_path / "model")
    found = whole_task(name).predict(tmp_path / "model", rows_of(modality_of(name)), 4)
    assert list(found.columns) == ["fruit", "tool"]
    assert found.predictions.min() >= 0
    assert found.predictions.sum(axis=1) == pytest.approx(np.ones(len(found.labels)))
    assert list(found.labels) == [found.columns[number] for number in found.predictions.argmax(axis=1)]


def check_conclusion(found: Conclusion, n_rows: int, target: Target) -> None:
    """Labels and numbers that can be stored, and read again as they were."""
    assert pa.array(found.labels, target.LABEL).to_pylist() == list(found.labels)
    assert len(found.labels) == n_rows
    check_predictions(found.predictions, n_rows, found.columns)
    stored = pa.table({"predictions": tables.named_columns(found.predictions, found.columns)})
    assert [one.name for one in stored.schema.field("predictions").type] == list(found.columns)
    assert same_bits(tables.read_named_columns(stored, "predictions"), found.predictions)


def check_predictions(predictions: Predictions, n_rows: int, columns: Sequence[str]) -> None:
    """float64, (n_rows, n_columns); of tokens (n_tokens, n_columns) a row."""
    assert len(set(columns)) == len(columns)
    assert len(predictions) == n_rows
    for row in predictions:
        assert row.dtype == np.float64
        assert row.shape[-1:] == (len(columns),)
        assert row.ndim == (2 if predictions.dtype == object else 1)
        assert np.isfinite(row).all()


# --- targets and objectives ---


def concluded(name: str, outputs: Callable[[Learnable], Predictions]) -> Conclusion:
    """What the objective that the sample's labels set says of outputs, tuned on all of them."""
    labels = samples_of(name, TARGET_SAMPLES).labels
    objective = objective_of(name, labels)
    found = outputs(objective)
    return objective.tuned(labels, found).conclude(found)


def objective_of(name: str, labels: Sequence[Label]) -> Learnable:
    return cast(Learnable, load_objective(name).of(labels))


def by_probe(name: str) -> Conclusion:
    """The predictions of a probe for the rows that it was fitted on."""
    return concluded(name, lambda objective: outputs_of_probe(name, objective))


def outputs_of_probe(name: str, objective: Learnable, rows: Sequence[int] | None = None) -> Predictions:
    """The outputs for these of the sample's rows, or for all; the probe is fitted on all."""
    samples = samples_of(name, TARGET_SAMPLES)
    others = samples.vectors if rows is None else samples.vectors[rows]
    return predict_with_probe(objective, samples.labels, samples.vectors, others, 10.0)


def by_constant(name: str) -> Conclusion:
    target, labels = whole_target(name), samples_of(name, TARGET_SAMPLES).labels
    return concluded(name, lambda objective: target.constant(labels, labels, objective.columns))


@targets
def test_labels_of_the_target(name: str) -> None:
    target, samples = whole_target(name), samples_of(name, TARGET_SAMPLES)
    labels, params = samples.labels, target.LabelParams(**samples.params)
    assert pa.array(labels, target.LABEL).to_pylist() == list(labels)
    found = {given: target.clean_label(given, samples.content, params) for given in samples.cleaned}
    assert {given: cleaned.label for given, cleaned in found.items()} == samples.cleaned
    assert all(cleaned.reason is None for cleaned in found.values())
    assert all(isinstance(repair, str) for cleaned in found.values() for repair in cleaned.repairs)
    raws = [*samples.cleaned, *samples.reasons.values(), None]
    assert all(
        isinstance(target.clean_label(given, None, params), CleanedLabel) for given in raws
    )  # beside content that cannot be used
    for words, n_rows in (
        (target.strata(labels), len(labels)),
        (target.names(labels), len(labels)),
        (target.names(raws), len(raws)),
    ):
        assert len(words) == n_rows
        assert all(isinstance(row, tuple) and all(type(word) is str for word in row) for row in words)
    assert all(target.strata(labels)), "a row of no stratum cannot be dealt out"
    assert target.strata(labels[::-1]) == target.strata(labels)[::-1]


@targets
def test_probe_and_audit(name: str) -> None:
    target, samples = whole_target(name), samples_of(name, TARGET_SAMPLES)
    objective = objective_of(name, samples.labels)
    predictions = outputs_of_probe(name, objective)
    check_predictions(predictions, len(samples.labels), objective.columns)
    assert same_bits(outputs_of_probe(name, objective), predictions)
    judged = target.audit(samples.labels, by_probe(name))
    check_judged(judged, len(samples.labels), target)
    assert not judged.is_label_issue.any()


def check_judged(judged: Any, n_rows: int, target: Target) -> None:
    assert judged.label_quality.shape == judged.is_label_issue.shape == (n_rows,)
    assert judged.is_label_issue.dtype == np.bool_
    assert ((judged.label_quality >= 0) & (judged.label_quality <= 1)).all()
    assert pa.array(judged.suggested, target.LABEL).to_pylist() == list(judged.suggested)
    assert len(judged.suggested) == n_rows


@targets
def test_scores_and_plots(name: str) -> None:
    target, labels = whole_target(name), samples_of(name, TARGET_SAMPLES).labels
    model, constant = by_probe(name), by_constant(name)
    check_conclusion(model, len(labels), target)
    check_conclusion(constant, len(labels), target)
    one, other = (target.score(labels, contender, 5) for contender in (model, constant))
    assert list(one) == list(other)
    assert all(type(value) is float and np.isfinite(value) for value in [*one.values(), *other.values()])
    first = target.HEADLINE[0]
    assert {*target.HEADLINE, f"{first}_low", f"{first}_high"} <= one.keys()
    assert one[f"{first}_low"] <= one[first] <= one[f"{first}_high"]
    plots = target.plots(labels, model, 5)
    assert plots.keys() == {"confusion", "reliability"}  # dvc.yaml names their files
    assert list(plots["confusion"]) == ["actual", "predicted"]
    assert list(plots["reliability"]) == ["confidence", "accuracy", "rows"]
    assert all(len(table) for table in plots.values())


@targets
def test_few_held_out_rows_can_be_judged_and_scored(name: str) -> None:
    """A small test set lacks some classes and has one row of others."""
    target, labels = whole_target(name), samples_of(name, TARGET_SAMPLES).labels
    objective = objective_of(name, labels)
    objective = objective.tuned(labels, outputs_of_probe(name, objective))
    for rows in ([0], [0, 1], [0, 8], [0, 1, 8]):
        few = [labels[row] for row in rows]
        found = objective.conclude(outputs_of_probe(name, objective, rows))
        check_conclusion(found, len(rows), target)
        check_judged(target.audit(few, found), len(rows), target)
        assert all(np.isfinite(value) for value in target.score(few, found, 5).values())
        assert all(len(table) for table in target.plots(few, found, 5).values())
        constant = objective.conclude(target.constant(labels, few, objective.columns))
        assert target.score(few, constant, 5).keys() == target.score(few, found, 5).keys()


@objectives
def test_objective_says_the_same_after_it_was_saved(name: str) -> None:
    """`from_recipe` of what stands in the model's folder, after JSON."""
    samples = samples_of(name, TARGET_SAMPLES)
    objective = objective_of(name, samples.labels)
    outputs = outputs_of_probe(name, objective)
    tuned = objective.tuned(samples.labels, outputs)
    again = cast(type[Learnable], type(tuned)).from_recipe(json.loads(json.dumps(tuned.recipe())))
    one, other = tuned.conclude(outputs), again.conclude(outputs)
    assert list(again.columns) == list(tuned.columns)
    assert list(one.columns) == list(other.columns)
    assert list(one.labels) == list(other.labels)
    assert same_bits(one.predictions, other.predictions)
    assert tuned.tunable or list(objective.conclude(outputs).labels) == list(one.labels)


@objectives
def test_objective_does_not_depend_on_the_order_of_labels(name: str) -> None:
    labels = samples_of(name, TARGET_SAMPLES).labels
    objective = objective_of(name, labels)
    assert list(objective.columns) == list(objective_of(name, labels[::-1]).columns)
    assert len(set(objective.columns)) == len(objective.columns)
    assert objective.config()["num_labels"] == len(objective.columns)


@objectives
def test_objective_gives_what_a_trainer_needs(name: str) -> None:
    samples = samples_of(name, TARGET_SAMPLES)
    objective = objective_of(name, samples.labels)
    assert objective.metric.isidentifier()
    assert 0 <= objective.label_smoothing < 1
    assert objective.loss is None or callable(objective.loss)
    targets = objective.targets(samples.labels)
    assert len(targets) == len(samples.labels)
    assert objective.targets(samples.labels[:1]) == targets[:1]


# --- a category ---


def test_no_category_is_guessed_from_the_labels_of_others() -> None:
    with pytest.raises(
        InputError,
        match=r"training rows: a category needs at least two classes, got \['apple'\]; see clean\.label and ",
    ):
        objective_of("category", ["apple"] * 5)
    with pytest.raises(
        InputError,
        match=r"the label 'fig' occurs in validation but not in training; merge it with another label in clean\.label\.aliases, or drop ",
    ):
        objective_of("category", CATEGORIES).targets(["apple", "fig"])


def test_category_is_the_class_of_the_largest_output() -> None:
    objective = objective_of("category", CATEGORIES)
    assert objective == objective_of("category", CATEGORIES[::-1])
    assert objective.columns == ["apple", "pear", "plum"]
    logits = np.array([[0.0, 2.0, 1.0], [800.0, 0.0, -800.0]], dtype=np.float32)
    probabilities = objective.outputs(logits)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(2))
    assert probabilities[0] == pytest.approx(np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum())
    assert objective.conclude(probabilities).labels == ["pear", "apple"]
    assert objective.measure(logits, np.array([1, 2])) == 1 / 2
    assert objective.targets(["plum", "apple"]) == [2, 0]
    assert objective.config() == {
        "num_labels": 3,
        "id2label": {0: "apple", 1: "pear", 2: "plum"},
        "label2id": {"apple": 0, "pear": 1, "plum": 2},
    }


def test_head_of_categories_starts_as_the_probe() -> None:
    from sklearn.linear_model import LogisticRegression

    objective, vectors = objective_of("category", CATEGORIES), samples_of("category", TARGET_SAMPLES).vectors
    weights, bias = objective.first_head(vectors, objective.targets(CATEGORIES), 10.0)
    assert (weights.shape, bias.shape) == ((3, vectors.shape[1]), (3,))
    expected = LogisticRegression(C=10.0, max_iter=1_000).fit(vectors, CATEGORIES).predict_proba(vectors)
    logits = (vectors @ weights.T + bias).astype(np.float32)
    assert objective.outputs(logits) == pytest.approx(expected, abs=1e-4)


def test_probe_and_audit_of_clean_categories() -> None:
    target, found = whole_target("category"), by_probe("category")
    assert list(target.audit(CATEGORIES, found).suggested) == list(found.labels) == CATEGORIES
    assert target.score(CATEGORIES, found, 5)["accuracy"] == 1.0
    constant = by_constant("category")
    assert (constant.predictions == constant.predictions[0]).all()
    assert target.score(CATEGORIES, constant, 5)["accuracy"] == pytest.approx(1 / 3)


def test_strata_and_names_of_categories() -> None:
    target = whole_target("category")
    assert target.strata(["pear", "apple"]) == target.names(["pear", "apple"]) == [("pear",), ("apple",)]
    assert target.names([None, "Pear"]) == [("",), ("Pear",)]


# --- a number ---


def test_one_who_has_seen_no_row_is_related_to_nothing() -> None:
    """The mean of labels is the same for every row, whatever the rounding of its sum."""
    target = whole_target("number")
    for n_rows in range(5, 60):
        labels = np.random.default_rng(n_rows).integers(0, 50, n_rows) / 10
        objective = objective_of("number", labels.tolist())
        found = target.score(
            labels.tolist(), objective.conclude(target.constant(labels.tolist(), labels.tolist(), objective.columns)), 5
        )
        assert (found["pearson"], found["spearman"], found["r2"]) == (0, 0, pytest.approx(0, abs=1e-9)), n_rows


def test_ranges_of_numbers_that_are_far_apart() -> None:
    for labels in (["1", "2", "1e300"], ["-1e200", "", "3"], ["2.5"] * 4, ["1e-30", "2e-30"], [None, "ripe"]):
        found = whole_target("number").names(labels)
        assert [row == ("",) for row in found] == [label in (None, "", "ripe") for label in labels]


def test_numbers_that_do_not_differ_cannot_be_learned() -> None:
    for number in (0.1, 2.3, 1e9 + 0.1):
        with pytest.raises(InputError, match="training rows: all labels are"):
            objective_of("number", [number] * 7)
