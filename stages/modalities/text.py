"""Text: repaired with ftfy, compared by character n-grams, embedded by a frozen sentence encoder.

A cleaned text holds no line break. So a pair of texts is two lines, one a side; a tokenised text has one space between tokens and none in them.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.characters import INVISIBLE, SIDE_MARK, WORD_MARK
from stages.contracts import Cleaned, Embedded, Suggestion, Vectors
from stages.params import Strict
from stages.tables import ragged

CONTENT = pa.string()
REASONS = ("empty", "too_short", "too_long")
MEASURES: dict[str, pa.DataType] = {}

SHINGLE = 5  # characters: words are no unit in languages that are written without spaces
PERMUTATIONS = 256


class CleanParams(Strict):
    min_chars: int = Field(ge=1, description="shorter texts are dropped, in characters after cleaning")
    max_chars: int = Field(ge=1, description="longer texts are dropped, in characters after cleaning")

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError("min_chars is larger than max_chars, so that no text could stay")
        return self


class EmbedParams(Strict):
    model: str = Field(min_length=1, description="the frozen encoder: a hub id or a local folder")
    max_length: int = Field(ge=8, description="tokens after which a text is cut off")
    batch_size: int = Field(ge=1, le=256, description="rows at a time; a short last batch is filled up")
    token_layer: int | None = Field(ge=1, description="the hidden layer whose vector of each token is kept too, for tags; null: none")


_ELEMENTS = (
    "a abbr address article aside audio b blockquote body br button canvas caption center cite code col dd del details div dl dt em "
    "embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link "
    "main mark meta nav object ol option p param picture pre q s samp section select small source span strike strong style sub summary "
    "sup svg table tbody td template textarea tfoot th thead time title tr tt u ul var video"
)
# Only real elements: "price <5" and "<username>" are text.
_HIDDEN = [
    (re.compile(rf"<{name}\b[^<>]*>.*?</{name}\s*>", re.IGNORECASE | re.DOTALL), re.compile(rf"</{name}\s*>", re.IGNORECASE)) for name in ("script", "style")
] + [(re.compile("<!--.*?-->", re.DOTALL), re.compile("-->"))]
_TAG = re.compile(rf"</?(?:{'|'.join(_ELEMENTS.split())}|script)\b[^<>]*>", re.IGNORECASE)
# With its semicolon only: in "?page=1&copy=2" nothing is meant.
_ENTITY = re.compile(r"&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Each side is repaired, and dropped for its length in characters; a pair needs both."""
    sides = [clean_side(side, params) for side in content.decode("utf-8", "replace").split(SIDE_MARK)]
    unusable = next((side for side in sides if side.reason), None)
    if unusable or len(sides) == 1:
        return unusable or sides[0]
    return Cleaned("\n".join(str(side.content) for side in sides), repairs=tuple(dict.fromkeys(name for side in sides for name in side.repairs)))


def clean_side(raw: str, params: CleanParams) -> Cleaned:
    if raw.endswith(WORD_MARK):
        tokens = [repair(token) for token in raw[:-1].split(WORD_MARK)]
        # Each token has a tag: one of which nothing is left stays, as U+FFFD, and one of two words stays one.
        text = " ".join(token.text.replace(" ", "_") or "\ufffd" for token in tokens)
        repaired = Repaired("" if not any(token.text for token in tokens) else text, tuple(dict.fromkeys(name for token in tokens for name in token.repairs)))
    else:
        repaired = repair(raw)
    if not repaired.text:
        return Cleaned(None, "empty")
    if len(repaired.text) < params.min_chars:
        return Cleaned(None, "too_short")
    if len(repaired.text) > params.max_chars:
        return Cleaned(None, "too_long")
    return Cleaned(repaired.text, repairs=repaired.repairs)


@dataclass(frozen=True)
class Repaired:
    text: str
    repairs: tuple[str, ...]


