"""Reads CoNLL files, in which every line is a token and its tag."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, dropwhile, pairwise
from pathlib import Path

from stages.core.errors import InputError, one_line
from stages.sources.records import FileFormat, Record
from stages.sources.text_files import iter_lines, open_text

DOCUMENT = "-DOCSTART-"  # the first cell of the line before each document in CoNLL-2003
TAG = re.compile(r"[BIESLUM]-.+")
NUMBER = re.compile(r"\d+")
PART_OR_RANGE = re.compile(
    r"\d+[-.]\d+"
)  # CoNLL-U: a token that stands for several words, or a word that is not written
LONGEST_NUMBER = 9  # digits of the number of a line
MANY = 1_000  # a file with more last cells has no tags in them
ENOUGH = 0.9  # share of the texts that must count their lines


@dataclass(frozen=True)
class Line:
    number: int
    cells: Sequence[str]


def read_conll(path: Path, format: FileFormat) -> Iterator[Record]:
    """One record per text, with the columns `tokens` and `tags` (lists).

    A line is a token. A blank line ends a text. Lines that start with # are comments in a file whose lines are numbered
    in each text (CoNLL-U), or begin with the name of the document; in others only before the tokens of a text, if they
    do not have the cells of a token.

    Raises:
        InputError: the cells that are to be tokens or tags are something else.
    """
    layout = Layout.of(path, format)
    layout.check(path, format)
    for number, lines in enumerate(_texts(path, format, layout), start=1):
        tokens, tags, problem = list[str](), list[str](), None
        for line in lines:
            n_cells = len(line.cells)
            if n_cells < 2:
                problem = f"line {line.number} has one cell, expected a token and its tag"
            elif not (_has(line.cells, format.token_column) and _has(line.cells, format.tag_column)):
                problem = (
                    f"line {line.number} has {n_cells} cells, "
                    f"see collect.token_column ({format.token_column}) and collect.tag_column ({format.tag_column})"
                )
            else:
                tokens.append(_cell(line.cells, format.token_column))
                tags.append(_cell(line.cells, format.tag_column).strip())
        yield Record(f"{path.name}:{number}", {"tokens": tokens, "tags": tags}, problem)


def _texts(path: Path, format: FileFormat, layout: "Layout | None") -> Iterator[list[Line]]:
    """The lines of each text that has any, without those between documents and, if the layout is known, comments."""
    text: list[Line] = []
    with open_text(path, format.encoding) as file:
        for number, line in enumerate(chain(iter_lines(file, path), [""]), start=1):
            if not line.strip():
                if text:
                    yield text
                text = []
                continue
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else re.findall(r"[^ \r\n]+", line)
            is_comment = layout is not None and layout.is_comment(cells, is_first=not text)
            if cells[0] != DOCUMENT and not is_comment:
                text.append(Line(number, cells))


def _has(cells: Sequence[str], column: int) -> bool:
    return -len(cells) <= column <= len(cells)


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column - 1 if column > 0 else column]


@dataclass
class Layout:
    """What the columns of a CoNLL file hold."""

    n_cells: Counter[int] = field(default_factory=Counter)  # lines by their number of cells
    n_texts: int = 0  # with at least two lines
    n_numbered: int = 0  # texts whose first cells count
    n_constant: int = 0  # texts of at least three lines whose first cells are all the same
    n_lines: int = 0
    cells: dict[int, Counter[str]] = field(default_factory=dict)  # by column: O, prefixed tags, "" for anything else
    last_cells: set[str] = field(default_factory=set)  # the first MANY of the file

    @property
    def is_numbered(self) -> bool:
        return self.n_texts > 0 and self.n_numbered >= ENOUGH * self.n_texts

    @property
    def is_constant(self) -> bool:
        return self.n_texts > 1 and self.n_constant >= ENOUGH * self.n_texts

    @cached_property
    def usual_width(self) -> int:
        return self.n_cells.most_common(1)[0][0]

    def is_comment(self, cells: Sequence[str], is_first: bool) -> bool:
        """Whether a line is a comment; `is_first`: no token of its text comes before it. "#MeToo O" is a token."""
        if self.is_numbered or self.is_constant:
            return cells[0].startswith("#") or PART_OR_RANGE.fullmatch(cells[0]) is not None
        if not (is_first and cells[0].startswith("#")):
            return False
        has_other_width = bool(self.n_cells) and len(cells) != self.usual_width
        return has_other_width or (cells[0] == "#" and cells[-1] not in self.last_cells)

    @classmethod
    def of(cls, path: Path, format: FileFormat) -> "Layout":
        layout = cls()
        for lines in _texts(path, format, None):
            words = [line for line in lines if not line.cells[0].startswith("#")]
            numbered = [line for line in words if not PART_OR_RANGE.fullmatch(line.cells[0])]
            names = [line.cells[0] for line in numbered]
            is_numbered = len(names) > 1 and _count_on(names)
            is_constant = len(names) > 2 and len(set(names)) == 1
            layout.n_texts += len(lines) > 1
            layout.n_numbered += is_numbered
            layout.n_constant += is_constant
            tokens = dropwhile(lambda line: line.cells[0].startswith("#"), lines)
            for line in numbered if is_numbered or is_constant else tokens:
                layout._add(line.cells)
        return layout

    def _add(self, cells: Sequence[str]) -> None:
        self.n_lines += 1
        self.n_cells[len(cells)] += 1
        if len(self.last_cells) < MANY:
            self.last_cells.add(cells[-1].strip())
        for column, cell in enumerate(cells, start=1):
            kind = cell.strip() if cell.strip() == "O" or TAG.fullmatch(cell.strip()) else ""
            self.cells.setdefault(column, Counter())[kind] += 1

    def check(self, path: Path, format: FileFormat) -> None:
        """
        Raises:
            InputError: the cells that are to be tokens count lines, or another column holds the tags.
        """
        width = max(self.n_cells, default=0)
        if width > 2 and format.token_column in (1, -width):
            if self.is_numbered:
                raise InputError(
                    f"{path}: the first cells of its texts count 1, 2, 3...; the second are the tokens: "
                    "set collect.token_column: 2"
                )
            if self.is_constant:
                raise InputError(
                    f"{path}: the first cells of each text are all the same; "
                    "set collect.token_column to the column of the tokens"
                )
        if len(self.n_cells) == 1:
            self._check_tags(path, format, width)

    def _check_tags(self, path: Path, format: FileFormat, width: int) -> None:
        token_column, tag_column = (
            width + 1 + column if column < 0 else column for column in (format.token_column, format.tag_column)
        )
        if token_column == tag_column:
            raise InputError(f"{path}: collect.token_column and collect.tag_column are the same column, {tag_column}")
        column, tag_column = tag_column, format.tag_column
        if tag_column > 0 or column not in self.cells:  # a column that is counted from the start was chosen
            return
        types = self._types(column)
        others = {other: self._types(other) for other in self.cells if other != column and self._types(other)}
        if not types and others:
            problem = f"no tag in column {column}"
        else:
            # Two layers of the same types. A column of chunks has others.
            others = {other: names for other, names in others.items() if names & types}
            problem = f"tags of the same types in column {column}"
        if others:
            known = " and ".join(
                f"column {other} has such as {one_line(min(names))}" for other, names in others.items()
            )
            choice = f"{next(iter(others))} (or {column})" if types else f"{next(iter(others))}"
            if not types and next(iter(others)) == token_column:
                choice += " and collect.token_column to that of the tokens"
            raise InputError(f"{path}: {problem}, and {known}; set collect.tag_column: {choice}")

    def _types(self, column: int) -> set[str]:
        """The types of the tags of a column; none if other cells are in it."""
        tags = self.cells[column]
        if tags[""] or tags.total() < self.n_lines:
            return set()
        return {tag[2:] for tag in tags if tag not in ("", "O")}


def _count_on(names: Sequence[str]) -> bool:
    """Whether names are numbers, each larger by 1 than the one before."""
    if not all(len(name) <= LONGEST_NUMBER and NUMBER.fullmatch(name) for name in names):
        return False
    return all(int(after) == int(before) + 1 for before, after in pairwise(names))
