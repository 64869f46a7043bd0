"""What is measured of a recording before it is trimmed and made louder."""

import numpy as np

from stages.modalities.audio.content import Samples, db, peak


def levels(samples: Samples, rate: int, clipped: float) -> dict[str, float]:
    """Its length, its loudest sample and its loudness in dB of full scale, and the share of samples at full scale."""
    return {"seconds": len(samples) / rate, "peak_db": db(peak(samples)), "rms_db": db(rms(samples)), "clipped": clipped}


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
