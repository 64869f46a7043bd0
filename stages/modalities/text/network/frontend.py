"""Texts as the inputs of a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.contracts._network import Encoded, Inputs

CHUNK = 1_000  # texts that are tokenised at a time


def bucket(length: int) -> int:
    """The padded length of `length` tokens: the next multiple of 8, of 16 from 128 tokens on, of 32 from 256 on..."""
    step = max(8, 2 ** (length.bit_length() - 4))  # few lengths, so that rows share batches, but little padding
    return int(-(-length // step) * step)


def tokenise(
    tokenizer: Any, contents: Sequence[str], longest: int, together: bool = False
) -> list[list[dict[str, Any]]]:
    """The tokenised sides of each content: one for a text, two for a pair.

    With `together` a content has one side: the tokenizer joins the two texts of a pair.
    """
    sides = [content.split("\n") for content in contents]
    if together:
        arguments = [list(texts) for texts in zip(*sides, strict=True)]  # first texts, second texts
        n_encoded = [1] * len(sides)
    else:
        arguments = [[side for row in sides for side in row]]
        n_encoded = [len(row) for row in sides]
    encoding = tokenizer(*arguments, truncation=True, max_length=longest)
    features = iter([dict(zip(encoding, values, strict=True)) for values in zip(*encoding.values(), strict=True)])
    return [list(islice(features, n)) for n in n_encoded]


def padded(tokenizer: Any, features: Mapping[str, Sequence[int]], length: int) -> dict[str, npt.NDArray[np.int64]]:
    """One row of inputs, (length,) each."""
    fill = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    n_missing = length - len(features["input_ids"])
    sides = (0, n_missing) if tokenizer.padding_side == "right" else (n_missing, 0)
    return {
        name: np.pad(np.asarray(values, dtype=np.int64), sides, constant_values=fill.get(name, 0))
        for name, values in features.items()
    }


@dataclass(frozen=True)
class TextFrontend:
    """Reads a text as (1, length) tokens, and a pair of texts as (1, 2, length); or as one text if `together`."""

    tokenizer: Any
    max_length: int  # tokens after which a text is truncated
    together: bool = False

    def encode(self, contents: Sequence[str]) -> Iterator[Encoded]:
        for start in range(0, len(contents), CHUNK):
            chunk = contents[start : start + CHUNK]
            for sides in tokenise(self.tokenizer, chunk, self.max_length, self.together):
                yield Encoded([self.inputs(sides)])

    def inputs(self, sides: Sequence[Mapping[str, Sequence[int]]]) -> Inputs:
        """The inputs of one content, padded to a length that depends on its longest side alone."""
        length = min(bucket(max(len(side["input_ids"]) for side in sides)), self.max_length)
        rows = [padded(self.tokenizer, side, length) for side in sides]
        if len(rows) == 1:
            return {name: values[np.newaxis] for name, values in rows[0].items()}
        return {name: np.stack([row[name] for row in rows])[np.newaxis] for name in rows[0]}
