"""Sounds: hostile files, repairs and duplicates."""

import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from stages.modalities.audio import compare
from stages.modalities.audio.clean import cleaner
from stages.modalities.audio.content import db, decode, resample
from tests.samples.cleaned_sounds import CLEAN, clean, samples_of
from tests.sounds import RATE, encoded, sound, tones

# --- what is not what it says ---


def flac_that_promises(frames: int) -> bytes:
    """The last 36 bits of eight bytes of its header are the number of frames."""
    flac = bytearray(sound("up", "FLAC"))
    flac[18:26] = (int.from_bytes(flac[18:26], "big") >> 36 << 36 | frames).to_bytes(8, "big")
    return bytes(flac)


def wav_with(place: int, value: int, size: int) -> bytes:
    wav = bytearray(sound("up"))
    wav[place : place + size] = value.to_bytes(size, "little")
    return bytes(wav)


LYING_AND_BROKEN: dict[str, tuple[bytes, str | None]] = {
    "flac_of_ten_hours": (flac_that_promises(RATE * 36_000), "unreadable"),
    "flac_of_600_samples": (flac_that_promises(600), "too_short"),
    "riff_longer_than_the_file": (wav_with(4, 2**30, 4), "truncated"),
    "riff_from_a_pipe": (wav_with(4, 2**32 - 1, 4), None),  # by a program that could not know the length
    "rate_of_1": (wav_with(24, 1, 4), "implausible_header"),
    "rate_of_4e9": (wav_with(24, 4 * 10**9, 4), "unreadable"),
    "no_channel": (wav_with(22, 0, 2), "unreadable"),
    "999_channels": (wav_with(22, 999, 2), "implausible_header"),
    "mp3_cut_off": (sound("up", "MP3", seconds=2)[:-1_000], "truncated"),
    "ogg_cut_off": (sound("up", "OGG")[:40], "truncated"),
    "mp3_of_zeros": (b"ID3\x03" + bytes(3_000), "unreadable"),
    "no_sound_at_all": (b"not a sound " * 50, "unreadable"),
    "voc": (sound("up", "VOC"), "unsupported_format"),  # a format that libsndfile reads, and no one sends
    "au_of_999_seconds": (b".snd\0\0\0\x18\0\x7f\0\0" + sound("up", "AU")[12:], "truncated"),
    "nan": (encoded(np.array([0.1, np.nan] * 2_000), subtype="FLOAT"), "unreadable"),
    "huge_samples": (encoded(tones("up") * 1e10, subtype="FLOAT"), "unreadable"),
    "no_samples": (encoded(np.zeros(0)), "empty"),
}


