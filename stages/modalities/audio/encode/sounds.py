"""Audio models whose outputs do not depend on the other rows; also models of images, which read a spectrogram as a grey one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stages.core.errors import InputError
from stages.core.tables import Vectors
from stages.modalities.audio.content import Samples, decode, resample

if TYPE_CHECKING:
    import torch

Inputs = dict[str, "torch.Tensor"]  # what a model takes, (n_rows, ...) each
SHORTEST = 400  # samples: the window of the extractors, which fail on less
CACHE_BYTES = 2**30  # of what models take, so that an epoch need not compute it again


def n_frames(seconds: float, rate: int) -> int:
    """How many windows of 400 samples, 160 apart, ASTFeatureExtractor makes of a recording."""
    return 1 + max(0, round(seconds * rate) - 400) // 160


@dataclass(frozen=True)
class Frontend:
    """What stands between cleaned contents and a model."""

    extractor: Any  # transformers' feature extractor
    max_seconds: float  # a longer recording is cut off
    input: str  # what the model calls its input

    @classmethod
    def of(cls, extractor: Any, max_seconds: float, model: Any) -> "Frontend":
        frontend = cls(extractor, max_seconds, model.main_input_name)
        if not frontend.takes_samples and not frontend.pads_itself:
            raise InputError(
                f"model {model.config.model_type}: {type(extractor).__name__} is not known here; take one whose extractor is that of wav2vec2, AST or Whisper"
            )
        return frontend

    @property
    def pads_itself(self) -> bool:
        """Whether all that comes out is of one shape: spectrograms of AST and Whisper."""
        return hasattr(self.extractor, "max_length") or hasattr(self.extractor, "nb_max_samples")

    @property
    def takes_samples(self) -> bool:
        return "Wav2Vec2" in type(self.extractor).__name__

    def samples(self, content: bytes) -> Samples:
        """At the rate of the extractor, no longer than `max_seconds`."""
        rate = int(self.extractor.sampling_rate)
        samples = resample(*decode(content), rate)[: round(self.max_seconds * rate)]
        return np.pad(samples, (0, max(0, SHORTEST - len(samples))))

    @property
    def longest(self) -> int:
        return max(SHORTEST, round(self.max_seconds * int(self.extractor.sampling_rate)))

    def length(self, content: bytes) -> int:
        """The length to pad a content to; an extractor that pads by itself has one for all."""
        return self.longest if self.pads_itself else self.bucket(len(self.samples(content)))

    def bucket(self, n_samples: int) -> int:
        """A quarter of a second, twice that, and so on, up to `max_seconds`."""
        length: int = self.extractor.sampling_rate // 4
        while length < n_samples:
            length *= 2
        return min(length, self.longest)

    def inputs(self, content: bytes) -> tuple[Inputs, float]:
        """What the model takes of one content, (1, ...), padded to a length that depends on it alone; and the share of it that is no padding."""
        samples = self.samples(content)
        length = self.longest if self.pads_itself else self.bucket(len(samples))
        more = {} if self.pads_itself else {"padding": "max_length", "max_length": length}
        found = self.extractor(samples, sampling_rate=self.extractor.sampling_rate, return_tensors="pt", **more)
        first, *others = found
        values = found[first].unsqueeze(1) if self.input == "pixel_values" else found[first]
        return {self.input: values, **{name: found[name] for name in others}}, 1.0 if self.pads_itself else len(
            samples
        ) / length

    def cached(self, content: bytes) -> Callable[[bytes], Inputs]:
        """`inputs`, kept for as many contents as there is room for; `content` is one of them."""
        size = sum(values.nbytes for values in self.inputs(content)[0].values())
        return lru_cache(maxsize=max(1, CACHE_BYTES // size))(lambda row: self.inputs(row)[0])


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
    """(n_rows, n_outputs): what `forward` makes of the inputs of each row and of the share of them that is no padding."""
    import torch

    from stages.models.batches import run_by_shape

    def run(rows: list[tuple[Inputs, float]], length: int) -> torch.Tensor:
        return forward(stacked([inputs for inputs, _ in rows]), torch.tensor([share for _, share in rows]))

    lengths = [frontend.length(content) for content in contents]
    return np.stack(run_by_shape(lengths, batch_size, lambda row: frontend.inputs(contents[row]), run, title))


@dataclass(frozen=True)
class AudioEncoder:
    model: Any
    frontend: Frontend

    @classmethod
    def load(cls, name: str, max_seconds: float) -> "AudioEncoder":
        from transformers import AutoFeatureExtractor, AutoModel

        from stages.models import pretrained

        model = pretrained.load(AutoModel, name, use_safetensors=True).eval().to(pretrained.device())
        return cls(model, Frontend.of(pretrained.load(AutoFeatureExtractor, name), max_seconds, model))

    def embed(self, contents: Sequence[bytes], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1: the mean of the last hidden states over what is no padding."""
        import torch
        import torch.nn.functional as F

        def forward(inputs: Inputs, shares: "torch.Tensor") -> "torch.Tensor":
            hidden = self.model(**on(inputs, self.model.device)).last_hidden_state
            ends = (shares.to(hidden.device) * hidden.shape[1]).ceil().unsqueeze(1)
            inside = (torch.arange(hidden.shape[1], device=hidden.device) < ends).unsqueeze(2)
            return F.normalize((hidden * inside).sum(1))

        return run_fixed(contents, self.frontend, batch_size, forward, "embed")


def run_model(model: Any, frontend: Frontend, contents: Sequence[bytes], batch_size: int) -> npt.NDArray[np.float32]:
    """(n_rows, n_outputs): the logits; a row's bits do not depend on the other rows."""
    model.eval()

    def forward(inputs: Inputs, shares: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = model(**on(inputs, model.device)).logits
        return logits

    return run_fixed(contents, frontend, batch_size, forward, "predict")


def on(inputs: Inputs, device: "torch.device") -> Inputs:
    return {name: values.to(device) for name, values in inputs.items()}
