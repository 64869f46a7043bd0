"""Recordings as vectors: log-mel statistics, or a frozen audio model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.embed import Embedded
from stages.core.params import Strict
from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram

LOGMEL = "logmel"
LOGMEL_BANDS, LOGMEL_PARTS, LOGMEL_DEPTH = 40, 8, 60.0


class EmbedParams(Strict):
    model: str = Field(
        min_length=1,
        description="`logmel` (statistics of the spectrogram, no download), or an audio model: a hub id or a local folder",
    )
    max_seconds: float = Field(gt=0, description="seconds after which a recording is cut off")
    batch_size: int = Field(ge=1, le=256, description="rows at a time; a short last batch is filled up")


def embed(contents: Sequence[bytes], params: EmbedParams) -> Embedded:
    if params.model == LOGMEL:
        from tqdm import tqdm

        return Embedded(
            np.stack(
                [
                    logmel(content, params.max_seconds)
                    for content in tqdm(contents, desc="embed", unit=" rows", disable=None)
                ]
            )
        )
    from stages.modalities.audio.encode.sounds import AudioEncoder

    return Embedded(AudioEncoder.load(params.model, params.max_seconds).embed(contents, params.batch_size))


def logmel(content: bytes, max_seconds: float) -> npt.NDArray[np.float32]:
    """The mean spectrum of eighths of the sound, that of all of it, and how much each band changes, at length 1; loudness does not count."""
    samples, rate = decode(content)
    bands = spectrogram(samples[: round(max_seconds * rate)], rate, LOGMEL_BANDS, FRAME)
    span, heights = Span.of(bands), above(bands, LOGMEL_DEPTH)
    parts = span.means(heights, LOGMEL_PARTS)
    parts = parts - parts.mean()
    vector = np.concatenate([parts.reshape(-1), parts.mean(axis=0), span.inside(heights).std(axis=0)])
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)
