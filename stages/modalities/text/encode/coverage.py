"""How much of the texts a model reads: tokens that it does not know, and texts that are longer than it reads."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tokenizers.decoders import ByteLevel

from stages.contracts._coverage import Coverage
from stages.core.run import DataWarning

CHUNK = 1_000  # texts that are tokenised at a time
HELD = 0.95  # share of the rows that the proposed length holds
# Larger shares are out of the ordinary.
MANY_UNKNOWN, MANY_LETTERS, MANY_CUT = 0.05, 0.5, 0.1
MULTILINGUAL = "intfloat/multilingual-e5-small or sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # SentencePiece's token for a byte of a character that it does not know
_MARKS = re.compile(r"^(##|▁)|(</w>|@@)$")  # of a token that continues, starts or ends a word
# Scripts whose characters are words or syllables: there, a token per character is nothing unusual.
_SYLLABLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Reader:
    """How a model reads texts, and the keys of params.yaml that say so."""

    tokenizer: Any
    max_length: int | None  # tokens after which a text is cut; None: texts are not cut
    model_key: str
    length_key: str
    together: bool = False  # whether the two texts of a pair are one input


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that show that a model does not know the words of a text."""

    unknown: frozenset[int]  # the unknown token, and parts of characters
    letters: frozenset[int]  # single letters; none for a model that reads letters by design

    @classmethod
    def of(cls, tokenizer: Any) -> "Vocabulary":
        backend = getattr(tokenizer, "backend_tokenizer", None)
        is_byte_level = backend is not None and "ByteLevel" in repr(backend.decoder)
        spelling = ByteLevel().decode
        unknown, letters, n_words = set(), set(), 0
        for token, number in tokenizer.get_vocab().items():
            text = (spelling([token]) if is_byte_level else _MARKS.sub("", token)).strip()
            if token == tokenizer.unk_token or "\ufffd" in text or _BYTE.fullmatch(token):
                unknown.add(number)
            elif len(text) == 1 and text.isalpha() and not _SYLLABLE.match(text):
                letters.add(number)
            n_words += len(text) > 1 and text.isalpha()
        return cls(frozenset(unknown), frozenset(letters if n_words > len(letters) else ()))


class Input(NamedTuple):
    """What a model reads at once: a text, or the two texts of a pair together. Numbers of tokens."""

    row: int
    special: int
    content: int
    unknown: int  # of the content
    letters: int  # of the content


def measure(contents: Iterable[str], reader: Reader, limit: Callable[[], int | None]) -> Coverage:
    """The shares of tokens and rows that the model does not read or know.

    Args:
        limit: computes the most tokens that the model can read, as `token_limit` does.
    """
    inputs = pd.DataFrame(all_inputs(contents, reader), columns=Input._fields)
    if inputs.empty:
        return Coverage()
    length = inputs["content"] + inputs["special"]
    inputs["cut"] = 0 if reader.max_length is None else (length - reader.max_length).clip(lower=0)
    rows = inputs.assign(length=length).groupby("row").agg({"length": "max", "cut": "sum", "unknown": "sum"})
    n_content = max(1, int(inputs["content"].sum()))
    metrics = {
        "unknown_tokens": float(inputs["unknown"].sum() / n_content),
        "rows_with_unknown_tokens": float((rows["unknown"] > 0).mean()),
        "single_letter_tokens": float(inputs["letters"].sum() / n_content),
        "cut_rows": float((rows["cut"] > 0).mean()),
        "cut_tokens": float(inputs["cut"].sum() / n_content),
    }
    warnings = language_warnings(metrics, reader.model_key)
    if metrics["cut_rows"] > MANY_CUT:
        holds = int(np.quantile(rows["length"], HELD, method="higher"))
        warnings.append(cut_warning(metrics, holds, reader, limit()))
    return Coverage(metrics, warnings)


def all_inputs(contents: Iterable[str], reader: Reader) -> Iterator[Input]:
    vocabulary = Vocabulary.of(reader.tokenizer)
    rows, remaining = count(), iter(contents)
    while chunk := list(islice(remaining, CHUNK)):
        sides_of = [content.split("\n") for content in chunk]
        texts = list(chain.from_iterable(sides_of))
        # Counted in the whole texts, before they are cut. Without `verbose` the tokenizer warns of long ones.
        ids = iter(reader.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"])
        for sides, row in zip(sides_of, rows, strict=False):
            tokens = list(islice(ids, len(sides)))
            is_joined = reader.together and len(tokens) > 1
            n_special = reader.tokenizer.num_special_tokens_to_add(pair=is_joined)
            for read in [list(chain.from_iterable(tokens))] if is_joined else tokens:
                n_unknown = sum(token in vocabulary.unknown for token in read)
                n_letters = sum(token in vocabulary.letters for token in read)
                yield Input(row, n_special, len(read), n_unknown, n_letters)


def language_warnings(metrics: dict[str, float], key: str) -> list[DataWarning]:
    """That the model does not know the words of these texts."""
    advice = f"if they are in a language that it was not trained on, choose a multilingual one, such as {MULTILINGUAL}"
    unknown, letters = metrics["unknown_tokens"], metrics["single_letter_tokens"]
    if unknown > MANY_UNKNOWN:
        share = metrics["rows_with_unknown_tokens"]
        message = f"{unknown:.0%} of the tokens are unknown to the model, {share:.0%} of the rows have one; {advice}"
        return [DataWarning(message, key)]
    if letters > MANY_LETTERS:
        message = f"{letters:.0%} of the tokens are single letters, as the model does not know the words; {advice}"
        return [DataWarning(message, key)]
    return []


def cut_warning(metrics: dict[str, float], holds: int, reader: Reader, limit: int | None) -> DataWarning:
    """That many rows are longer than the model reads; `holds`: the length that would hold most of them."""
    longest = reader.max_length
    message = (
        f"{metrics['cut_rows']:.0%} of the rows are longer than {longest} tokens and are cut, "
        f"{metrics['cut_tokens']:.0%} of all tokens are not read; "
    )
    if limit is None or holds <= limit:
        return DataWarning(f"{message}{holds} would hold {HELD:.0%} of the rows", reader.length_key)
    message += f"{HELD:.0%} of the rows have at most {holds}, but the model takes {limit} at most; "
    if longest == limit:
        return DataWarning(f"{message}choose a model that reads longer texts", reader.model_key)
    return DataWarning(f"{message}give {limit}, or choose a model that reads longer texts", reader.length_key)
