"""Which sound files are read, and the names of others, by their first bytes."""

import re

from stages.modalities.audio.clean.mpeg import tag_length

# What libsndfile reads of these. It knows twenty more formats, most of them from the last century.
READ = re.compile(
    rb"RIFF....WAVE|RIFX....WAVE|RF64|riff\x2e\x91\xcf\x11|fLaC|OggS|FORM....AIF[FC]|\.snd|caff|NIST_1A|ID3"
    rb"|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]",  # the last: MPEG, of any layer
    re.DOTALL,
)
NAMES = ("WAV", "RF64", "W64", "FLAC", "Ogg Vorbis", "Ogg Opus", "MP3", "AIFF", "AU", "CAF", "NIST SPHERE")

# Formats that are not read.
OTHERS = {
    "MP4, M4A": rb"....ftyp(?!qt)",
    "QuickTime": rb"....(ftypqt|moov|mdat|wide)",
    "AAC": rb"\xff[\xf0\xf1\xf8\xf9]|ADIF",
    "WMA": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    "AMR": rb"#!AMR",
    "WebM, Matroska": rb"\x1a\x45\xdf\xa3",
    "AVI": rb"RIFF....AVI ",
    "FLV": rb"FLV\x01",
    "MPEG video": rb"\x00\x00\x01[\xba\xb3]",
    "Monkey's Audio": rb"MAC ",
    "WavPack": rb"wvpk",
    "True Audio": rb"TTA[12]",
    "Musepack": rb"MPCK|MP\+",
    "DSD": rb"DSD |FRM8",
    "RealAudio": rb"\.ra\xfd|\.RMF",
    "MIDI": rb"MThd",
    "AC-3": rb"\x0b\x77",
    "DTS": rb"\x7f\xfe\x80\x01",
    "SILK": rb"\x02?#!SILK",
    "Creative Voice": rb"Creative Voice File",
    "IFF": rb"FORM....(8SVX|16SV)",
    "NumPy": rb"\x93NUMPY|PK\x03\x04.{26}[^/]+\.npy",
    "ZIP": rb"PK\x03\x04",
    "gzip": rb"\x1f\x8b",
    "HTML": rb"\s*<(!doctype|html|\?xml)",
    "a Git LFS pointer": rb"version https://git-lfs",
}
_OTHERS = {name: re.compile(pattern, re.DOTALL | re.IGNORECASE) for name, pattern in OTHERS.items()}


def other_format(content: bytes) -> str | None:
    """The name of a format that is known and not read; an ID3 tag may precede it."""
    start = tag_length(content, 0)
    return next((name for name, pattern in _OTHERS.items() if pattern.match(content, start)), None)


# Of WAV: PCM, ADPCM, float, A-law, mu-law, GSM, G.721, and the number that says that another one follows.
CODECS = {0x0001, 0x0002, 0x0003, 0x0006, 0x0007, 0x0011, 0x0031, 0x0040, 0xFFFE}


def other_codec(content: bytes) -> str | None:
    """The codec of a WAV file that cannot be opened, if it is none of those that are read."""
    start = content.find(b"fmt ") + 8
    number = int.from_bytes(content[start : start + 2], "little")
    is_other = content.startswith(b"RIFF") and start >= 8 and number not in CODECS
    return f"WAV of codec 0x{number:04x}" if is_other else None
