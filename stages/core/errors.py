"""Errors as users read them: one line that names the file, row or key, what was got, and what to do."""

import errno
import os
import re
from collections.abc import Sequence
from typing import TextIO


class InputError(ValueError):
    """Input that cannot be used. The message names the file, row or key, what was got, and what to do.

    Args:
        details: further lines of the message.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *details]))
        self.lines = [message, *details]


SHOWN = 80  # characters of a value in a message
LONGEST = 1_000  # characters of a line of a message
MOST_LINES = 30  # of a message
# What to do about an error of the operating system.
ADVICE = {
    errno.ENOSPC: "free space on the disk, then run `dvc repro` again",
    errno.EDQUOT: "free space within your quota, then run `dvc repro` again",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), then run `dvc repro` again",
    errno.EROFS: "work on a file system that can be written",
    errno.EACCES: "allow this user to read and write it",
    errno.EPERM: "allow this user to read and write it",
    errno.EMFILE: "raise the limit of open files (ulimit -n), then run `dvc repro` again",
    errno.EIO: "the disk or its connection fails; look at the system's log",
}
# How libraries that are not written in Python say that there is not enough memory.
OUT_OF_MEMORY = re.compile(r"out of memory|can(no|')t allocate memory|bad_alloc|insufficient memory", re.IGNORECASE)
OS_ERROR = re.compile(r"\(os error (\d+)\)")  # how libraries in Rust (safetensors, tokenizers) pass on an errno


def machine_failure(error: BaseException) -> str | None:
    """What failed on this machine and what to do, if nothing is wrong with the input; None for any other error."""
    if is_out_of_memory(error):
        return (
            "not enough memory; nothing is wrong with the data: end other programs, lower a batch_size, "
            "or use a machine with more memory"
        )
    number = error_number(error)
    if number is None:
        return None
    file = getattr(error, "filename", None)
    place = f"{file}: " if file else ""
    advice = f"; {ADVICE[number]}" if number in ADVICE else ""
    return f"{place}{os.strerror(number)}{advice}"


def fails_anyhow(error: BaseException) -> bool:
    """Whether memory, the disk or a right is missing, so that an error says nothing about what was to be read."""
    return is_out_of_memory(error) or error_number(error) in ADVICE


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)) is not None


def error_number(error: BaseException) -> int | None:
    """The errno of an error of the operating system; None for other errors."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = OS_ERROR.search(str(error))
    return int(match[1]) if match else None


def shown(value: object) -> str:
    """The start of a value out of the data, for a message: as Python writes it, in quotes and on one line."""
    text = str(value)
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def one_line(name: object) -> str:
    """A text on one line of a message or a table: as `printable`, its line breaks and tabs as escapes, too.

    Also a half of a surrogate pair, which file names can hold and tables cannot.
    """
    return printable(str(name)).replace("\n", r"\n").replace("\t", r"\t")


def printable(text: str) -> str:
    """The text with what would act on a terminal, or is invisible, written as an escape such as \\x1b or \\u202e."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" or _joins(text, index) else ascii(sign)[1:-1]
        for index, sign in enumerate(text)
    )


def tolerate(stream: TextIO | None, errors: str) -> None:
    """Makes a stream of this process handle what is not of its encoding in this way, instead of raising an error.

    Args:
        stream: None if it is closed; those of tests and libraries may be of other kinds, which raise no such errors.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and getattr(stream, "errors", errors) != errors:
        reconfigure(errors=errors)


def _joins(text: str, index: int) -> bool:
    """Whether a joiner is within a Persian word, an emoji or the like, where it changes what is seen."""
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    return text[index] in "\u200c\u200d" and len(around) == 2 and not around.isascii()


def message_of(error: InputError) -> str:
    """The message for a terminal; of long lines, which show values of the input, start and end."""
    lines = [one_line(line) for line in error.lines[:MOST_LINES]]
    lines = [line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}" for line in lines]
    if n_more := len(error.lines) - len(lines):
        lines.append(f"and {n_more:,} more")
    return "\n  ".join(lines)
