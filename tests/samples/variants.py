"""Every variant by its file name, with its samples."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from stages.contracts.clean import load_cleaner
from stages.contracts.objective import Learnable
from stages.core import variants
from stages.core.tables import Predictions
from stages.label_audit import predict_with_probe
from tests import samples

names = variants.names


def whole_target(name: str) -> Any:
    """All parts of a target in one object."""
    return SimpleNamespace(
        **{
            key: value
            for part in ("score", "audit", "label")
            for key, value in vars(variants.load("targets", name, part)).items()
        }
    )


modalities = pytest.mark.parametrize("name", names("modalities"))
targets = pytest.mark.parametrize("name", names("targets"))


def samples_of(name: str, axis: str) -> Any:
    """SAMPLES of tests/samples/<axis>/<name>.py."""
    return samples.load(axis, name).SAMPLES


def cleaned(name: str, raws: Sequence[bytes]) -> list[Any]:
    cleaner, samples = load_cleaner(name), samples_of(name, "modalities")
    found = [cleaner.clean(raw, cleaner.CleanParams(**samples.clean)) for raw in raws]
    assert [content.reason for content in found] == [None] * len(raws)
    return [content.content for content in found]


def raw(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


def rows_of(modality: str) -> list[Any]:
    return cleaned(modality, samples_of(modality, "modalities").contents)


def check_reasons(reasons: Mapping[str, str]) -> None:
    """Each reason with words that end "the row was dropped because ..."."""
    assert isinstance(reasons, Mapping)
    for reason, words in reasons.items():
        assert reason == reason.lower() and reason.isidentifier()
        assert words and words == words.strip() and words[0].islower() and not words.endswith("."), reason


def outputs_of_probe(name: str, objective: Learnable, rows: Sequence[int] | None = None) -> Predictions:
    """The outputs for these of the sample's rows, or for all; the probe is fitted on all."""
    samples = samples_of(name, "targets")
    others = samples.vectors if rows is None else samples.vectors[rows]
    return predict_with_probe(objective, samples.labels, samples.vectors, others, 10.0)
