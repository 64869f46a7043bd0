"""Metrics, plots and the constant baseline: a tag per token."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.contracts.score import RowSums
from stages.core.tables import Predictions, ragged
from stages.targets._bootstrap import interval, resampled
from stages.targets._calibration import calibration_error, reliability_bins
from stages.targets.tags.objective import tag_numbers

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "majority"
HEADLINE = ("f1", "precision", "recall", "calibration_error")

NO_ENTITY = "(none)"

Entity = tuple[str, int, int]  # the type, the first token and the last, as in seqeval


@dataclass(frozen=True)
class RowEntities:
    """The entities of one row."""

    given: Sequence[Entity]
    predicted: Sequence[Entity]

    @property
    def hits(self) -> set[Entity]:
        return set(self.given) & set(self.predicted)


def constant(labels: Sequence[Sequence[str]], given: Sequence[Sequence[str]], columns: Sequence[str]) -> Predictions:
    """(n_tokens, n_columns) for each row: the share of each tag in training, the same for every token."""
    counts = Counter(chain.from_iterable(labels))
    shares = np.array([counts[tag] for tag in columns]) / counts.total()
    return ragged([np.tile(shares, (len(tags), 1)) for tags in given])


def score(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, float]:
    """Metrics of entities: a predicted entity is a hit if its type and both of its ends are right.

    Shares of the given entities that are no hits: `wrong_type` (another type is predicted for the same
    tokens), `wrong_boundary` (one of its type overlaps it), `wrong_both` (one of another type overlaps it)
    and `missed`. A share of the predicted entities: `spurious` (no given one overlaps).
    """
    rows = entities(given, concluded.labels)
    counts = entity_counts(rows)
    n_hits, n_given, n_predicted = counts.sum(axis=0)
    low, high = f1_interval(counts)
    by_type = f1_by_type(rows)
    types = [tag[2:] for tag in concluded.columns if tag.startswith("B-")]
    values = {
        "f1": f1(counts.sum(axis=0)),
        "f1_low": low,
        "f1_high": high,
        "precision": n_hits / max(1, n_predicted),
        "recall": n_hits / max(1, n_given),
        "f1_macro": np.mean(list(by_type.values())) if by_type else 0.0,
        **error_shares(rows, n_given, n_predicted),
        "token_accuracy": np.mean(token_hits(given, concluded)),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{name}": by_type.get(name, 0.0) for name in types},
    }
    return {name: float(value) for name, value in values.items()}


def entities(given: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> list[RowEntities]:
    """The entities of each row."""
    from seqeval.metrics.sequence_labeling import get_entities

    pairs = zip(given, predicted, strict=True)
    return [RowEntities(get_entities(tags), get_entities(predicted_tags)) for tags, predicted_tags in pairs]


def entity_counts(rows: Sequence[RowEntities]) -> npt.NDArray[np.int64]:
    """(n_rows, 3): the numbers of hits, given entities and predicted entities."""
    return np.array([[len(row.hits), len(row.given), len(row.predicted)] for row in rows], dtype=np.int64)


def error_shares(rows: Sequence[RowEntities], n_given: int, n_predicted: int) -> dict[str, float]:
    """The shares of entities by kind of error."""
    errors: Counter[str] = Counter()
    n_spurious = 0
    for row in rows:
        errors.update(outcome(entity, row.predicted) for entity in row.given)
        n_spurious += sum(outcome(entity, row.given) == "missed" for entity in row.predicted)
    names = ("wrong_type", "wrong_boundary", "wrong_both", "missed")
    shares = {name: errors[name] / max(1, n_given) for name in names}
    return {**shares, "spurious": n_spurious / max(1, n_predicted)}


def outcome(entity: Entity, others: Sequence[Entity]) -> str:
    """How an entity compares with the entities of the other side: `hit`, or the kind of error."""
    kind, first, last = entity
    overlapping = [other for other in others if other[1] <= last and first <= other[2]]
    if entity in overlapping:
        return "hit"
    if any(other[1:] == entity[1:] for other in overlapping):
        return "wrong_type"
    if any(other[0] == kind for other in overlapping):
        return "wrong_boundary"
    return "wrong_both" if overlapping else "missed"


def f1(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """F1 from (..., 3) numbers of hits, given entities and predicted entities."""
    return np.asarray(2 * counts[..., 0] / np.maximum(1, counts[..., 1] + counts[..., 2]))


def f1_by_type(rows: Sequence[RowEntities]) -> dict[str, float]:
    """F1 of each type that is given or predicted."""
    n_hits: Counter[str] = Counter()
    n_given: Counter[str] = Counter()
    n_predicted: Counter[str] = Counter()
    for row in rows:
        n_hits.update(kind for kind, _, _ in row.hits)
        n_given.update(kind for kind, _, _ in row.given)
        n_predicted.update(kind for kind, _, _ in row.predicted)
    return {
        name: float(f1(np.array([n_hits[name], n_given[name], n_predicted[name]])))
        for name in sorted(n_given | n_predicted)
    }


def f1_sums(counts: npt.NDArray[np.int64]) -> RowSums:
    """F1 from (n_rows, 3) numbers of hits, given entities and predicted entities."""
    return RowSums("f1", counts.T, lambda sums: f1(sums.T))


def f1_interval(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The 95% confidence interval by the bootstrap over rows."""
    low, high = interval(resampled(f1_sums(counts)))
    return float(low), float(high)


