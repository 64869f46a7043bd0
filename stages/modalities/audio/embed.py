"""Vectors of recordings: statistics of log-mel spectrograms, or a frozen audio model."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts._coverage import Coverage
from stages.contracts.embed import Embedded
from stages.core.params import Strict
from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram

LOGMEL = "logmel"
BANDS, PARTS = 40, 8  # of the spectrogram, in frequency and in time
DEPTH = 60.0  # dB below the loudest energy that count


class EmbedParams(Strict):
    model: str = Field(
        min_length=1,
        description="`logmel` (statistics of the spectrogram), or a frozen audio model: openai/whisper-tiny.en, which "
        "is installed as a package, a local folder, or `owner/name@commit` on the hub",
    )
    max_seconds: float = Field(gt=0, description="longer recordings are truncated, in seconds")
    batch_size: int = Field(ge=1, le=256, description="rows per batch; a short last batch is padded with copies")


def embed(contents: Sequence[bytes], params: EmbedParams) -> Embedded:
    if params.model == LOGMEL:
        from tqdm import tqdm

        progress = tqdm(contents, desc="embed", unit=" rows", disable=None)
        return Embedded(np.stack([logmel(content, params.max_seconds) for content in progress]))
    from stages.modalities.audio.encode.sounds import AudioEncoder

    return Embedded(AudioEncoder.load(params.model, params.max_seconds).embed(contents, params.batch_size))


def measure(contents: Iterable[bytes], params: EmbedParams) -> Coverage:
    from stages.modalities.audio.encode.coverage import measure as measure_sounds
    from stages.modalities.audio.encode.sounds import model_seconds

    limit = None if params.model == LOGMEL else model_seconds(params.model)
    return measure_sounds(contents, params.max_seconds, limit, "embed.audio.max_seconds", "embed.audio.model")


def logmel(content: bytes, max_seconds: float) -> npt.NDArray[np.float32]:
    """A vector of length 1, independent of loudness.

    It has the mean spectra of the eighths of the sound and of all of it, and the standard deviation of each band.
    """
    samples, rate = decode(content)
    bands = spectrogram(samples[: round(max_seconds * rate)], rate, BANDS, FRAME)
    span, heights = Span.of(bands), above(bands, DEPTH)
    parts = span.means(heights, PARTS)
    parts = parts - parts.mean()
    vector = np.concatenate([parts.reshape(-1), parts.mean(axis=0), span.inside(heights).std(axis=0)])
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)
