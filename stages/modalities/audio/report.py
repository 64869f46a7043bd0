"""Shows recordings to people: the first seconds as MP3 and as a spectrogram.

Untrusted raw files are decoded as safely as `clean` does it.
"""

import base64
import io

import numpy as np

from stages.contracts.report import Shown
from stages.core.tables import Content
from stages.modalities.audio.clean.decoder import quiet_decoders, read
from stages.modalities.audio.clean.formats import READ, other_format
from stages.modalities.audio.clean.mpeg import TooManyPartsError
from stages.modalities.audio.content import FRAME, Samples, resample, spectrogram

SIZES: tuple[str, ...] = ()  # the seconds are a measure of clean
SECONDS = 5  # that are shown
RATE = 16_000  # of the MP3, in Hz
BANDS, DEPTH = 48, 60.0  # rows of the spectrogram; dB between black and white
WIDTH, HEIGHT = 160, 72  # pixels


def sizes(raw: bytes) -> tuple[float, ...]:
    return ()


def show(content: Content) -> Shown:
    import soundfile

    size = f"{len(content):,} bytes"
    if other := other_format(content):
        return Shown(f"{other}, {size}, not read")
    if not READ.match(content):
        return Shown(f"unreadable recording, {size}")
    try:
        with quiet_decoders():
            recording = read(content, SECONDS)
    except TooManyPartsError:
        return Shown(f"recording, {size}, not decoded: it would take too long")
    except soundfile.SoundFileError:
        return Shown(f"unreadable recording, {size}")
    rate = recording.header.rate
    line = f"audio, {recording.header.frames / max(1, rate):.2f} s at {rate} Hz, {size}"
    if not recording.audible:
        return Shown(f"{line}, not decoded")
    samples = recording.samples[: SECONDS * rate]
    return Shown(line, image=spectrogram_image(samples, rate), sound=mp3(resample(samples, rate, RATE)))


def mp3(samples: Samples) -> str:
    """A `data:` URI of samples at RATE."""
    import soundfile

    file = io.BytesIO()
    with quiet_decoders():
        soundfile.write(file, np.clip(samples, -1, 1), RATE, format="MP3", compression_level=0.9)
    return f"data:audio/mpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def spectrogram_image(samples: Samples, rate: int) -> str:
    """A `data:` URI: time to the right, low frequencies at the bottom, the loudest energy white."""
    from PIL import Image

    bands = spectrogram(samples, rate, BANDS, FRAME)
    grey = np.clip((bands - bands.max()) / DEPTH + 1, 0, 1) * 255
    png = io.BytesIO()
    image = Image.fromarray(grey.T[::-1].astype(np.uint8))
    image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR).save(png, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


def show_pair(one: Content, other: Content) -> tuple[Shown, Shown]:
    return show(one), show(other)
