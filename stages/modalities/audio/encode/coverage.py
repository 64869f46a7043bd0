"""How much of the recordings a model hears: those that are longer than it reads."""

import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from stages.contracts._coverage import Coverage
from stages.core.run import DataWarning

HELD = 0.95  # share of the recordings that the proposed length holds
MUCH_SILENCE = 5  # times the longest recording
MANY_CUT = 0.1  # a larger share of cut recordings is out of the ordinary


def measure(contents: Iterable[bytes], max_seconds: float, limit: float | None, key: str, model_key: str) -> Coverage:
    """The shares of recordings and seconds that the model does not hear.

    Args:
        max_seconds: the value of `key` in params.yaml.
        limit: the seconds that the model of `model_key` hears at most; None if it has no limit.
    """
    seconds = np.array([duration(content) for content in contents])
    if not len(seconds):
        return Coverage()
    longest = max_seconds if limit is None else min(max_seconds, limit)
    cut = (seconds - longest).clip(min=0)
    metrics = {"cut_rows": float((cut > 0).mean()), "cut_seconds": float(cut.sum() / seconds.sum())}
    if metrics["cut_rows"] <= MANY_CUT:
        return Coverage(metrics, silence(seconds, longest, key) if limit is not None else ())
    holds = float(np.ceil(10 * np.quantile(seconds, HELD, method="higher")) / 10)
    message = (
        f"{metrics['cut_rows']:.0%} of the recordings are longer than {longest:g} seconds and are cut, "
        f"{metrics['cut_seconds']:.0%} of all seconds are not heard; "
    )
    if limit is None or holds <= limit:
        return Coverage(metrics, [DataWarning(f"{message}{holds:g} would hold {HELD:.0%} of the recordings", key)])
    message += f"{HELD:.0%} of the recordings have at most {holds:g}, but the model hears {limit:g} at most; "
    if max_seconds < limit:
        return Coverage(metrics, [DataWarning(f"{message}give {limit:g}, or choose a model that hears more", key)])
    return Coverage(metrics, [DataWarning(f"{message}choose a model that hears more", model_key)])


def silence(seconds: npt.NDArray[np.float64], computed: float, key: str) -> list[DataWarning]:
    """A warning if a model that computes as much for silence as for sound gets mostly silence."""
    if MUCH_SILENCE * seconds.max() >= computed:
        return []
    needed = float(np.ceil(10 * seconds.max()) / 10)
    message = (
        f"the longest recording has {seconds.max():.1f} seconds, and the model computes {computed:g} for each; "
        f"{needed:g} would hold all of them, and take a fraction of the time"
    )
    return [DataWarning(message, key)]


def duration(content: bytes) -> float:
    """The seconds of a cleaned recording, by its header."""
    import soundfile

    return float(soundfile.info(io.BytesIO(content)).duration)
