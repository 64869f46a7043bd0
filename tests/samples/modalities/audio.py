"""Samples of audio."""

import numpy as np

from tests.samples.kinds import ModalitySamples
from tests.sounds import encoded, sound, tones

SAMPLES = ModalitySamples(
    contents=[
        sound("up"),
        sound("up", "FLAC", seconds=1.2, rate=16_000),
        sound("down"),
        sound("flat", "OGG"),
        sound("low", "MP3", rate=22_050),
        encoded(np.stack([tones("down", 0.7), tones("flat", 0.7)], axis=1), "FLAC"),
        *(sound("noise", seconds=0.2 + seed / 10, seed=seed) for seed in range(4)),
    ],
    same=[
        (sound("up"), sound("up", "FLAC")),
        (sound("flat"), encoded(np.pad(tones("flat"), 800))),
    ],
    near=[
        (sound("up"), sound("up", "MP3")),
        (sound("down"), encoded(tones("down") * 0.3 + np.random.default_rng(1).normal(0, 0.001, 4_000), "OGG")),
    ],
    threshold=0.9,
    reasons={
        "empty": b"",
        "unreadable": sound("up", "FLAC")[:-100],
        "unsupported_format": sound("up", "VOC"),
        "implausible_header": encoded(np.zeros((100, 17))),
        "too_many_parts": b"\xff\xfb" + b"\xff" * 100_010,
        "truncated": sound("up")[:-100],
        "too_long": encoded(np.zeros(20_001), "FLAC"),
        "clipped": encoded(np.clip(tones("up") * 20, -1, 1)),
        "silent": encoded(tones("up") * 1e-3, "FLAC", subtype="PCM_24"),
        "too_short": sound("up", seconds=0.04),
    },
    clean={
        "sample_rate": 8_000,
        "min_seconds": 0.1,
        "max_seconds": 2.5,
        "trim_db": 30.0,
        "level_db": -20.0,
        "min_peak_db": -50.0,
        "max_clipped": 0.1,
    },
    embedders=[
        {"model": "logmel", "max_seconds": 1.0, "batch_size": 4},
        {"model": "{folder}/wav2vec2", "max_seconds": 0.75, "batch_size": 4},
        {"model": "{folder}/ast", "max_seconds": 1.0, "batch_size": 4},
        {"model": "{folder}/whisper", "max_seconds": 1.0, "batch_size": 4},
    ],
    clean_copies={"min_seconds": 0.01, "max_seconds": 30.0, "min_peak_db": -90.0, "max_clipped": 1.0},
)
