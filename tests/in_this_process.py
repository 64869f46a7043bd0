"""Decodes contents in the process of the test: without the start of another one, and where a test can watch."""

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


def decode_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("stages.cleaning.contents", "stages.page.safe_reporter"):
        monkeypatch.setattr(f"{user}.Worker", WorkerInThisProcess)


@pytest.fixture
def contents_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module whose contents may hang or crash has a fixture of this name that does nothing."""
    decode_in_this_process(monkeypatch)
