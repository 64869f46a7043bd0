"""A saved model serves what training saw, in the lines that the README gives."""

from pathlib import Path

import pytest

from stages.core.tables import read_frame
from tests import tiny


def test_serving_sees_what_training_saw(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A raw text, prepared as the saved recipe says, gets the prediction that predict wrote."""
    import csv

    from stages.contracts import clean
    from stages.serving.predictor import load_predictor
    from stages.training.recipe import read_recipe

    monkeypatch.chdir(text_line)
    recipe = read_recipe(Path("models/finetuned"))
    cleaner = clean.load_cleaner(recipe["modality"])
    with Path("data/tiny/test.csv").open() as file:
        raw = [f" <b>{row['text']}</b>\u200b " for row in csv.DictReader(file)]  # dirtier than what was trained on
    cleaned = [cleaner.clean(text.encode(), cleaner.CleanParams(**recipe["clean"])).content for text in raw]
    served = load_predictor(Path("models/finetuned")).predict(cleaned, 32)
    predictions = read_frame(Path("data/predictions"))
    rows = read_frame(Path("data/test"), ["id", "content"]).merge(predictions, on="id")
    assert rows["content"].tolist() == cleaned
    assert list(served.labels) == rows["predicted_label"].tolist()
    assert [dict(zip(served.columns, row, strict=True)) for row in served.predictions.tolist()] == rows[
        "predictions"
    ].tolist()


def test_the_model_loads_with_plain_transformers(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that docs/outputs.md gives."""
    import torch

    page = (tiny.ROOT / "docs/outputs.md").read_text()
    snippet = page.split("<!-- load -->\n```python\n")[1].split("```")[0]
    assert sum("from_pretrained(" in line or "load_file(" in line for line in snippet.splitlines()) <= 3
    snippet = snippet.replace('texts = ["arrived broken, and nobody answers"]', "")
    rows = read_frame(text_line / "data/test", ["id", "content"]).merge(
        read_frame(text_line / "data/predictions"), on="id"
    )
    names: dict[str, object] = {"texts": rows["content"].tolist()}
    monkeypatch.chdir(text_line)
    exec(snippet, names)
    expected = torch.tensor([list(row.values()) for row in rows["predictions"]], dtype=torch.float64)
    assert torch.allclose(torch.as_tensor(names["logits"]).double().softmax(-1), expected, atol=1e-5)


def test_any_model_says_labels_in_a_few_lines(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that the README gives."""
    snippet = (tiny.ROOT / "README.md").read_text().split("<!-- serve -->\n```python\n")[1].split("```")[0]
    rows = read_frame(text_line / "data/test", ["id", "content"]).merge(
        read_frame(text_line / "data/predictions"), on="id"
    )
    lines = ["raw = given" if line.startswith("raw = ") else line for line in snippet.splitlines()]
    names: dict[str, object] = {"given": [content.encode() for content in rows["content"]]}
    monkeypatch.chdir(text_line)
    exec("\n".join(lines), names)
    assert names["labels"] == rows["predicted_label"].tolist()
