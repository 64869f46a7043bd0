"""Shows texts to people: truncated to a readable length, with the differences of a pair marked."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from stages.contracts.report import Piece, Shown
from stages.core.tables import SIDE_MARK, WORD_MARK, Content
from stages.modalities.text.content import preview

SIZES = ("characters",)
LONGEST = 600  # characters of one text
CONTEXT = 60  # characters that stay on either side of a difference, if a text is longer
COMPARED = 1_000  # words from the first difference on that are compared: the comparison takes quadratic time
# A word, or a single character of scripts that are written without spaces.
_WORD = re.compile(r"[^\W\u2e80-\ud7ff]+|\s+|.", re.DOTALL)


def sizes(raw: bytes) -> tuple[float, ...]:
    return (float(len(readable(raw))),)


def readable(content: Content) -> str:
    """A cleaned text unchanged; a raw one with the sides of a pair on separate lines, and spaces between its tokens."""
    if isinstance(content, str):
        return content
    return str(content.decode("utf-8", "replace").replace(SIDE_MARK, "\n").replace(WORD_MARK, " "))


def show(content: Content) -> Shown:
    text = readable(content)
    return Shown(preview(text), (Piece(shortened(text, LONGEST, 0)),))


def show_pair(one: Content, other: Content) -> tuple[Shown, Shown]:
    words, others = _WORD.findall(readable(one)), _WORD.findall(readable(other))
    blocks = compare(words, others)
    pieces = [Piece("".join(words[block.start : block.end]), block.changed) for block in blocks]
    other_pieces = [Piece("".join(others[block.other_start : block.other_end]), block.changed) for block in blocks]
    return (
        Shown(preview(readable(one)), tuple(abridged(pieces))),
        Shown(preview(readable(other)), tuple(abridged(other_pieces))),
    )


class Block(NamedTuple):
    """Words `start` to `end` of one text and those of the other, and whether they differ."""

    changed: bool
    start: int
    end: int
    other_start: int
    other_end: int


def compare(words: Sequence[str], others: Sequence[str]) -> list[Block]:
    """The blocks of two texts, in order. Beyond COMPARED words from the first difference, all is one difference."""
    n_before = n_common(words, others)
    n_after = n_common(words[n_before:][::-1], others[n_before:][::-1])
    end, other_end = len(words) - n_after, len(others) - n_after
    limit, other_limit = min(end, n_before + COMPARED), min(other_end, n_before + COMPARED)
    matcher = SequenceMatcher(None, words[n_before:limit], others[n_before:other_limit], autojunk=False)
    blocks = [Block(False, 0, n_before, 0, n_before)]
    for tag, *ends in matcher.get_opcodes():
        blocks.append(Block(tag != "equal", *(n_before + position for position in ends)))
    if (limit, other_limit) != (end, other_end):
        blocks.append(Block(True, limit, end, other_limit, other_end))
    return [*blocks, Block(False, end, len(words), other_end, len(others))]


def n_common(words: Sequence[str], others: Sequence[str]) -> int:
    """The number of words at the start that are equal."""
    for position, (one, other) in enumerate(zip(words, others, strict=False)):
        if one != other:
            return position
    return min(len(words), len(others))


def abridged(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces at about LONGEST characters in all; a long text loses unchanged parts first."""
    pieces = [piece for piece in pieces if piece.text]
    if sum(len(piece.text) for piece in pieces) <= LONGEST:
        return pieces
    kept: list[Piece] = []
    room = LONGEST
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        if piece.changed:
            text = shortened(piece.text, LONGEST // 2, LONGEST // 4)
        else:
            text = context(piece.text, index == 0, index == last)
        kept.append(Piece(text, piece.changed))
        room -= len(text)
        if room <= 0 and index < last:
            return [*kept, Piece(" …")]
    return kept


def context(text: str, is_first: bool, is_last: bool) -> str:
    """The parts of an unchanged text next to a difference: before the first one, between two, or after the last one."""
    if is_last:
        return shortened(text, CONTEXT, 0)
    if is_first:
        return shortened(text, CONTEXT, CONTEXT)
    return shortened(text, 2 * CONTEXT, CONTEXT)


def shortened(text: str, length: int, end: int) -> str:
    """The text at about `length` characters: its last `end` ones, and its first ones for the rest."""
    if len(text) <= length + 3:
        return text
    head, tail = text[: length - end], text[len(text) - end :]
    if not tail:
        return f"{head} …"
    if not head:
        return f"… {tail}"
    return f"{head} … {tail}"
