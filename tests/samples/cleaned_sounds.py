"""Cleans sounds with the params that several tests use."""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.modalities.audio.clean import cleaner
from stages.modalities.audio.content import decode
from tests.sounds import RATE

CLEAN: dict[str, Any] = {
    "sample_rate": RATE,
    "min_seconds": 0.1,
    "max_seconds": 5.0,
    "trim_db": 30.0,
    "level_db": -20.0,
    "min_peak_db": -50.0,
    "max_clipped": 0.02,
}


def clean(content: bytes, **changes: Any) -> Any:
    return cleaner.clean(content, cleaner.CleanParams(**CLEAN | changes))


def samples_of(content: bytes, **changes: Any) -> npt.NDArray[np.float32]:
    found = clean(content, **changes)
    assert found.reason is None
    return decode(found.content)[0]
