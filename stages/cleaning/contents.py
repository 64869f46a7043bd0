"""Cleans raw contents in a process of its own, so that a hostile one costs a row and not the stage."""

from collections.abc import Iterable, Iterator
from typing import Any

from stages.contracts.clean import Cleaned, Cleaner
from stages.untrusted.worker import Failure, Worker

SECONDS = 120.0  # of the processor, for one content; an hour of stereo sound takes 30, fifty million pixels 20


class SafeCleaner:
    """A cleaner with its params, and the process that runs it."""

    def __init__(self, cleaner: Cleaner, params: Any) -> None:
        self._worker = Worker(cleaner.clean, params, seconds=SECONDS)

    def clean_all(self, contents: Iterable[bytes]) -> Iterator[Cleaned]:
        """What `clean` makes of each content, in order, or the reason of a Failure; contents are read ahead."""
        for result in self._worker.map(contents):
            yield Cleaned(None, result.reason) if isinstance(result, Failure) else result

    def __enter__(self) -> "SafeCleaner":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()
