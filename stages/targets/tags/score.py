"""Metrics, plots and the constant baseline of tags."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions, ragged
from stages.targets._calibration import calibration_error, reliability_bins
from stages.targets.tags.objective import tag_numbers

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "majority"
HEADLINE = ("f1", "precision", "recall", "calibration_error")

NO_ENTITY = "(none)"
DRAWS = 1_000

Entity = tuple[str, int, int]  # its type, its first token and its last, as seqeval has them


def constant(labels: Sequence[Sequence[str]], given: Sequence[Sequence[str]], columns: Sequence[str]) -> Predictions:
    """How common each tag is in training, for every token."""
    counts = Counter(tag for tags in labels for tag in tags)
    shares = np.array([counts[tag] for tag in columns]) / counts.total()
    return ragged([np.tile(shares, (len(tags), 1)) for tags in given])


def score(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, float]:
    """An entity is right where its type and both of its ends are.

    Shares of the given entities that are not found: `wrong_type` (one of another type has its place), `wrong_boundary` (one of its type overlaps it),
    `wrong_both` (another overlaps it) and `missed`. A share of the predicted ones: `spurious` (they overlap no given one).
    """
    from seqeval.metrics.sequence_labeling import get_entities

    rows = [(get_entities(own), get_entities(found)) for own, found in zip(given, concluded.labels, strict=True)]
    counts = np.array([[len(set(own) & set(found)), len(own), len(found)] for own, found in rows])  # (n_rows, 3)
    hits, n_given, n_predicted = counts.sum(axis=0)
    outcomes = Counter(outcome(entity, found) for own, found in rows for entity in own)
    spurious = sum(outcome(entity, own) == "missed" for own, found in rows for entity in found)
    by_type = f1_by_type(rows)
    low, high = f1_interval(counts)
    values = {
        "f1": f1(counts.sum(axis=0)),
        "f1_low": low,
        "f1_high": high,
        "precision": hits / max(1, n_predicted),
        "recall": hits / max(1, n_given),
        "f1_macro": np.mean(list(by_type.values())) if by_type else 0.0,
        **{name: outcomes[name] / max(1, n_given) for name in ("wrong_type", "wrong_boundary", "wrong_both", "missed")},
        "spurious": spurious / max(1, n_predicted),
        "token_accuracy": np.mean(
            [
                one == other
                for own, found in zip(given, concluded.labels, strict=True)
                for one, other in zip(own, found, strict=True)
            ]
        ),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{tag[2:]}": by_type.get(tag[2:], 0.0) for tag in concluded.columns if tag.startswith("B-")},
    }
    return {name: float(value) for name, value in values.items()}


def outcome(entity: Entity, others: Sequence[Entity]) -> str:
    """What became of an entity among those of the other side."""
    kind, first, last = entity
    overlapping = [other for other in others if other[1] <= last and first <= other[2]]
    if entity in overlapping:
        return "found"
    if any(other[1:] == entity[1:] for other in overlapping):
        return "wrong_type"
    if any(other[0] == kind for other in overlapping):
        return "wrong_boundary"
    return "wrong_both" if overlapping else "missed"


def f1(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Of (..., 3) numbers of entities that are right, given and predicted."""
    return np.asarray(2 * counts[..., 0] / np.maximum(1, counts[..., 1] + counts[..., 2]))


def f1_by_type(rows: Sequence[tuple[Sequence[Entity], Sequence[Entity]]]) -> dict[str, float]:
    """Of each type that is given or predicted."""
    sides = ([set(own) & set(found) for own, found in rows], [own for own, _ in rows], [found for _, found in rows])
    hits, n_given, n_predicted = (Counter(kind for row in side for kind, _, _ in row) for side in sides)
    return {
        name: float(f1(np.array([hits[name], n_given[name], n_predicted[name]])))
        for name in sorted(n_given | n_predicted)
    }


def f1_interval(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The bootstrap's 95% interval, over rows (Efron 1979): the entities of one row are not independent."""
    rng = np.random.default_rng(0)
    draws = np.array([counts[rng.integers(len(counts), size=len(counts))].sum(axis=0) for _ in range(DRAWS)])
    low, high = np.quantile(f1(draws), [0.025, 0.975])
    return float(low), float(high)


def reliability(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """Of the confidence in each token's tag; `rows` are tokens."""
    chosen = tag_numbers(concluded.labels, concluded.columns)
    confidence = np.concatenate(
        [predictions[np.arange(len(row)), row] for row, predictions in zip(chosen, concluded.predictions, strict=True)]
    )
    hits = [
        one == other
        for own, found in zip(given, concluded.labels, strict=True)
        for one, other in zip(own, found, strict=True)
    ]
    return reliability_bins(confidence, hits, bins)


def plots(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    """The confusion of types: of each given entity the type that is predicted for the very same tokens, and what is predicted where none is given."""
    import pandas as pd
    from seqeval.metrics.sequence_labeling import get_entities

    pairs: list[tuple[str, str]] = []
    for tags, predicted in zip(given, concluded.labels, strict=True):
        own, found = ({(first, last): kind for kind, first, last in get_entities(side)} for side in (tags, predicted))
        pairs += [(own.get(place, NO_ENTITY), found.get(place, NO_ENTITY)) for place in sorted(own | found)]
    confusion = pd.DataFrame(pairs or [(NO_ENTITY, NO_ENTITY)], columns=["actual", "predicted"])
    return {"confusion": confusion, "reliability": reliability(given, concluded, bins)}
