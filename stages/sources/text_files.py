"""Opens text files and reads their lines, with an error that names the encodings that a file may have."""

import codecs
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.core.errors import InputError, shown
from stages.sources.encodings import candidates, decodes, is_mostly_utf8

# The first bytes of files that are no text, or not the text that they stand for.
OTHER_FORMATS = {
    b"\x1f\x8b": "compressed with gzip; unpack it",
    b"BZh": "compressed with bzip2; unpack it",
    b"\xfd7zXZ\x00": "compressed with xz; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; unpack it, or save it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save it as CSV in UTF-8",
    b"PAR1": "a Parquet file; give it a name that ends in .parquet",
    b"%PDF": "a PDF file; save its table as CSV in UTF-8",
    b"SQLite format 3\x00": "an SQLite database; export its table as CSV",
    b"<!doctype html": "a web page; download the file itself",
    b"<html": "a web page; download the file itself",
    b"version https://git-lfs": "a pointer of Git LFS; run `git lfs pull`",
}


def is_text_encoding(name: str) -> bool:
    """Whether Python knows a codec of this name that decodes bytes into text."""
    try:
        return codecs.lookup(name)._is_text_encoding and isinstance(b"".decode(name), str)
    except (LookupError, UnicodeError, ValueError):
        return False


def open_text(path: Path, encoding: str | None) -> Any:
    """The file, opened as text; `encoding` is a codec of Python, None is UTF-8.

    Raises:
        InputError: the file cannot be opened, or is of another format.
    """
    try:
        with path.open("rb") as file:
            head = file.read(32).lower()
        is_utf8 = encoding is None or is_utf8_anyway(path, encoding)
        opened = path.open(encoding="utf-8" if is_utf8 else encoding, newline="")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    for mark, advice in OTHER_FORMATS.items():
        if head.startswith(mark.lower()):
            opened.close()
            raise InputError(f"{path}: it is {advice}")
    return opened


def is_utf8_anyway(path: Path, encoding: str) -> bool:
    """Whether a file is UTF-8 although another encoding is set, such as a table that names texts in that encoding.

    Bytes of ASCII alone say nothing: some encodings use no others. But each ASCII letter in UTF-16 has a NUL.
    """
    if not decodes(path, "utf-8"):
        return False
    if not decodes(path, "ascii"):
        return True
    with path.open("rb") as file:
        has_nul = b"\0" in file.read(BLOCK)
    return encoding.lower().startswith(("utf-16", "utf-32", "utf_16", "utf_32")) and not has_nul


BLOCK = 2**16  # bytes


def iter_lines(file: Any, path: Path) -> Iterator[str]:
    """The lines of an open text file, without its byte order mark.

    Raises:
        InputError: the file is not in the encoding that it was opened with.
    """
    number = 0
    try:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.lstrip("\ufeff")
                # ASCII letters in UTF-16 are valid UTF-8, with a NUL beside each.
                if line.count("\x00") >= len(line) / 3 > 0:
                    raise InputError(f"{path}: line 1 has NUL bytes; {_advice(path)}")
            yield line
    except UnicodeError as error:
        encoding = file.encoding.upper().removesuffix("-SIG")
        byte = f"byte {error.object[error.start]:#04x} " if isinstance(error, UnicodeDecodeError) else ""
        place = _undecodable_line(path, file.encoding) or number + 1
        if encoding == "UTF-8" and is_mostly_utf8(path):
            advice = "most of the file is UTF-8, so mend that line"
        else:
            advice = _advice(path)
        raise InputError(f"{path}: not {encoding} ({byte}in line {place}); {advice}") from error


def _advice(path: Path) -> str:
    found = candidates(path)
    if not found:
        return "no encoding known here reads the whole file; convert it to UTF-8"
    return f"it can be read as {' or '.join(map(str, found))}; set collect.encoding: {found[0].encoding}"


def _undecodable_line(path: Path, encoding: str) -> int | None:
    """The number of the first line that cannot be decoded; None for encodings whose line breaks are not one byte."""
    if encoding.lower().startswith(("utf-16", "utf-32")):
        return None
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return number
    return None


def refuse_twins(path: Path, names: Sequence[str], asked: Sequence[str]) -> None:
    """Checks that no column that is `asked` for has the name of another.

    Raises:
        InputError: two columns have the same name.
    """
    counts = Counter(names)
    for name in asked:
        if counts[name] > 1:
            raise InputError(f"{path}: it has the column {shown(name)} more than once; rename one")
