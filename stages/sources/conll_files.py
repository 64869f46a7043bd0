"""Reads CoNLL files, in which every line is a token and its tag."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from stages.sources.records import Record
from stages.sources.text_files import iter_lines, open_text


def read_conll(path: Path) -> Iterator[Record]:
    """One record per text, with the columns `tokens` and `tags` (lists).

    A line is a token; its first cell is the token, its last cell the tag. A blank line ends a text.
    """
    number, tokens, tags, problem = 1, list[str](), list[str](), None
    with open_text(path) as file:
        for line_number, line in enumerate(chain(iter_lines(file, path), [""]), start=1):
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if not line.strip():
                if tokens or problem:
                    yield Record(f"{path.name}:{number}", {"tokens": tokens, "tags": tags}, problem)
                    number, tokens, tags, problem = number + 1, [], [], None
            elif cells[0] != "-DOCSTART-":  # the line before each document in CoNLL-2003
                if len(cells) < 2:
                    problem = f"line {line_number} has one cell, expected a token and its tag"
                tokens.append(cells[0])
                tags.append(cells[-1].strip())
