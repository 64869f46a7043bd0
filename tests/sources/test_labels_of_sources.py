"""Tags and lists of names, from the source to clean labels."""

import json
from pathlib import Path
from typing import Any

import pytest

from stages.collect import Section, collect
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import iter_rows, read_frame
from stages.modalities.text.clean import cleaner as clean
from stages.targets.tags import label as tags_label
from tests import tiny
from tests.collected import params_of, section_of


def section(source: Path, label_format: str, **columns: Any) -> Section:
    names = {"content": "tokens", "label": "tags", **columns}
    return section_of(source=str(source), label_format=label_format, columns=names, on_bad_row="drop")


def collected_and_cleaned(monkeypatch: pytest.MonkeyPatch, folder: Path, section_: Section) -> list[tuple[str, Any]]:
    monkeypatch.chdir(folder)
    collect(params_of(section_, "tags"))
    lengths = clean.CleanParams(**tiny.CLEAN_TEXT)
    labels = tags_label.LabelParams(**tiny.CLEAN_NAMES, on_invalid="repair")
    found = []
    for row in iter_rows(paths.COLLECTED):
        content = clean.clean(row["content"], lengths).content
        label = tags_label.clean_label(row["label"], content, labels)
        found.append((content, label.label if label.reason is None else label.reason))
    return found


def test_every_token_keeps_its_tag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tokens that clean to nothing, tokens with spaces or with our own marks, rows of one token and of very many."""
    hard = [
        "<br>",
        "\u200b",
        "New\u00a0York",
        "a\tb",
        "x\x1fy",
        "x\x1ey",
        "&amp;",
        "It\u2019s",
        "fi\ufb01g",
        "\x00",
        "#1",
        "👩\u200d🌾",
    ]
    lines = [
        {"tokens": hard, "tags": [f"B-t{number}" for number in range(len(hard))]},
        {"tokens": ["fig"], "tags": ["B-fruit"]},
        {"tokens": ["fig"] * 10_000, "tags": ["B-fruit"] * 10_000},
        {"tokens": ["<br>", " "], "tags": ["O", "O"]},
        {"tokens": [], "tags": []},
        {"tokens": ["a", "fig"], "tags": None},
        {"tokens": "a  ripe fig", "tags": "O O B-fruit"},
    ]
    (tmp_path / "some.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = collected_and_cleaned(monkeypatch, tmp_path, section(tmp_path / "some.jsonl", "tags"))
    first, label = found[0]
    assert first.split(" ") == [
        "\ufffd",
        "\ufffd",
        "New_York",
        "a_b",
        "x_y",
        "x_y",
        "&",
        "It's",
        "fifig",
        "\ufffd",
        "#1",
        "👩\u200d🌾",
    ]
    assert label == [f"B-t{number}" for number in range(len(hard))]
    assert found[1] == ("fig", ["B-fruit"])
    assert len(found[2][0].split(" ")) == len(found[2][1]) == 10_000
    assert found[3:5] == [(None, ["O", "O"]), (None, "missing_label")]
    assert found[5] == ("a fig", "missing_label")
    assert found[6] == ("a ripe fig", ["O", "O", "B-fruit"])


def test_labels_that_cannot_be_used_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text(
        'words,marks\na fig,"[[2, 5, ""fruit""]]"\na fig,"[[2, 9, ""fruit""]]"\na fig,\n'
    )
    wanted = section(tmp_path / "some.csv", "spans", content="words", label="marks")
    assert collected_and_cleaned(monkeypatch, tmp_path, wanted) == [
        ("a fig", ["O", "B-fruit"]),
        ("a fig", "missing_label"),
    ]
    (rejected,) = read_frame(paths.COLLECT_VERDICTS).itertuples()
    assert (rejected.reason, rejected.source) == ("unusable_label", "some.csv:2")
    assert "the span [2, 9" in rejected.detail
    with pytest.raises(
        InputError,
        match=r"some\.csv:2: the span .* see collect\.label_format; mend the row, or set collect\.on_bad_row",
    ):
        collect(params_of(wanted.model_copy(update={"on_bad_row": "error"}), "tags"))


def test_what_is_missing_is_not_an_empty_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        '{"text": "a fig", "spans": ["ripe", "red"]}',
        '{"text": "a fig", "spans": []}',
        '{"text": "a fig", "spans": null}',
        '{"text": "a fig", "spans": NaN}',
    ]
    (tmp_path / "some.jsonl").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    wanted = section(tmp_path / "some.jsonl", "list", content="text", label="spans")
    collect(params_of(wanted, "categories"))
    assert [row["label"] for row in iter_rows(paths.COLLECTED)] == ['["ripe", "red"]', "[]", None, None]