@pytest.mark.parametrize(("content", "reason"), LYING_AND_BROKEN.values(), ids=LYING_AND_BROKEN.keys())
def test_lying_and_broken_files(content: bytes, reason: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    found = clean(content)
    assert (found.reason, found.content is None) == (reason, reason is not None)
    assert capfd.readouterr().err == ""


def test_a_bomb_is_not_decoded() -> None:
    """Two hours of silence in 160 kB."""
    bomb = encoded(np.zeros(RATE * 7_200), "FLAC")
    assert len(bomb) < 200_000
    tracemalloc.start()
    assert clean(bomb).reason == "too_long"
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_no_bytes_crash_the_decoder(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    rng, whole = np.random.default_rng(0), sound("up", format)
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(0, len(broken), 20):
            broken[place] = rng.integers(256)
        found = clean(bytes(broken[: rng.integers(1, len(broken) + 1)]))
        assert (found.content is None) == (found.reason is not None)
    assert capfd.readouterr().err == ""


# --- repairs ---


def test_silence_and_clipping_are_measured() -> None:
    quiet = clean(encoded(tones("up") * 1e-3, "FLAC", subtype="PCM_24"))
    assert quiet.reason == "silent"
    assert quiet.measured["peak_db"] == pytest.approx(db(1e-3 * np.abs(tones("up")).max()), abs=0.2)
    assert clean(encoded(np.full(RATE, 0.5))).reason == "silent"  # a constant is no sound
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    clipped = clean(encoded(np.clip(wave * 4, -1, 1)))
    assert clipped.reason == "clipped"
    assert clipped.measured["clipped"] == pytest.approx(2 / 3, abs=0.02)  # |sin| > 1/2
    fine = clean(encoded(wave))
    assert fine.measured["pii"] == []
    levels = {name: value for name, value in fine.measured.items() if name not in ("pii", "format")}
    assert levels == pytest.approx({"seconds": 1.0, "peak_db": -6.02, "rms_db": -9.03, "clipped": 0.0}, abs=0.01)
    assert set(fine.measured) == set(cleaner.MEASURES)


def test_sounds_are_brought_to_one_form() -> None:
    stereo = encoded(
        np.pad(np.stack([tones("up", 1.0, 44_100)] * 2, axis=1), ((22_050, 22_050), (0, 0))), "FLAC", 44_100
    )
    found = clean(stereo)
    assert found.repairs == ("mixed_down", "resampled", "trimmed", "level")
    samples, rate = decode(found.content)
    assert rate == RATE
    assert samples.ndim == 1
    assert 0.7 < len(samples) / rate < 1.0
    assert db(cleaner.rms(samples)) == pytest.approx(-20, abs=0.1)
    assert soundfile.info(io.BytesIO(found.content)).subtype == "PCM_16"
    plain = clean(sound("up"), trim_db=None, level_db=None)
    assert plain.repairs == ()
    assert len(decode(plain.content)[0]) == 4_000


def test_a_level_that_would_clip_is_not_reached() -> None:
    click = np.zeros(4_000)
    click[2_000:2_010], click[2_010:2_020] = 0.1, 0.05
    samples = samples_of(encoded(click), trim_db=None)
    assert np.abs(samples).max() == pytest.approx(1, abs=1e-3)
    assert samples[2_015] == pytest.approx(0.5, abs=1e-2)  # as far from the peak as before
    assert db(cleaner.rms(samples)) < -20


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_a_constant_is_no_sound(rate: int) -> None:
    assert clean(encoded(np.full(rate, 0.5), rate=rate)).reason == "silent"
    moved = clean(encoded(tones("up", rate=rate) + 0.3, rate=rate))
    assert "offset" in moved.repairs
    assert (
        np.abs(decode(moved.content)[0] - decode(clean(encoded(tones("up", rate=rate), rate=rate)).content)[0]).max()
        < 0.01
    )


def test_nothing_is_shorter_than_the_shortest_or_longer_than_the_longest() -> None:
    assert [clean(sound("flat", seconds=seconds), trim_db=None).reason for seconds in (0.09, 0.1, 5.0, 5.01)] == [
        "too_short",
        None,
        None,
        "too_long",
    ]
    with pytest.raises(ValueError, match="min_seconds is larger than max_seconds"):
        cleaner.CleanParams(**CLEAN | {"min_seconds": 6.0})


# --- duplicates ---

COPIES: dict[str, Callable[[npt.NDArray[np.float32]], bytes]] = {
    "mp3": lambda samples: encoded(samples, "MP3"),
    "ogg": lambda samples: encoded(samples, "OGG"),
    "quieter": lambda samples: encoded(samples * 0.2),
    "noisy": lambda samples: encoded(samples + np.random.default_rng(0).normal(0, 0.002, len(samples))),
    "resampled": lambda samples: encoded(resample(samples, RATE, 16_000), "FLAC", 16_000),
    "shifted": lambda samples: encoded(np.pad(samples, (70, 0))[:-70]),
    "padded": lambda samples: encoded(np.pad(samples, (400, 300))),
}


def test_a_long_sound_is_no_copy_of_a_short_one() -> None:
    dot, dash = (compare.fingerprint(clean(sound("flat", seconds=seconds)).content) for seconds in (0.15, 0.45))
    assert compare.similarity(dot, dash) < 0.92
    assert compare.similarity(dot, dot) == pytest.approx(1)


@pytest.mark.parametrize("change", COPIES)
@pytest.mark.parametrize("trim_db", [None, 30.0])
def test_a_changed_copy_is_a_near_duplicate(change: str, trim_db: float | None) -> None:
    for kind in ("up", "down") if change == "mp3" else ("up", "down", "noise"):  # MP3 makes another noise of a noise
        one, other = (
            clean(content, trim_db=trim_db).content
            for content in (sound(kind, seed=5), COPIES[change](tones(kind, seed=5)))
        )
        assert compare.similarity(compare.fingerprint(one), compare.fingerprint(other)) >= 0.96


def test_different_sounds_are_not() -> None:
    prints = [
        compare.fingerprint(clean(sound(kind, seed=seed)).content) for kind in ("up", "down") for seed in range(3)
    ]
    prints += [compare.fingerprint(clean(sound("noise", seed=seed)).content) for seed in range(4)]
    alike = np.array([[compare.similarity(one, other) for other in prints] for one in prints])
    assert alike[:3, 3:].max() < 0.9
    assert alike[3:6, 6:].max() < 0.9