def judged_by(given: Sequence[Sequence[str]], concluded: Conclusion) -> RowSums:
    return f1_sums(entity_counts(entities(given, concluded.labels)))


def sameness(given: Sequence[Sequence[str]], concluded: Conclusion) -> str:
    return "" if any(row.predicted for row in entities(given, concluded.labels)) else "finds no entity in any text"


def never_right(given: Sequence[Sequence[str]], concluded: Conclusion) -> dict[str, int]:
    """Types with the number of their entities."""
    n_hits: Counter[str] = Counter()
    n_given: Counter[str] = Counter()
    for row in entities(given, concluded.labels):
        n_hits.update(kind for kind, _, _ in row.hits)
        n_given.update(kind for kind, _, _ in row.given)
    return {kind: count for kind, count in sorted(n_given.items()) if not n_hits[kind]}


def token_hits(given: Sequence[Sequence[str]], concluded: Conclusion) -> list[bool]:
    """Whether the predicted tag is the given one, for the tokens of all rows in turn."""
    hits: list[bool] = []
    for tags, predicted in zip(given, concluded.labels, strict=True):
        hits += [tag == predicted_tag for tag, predicted_tag in zip(tags, predicted, strict=True)]
    return hits


def reliability(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """The reliability diagram of predicted tags; its `rows` are tokens."""
    predicted = tag_numbers(concluded.labels, concluded.columns)
    confidence = []
    for numbers, probabilities in zip(predicted, concluded.predictions, strict=True):
        confidence.append(probabilities[np.arange(len(numbers)), numbers])
    return reliability_bins(np.concatenate(confidence), token_hits(given, concluded), bins)


def plots(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    """The confusion is between types of entities with exactly the same tokens; `(none)` if one side has none there."""
    import pandas as pd

    pairs: list[tuple[str, str]] = []
    for row in entities(given, concluded.labels):
        given_types = {(first, last): kind for kind, first, last in row.given}
        predicted_types = {(first, last): kind for kind, first, last in row.predicted}
        for span in sorted(given_types | predicted_types):
            pairs.append((given_types.get(span, NO_ENTITY), predicted_types.get(span, NO_ENTITY)))
    confusion = pd.DataFrame(pairs or [(NO_ENTITY, NO_ENTITY)], columns=["actual", "predicted"])
    return {"confusion": confusion, "reliability": reliability(given, concluded, bins)}
