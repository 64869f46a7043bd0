"""Texts for people: cut to a length that can be read, and where two of them differ."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from stages.contracts.report import Piece, Shown
from stages.core.tables import SIDE_MARK, WORD_MARK, Content
from stages.modalities.text.content import preview

SIZES = ("characters",)
LONGEST = 600  # characters of one text
CONTEXT = 60  # characters that stay on either side of what differs, where a text is longer
COMPARED = 1_000  # words between the first and the last difference: the comparison is quadratic
# A word, or a single character of scripts that are written without spaces.
_WORD = re.compile(r"[^\W\u2e80-\ud7ff]+|\s+|.", re.DOTALL)


def sizes(raw: bytes) -> tuple[float, ...]:
    return (float(len(readable(raw))),)


def readable(content: Content) -> str:
    """A cleaned text as it is; of a raw one the sides of a pair on lines of their own, and its tokens with spaces between."""
    return (
        content
        if isinstance(content, str)
        else content.decode("utf-8", "replace").replace(SIDE_MARK, "\n").replace(WORD_MARK, " ")
    )


def show(content: Content) -> Shown:
    text = readable(content)
    return Shown(preview(text), (Piece(shortened(text, LONGEST, 0)),))


def show_pair(one: Content, other: Content) -> tuple[Shown, Shown]:
    words, others = _WORD.findall(readable(one)), _WORD.findall(readable(other))
    changes = differences(words, others)
    mine = [Piece("".join(words[start:end]), changed) for changed, start, end, _, _ in changes]
    theirs = [Piece("".join(others[start:end]), changed) for changed, _, _, start, end in changes]
    return Shown(preview(readable(one)), tuple(abridged(mine))), Shown(
        preview(readable(other)), tuple(abridged(theirs))
    )


def differences(words: Sequence[str], others: Sequence[str]) -> list[tuple[bool, int, int, int, int]]:
    """Whether they differ, from where to where of one, and of the other; of more than COMPARED words the rest counts as one difference."""
    before = common(words, others)
    after = common(words[before:][::-1], others[before:][::-1])
    ends = len(words) - after, len(others) - after
    looked = min(ends[0], before + COMPARED), min(ends[1], before + COMPARED)
    matcher = SequenceMatcher(None, words[before : looked[0]], others[before : looked[1]], autojunk=False)
    inside = [
        (tag != "equal", before + i, before + j, before + k, before + m) for tag, i, j, k, m in matcher.get_opcodes()
    ]
    rest = [(True, looked[0], ends[0], looked[1], ends[1])] if looked != ends else []
    return [(False, 0, before, 0, before), *inside, *rest, (False, ends[0], len(words), ends[1], len(others))]


def common(words: Sequence[str], others: Sequence[str]) -> int:
    """How many words at the start are the same."""
    return next(
        (place for place, (one, other) in enumerate(zip(words, others, strict=False)) if one != other),
        min(len(words), len(others)),
    )


def abridged(pieces: Sequence[Piece]) -> Iterable[Piece]:
    """At most some LONGEST characters; of a long text, less of what does not differ."""
    pieces = [piece for piece in pieces if piece.text]
    if sum(len(piece.text) for piece in pieces) <= LONGEST:
        return pieces
    kept, room = [], LONGEST
    for place, piece in enumerate(pieces):
        text = (
            shortened(piece.text, LONGEST // 2, LONGEST // 4)
            if piece.changed
            else context(piece.text, place == 0, place == len(pieces) - 1)
        )
        kept.append(Piece(text, piece.changed))
        room -= len(text)
        if room <= 0 and place < len(pieces) - 1:
            return [*kept, Piece(" …")]
    return kept


def context(text: str, first: bool, last: bool) -> str:
    """What stands next to a difference; before the first and behind the last one it stands on one side only."""
    if first or last:
        return shortened(text, CONTEXT, 0 if last else CONTEXT)
    return shortened(text, 2 * CONTEXT, CONTEXT)


def shortened(text: str, length: int, end: int) -> str:
    """`length` characters, `end` of them from its end."""
    if len(text) <= length + 3:
        return text
    start = length - end
    return (f"{text[:start]} …" if start else "… ") + (
        f" {text[len(text) - end :]}" if start and end else text[len(text) - end :] if end else ""
    )
