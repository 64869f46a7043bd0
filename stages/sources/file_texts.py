"""Files of text: which files are, and their bytes in UTF-8."""

from pathlib import Path

from stages.sources.encodings import BYTE_ORDER_MARKS, candidates
from stages.sources.file_kinds import kind_of

START = 8192  # bytes, as git looks for a NUL


def in_utf8(content: bytes, path: Path, encoding: str | None) -> tuple[bytes, str | None]:
    """The bytes of a file, those of a text in UTF-8, and what is wrong with them, None if nothing is.

    A text that is valid UTF-8 is kept as it is, whatever the encoding of the others, unless it is written without any
    byte above 127: some encodings use no others.
    """
    if not is_text(content, path.name):
        return content, None
    if encoding is None and b"\x00" in content[:START] and not content.startswith(tuple(BYTE_ORDER_MARKS)):
        return b"", "a text with NUL bytes, as UTF-16 has them; set collect.encoding, for example utf-16-le"
    try:
        content.decode("utf-8")
        if encoding is None or not content.isascii():
            return content, None
    except UnicodeDecodeError as error:
        if encoding is None:
            return b"", f"not UTF-8 (byte {content[error.start]:#04x}); {advice(path)}"
    try:
        return content.decode(encoding).encode("utf-8"), None
    except UnicodeError:
        return b"", f"neither UTF-8 nor {encoding}; convert the file, or change collect.encoding"


def is_text(content: bytes, name: str) -> bool:
    """Whether a file holds text, by its suffix or, if that does not say, by its bytes."""
    kind = kind_of(name)
    return kind == "text" or (kind is None and b"\x00" not in content[:START])


def advice(path: Path) -> str:
    """What to do with a text that is not UTF-8."""
    likely = candidates(path)
    if not likely:
        return "set collect.encoding to the encoding of such files, or convert them"
    return f"set collect.encoding to the encoding of such files, for example {likely[0].encoding}"