def repair(raw: str) -> Repaired:
    """Mends mojibake, HTML, control characters and odd spaces."""
    import ftfy

    unescaped = _ENTITY.sub(lambda entity: html.unescape(entity.group()), raw)
    fixed = visible = without_html = _TAG.sub(" ", without_hidden(unescaped))
    if not (without_html.isascii() and without_html.isprintable()):  # else there is nothing to mend, and that is found four times faster
        fixed = ftfy.fix_text(without_html, unescape_html=False, normalization="NFC")
        visible = "".join(c for c in INVISIBLE.sub("", fixed) if c.isspace() or unicodedata.category(c) != "Cc")
    text = _SPACE.sub(" ", visible).strip()
    steps = {"html": (raw, without_html), "encoding": (without_html, fixed), "invisible": (fixed, visible), "spaces": (visible, text)}
    return Repaired(text, tuple(name for name, (before, after) in steps.items() if before != after))


def without_hidden(text: str) -> str:
    """Without scripts, styles and comments. Only what stands before the last end is searched: unclosed ones would cost the square of the length."""
    for whole, closing in _HIDDEN:
        end = max((match.end() for match in closing.finditer(text)), default=0)
        text = whole.sub(" ", text[:end]) + text[end:]
    return text


def normalise(text: str) -> str:
    """Case, punctuation and compatibility forms do not tell two texts apart; a text of nothing else stays itself."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WORD.sub(" ", folded).strip() or folded


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []


def exact_key(content: str) -> bytes:
    sides = "\n".join(map(normalise, content.split("\n")))
    return blake2b(sides.encode("utf-8", "replace"), digest_size=16).digest()


def fingerprint(content: str) -> frozenset[str]:
    """The character n-grams of the normalised text; those of a second side are marked, as (a, b) is not (b, a)."""
    first, *others = content.split("\n")
    return shingles(first).union(*({f"\n{shingle}" for shingle in shingles(other)} for other in others))


def shingles(text: str) -> frozenset[str]:
    text = normalise(text)
    return frozenset(text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1)))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's coefficient."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def signatures(contents: Sequence[str], threshold: float) -> npt.NDArray[np.uint64]:
    """Banded MinHash (Broder 1997; Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3)."""
    from rensa import RMinHash

    rows = band_rows(threshold)
    matrix = RMinHash.digest_matrix_from_token_sets([fingerprint(content) for content in contents], PERMUTATIONS, 0)
    digests = np.array(matrix.to_rows(), dtype=np.uint64)[:, : PERMUTATIONS // rows * rows]
    bands = digests.reshape(len(contents), -1, rows)
    keys = np.zeros(bands.shape[:2], dtype=np.uint64)
    for column in range(rows):  # one number a band: a polynomial hash modulo 2^64
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + bands[:, :, column]
        keys ^= keys >> np.uint64(29)
    return keys


def band_rows(threshold: float) -> int:
    """The most rows a band with which a pair at the threshold still meets in some band 99 times in 100."""
    recalls = {rows: 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) for rows in range(1, 33)}
    return max((rows for rows, recall in recalls.items() if recall >= 0.99), default=1)


def embed(contents: Sequence[str], params: EmbedParams) -> Embedded:
    from stages.encoders.text import TextEncoder

    vectors = TextEncoder.load(params.model, params.max_length).embed(contents, params.batch_size)
    return Embedded(vectors, None if params.token_layer is None else embed_tokens(contents, params, params.token_layer))


def embed_tokens(contents: Sequence[str], params: EmbedParams, layer: int) -> Vectors:
    """Of each content (n_tokens, dim): the hidden state and the shape of each token, in half precision, as there are many."""
    from stages import pretrained
    from stages.encoders.text import load_layers, load_word_tokenizer, word_vectors

    backbone = load_layers(params.model, layer, "embed.text.token_layer").to(pretrained.device())
    tokenizer = load_word_tokenizer(params.model)
    found = word_vectors(backbone, [layer], tokenizer, contents, params.max_length, params.batch_size, "embed tokens")
    return ragged([tokens.astype(np.float16) for tokens in found])


def preview(content: Any) -> str:
    text = _SPACE.sub(" ", (content if isinstance(content, str) else content.decode("utf-8", "replace")).replace("\n", " | "))
    return text if len(text) <= 100 else text[:99] + "…"
