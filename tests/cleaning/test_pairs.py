"""Pairs of texts: both sides count, everywhere."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages import collect
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import load_params
from stages.core.tables import SIDE_MARK, WORD_MARK, iter_rows
from stages.modalities.text import compare
from stages.modalities.text.clean import cleaner as cleaner
from stages.modalities.text.clean.cleaner import CleanParams
from stages.modalities.text.content import preview
from stages.serving.predictor import load_predictor
from tests import tiny
from tests.collected import params_of, section_of

LENGTHS = CleanParams(**{**tiny.CLEAN_TEXT, "min_chars": 2, "max_chars": 40})


def section(**changes: Any) -> collect.Section:
    columns = {"content": ["one", "other"], "label": "label"}
    return section_of(**{"source": "pairs.jsonl", "columns": columns, "on_bad_row": "drop", **changes})


def collected(folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.chdir(folder)
    (folder / "pairs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    collect.collect(params_of(section()))
    return list(iter_rows(paths.COLLECTED))


def test_both_sides_are_collected_and_count_for_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = collected(
        tmp_path,
        [
            '{"one": "a cat", "other": "a dog", "label": "no"}',
            '{"one": "a cat", "other": "a pet", "label": "yes"}',
            '{"one": "a cata", "other": " dog", "label": "no"}',
            '{"one": "a\\u001ecat", "other": null, "label": "no"}',
        ],
        monkeypatch,
    )
    assert [row["content"].decode() for row in rows] == [
        f"a cat{SIDE_MARK}a dog",
        f"a cat{SIDE_MARK}a pet",
        f"a cata{SIDE_MARK} dog",
        f"a cat{SIDE_MARK}",
    ]
    assert len({row["id"] for row in rows}) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": ["one"]}, "columns.content must be one column, or two different ones"),
        ({"content": ["one", "other", "one"]}, "columns.content must be one column, or two different ones"),
        ({"content": ["one", "other", "third"]}, "columns.content must be one column, or two different ones"),
        ({"label": ["one", "other"]}, "set label_format: list"),
        ({"split": "fold"}, "columns.split needs splits"),
    ],
)
def test_columns_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        section(columns={"content": "one", "label": "label", "group": None, "time": None, "split": None, **changes})


def test_a_pair_needs_both_sides() -> None:
    def clean(one: str, other: str) -> tuple[str | None, str | None]:
        found = cleaner.clean(f"{one}{SIDE_MARK}{other}".encode(), LENGTHS)
        return found.content, found.reason

    assert clean("a <b>cat</b>", " a\ndog ") == ("a cat\na dog", None)
    assert clean("a cat", " ") == (None, "empty")
    assert clean("c", "a dog") == (None, "too_short")
    assert clean("a cat", "a dog " * 8) == (None, "too_long")
    assert cleaner.clean(f"a <b>cat</b>{SIDE_MARK}a  dog".encode(), LENGTHS).repairs == ("html", "spaces")


def test_tokens_keep_their_number_and_hold_no_space() -> None:
    def clean(*tokens: str) -> str:
        return str(cleaner.clean("".join(token + WORD_MARK for token in tokens).encode(), LENGTHS).content)

    assert clean("New", "York", "<br>", "\u200b", "a\u00a0b", "It\u2019s") == "New York \ufffd \ufffd a_b It's"
    assert clean("New York") == "New_York"
    assert cleaner.clean(f"<br>{WORD_MARK}".encode(), LENGTHS).reason == "empty"


def test_a_pair_is_not_its_sides_joined_nor_its_reverse() -> None:
    keys = {compare.exact_key(content) for content in ("a cat a dog", "a cat\na dog", "a\ncat a dog", "a dog\na cat")}
    assert len(keys) == 4
    assert compare.exact_key("A cat!\na dog") == compare.exact_key("a cat\nA  dog.")
    long = "the quick fox ran over the hill to the shop\nand bought a box of ripe apples for the old lady"
    near = long.replace("box", "bag")
    assert compare.similarity(*map(compare.fingerprint, (long, near))) > 0.8
    assert compare.similarity(*map(compare.fingerprint, (long, "\n".join(long.split("\n")[::-1])))) < 0.1
    assert preview(long) == long.replace("\n", " | ")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny.write_text_model(folder)
    return folder


def test_vectors_of_pairs(model: Path) -> None:
    """Both sides, what they share and where they differ, as long as one; the order of the sides matters."""
    from stages.modalities.text.encode.encoder import TextEncoder

    encoder = TextEncoder.load(str(model), 32)
    vectors = encoder.embed(["apple fig\nhammer", "hammer\napple fig", "apple fig\napple fig"], 4)
    assert vectors.shape == (3, 4 * 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    one, other, shared, apart = np.split(vectors, 4, axis=1)
    assert one[0] == pytest.approx(other[1], abs=1e-6)
    assert shared[0] == pytest.approx(shared[1], abs=1e-6)
    assert np.abs(apart[0]).max() > 0.01
    assert (apart[2] == 0).all()
    assert encoder.embed(["hammer\napple fig"], 4).tobytes() == vectors[1:2].tobytes()


@pytest.mark.parametrize("pooling", ["mean", "model"])
def test_categories_of_pairs_are_learned_and_served(
    pooling: str, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether both sides are about the same: neither side alone says it."""
    from stages.tasks.text_category.augment import augmenter
    from stages.tasks.text_category.learn import FinetuneParams, finetune

    monkeypatch.chdir(tmp_path)
    texts = tiny.texts(120, 3)
    contents = [f"{texts[row][0]}\n{texts[row - 1 - row // 2 % 2][0]}" for row in range(2, 120)]
    labels = ["same" if texts[row][1] == texts[row - 1 - row // 2 % 2][1] else "other" for row in range(2, 120)]
    assert 40 < labels.count("same") < 80
    own = FinetuneParams(
        max_length=48,
        pooling=pooling,
        head_init="probe" if pooling == "mean" else "random",
        probe_C=100.0,
        frozen_layers=0,
        dropout=0.0,
        label_smoothing=0.0,
    )
    steps = SimpleNamespace(weight_decay=0.0, warmup=0.0, patience=5, of=lambda _: own)
    params = SimpleNamespace(model=str(model), lr=1e-3, epochs=1, batch_size=8, seed=0, threads=1, finetune=steps)
    rows = pa.table({"content": contents, "label": labels, "copy": pa.array([0] * len(labels), pa.int32())})
    (tmp_path / "model").mkdir()
    finetune(rows.slice(8), rows.slice(0, 8), params, {"modality": "text", "target": "category"}, tmp_path / "model")
    predict = load_predictor(tmp_path / "model").predict
    found = predict(contents, 4)
    if pooling == "mean":
        assert (
            np.mean([one == other for one, other in zip(found.labels, labels, strict=True)]) > 0.75
        )  # a model that sees the sides one by one is right in half
    alone = np.concatenate([predict([content], 4).predictions for content in contents[:3]])
    assert alone.tobytes() == found.predictions[:3].tobytes()
    swapped = predict(["\n".join(content.split("\n")[::-1]) for content in contents[:3]], 4)
    assert (swapped.predictions != found.predictions[:3]).all()
    noisy, label = augmenter(SimpleNamespace(swap=0.0, delete=0.9, typo=0.0), lambda: iter(()))(contents[0], "same", 1)
    assert label == "same"
    assert len(noisy.split("\n")) == 2
    assert all(noisy.split("\n"))


def test_the_preset_of_pairs_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.ROOT)
    from stages.collect import Params

    assert load_params(Params, Path("presets/stsb.yaml")).collect.columns.content == ["0", "1"]
    with pytest.raises(InputError):
        load_params(Params, Path("presets/none.yaml"))
