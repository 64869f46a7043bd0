"""Recordings as the inputs of a network; vision models read their spectrograms as grey images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.contracts._network import Encoded, Inputs
from stages.core.errors import InputError
from stages.modalities.audio.content import Samples, decode, resample

SHORTEST = 400  # samples: the window of the feature extractors, which fail on fewer
CACHE_BYTES = 2**30  # for the inputs of a model, so that they are computed once and not in every epoch


def n_frames(seconds: float, rate: int) -> int:
    """The number of windows of 400 samples, 160 apart, that ASTFeatureExtractor makes of a recording."""
    return 1 + max(0, round(seconds * rate) - 400) // 160


def is_of_whisper(extractor: Any) -> bool:
    return hasattr(extractor, "nb_max_frames")


@dataclass(frozen=True)
class AudioFrontend:
    """Converts cleaned recordings into the inputs of a model."""

    extractor: Any  # a feature extractor of transformers
    max_seconds: float  # longer recordings are truncated
    input: str  # the name of the model's main input
    gives_shares: bool = False  # whether `shares` is an input too: the part of an input that is no padding

    @classmethod
    def of(cls, extractor: Any, max_seconds: float, model: Any) -> "AudioFrontend":
        """
        Raises:
            InputError: the feature extractor is of an unknown kind.
        """
        frontend = cls(extractor, max_seconds, model.main_input_name, getattr(model, "takes_shares", False))
        if not frontend.takes_samples and not frontend.pads_itself:
            raise InputError(
                f"model {model.config.model_type}: {type(extractor).__name__} is not supported; "
                "choose a model with the feature extractor of wav2vec2, AST or Whisper"
            )
        return frontend

    @property
    def pads_itself(self) -> bool:
        """Whether all outputs of the extractor have one shape: the spectrograms of AST and Whisper."""
        return hasattr(self.extractor, "max_length") or is_of_whisper(self.extractor)

    @property
    def takes_samples(self) -> bool:
        return "Wav2Vec2" in type(self.extractor).__name__

    def samples(self, content: bytes) -> Samples:
        """The samples at the rate of the extractor, truncated to `max_seconds`."""
        rate = int(self.extractor.sampling_rate)
        samples = resample(*decode(content), rate)[: round(self.max_seconds * rate)]
        return np.pad(samples, (0, max(0, SHORTEST - len(samples))))

    @property
    def longest(self) -> int:
        return max(SHORTEST, round(self.max_seconds * int(self.extractor.sampling_rate)))

    def bucket(self, n_samples: int) -> int:
        """The padded length of `n_samples`: a quarter of a second, twice that, and so on, up to `max_seconds`."""
        length: int = self.extractor.sampling_rate // 4
        while length < n_samples:
            length *= 2
        return min(length, self.longest)

    def encode(self, contents: Sequence[bytes]) -> Iterator[Encoded]:
        for content in contents:
            yield Encoded([self.inputs(content)])

    def inputs(self, content: bytes) -> Inputs:
        """The inputs for one content, (1, ...); their padded length depends on this content alone."""
        samples = self.samples(content)
        length = self.longest if self.pads_itself else self.bucket(len(samples))
        padding = {} if self.pads_itself else {"padding": "max_length", "max_length": length}
        features = self.extractor(samples, sampling_rate=self.extractor.sampling_rate, return_tensors="np", **padding)
        first, *others = features
        values = features[first][:, np.newaxis] if self.input == "pixel_values" else features[first]
        inputs = {self.input: values, **{name: features[name] for name in others}}
        if self.gives_shares:
            inputs["shares"] = np.array([self.share(len(samples), length)], dtype=np.float32)
        return inputs

    def share(self, n_samples: int, length: int) -> float:
        """The part of an input of `length` samples that is no padding."""
        if is_of_whisper(self.extractor):  # half a sample less, as rounding must not add a position
            return min(1.0, (n_samples - 0.5) / float(self.extractor.n_samples))
        return 1.0 if self.pads_itself else n_samples / length

    def cached(self, content: bytes) -> Callable[[bytes], Inputs]:
        """`inputs` with a cache of about CACHE_BYTES; the size of an entry is estimated from `content`."""
        size = sum(values.nbytes for values in self.inputs(content).values())

        @lru_cache(maxsize=max(1, CACHE_BYTES // size))
        def inputs(row: bytes) -> Inputs:
            return self.inputs(row)

        return inputs


def stacked(rows: Sequence[Inputs]) -> Inputs:
    """One batch, padded with zeros to the longest row."""

    def padded(name: str) -> npt.NDArray[Any]:
        longest = max(row[name].shape[-1] for row in rows)
        padding = [[(0, 0)] * (row[name].ndim - 1) + [(0, longest - row[name].shape[-1])] for row in rows]
        return np.concatenate([np.pad(row[name], sides) for row, sides in zip(rows, padding, strict=True)])

    return {name: padded(name) for name in rows[0]}
