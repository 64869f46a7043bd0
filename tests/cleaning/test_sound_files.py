"""Sound files of all formats: read as a whole, or dropped with a reason that says why."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from stages.modalities.audio import report
from stages.modalities.audio.clean import mpeg, ogg
from stages.modalities.audio.clean.decoder import mix, read
from stages.modalities.audio.clean.formats import NAMES, other_format
from tests.samples.cleaned_sounds import clean
from tests.sounds import RATE, encoded, tones

WHOLE = {"trim_db": None, "max_seconds": 30.0}
ID3 = b"ID3\x03\0\0\0\0\x01\x00" + b"\xff\xfb\x90\x00" * 32  # with false headers of frames
ID3_AT_THE_END = b"TAG" + bytes(125)
APE = b"APETAGEX\xd0\x07\0\0\x20\0\0\0" + bytes(16) + b"\xff" * 32


def speech(seconds: float = 2.0, rate: int = 16_000) -> npt.NDArray[np.float32]:
    """A tone, noise and a tone: variable bit rates vary."""
    noise = np.random.default_rng(0).normal(0, 0.1, round(rate * seconds)).astype(np.float32)
    tone = tones("flat", 0.5, rate)
    return np.concatenate([tone, noise[: len(noise) - 2 * len(tone)], tone])


def mp3(seconds: float = 2.0, rate: int = 16_000, channels: int = 1) -> bytes:
    samples = np.stack([speech(seconds, rate)] * channels, axis=1)
    return encoded(samples, "MP3", rate, bitrate_mode="VARIABLE", compression_level=0.3)


def without_info(content: bytes) -> bytes:
    """The MP3 without its first frame, which says how long it is."""
    return content[next(mpeg.iter_frames(content)).end :]


def seconds_of(content: bytes) -> float:
    cleaned = clean(content, **WHOLE)
    assert cleaned.reason is None
    return float(cleaned.measured["seconds"])


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_is_read_to_its_end(rate: int, channels: int) -> None:
    one = mp3(rate=rate, channels=channels)
    lengths = {
        "as it is": (one, 2),
        "without its length": (without_info(one), 2),
        "joined": (one + one, 4),
        "joined without length": (without_info(one) + without_info(one), 4),
        "the second without length": (one + without_info(one), 4),
        "the first without length": (without_info(one) + one, 4),
        "a tag at the start": (ID3 + without_info(one), 2),
        "a tag between": (one + ID3 + one, 4),
        "tags between": (one + ID3_AT_THE_END + ID3 + one + ID3_AT_THE_END, 4),
        "a tag at the end": (without_info(one) + APE, 2),
        "noise between": (one + b"\xff\xfb" * 100 + bytes(50) + one, 4),
    }
    found = {name: seconds_of(content) for name, (content, _) in lengths.items()}
    assert found == pytest.approx({name: seconds for name, (_, seconds) in lengths.items()}, abs=0.15)


def test_mp3_with_a_true_length_is_left_alone() -> None:
    one = mp3()
    assert mpeg.split(one) == [one]
    assert mpeg.split(one + APE) == [one + APE]
    assert seconds_of(one) == 2  # without the silence that the encoder adds


def test_mp3_that_lacks_a_part_is_truncated() -> None:
    one = mp3()
    half = len(one) // 2
    for content in (one[:half], without_info(one)[:half], one + one[:half], one + mp3(rate=22_050)):
        assert clean(content, **WHOLE).reason == "truncated"


def test_a_tag_keeps_its_owner() -> None:
    def owned(content: bytes) -> bytes:
        frame = b"TPE1" + (8).to_bytes(4, "big") + b"\0\0\0Ann Lee"
        return b"ID3\x03\0\0\0\0\0" + bytes([len(frame)]) + frame + content

    for content in (mp3(), without_info(mp3())):
        assert clean(owned(content), **WHOLE).measured["pii"] == ["owner"]
        assert seconds_of(owned(content)) == pytest.approx(2, abs=0.1)


def other_size(content: bytes, name: bytes, value: int) -> bytes:
    """A WAV file with another size after a name."""
    start = content.index(name) + 4
    return content[:start] + value.to_bytes(4, "little") + content[start + 4 :]


@pytest.mark.parametrize("value", [0, 2**32 - 1, 2**31 - 2**16])
def test_wav_from_a_pipe_is_whole(value: int) -> None:
    wav = encoded(speech(), "WAV", 16_000)
    assert seconds_of(other_size(wav, b"data", value)) == 2
    assert seconds_of(other_size(other_size(wav, b"data", value), b"RIFF", value)) == 2


def test_wav_with_false_sizes() -> None:
    wav = encoded(speech(), "WAV", 16_000)
    crashed = other_size(other_size(wav, b"data", 0), b"RIFF", 36)  # the program never came back to write the sizes
    assert seconds_of(crashed) == 2
    assert seconds_of(other_size(wav, b"data", 400)) == 2  # RIFF says that there is more, and it is no chunk
    assert clean(other_size(wav, b"RIFF", 0)[:-10_000]).reason == "truncated"
    tags = b"LIST\x04\0\0\0INFO"
    assert seconds_of(wav + tags) == seconds_of(wav + b"rubbish" * 9) == 2
    nothing = encoded(np.zeros(0), "WAV")
    assert clean(nothing).reason == clean(nothing + tags).reason == "empty"


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "AIFF"])
def test_joined_files_are_read_one_after_the_other(format: str) -> None:
    one, other = encoded(speech(), format, 16_000), encoded(speech(1.5), format, 16_000)
    assert seconds_of(one + other) == pytest.approx(3.5)
    assert clean(one + encoded(speech(), format, 8_000), **WHOLE).reason == "truncated"


@pytest.mark.parametrize("format", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF", "NIST"])
def test_a_file_that_is_cut_is_truncated(format: str) -> None:
    whole = encoded(speech(), format, 16_000)
    assert seconds_of(whole) == 2
    assert clean(whole[: len(whole) // 2]).reason == "truncated"


# --- Ogg ---


def ogg_of(subtype: str, seconds: float = 7.0) -> bytes:
    return encoded(tones("up", seconds), "OGG", subtype=subtype)


def ogg_pages(content: bytes) -> list[bytes]:
    return [content[page.start : page.end] for page in ogg.iter_pages(content)]


def with_flags(page: bytes, flags: int) -> bytes:
    """The page with other flags and the checksum of RFC 3533, bit by bit."""
    page = page[:5] + bytes([flags]) + page[6:22] + bytes(4) + page[26:]
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x104C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
    return page[:22] + checksum.to_bytes(4, "little") + page[26:]


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0x5A]) + content[position + 1 :]


OGG_SUBTYPES = pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])


@OGG_SUBTYPES
def test_an_ogg_that_is_cut_is_truncated(subtype: str) -> None:
    whole = ogg_of(subtype)
    assert seconds_of(whole) == 7
    page_ends = [page.end for page in ogg.iter_pages(whole)]
    in_headers = [end + n_bytes for end in page_ends[:-1] for n_bytes in (2, 5, 20)]
    cuts = [*range(40, len(whole), 997), *in_headers, len(whole) - 1]
    reasons = {cut: clean(whole[:cut], **WHOLE).reason for cut in cuts if cut not in page_ends}
    assert set(reasons.values()) == {"truncated"}
    assert clean(whole + whole[:-300], **WHOLE).reason == "truncated"


@OGG_SUBTYPES
def test_an_ogg_with_a_damaged_page_is_unreadable(subtype: str) -> None:
    whole = ogg_of(subtype)
    _, _, _, fourth, *_, last = ogg.iter_pages(whole)
    damaged = {
        "the middle": flipped(whole, len(whole) // 2),
        "the name of a page": flipped(whole, fourth.start),
        "the sizes of a page": flipped(whole, fourth.start + 30),
        "the last page": flipped(whole, len(whole) - 9),
        "zeros": whole[: fourth.end - 400] + bytes(300) + whole[fourth.end - 100 :],
        "a cut file before another": whole[:-300] + whole,
        "a short file": flipped(ogg_of(subtype, 0.4), -100),
        "bytes between files": whole + b"rubbish" + whole,
    }
    reasons = {name: clean(content, **WHOLE).reason for name, content in damaged.items()}
    assert reasons == dict.fromkeys(damaged, "unreadable")
    assert clean(flipped(whole, last.start), **WHOLE).reason == "truncated"  # where it began cannot be known


@OGG_SUBTYPES
def test_an_ogg_without_a_page_in_its_middle_is_truncated(subtype: str) -> None:
    """The decoder stops at the gap; asked again, it repeats the end."""
    pages = ogg_pages(ogg_of(subtype))
    for lost in range(3, len(pages) - 1):
        assert clean(b"".join(pages[:lost] + pages[lost + 1 :]), **WHOLE).reason == "truncated"


def test_whole_ogg_files_of_all_kinds_are_read() -> None:
    *pages, last = ogg_pages(ogg_of("VORBIS"))
    whole, unmarked = b"".join([*pages, last]), b"".join([*pages, with_flags(last, 0)])
    lengths = {
        "as recorders of Android write it": (unmarked, 7),
        "a radio that changes its title": (whole + whole, 14),
        "a radio that does not end its streams": (unmarked + whole, 14),
        "a tag at the end": (whole + ID3_AT_THE_END, 7),
    }
    found = {name: seconds_of(content) for name, (content, _) in lengths.items()}
    assert found == {name: seconds for name, (_, seconds) in lengths.items()}
    assert clean(unmarked, **WHOLE).content == clean(whole, **WHOLE).content
    joined_late = b"".join([*pages[:2], *pages[4:], last])  # the headers, and what the radio sent from then on
    assert 2 < seconds_of(joined_late) < 6


# --- formats ---


def test_the_formats_that_the_docs_list_are_read() -> None:
    docs = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    listed = re.search(r"(WAV, .*) files are read", " ".join(docs.split()))
    assert listed is not None
    assert listed[1].replace(" and ", ", ").split(", ") == list(NAMES)
    spelling = {"Ogg Vorbis": "OGG", "Ogg Opus": "OGG", "NIST SPHERE": "NIST"}
    for name in NAMES:
        options = {"subtype": "OPUS"} if name == "Ogg Opus" else {}
        assert seconds_of(encoded(speech(), spelling.get(name, name), 16_000, **options)) == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x20ftypM4A ", "MP4, M4A"),
        (b"\xff\xf1\x50\x80", "AAC"),
        (ID3 + b"\xff\xf1\x50\x80", "AAC"),
        (b"#!AMR\n", "AMR"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"),
        (b"\x1a\x45\xdf\xa3", "WebM, Matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_a_format_that_is_not_read_has_its_name(start: bytes, name: str) -> None:
    cleaned = clean(start + bytes(500))
    assert (cleaned.reason, cleaned.measured["format"]) == ("unsupported_format", name)
    assert name in report.show(start + bytes(500)).line


def test_what_is_read_has_no_other_name() -> None:
    for format in ("WAV", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST"):
        assert other_format(encoded(speech(), format, 16_000)) is None


def test_a_codec_that_is_not_read() -> None:
    wav = encoded(speech(), "WAV", 16_000)
    start = wav.index(b"fmt ") + 8
    assert clean(wav[:start] + b"\x61\x01" + wav[start + 2 :]).reason == "unsupported_format"


# --- channels ---

TONE = 0.4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) * np.hanning(RATE)
OTHER = 0.4 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE) * np.hanning(RATE)
NOISE = np.random.default_rng(0).normal(0, 0.002, RATE)


def stereo(left: npt.NDArray[Any], right: npt.NDArray[Any], **options: Any) -> Any:
    return clean(encoded(np.stack([left, right], axis=1), **options), trim_db=None, level_db=None)


@pytest.mark.parametrize("factor", [-1.0, -0.98, -0.6])
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_channels_of_opposite_phases_are_not_silent(factor: float, offset: float) -> None:
    cleaned = stereo(TONE + NOISE + offset, factor * TONE + NOISE)
    assert (cleaned.reason, cleaned.repairs[0]) == (None, "one_channel")
    assert cleaned.measured["peak_db"] == pytest.approx(-8, abs=0.2)
    samples, _ = soundfile.read(io.BytesIO(cleaned.content))
    assert abs(np.corrcoef(samples, TONE)[0, 1]) > 0.99


@pytest.mark.parametrize("other", [TONE, OTHER, np.zeros(RATE), -0.2 * TONE], ids=["equal", "other", "silent", "leak"])
def test_other_channels_are_mixed(other: npt.NDArray[Any]) -> None:
    cleaned = stereo(TONE, other)
    assert cleaned.repairs == ("mixed_down",)
    samples, _ = soundfile.read(io.BytesIO(cleaned.content))
    assert samples == pytest.approx((TONE + other) / 2, abs=1e-4)


def test_one_decision_for_the_whole_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """The channels differ in the first block and cancel each other out in the second."""
    left, right = np.concatenate([OTHER / 50, TONE]), np.concatenate([TONE / 50, -TONE])
    wav = encoded(np.stack([left, right], axis=1), subtype="FLOAT")
    monkeypatch.setattr("stages.modalities.audio.clean.decoder.BLOCK", 2 * RATE)
    mono = mix([wav], 2, 3 * RATE, 1.0)
    assert mono.cancelled
    assert any(np.allclose(mono.samples, channel, atol=1e-6) for channel in (left, right))


def test_six_channels_with_one_voice() -> None:
    channels = np.zeros((RATE, 6))
    channels[:, 2] = TONE
    cleaned = clean(encoded(channels, "FLAC"), level_db=None)
    assert cleaned.reason is None
    assert cleaned.measured["peak_db"] == pytest.approx(-8, abs=0.2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e37, 3e38])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_no_numbers_are_shown_and_cleaned(value: float, channels: int) -> None:
    samples = np.stack([TONE] * channels, axis=1)
    samples[100:200, 0] = value
    wav = encoded(samples, subtype="FLOAT")
    assert clean(wav).reason == "unreadable"
    assert report.show(wav).line.endswith("not decoded")


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"])
def test_encodings_of_wav(subtype: str) -> None:
    cleaned = clean(encoded(TONE, subtype=subtype), trim_db=None, level_db=None)
    samples, _ = soundfile.read(io.BytesIO(cleaned.content))
    assert np.corrcoef(samples[:RATE], TONE)[0, 1] > 0.99


LOUD = TONE / np.abs(TONE).max()


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU", "CAF"])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("peak", [1.5, 10, 32_767, 2**31 - 128])
def test_floats_beyond_full_scale_are_not_clipped(format: str, subtype: str, peak: float) -> None:
    """The last two are integers that were written as floats."""
    content = encoded(LOUD * peak, format, subtype=subtype)
    cleaned = clean(content, level_db=None, trim_db=None)
    assert (cleaned.reason, cleaned.repairs[0]) == (None, "full_scale")
    assert cleaned.measured["clipped"] < 0.01
    assert cleaned.measured["peak_db"] == pytest.approx(0, abs=0.1)
    samples, _ = soundfile.read(io.BytesIO(cleaned.content))
    assert samples == pytest.approx(LOUD, abs=1e-3)
    assert not report.show(content).line.endswith("not decoded")


@pytest.mark.parametrize("peak", [1.0, 10.0, 32_767.0])
def test_floats_with_flat_tops_are_clipped(peak: float) -> None:
    cleaned = clean(encoded(np.clip(4 * LOUD, -1, 1) * peak, subtype="FLOAT"))
    assert cleaned.reason == "clipped"
    assert cleaned.measured["clipped"] > 0.4


@pytest.mark.parametrize("peak", [0.5, 1.0])
def test_floats_within_full_scale_stay_as_they_are(peak: float) -> None:
    cleaned = clean(encoded(LOUD * peak, subtype="FLOAT"), level_db=None, trim_db=None)
    assert "full_scale" not in cleaned.repairs
    assert cleaned.measured["peak_db"] == pytest.approx(20 * np.log10(peak), abs=0.01)


def test_one_full_scale_for_channels_blocks_and_joined_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.modalities.audio.clean.decoder.BLOCK", RATE // 2)
    soft = encoded(np.stack([LOUD, -LOUD], axis=1), subtype="FLOAT")
    loud = encoded(np.stack([10 * LOUD, -10 * LOUD], axis=1), subtype="FLOAT")
    cleaned = clean(soft + loud, level_db=None, trim_db=None)
    assert cleaned.repairs == ("full_scale", "one_channel")
    samples, _ = soundfile.read(io.BytesIO(cleaned.content))
    assert np.abs(samples) == pytest.approx(np.abs(np.concatenate([LOUD / 10, LOUD])), abs=1e-3)


def test_many_joined_files_are_not_read_for_ever() -> None:
    one = encoded(np.zeros(16), "FLAC")
    assert read(one * 1_001, 5.0).truncated
