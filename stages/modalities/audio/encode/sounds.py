"""Runs audio models so that the bits of a row's output do not depend on the other rows.

Vision models run too, on spectrograms as grey images.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stages.core.errors import InputError
from stages.core.tables import Vectors
from stages.modalities.audio.content import Samples, decode, resample

if TYPE_CHECKING:
    import torch

Inputs = dict[str, "torch.Tensor"]  # the keyword arguments of a model, (n_rows, ...) each
SHORTEST = 400  # samples: the window of the feature extractors, which fail on fewer
CACHE_BYTES = 2**30  # for the inputs of a model, so that they are computed once and not in every epoch


def n_frames(seconds: float, rate: int) -> int:
    """The number of windows of 400 samples, 160 apart, that ASTFeatureExtractor makes of a recording."""
    return 1 + max(0, round(seconds * rate) - 400) // 160


def model_seconds(name: str) -> float | None:
    """The seconds of a recording that a pretrained model hears at most; None if its extractor has no limit."""
    from transformers import AutoFeatureExtractor

    from stages.models import pretrained

    extractor = pretrained.load(AutoFeatureExtractor, name)
    if is_of_whisper(extractor):
        return float(extractor.n_samples / extractor.sampling_rate)
    if hasattr(extractor, "max_length"):  # AST: windows of 400 samples, 160 apart
        return (399 + 160 * int(extractor.max_length)) / float(extractor.sampling_rate)
    return None


def is_of_whisper(extractor: Any) -> bool:
    return hasattr(extractor, "nb_max_frames")


def shorten(name: str, model: Any, extractor: Any, max_seconds: float) -> Any:
    """Cuts the input of Whisper, 30 seconds, to `max_seconds`, rounded up to whole ones; returns the extractor for it.

    Whisper pads all recordings to one length, and computes as much for silence as for speech. A model that has only the
    first of its positions is a Whisper too: it can be saved with its extractor, and loads as any other. Models of other
    kinds stay as they are.

    Raises:
        InputError: the model and its extractor have different lengths.
    """
    if model.config.model_type != "whisper" or not is_of_whisper(extractor):
        return extractor
    encoder = model.get_encoder()
    positions = encoder.embed_positions.weight.data
    frames = 2 * len(positions)  # the second of two convolutions skips every other frame
    if frames != extractor.nb_max_frames:
        raise InputError(
            f"model {name}: reads {frames} frames by its config.json (max_source_positions), and its "
            f"preprocessor_config.json (chunk_length) makes {extractor.nb_max_frames}; choose another model"
        )
    seconds = min(ceil(max_seconds), extractor.chunk_length)
    short = type(extractor)(**{**extractor.to_dict(), "chunk_length": seconds})
    n_positions = short.nb_max_frames // 2
    encoder.embed_positions.weight.data = positions[:n_positions].clone()
    encoder.embed_positions.num_embeddings = n_positions
    encoder.max_source_positions = model.config.max_source_positions = n_positions
    return short


@dataclass(frozen=True)
class Frontend:
    """Converts cleaned contents into the inputs of a model."""

    extractor: Any  # a feature extractor of transformers
    max_seconds: float  # longer recordings are truncated
    input: str  # the name of the model's main input
    gives_shares: bool = False  # whether `shares` is an input too: the part of an input that is no padding

    @classmethod
    def of(cls, extractor: Any, max_seconds: float, model: Any) -> "Frontend":
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

    def length(self, content: bytes) -> int:
        """The padded length of a content, in samples; an extractor that pads itself has one length for all."""
        return self.longest if self.pads_itself else self.bucket(len(self.samples(content)))

    def bucket(self, n_samples: int) -> int:
        """The padded length of `n_samples`: a quarter of a second, twice that, and so on, up to `max_seconds`."""
        length: int = self.extractor.sampling_rate // 4
        while length < n_samples:
            length *= 2
        return min(length, self.longest)

    def inputs(self, content: bytes) -> tuple[Inputs, float]:
        """The inputs for one content, (1, ...), and the share of them that is no padding.

        The padded length depends on this content alone.
        """
        import torch

        samples = self.samples(content)
        length = self.longest if self.pads_itself else self.bucket(len(samples))
        padding = {} if self.pads_itself else {"padding": "max_length", "max_length": length}
        features = self.extractor(samples, sampling_rate=self.extractor.sampling_rate, return_tensors="pt", **padding)
        first, *others = features
        values = features[first].unsqueeze(1) if self.input == "pixel_values" else features[first]
        if is_of_whisper(self.extractor):  # half a sample less, as rounding must not add a position
            share = min(1.0, (len(samples) - 0.5) / self.extractor.n_samples)
        else:
            share = 1.0 if self.pads_itself else len(samples) / length
        inputs = {self.input: values, **{name: features[name] for name in others}}
        if self.gives_shares:
            inputs["shares"] = torch.tensor([share])
        return inputs, share

    def cached(self, content: bytes) -> Callable[[bytes], Inputs]:
        """`inputs` with a cache of about CACHE_BYTES; the size of an entry is estimated from `content`."""
        size = sum(values.nbytes for values in self.inputs(content)[0].values())

        @lru_cache(maxsize=max(1, CACHE_BYTES // size))
        def inputs(row: bytes) -> Inputs:
            return self.inputs(row)[0]

        return inputs


def stacked(rows: Sequence[Inputs]) -> Inputs:
    """One batch, padded with zeros to the longest row."""
    import torch
    import torch.nn.functional as F

    def padded(name: str) -> "torch.Tensor":
        longest = max(row[name].shape[-1] for row in rows)
        return torch.cat([F.pad(row[name], (0, longest - row[name].shape[-1])) for row in rows])

    return {name: padded(name) for name in rows[0]}


def run_fixed(
    contents: Sequence[bytes],
    frontend: Frontend,
    batch_size: int,
    forward: Callable[[Inputs, "torch.Tensor"], "torch.Tensor"],
    title: str,
) -> npt.NDArray[np.float32]:
    """(n_rows, n_outputs): the output of `forward` for each row.

    `forward` takes the inputs of a batch, and for each row the share of them that is no padding.
    """
    import torch

    from stages.models.batches import run_by_shape

    def run(rows: list[tuple[Inputs, float]], length: int) -> torch.Tensor:
        return forward(stacked([inputs for inputs, _ in rows]), torch.tensor([share for _, share in rows]))

    lengths = [frontend.length(content) for content in contents]
    return np.stack(run_by_shape(lengths, batch_size, lambda row: frontend.inputs(contents[row]), run, title))


@dataclass(frozen=True)
class AudioEncoder:
    """A frozen audio model."""

    model: Any
    frontend: Frontend

    @classmethod
    def load(cls, name: str, max_seconds: float) -> "AudioEncoder":
        from transformers import AutoFeatureExtractor, AutoModel

        from stages.models import pretrained

        model = pretrained.load_weights(AutoModel, name, unused=("decoder.",)).model.eval()
        extractor = shorten(name, model, pretrained.load(AutoFeatureExtractor, name), max_seconds)
        if model.config.is_encoder_decoder:  # Whisper
            model = model.get_encoder()
        model.to(pretrained.device())
        return cls(model, Frontend.of(extractor, max_seconds, model))

    def embed(self, contents: Sequence[bytes], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1: the mean of the last hidden states, without padding."""
        import torch.nn.functional as F

        from stages.modalities.audio.encode.pooling import is_real

        def forward(inputs: Inputs, shares: "torch.Tensor") -> "torch.Tensor":
            hidden = self.model(**on(inputs, self.model.device)).last_hidden_state
            return F.normalize((hidden * is_real(hidden, shares)).sum(1))

        return run_fixed(contents, self.frontend, batch_size, forward, "embed")


def run_model(model: Any, frontend: Frontend, contents: Sequence[bytes], batch_size: int) -> npt.NDArray[np.float32]:
    """The logits, (n_rows, n_outputs). The bits of a row do not depend on the other rows."""
    model.eval()

    def forward(inputs: Inputs, shares: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = model(**on(inputs, model.device)).logits
        return logits

    return run_fixed(contents, frontend, batch_size, forward, "predict")


def on(inputs: Inputs, device: "torch.device") -> Inputs:
    return {name: values.to(device) for name, values in inputs.items()}
