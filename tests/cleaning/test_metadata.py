"""What metadata say of somebody is noted, and not kept."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from stages.core.params import read_yaml
from stages.modalities.audio.clean import cleaner as audio
from stages.modalities.image.clean import cleaner as image
from tests import tiny


def photo(**said: str) -> bytes:
    metadata = Image.Exif()
    if "place" in said:
        metadata.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 7.0)})
    if "artist" in said:
        metadata[0x013B] = said["artist"]
    if "camera" in said:
        metadata.get_ifd(0x8769)[0xA431] = said["camera"]
    file = io.BytesIO()
    Image.new("RGB", (80, 80), "red").save(file, "JPEG", exif=metadata)
    return file.getvalue()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, []),
        ({"place": "Paris"}, ["location"]),
        ({"artist": "Ann"}, ["owner"]),
        ({"place": "Paris", "camera": "4711"}, ["location", "owner"]),
    ],
)
def test_photos(said: dict[str, str], found: list[str]) -> None:
    params = image.CleanParams(**tiny.CLEAN_IMAGE)
    cleaned = image.clean(photo(**said), params)
    assert cleaned.measured["pii"] == found
    assert not Image.open(io.BytesIO(cleaned.content or b"")).getexif()


@pytest.mark.parametrize(("said", "found"), [({}, []), ({"artist": "Ann"}, ["owner"]), ({"date": "2024"}, [])])
def test_recordings(said: dict[str, str], found: list[str]) -> None:
    params = audio.CleanParams(**read_yaml(tiny.ROOT / "presets/fsdd.yaml")["clean"]["audio"])
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 8_000, 1, format="FLAC") as recording:
        for name, value in said.items():
            setattr(recording, name, value)
        recording.write(0.2 * np.sin(np.arange(4_000) / 5))
    cleaned = audio.clean(file.getvalue(), params)
    assert cleaned.measured["pii"] == found
    with soundfile.SoundFile(io.BytesIO(cleaned.content or b"")) as kept:
        assert not kept.copy_metadata().get("artist")
