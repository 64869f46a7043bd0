"""Shows contents in a process of its own, as raw ones may be built to hang or crash whatever decodes them."""

from collections.abc import Iterable, Iterator
from typing import Any

from stages.contracts.report import Shown, load_reporter
from stages.core.tables import Content
from stages.untrusted.worker import TOO_SLOW, Failure, Worker

SECONDS = 10.0  # for one content; thumbnails and excerpts of good ones take less than a second


class SafeReporter:
    """A Reporter that runs the one of the modality in another process."""

    def __init__(self, modality: str) -> None:
        self.SIZES = load_reporter(modality).SIZES
        self._worker = Worker(call_reporter, modality, seconds=SECONDS)

    def sizes(self, raw: bytes) -> tuple[float, ...]:
        return next(self.all_sizes([raw]))

    def all_sizes(self, raws: Iterable[bytes]) -> Iterator[tuple[float, ...]]:
        """The sizes of each raw content, in order; contents are read ahead."""
        for sizes in self._worker.map(("sizes", raw) for raw in raws):
            yield () if isinstance(sizes, Failure) else sizes

    def show(self, content: Content) -> Shown:
        (shown,) = self._worker.map([("show", content)])
        return failed(content, shown) if isinstance(shown, Failure) else shown

    def show_pair(self, one: Content, other: Content) -> tuple[Shown, Shown]:
        (pair,) = self._worker.map([("show_pair", one, other)])
        return (self.show(one), self.show(other)) if isinstance(pair, Failure) else pair

    def __enter__(self) -> "SafeReporter":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()


def call_reporter(call: tuple[Any, ...], modality: str) -> Any:
    name, *contents = call
    return getattr(load_reporter(modality), name)(*contents)


def failed(content: Content, failure: Failure) -> Shown:
    because = "takes too long" if failure.reason == TOO_SLOW else "fails"
    return Shown(f"{len(content):,} bytes, not shown: decoding it {because}")
