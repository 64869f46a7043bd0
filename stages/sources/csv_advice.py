"""Finds the settings that read a CSV file, by trying them on it."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from stages.sources.records import FileFormat
from stages.sources.text_files import iter_lines, open_text

DELIMITERS = {",": '","', ";": '";"', "\t": r'"\t"', "|": '"|"'}  # and how YAML writes them

FEW = 0.05  # of the rows


def dialect(format: FileFormat) -> dict[str, Any]:
    """Arguments of csv.reader."""
    return {
        "delimiter": format.delimiter,
        "escapechar": format.escape,
        "quoting": csv.QUOTE_MINIMAL if format.quoting else csv.QUOTE_NONE,
        "strict": True,
    }


def unescaped(lines: Iterable[str], format: FileFormat) -> Iterator[str]:
    r"""The lines with an escape doubled that escapes nothing, so that csv.reader leaves the paths in "C:\new" alone."""
    if format.escape is None:
        return iter(lines)
    sign = re.escape(format.escape)
    escapable = format.escape + ('"' if format.quoting else str(format.delimiter))
    pattern = re.compile(rf"{sign}([{re.escape(escapable)}])?")
    return (pattern.sub(lambda match: match[0] if match[1] else match[0] * 2, line) for line in lines)


@dataclass
class Formats:
    """A file, the format it is read with, and others that may be its format."""

    path: Path
    format: FileFormat

    def for_all_rows(self, problem: str) -> str:
        """What is wrong with a row, with the advice that concerns the whole file."""
        return f"{problem}; so that all rows can be read, {self.advice}" if self.advice else problem

    @cached_property
    def advice(self) -> str:
        """What to set so that all rows of the file have the same number of cells; empty if nothing tried does so."""
        n_rows, _ = self._try(self.format)
        for format in self._others():
            n_more, n_bad = self._try(format)
            if n_more > n_rows and not n_bad:
                return "set " + " and ".join(self._settings(format))
        return ""

    def _others(self) -> Iterator[FileFormat]:
        """Other formats, those with the fewest changes first."""
        delimiters = dict.fromkeys([self.format.delimiter or ",", *DELIMITERS])
        escapes, quotings = (
            dict.fromkeys([self.format.escape, "\\", None]),
            (self.format.quoting, not self.format.quoting),
        )
        others = [
            replace(self.format, delimiter=delimiter, escape=escape, quoting=quoting)
            for delimiter, escape, quoting in product(delimiters, escapes, quotings)
        ]
        yield from sorted(others[1:], key=lambda other: len(self._settings(other)))

    def _settings(self, format: FileFormat) -> list[str]:
        settings = []
        if format.delimiter != self.format.delimiter:
            settings.append(f"collect.delimiter: {DELIMITERS.get(str(format.delimiter), format.delimiter)}")
        if format.escape != self.format.escape:
            settings.append("collect.escape: null" if format.escape is None else r'collect.escape: "\\"')
        if format.quoting != self.format.quoting:
            settings.append(f"collect.quoting: {str(format.quoting).lower()}")
        return settings

    def _try(self, format: FileFormat) -> tuple[int, int]:
        """(good, bad) rows: a good one has as many cells as the header, at least two.

        Rows with cells in quotation marks are bad, unless they are few: such as texts that quote somebody.
        """
        n_good = n_bad = n_quoted = 0
        names: list[str] = []
        with open_text(self.path, format.encoding) as file:
            rows = csv.reader(unescaped(iter_lines(file, self.path), format), **dialect(format))
            while True:
                try:
                    cells = next(rows)
                except StopIteration:
                    break
                except csv.Error:
                    n_bad += 1
                    continue
                if cells and not names:
                    names = [name.strip() for name in cells] if format.header else list(map(str, range(len(cells))))
                if len(cells) > 1 and len(cells) == len(names):
                    n_good += 1
                    n_quoted += any(map(_is_quoted, cells))
                else:
                    n_bad += bool(cells)
        if n_quoted > FEW * n_good:
            n_good, n_bad = n_good - n_quoted, n_bad + n_quoted
        return n_good, n_bad + len(set(format.columns) - set(names))


def _is_quoted(cell: str) -> bool:
    return len(cell.strip()) > 1 and cell.strip()[0] == cell.strip()[-1] == '"'
