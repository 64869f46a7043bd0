"""Runs what has a process of its own in the process of the test, for tests that watch what it does."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest


class WorkerInThisProcess:
    """Has the methods of stages.untrusted.worker.Worker, without its limits."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, seconds: float) -> None:
        self._function, self._arguments = function, arguments

    def map(self, contents: Iterable[Any]) -> Iterator[Any]:
        return (self._function(content, *self._arguments) for content in contents)

    def close(self) -> None:
        pass


def clean_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.cleaning.contents.Worker", WorkerInThisProcess)
