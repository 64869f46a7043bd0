"""Reading takes work in proportion to the input, whatever is in it."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stages.core.errors import InputError
from stages.core.params import DEEPEST, read_yaml
from stages.sources import json_files, swallowed_rows, times
from stages.sources.folders import FolderNotes, NameParts
from stages.sources.label_formats import BadLabel, names_of
from stages.sources.layouts import Layout, check_layout
from stages.sources.read import read_source
from stages.sources.records import FileFormat
from stages.sources.swallowed_rows import Values
from stages.sources.text_files import refuse_twins
from tests.steps import MOST, CountedText, grows_linearly, steps

FORMAT = FileFormat(columns=("text", "kind"))


def reading(path: Path, content: str) -> Callable[[], object]:
    path.write_text(content)
    return lambda: list(read_source(path, FORMAT, FolderNotes()))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("notes.csv", '"Hello, you\nof row {}",kind\n'),  # each could be two rows whose quotation marks have no partner
        ("notes.csv", '"a, {}\nb, {}\nc",kind\n'),
        ("notes.csv", 'x, "{}\ny\n'),
        ("notes.jsonl", '{{"text": "{}", "kind": "fruit"}}\n'),
        ("notes.conll", "# {}\nword O\n\n"),
    ],
)
def test_rows_cost_the_same_in_long_files(tmp_path: Path, name: str, row: str) -> None:
    head = "text,kind\n" if name.endswith(".csv") else ""

    def work_of(size: int) -> Callable[[], object]:
        return reading(tmp_path / f"{size}_{name}", head + "".join(row.format(n, n) for n in range(size)))

    assert grows_linearly(work_of, 20)


def test_a_line_of_commas_is_not_taken_for_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Values] = []

    def make() -> Values:
        made.append(Values())
        return made[-1]

    monkeypatch.setattr(swallowed_rows, "Values", make)
    reading(tmp_path / "notes.csv", "text,kind\n" + '"a, 1\nb, 2\nc",kind\n' * 3 + "," * 1_000 + "\n")()
    assert len(made) == len(FORMAT.columns)


def test_columns_are_compared_once() -> None:
    def n_compared(size: int) -> int:
        names = [CountedText(f"column {number}") for number in range(size)]
        CountedText.n_compared = 0
        refuse_twins(Path("notes.csv"), names, names)
        return CountedText.n_compared

    assert n_compared(1_000) <= MOST * max(1, n_compared(100))


def test_values_one_after_the_other_are_not_copied() -> None:
    CountedText.n_copied = 0
    assert json_files._advice(CountedText("1 " * 1_000)).startswith("it is 1000 values, one after the other")
    assert CountedText.n_copied < 10_000


@pytest.mark.parametrize("name", ["class {}", "train{}"])
def test_folders_cost_the_same_among_many(tmp_path: Path, name: str) -> None:
    def work_of(size: int) -> Callable[[], object]:
        folder = tmp_path / str(size)
        for number in range(size):
            (folder / name.format(number)).mkdir(parents=True)
            (folder / name.format(number) / "one.txt").touch()
        layout = Layout(folder, folder)
        return lambda: [layout.inner(top) for top in layout.tops] + [layout.has_files(top) for top in layout.tops]

    assert grows_linearly(work_of, 10)
    work_of(12)
    check_layout(tmp_path / "12", tmp_path / "12", "{label}")


# --- names of files with many parts ---


def test_a_name_is_read_once_however_many_parts_it_has() -> None:
    pattern = "_".join(f"{{part_{number}}}" for number in range(8)) + ".wav"
    assert not NameParts(pattern).matches(Path("_" * 250 + ".wax"))
    assert "can be read as" in NameParts(pattern).read(Path("_" * 250 + ".wav"))
    assert steps(lambda: NameParts(pattern).read(Path("_" * 250 + ".wav"))) < 2_000


def test_names_are_read_as_regular_expressions_would() -> None:
    """One with the shortest first parts, one with the longest."""
    rng = random.Random(0)
    n_readings = Counter[int]()
    for _ in range(2_000):
        texts = ["".join(rng.choices("_/a", k=rng.choice((0, 1, 1, 2)))) for _ in range(rng.randint(2, 4))]
        texts[0] = f"folder/{texts[0]}"
        name = "folder/" + "".join(rng.choices("_/ab", k=rng.randrange(9)))
        if Path(name).as_posix() != name:
            continue
        readings = [expression(texts, how).fullmatch(name) for how in ("?", "")]
        parts = [dict(reading.groupdict()) for reading in readings if reading]
        read = NameParts(texts[0] + "".join(f"{{p{n}}}{text}" for n, text in enumerate(texts[1:]))).read(Path(name))
        if not parts:
            assert "does not match" in str(read)
        elif parts[0] == parts[1]:
            assert read == parts.pop()
        else:
            assert f"its name can be read as {parts[0]} and as {parts[1]}" in str(read)
        n_readings[len(parts)] += 1
    assert set(n_readings) == {0, 1, 2}


def expression(texts: Sequence[str], how: str) -> re.Pattern[str]:
    parts = [f"(?P<p{number}>[^/]+{how}){re.escape(text)}" for number, text in enumerate(texts[1:])]
    return re.compile(re.escape(texts[0]) + "".join(parts))


# --- labels that are lists ---


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[" * 100_000 + "]" * 100_000, "too many brackets inside each other"),
        ('[f"' + "{a}" * 5_000 + '"]', "nor a list of Python"),
        ("(f'" + "{a}" * 5_000 + "',)", ["(f'" + "{a}" * 5_000 + "',)"]),
        ("[0x" + "f" * 5_000 + "]", "nor a list of Python"),
        ("[" + "1" * 5_000 + "]", "nor a list of Python"),
        ("['if', '{', " + "'f', " * 3_000 + "]", ["if", "{", *["f"] * 3_000]),
    ],
    ids=["brackets", "an f-string", "an f-string in a tuple", "a number in hex", "a number", "a list of code"],
)
def test_lists_that_python_would_read_for_ever(text: str, names: str | list[str]) -> None:
    if isinstance(names, list):
        assert names_of(text, None) == names
        return
    with pytest.raises(BadLabel, match=names) as error:
        names_of(text, None)
    assert len(str(error.value)) < 200


# --- YAML ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 100_000 + "]" * 100_000, "line 1: more than 50 lists or mappings inside each other"),
        ("a: " + "{a: " * 100_000, "line 1: more than 50 lists or mappings inside each other"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            "more than 200,000 values; write fewer, and fewer aliases",
        ),
        (
            "a0: &a0 {x: 1}\n"
            + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10)),
            "more than 200,000 values; write fewer, and fewer aliases",
        ),
        ("a: &a [*a]", "line 1: the alias *a stands inside what it stands for"),
        ("a: &a {b: *a}", "line 1: the alias *a stands inside what it stands for"),
    ],
    ids=["lists", "mappings", "aliases", "merged aliases", "a list in itself", "a mapping in itself"],
)
def test_yaml_that_is_far_more_than_it_looks(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_yaml(tmp_path / "params.yaml")
    assert str(error.value) == f"{tmp_path}/params.yaml: {message}"


def test_yaml_with_aliases(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("a: &a [1, 2]\nb: *a\nc: {<<: &c {d: 3}}\ne: &e 4\nf: [*c, *e]\n")
    assert read_yaml(tmp_path / "params.yaml") == {
        "a": [1, 2],
        "b": [1, 2],
        "c": {"d": 3},
        "e": 4,
        "f": [{"d": 3}, 4],
    }
    (tmp_path / "deep.yaml").write_text("a: " + "[" * (DEEPEST - 2) + "]" * (DEEPEST - 2))
    assert read_yaml(tmp_path / "deep.yaml").keys() == {"a"}


# --- others ---


def test_long_texts_are_no_times() -> None:
    column = times.Times("iso")
    before = times.is_iso.cache_info().currsize
    column.convert("2024-12-31" * 10_000)
    (warning,) = column.warnings()
    assert len(warning.message) < 300
    assert times.is_iso.cache_info().currsize == before


def test_lines_of_a_text_that_are_numbered_with_long_numbers(tmp_path: Path) -> None:
    (tmp_path / "notes.conll").write_text("".join(f"{'1' * 5_000} word O\n" for _ in range(3)))
    (record,) = read_source(tmp_path / "notes.conll", FileFormat(columns=("tokens", "tags")), FolderNotes())
    assert len(record.values["tokens"]) == 3
