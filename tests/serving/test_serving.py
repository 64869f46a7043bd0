"""A saved model predicts raw contents in the order of the input, and says why one cannot be used."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.cleaning.contents import SafeCleaner
from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.core.tables import read_frame
from stages.modalities.text import clean as text_cleaner
from stages.serving.model import Model, load_model
from stages.training.recipe import read_recipe
from tests import misbehaving, tiny
from tools.closure import Closure


def test_raw_contents_get_the_predictions_of_the_line(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(text_line)
    rows = read_frame(Path("data/test"), ["id", "content"]).merge(read_frame(Path("data/predictions")), on="id")
    served = load_model("models/finetuned").predict([f" <b>{content}</b>\u200b " for content in rows["content"]])
    assert served.labels == rows["predicted_label"].tolist()
    assert served.predictions == rows["predictions"].tolist()
    assert served.reasons == [None] * len(rows)


def test_the_order_of_the_input_is_kept_around_contents_that_cannot_be_used(text_line: Path) -> None:
    model = load_model(text_line / "models/finetuned")
    raw = ["an apple and a very good banana", "", "some large hammer and an old anvil", "pear"]
    served = model.predict(raw)
    assert served.reasons == [None, "empty", None, "too_short"]
    assert [label is None for label in served.labels] == [False, True, False, True]
    assert [numbers is None for numbers in served.predictions] == [False, True, False, True]
    backwards = model.predict(raw[::-1])
    assert backwards.labels == served.labels[::-1]
    assert backwards.predictions == served.predictions[::-1]
    assert backwards.reasons == served.reasons[::-1]


def test_probabilities_have_the_names_of_the_classes(text_line: Path) -> None:
    served = load_model(text_line / "models/finetuned").predict(["an apple and a very good banana"])
    (label,), (numbers,) = served.labels, served.predictions
    assert numbers is not None
    assert numbers.keys() == {"fruit", "tool"}
    assert sum(numbers.values()) == pytest.approx(1)
    assert label == max(numbers, key=lambda name: numbers[name])


def test_str_and_bytes_are_the_same(text_line: Path) -> None:
    model = load_model(text_line / "models/finetuned")
    text = "an äpple and a very good banana"
    served = model.predict([text, text.encode()])
    assert served.labels[0] == served.labels[1]
    assert served.predictions[0] == served.predictions[1]


@pytest.mark.parametrize("raw", [[], [""], ["", b" "]])
def test_nothing_to_predict(raw: list[bytes | str], text_line: Path) -> None:
    served = load_model(text_line / "models/finetuned").predict(raw)
    assert served.labels == served.predictions == [None] * len(raw)
    assert served.reasons == ["empty"] * len(raw)


def test_a_single_content_is_no_list(text_line: Path) -> None:
    with pytest.raises(InputError, match=r"expected a list of contents, got a single str; write \[content\]"):
        load_model(text_line / "models/finetuned").predict("an apple and a very good banana")


def test_images_are_bytes(image_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(image_line)
    rows = read_frame(Path("data/test"), ["id", "content"]).merge(read_frame(Path("data/predictions")), on="id")
    model = load_model(Path("models/finetuned"))
    served = model.predict([*rows["content"], b"no image"])
    assert served.labels == [*rows["predicted_label"], None]
    assert served.reasons == [None] * len(rows) + ["unreadable"]
    with pytest.raises(InputError, match=r"content 0 is the str 'photo\.png', and this model takes the bytes of image"):
        model.predict(["photo.png"])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"whetstone\.json: cannot be read"):
        load_model(tmp_path)


def test_only_what_predicts_imports_serving() -> None:
    """And none of them what cleans raw contents."""
    closure = Closure(tiny.ROOT)
    allowed = {"predict": {"predictor"}}
    for stage in (path.stem for path in sorted((tiny.ROOT / "stages").glob("[!_]*.py"))):
        for task in closure.tasks:
            served = {Path(file).stem for file in closure.files(stage, *task) if file.startswith("stages/serving/")}
            assert served - {"__init__"} == allowed.get(stage, set()), stage


@pytest.mark.parametrize("content", [None, 5])
def test_what_is_no_content_is_refused(content: object, text_line: Path) -> None:
    message = f"predict: content 1 is a {type(content).__name__}; expected bytes or a str"
    with pytest.raises(InputError, match=message):
        load_model(text_line / "models/finetuned").predict(["a ripe fig", content])  # type: ignore[list-item]


def test_a_recipe_without_its_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "whetstone.json").write_text("{}")
    with pytest.raises(InputError, match=r"whetstone\.json: lacks modality; name a folder that finetune wrote"):
        load_model(tmp_path)


def test_a_content_that_hangs_or_crashes_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a service answers all the others."""
    monkeypatch.setattr("stages.cleaning.contents.SECONDS", 0.5)
    params = text_cleaner.CleanParams(**tiny.CLEAN_TEXT)
    cleaner = SafeCleaner(SimpleNamespace(clean=misbehaving.clean), params)  # type: ignore[arg-type]
    predictor = SimpleNamespace(
        predict=lambda contents, _: Conclusion(["fruit"] * len(contents), np.ones((2, 1)), ["x"])
    )
    model = Model("text", cleaner, predictor)  # type: ignore[arg-type]
    served = model.predict(["a ripe apple", "spin", "segfault", "a ripe fig"])
    assert served.reasons == [None, "too_slow", "crashed_decoder", None]
    assert served.labels == ["fruit", None, None, "fruit"]


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("[]", "expected keys with values, got list"),
        ("[" * 100_000, "cannot be read"),
        ('{"modality": "..", "target": "category", "clean": {}}', r"'\.\.' is not in stages/modalities"),
        ('{"modality": "text", "target": "category", "clean": []}', r"whetstone\.json: clean: .*name a folder that"),
        ('{"modality": "text", "target": "category", "clean": {"a": 1}}', r"whetstone\.json: clean: .*name a folder"),
    ],
)
def test_a_recipe_of_another_form_is_one_line(recipe: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "whetstone.json").write_text(recipe)
    with pytest.raises(InputError, match=said) as refused:
        load_model(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_recipe_that_lacks_a_key_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "whetstone.json").write_text('{"modality": "text"}')
    assert read_recipe(tmp_path)["modality"] == "text"
    with pytest.raises(InputError, match=r"whetstone\.json: lacks pooling; name a folder that finetune wrote"):
        read_recipe(tmp_path)["pooling"]
