"""The frozen audio model that embeds recordings, and the length that models of recordings hear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.core.errors import InputError
from stages.core.tables import Vectors
from stages.modalities.audio.network.frontend import AudioFrontend, is_of_whisper

if TYPE_CHECKING:
    import torch


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
class AudioEncoder:
    """A frozen audio model."""

    model: Any
    frontend: AudioFrontend

    @classmethod
    def load(cls, name: str, max_seconds: float) -> "AudioEncoder":
        from transformers import AutoFeatureExtractor, AutoModel

        from stages.models import pretrained

        model = pretrained.load_weights(AutoModel, name, unused=("decoder.",)).model.eval()
        extractor = shorten(name, model, pretrained.load(AutoFeatureExtractor, name), max_seconds)
        if model.config.is_encoder_decoder:  # Whisper
            model = model.get_encoder()
        model.to(pretrained.device())
        frontend = AudioFrontend.of(extractor, max_seconds, model)
        return cls(model, replace(frontend, gives_shares=True))

    def embed(self, contents: Sequence[bytes], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1: the mean of the last hidden states, without padding."""
        import torch.nn.functional as F

        from stages.modalities.audio.network.pooling import is_real
        from stages.models.batches import run
        from stages.models.network import run_with

        def forward(batch: "Mapping[str, torch.Tensor]") -> "torch.Tensor":
            inputs = {name: values for name, values in batch.items() if name != "shares"}
            hidden = self.model(**inputs).last_hidden_state
            return F.normalize((hidden * is_real(hidden, batch["shares"])).sum(1))

        return np.stack(run(run_with(self.model, forward), self.frontend, contents, batch_size, "embed"))
