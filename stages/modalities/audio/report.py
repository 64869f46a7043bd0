"""Recordings for people: their first seconds as MP3, and a spectrogram of these. What is raw is decoded with the care of clean."""

import base64
import io

import numpy as np

from stages.contracts.report import Shown
from stages.core.tables import Content
from stages.modalities.audio.clean.cleaner import FORMATS, quiet_decoders, read
from stages.modalities.audio.content import FRAME, Samples, resample, spectrogram

SIZES: tuple[str, ...] = ()  # clean measures the seconds
SECONDS = 5
RATE = 16_000
BANDS, DEPTH = 48, 60.0  # rows of the spectrogram; dB between black and white
WIDTH, HEIGHT = 160, 72  # pixels


def sizes(raw: bytes) -> tuple[float, ...]:
    return ()


def show(content: Content) -> Shown:
    import soundfile

    try:
        if not FORMATS.match(content):
            raise soundfile.SoundFileError(content[:4])
        with quiet_decoders():
            recording = read(content, SECONDS)
            frames = soundfile.info(io.BytesIO(content)).frames
    except soundfile.SoundFileError:
        return Shown(f"no readable recording, {len(content):,} bytes")
    line = f"audio, {frames / max(1, recording.rate):.2f} s at {recording.rate} Hz, {len(content):,} bytes"
    if not recording.plausible or not len(recording.samples) or not np.isfinite(recording.samples).all():
        return Shown(f"{line}, not decoded")
    samples = recording.samples[: SECONDS * recording.rate]
    return Shown(
        line, image=spectrogram_image(samples, recording.rate), sound=mp3(resample(samples, recording.rate, RATE))
    )


def mp3(samples: Samples) -> str:
    """Of samples at RATE."""
    import soundfile

    found = io.BytesIO()
    with quiet_decoders():
        soundfile.write(found, np.clip(samples, -1, 1), RATE, format="MP3", compression_level=0.9)
    return f"data:audio/mpeg;base64,{base64.b64encode(found.getvalue()).decode()}"


def spectrogram_image(samples: Samples, rate: int) -> str:
    """Time to the right, low tones at the bottom, the loudest white."""
    from PIL import Image

    bands = spectrogram(samples, rate, BANDS, FRAME)
    grey = np.clip((bands - bands.max()) / DEPTH + 1, 0, 1) * 255
    png = io.BytesIO()
    Image.fromarray(grey.T[::-1].astype(np.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR).save(
        png, format="PNG"
    )
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


def show_pair(one: Content, other: Content) -> tuple[Shown, Shown]:
    return show(one), show(other)
