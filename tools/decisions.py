"""Adds decisions to data/ledger.csv, one at a time."""

import csv
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from stages.cleaning.ledger import read_ledger
from stages.core import paths
from stages.core.atomic import write_text
from stages.core.errors import InputError
from stages.label_quality.review import IN_TURN


@contextmanager
def one_review_at_a_time() -> Iterator[None]:
    """
    Raises:
        InputError: another review is going on in this folder.
    """
    paths.RUN_LOCKS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.RUN_LOCKS / "review", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError("another review is going on in this folder; end it first, with q") from error
    try:
        yield
    finally:
        lock.release()


def check_writable() -> None:
    """
    Raises:
        InputError: the ledger is read-only. A rename would replace it all the same, and root may write anything.
    """
    ledger = paths.LEDGER.resolve()
    if not ledger.stat().st_mode & 0o222 or not os.access(ledger, os.W_OK) or not os.access(ledger.parent, os.W_OK):
        raise InputError(f"{paths.LEDGER} is read-only; allow this user to write it and its folder")


def ledger_text() -> str:
    """The ledger, character by character; `read_ledger` has checked that it is UTF-8."""
    return paths.LEDGER.read_bytes().decode("utf-8")


def write_ledger(text: str) -> None:
    """Replaces the ledger in one step.

    Raises:
        InputError: it cannot be written.
    """
    check_writable()
    try:
        write_text(paths.LEDGER.resolve(), text)  # of a link, what it points to
    except OSError as error:
        raise InputError(
            f"{paths.LEDGER} cannot be written ({error.strerror}); all answers but the last one are saved"
        ) from error


def append(id: str, action: str, label: str) -> str:
    """Adds a decision at the end of the ledger; what is there stays as it is. Returns what was added.

    Raises:
        InputError: the ledger cannot be read or written, or somebody has decided about the row meanwhile.
    """
    if decision := read_ledger(paths.LEDGER).get(id):
        raise InputError(
            f"{paths.LEDGER}, line {decision.line}: a decision about row {id} was added meanwhile; start again"
        )
    text = ledger_text()
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    line = io.StringIO()
    csv.writer(line, lineterminator=ending).writerow([id, action, label, IN_TURN])
    added = line.getvalue() if text.endswith(("\n", "\r")) else ending + line.getvalue()
    write_ledger(text + added)
    return added


def remove(added: str) -> None:
    """
    Raises:
        InputError: it is not at the end of the ledger any more, or the ledger cannot be written.
    """
    text = ledger_text()
    if not text.endswith(added):
        raise InputError(f"{paths.LEDGER} was changed meanwhile; remove this line by hand: {added.strip()}")
    write_ledger(text.removesuffix(added))
