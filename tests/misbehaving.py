"""Functions that do with a content what decoders do with hostile ones. They run in a process of their own."""

import ctypes
import os
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from stages.contracts.clean import Cleaned
from stages.contracts.report import load_reporter
from stages.modalities.text.clean import cleaner


def behave(content: bytes, folder: str = "") -> bytes:
    word, _, rest = content.decode().partition(" ")
    if word == "spin":
        while True:
            pass
    if word == "spin-in-c":
        zlib.compress(os.urandom(2**20) * 2**12, 9)
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
    if word == "talk":
        os.write(2, b"tempfile.tif: Using code not yet in table.\n")
    if word == "raise":
        raise ValueError(rest)
    if word == "raise-os-error":
        raise FileNotFoundError(rest)
    if word == "killed-once" and not (Path(folder) / rest).exists():
        (Path(folder) / rest).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "pid":
        return str(os.getpid()).encode()
    return content.upper()


def clean(content: bytes, params: Any) -> Cleaned:
    """What the cleaner of texts makes of a content that does not misbehave first."""
    behave(content, ".")
    return cleaner.clean(content, params)


def crash_on_raw_content(call: tuple[Any, ...], modality: str) -> Any:
    """Shows cleaned contents only."""
    if call[0] == "show" and isinstance(call[1], bytes):
        os.abort()
    return getattr(load_reporter(modality), call[0])(*call[1:])
