"""Data sets of the hub that cannot be read are refused."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.refusals.bad_input import Bad, each, put, refuse, set_params


@each(
    [
        Bad(
            "unknown split",
            "data/things.yaml: it has no split 'dev'; it has train, test",
            params={"collect.splits": {"train": "train", "validation": "dev"}},
        ),
        Bad(
            "splits that nobody named",
            "data/things.yaml: it has the splits train, test; name them in collect.splits, such as {train: train}",
        ),
    ]
)
def test_splits_of_the_hub(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = SimpleNamespace(load_dataset=lambda **_: {"train": (), "test": ()})
    monkeypatch.setitem(sys.modules, "datasets", hub)
    put("things.yaml", "load_dataset:\n  path: some/things\n  revision: 0123abc\n")
    set_params({"collect.source": "data/things.yaml", **bad.params})
    refuse("collect", bad.message)


def test_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(**_: Any) -> None:
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    put("things.yaml", "load_dataset:\n  path: some/things\n  revision: 0123abc\n")
    set_params({"collect.source": "data/things.yaml"})
    refuse("collect", "data/things.yaml: load_dataset failed: ConnectionError: no route to the hub")
