"""Hostile media files, each as one row of three: it stands beside two good ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.hostile.workplace import Hostile

Made = Callable[[], bytes]


@dataclass(frozen=True)
class Media:
    """The hostile files of a modality."""

    group: str
    base: str  # the params, see params.PRESETS
    suffix: str
    good: Callable[[int], bytes]  # a good file of a seed
    odd: dict[str, Made]  # by what is hostile in them
    reported: dict[str, tuple[str, Made]]  # likewise, with the public report of such a file

    def inputs(self) -> Iterator[Hostile]:
        for name, made in self.odd.items():
            yield self.hostile(name, made)
        for name, (known, made) in self.reported.items():
            yield self.hostile(name, made, known)
        files = {f"things/{'ab'[number % 2]}/{number}{self.suffix}": self.good(number) for number in range(4)}
        yield Hostile(self.group, f"harmless {self.group}", files, {}, self.base, rows=4, good=True)

    def hostile(self, name: str, made: Made, known: str = "") -> Hostile:
        files: dict[str, Any] = {f"things/good/{number}{self.suffix}": self.good(number) for number in (1, 2)}
        files[f"things/odd/3{self.suffix}"] = lambda path: made()
        return Hostile(self.group, name, files, {}, self.base, rows=3, known=known)
