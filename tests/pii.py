"""Sentences with and without what tells who somebody is, and how well it is found in them: for tests and the bench.

pii.tsv marks what is to be found ("call ‹phone:020 7946 0958›"); its other rows are look-alikes, by kind. The `first`
set was written before there was
any code, the `second` and the `third` before the code was run on them; docs/results.md has what it came to then.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stages.modalities.text.clean.privacy import find_pii

Found = frozenset[tuple[str, str, int]]  # kind, text and place of what was found


@dataclass(frozen=True)
class Sentence:
    set: str
    kind: str  # `pii`, or what it looks like
    text: str
    wanted: Found


@dataclass
class Score:
    right: Counter[str] = field(default_factory=Counter)  # by kind
    missed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def precision(self, *kinds: str) -> float:
        right = sum(self.right[kind] for kind in kinds)
        return right / (right + sum(self.wrong[kind] for kind in kinds))

    def recall(self, *kinds: str) -> float:
        right = sum(self.right[kind] for kind in kinds)
        return right / (right + sum(self.missed[kind] for kind in kinds))


def sentences() -> Iterator[Sentence]:
    with Path(__file__).with_name("pii.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            text, wanted = "", []
            for part in re.split("(‹[^›]*›)", row["sentence"]):
                kind, _, marked = part[1:-1].partition(":") if part.startswith("‹") else ("", "", part)
                wanted += [(kind, len(text), len(text) + len(marked))] if kind else []
                text += marked
            yield Sentence(row["set"], row["kind"], text, frozenset(trimmed(text, *span) for span in wanted))


def trimmed(text: str, kind: str, start: int, end: int) -> tuple[str, str, int]:
    """Brackets and dots around a number are neither right nor wrong."""
    inner = re.sub(r"^\W+", "", text[start:end])
    return kind, re.sub(r"\W+$", "", inner), end - len(inner)


def found_in(sentence: Sentence) -> Found:
    return frozenset(trimmed(sentence.text, span.kind, span.start, span.end) for span in find_pii(sentence.text))


def score() -> Score:
    total = Score()
    for sentence in sentences():
        found = found_in(sentence)
        total.right.update(kind for kind, *_ in found & sentence.wanted)
        total.missed.update(kind for kind, *_ in sentence.wanted - found)
        total.wrong.update(kind for kind, *_ in found - sentence.wanted)
    return total
