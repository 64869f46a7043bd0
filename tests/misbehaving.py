"""Functions that do with a content what decoders do with hostile ones. They run in a process of their own."""

import ctypes
import hashlib
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each process that is started anew would import it
    from stages.contracts.clean import Cleaned


def behave(content: bytes, folder: str = "") -> bytes:
    word, _, rest = content.decode().partition(" ")
    if word == "spin":
        while True:
            pass
    if word == "spin-in-c":
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    if word == "work":
        until = time.process_time() + float(rest)
        while time.process_time() < until:
            pass
    if word == "sleep":
        time.sleep(float(rest))
    if word == "segfault":
        ctypes.string_at(0)
    if word == "abort":
        os.abort()
    if word == "exit":
        sys.exit("this is no exception that a decoder raises")
    if word == "fill-memory":
        return bytes(2**40)
    if word == "allocate":
        return bytes(int(rest))[:1]
    if word == "limit":
        return str(resource.getrlimit(resource.RLIMIT_DATA)[0]).encode()
    if word == "talk":
        os.write(2, b"tempfile.tif: Using code not yet in table.\n")
    if word == "raise":
        raise ValueError(rest)
    if word == "raise-os-error":
        raise FileNotFoundError(rest)
    if word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "killed-once" and not (Path(folder) / rest).exists():
        (Path(folder) / rest).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "pid":
        return str(os.getpid()).encode()
    return content.upper()


def clean(content: bytes, params: Any) -> "Cleaned":
    """What the cleaner of texts makes of a content that does not misbehave first."""
    from stages.modalities.text.clean import cleaner

    behave(content, ".")
    return cleaner.clean(content, params)


def crash_on_raw_content(call: tuple[Any, ...], modality: str) -> Any:
    """Shows cleaned contents only."""
    from stages.page.safe_reporter import call_reporter

    if call[0] == "show" and isinstance(call[1], bytes):
        os.abort()
    return call_reporter(call, modality)


def hang_on_raw_content(call: tuple[Any, ...], modality: str) -> Any:
    """Likewise."""
    from stages.page.safe_reporter import call_reporter

    while any(isinstance(content, bytes) for content in call):
        pass
    return call_reporter(call, modality)
