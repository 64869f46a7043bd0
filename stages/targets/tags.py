"""Tags: for each token whether it begins an entity of some type, stands inside one, or in none (BIO)."""

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from stages.calibration import calibration_error, reliability_bins
from stages.characters import as_name
from stages.contracts import NO_CLASS, CleanedLabel, Conclusion, Judged, Predictions, Suggestion, Vectors
from stages.label_names import NameParams, suggest_names, without_rare
from stages.tables import ragged

if TYPE_CHECKING:
    import pandas as pd

LABEL = pa.list_(pa.string())
REASONS = ("missing_label", "unaligned_tags", "invalid_tags")
VECTORS = "token_vectors"
CLOSED = True
CONSTANT = "majority"
HEADLINE = ("f1", "precision", "recall", "calibration_error")

NO_ENTITY = "(none)"
DRAWS = 1_000

Entity = tuple[str, int, int]  # its type, its first token and its last, as seqeval has them


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of an entity type: `PER: person`")
    drop: list[str] = Field(description="entity types to forget: their tokens get the tag O")
    on_invalid: Literal["repair", "drop"] = Field(description="an I- that continues no entity of its type becomes B-, or its row is left out")


def clean_label(raw: str | None, content: str | None, params: LabelParams) -> CleanedLabel:
    """BIO tags, as a JSON list or with spaces between them, as many as the content has tokens."""
    given = tags_of(raw)
    if given == []:
        return CleanedLabel(None, "missing_label")
    if given is None:
        return CleanedLabel(None, "invalid_tags")
    if content is not None and len(given) != len(content.split(" ")):
        return CleanedLabel(None, "unaligned_tags")
    tags = [renamed(tag, params) for tag in given]
    valid = as_valid(tags)
    if valid == tags:
        return CleanedLabel(tags)
    return CleanedLabel(valid, repairs=("invalid_tags",)) if params.on_invalid == "repair" else CleanedLabel(None, "invalid_tags")


def tags_of(label: Any) -> list[str] | None:
    """The tags of a label, cleaned or still raw; none where it is missing, None where it is anything else than O, B- and I- with a type."""
    found = label or []
    if isinstance(label, str):
        try:
            found = json.loads(label) if label.lstrip().startswith("[") else label.split()
        except (ValueError, RecursionError):  # no JSON, or too many brackets
            return None
    if not all(isinstance(tag, str) for tag in found):
        return None
    tags = [as_name(tag) for tag in found]
    return tags if all(tag == "O" or (tag.startswith(("B-", "I-")) and tag[2:].strip()) for tag in tags) else None


def renamed(tag: str, params: LabelParams) -> str:
    name = params.aliases.get(tag[2:], tag[2:])
    return "O" if tag == "O" or name in params.drop else tag[:2] + name


def as_valid(tags: Sequence[str]) -> list[str]:
    """An I- that continues no entity of its type begins one."""
    return [f"B-{tag[2:]}" if tag.startswith("I-") and before[2:] != tag[2:] else tag for before, tag in zip(["O", *tags], tags, strict=False)]


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    rows_of: Counter[str] = Counter()
    for raw, rows in given.items():
        rows_of.update(dict.fromkeys(types_of(tags_of(raw) or ()), rows))
    return suggest_names(rows_of, params)


def types_of(tags: Iterable[str]) -> set[str]:
    return {tag[2:] for tag in tags if tag != "O"}


def without_rare_labels(labels: Iterable[Sequence[str]], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(kind for tags in labels for kind in types_of(tags)), params)


def preview(label: Sequence[str], content: Any) -> str:
    """The tokens that have a tag, each with it."""
    tagged = [f"{token}/{tag}" for token, tag in zip(content.split(" "), label, strict=False) if tag != "O"]
    return " ".join(tagged) or NO_CLASS


def strata(labels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return names(labels)


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    """The entity types of each row; O where it has no entity."""
    return [tuple(sorted(types_of(tags))) or ("O",) if (tags := tags_of(label)) else ("",) for label in labels]


def fit_predict(labels: Sequence[Sequence[str]], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> Predictions:
    """Of each row (n_tokens, n_columns): probabilities of a probe that is fitted on the tokens of `vectors` and their tags."""
    from stages.probe import fit_probe

    probe = fit_probe(np.concatenate(vectors), np.concatenate(_numbers(labels, columns)), len(columns), C)
    return ragged([probe.probabilities(tokens) for tokens in others])


def constant(labels: Sequence[Sequence[str]], given: Sequence[Sequence[str]], columns: Sequence[str]) -> Predictions:
    """How common each tag is in training, for every token."""
    counts = Counter(tag for tags in labels for tag in tags)
    shares = np.array([counts[tag] for tag in columns]) / counts.total()
    return ragged([np.tile(shares, (len(tags), 1)) for tags in given])


def audit(labels: Sequence[Sequence[str]], concluded: Conclusion) -> Judged:
    """Confident learning by token (Wang & Mueller 2022, "Detecting Label Errors in Token Classification Data", as cleanlab does it).

    `label_quality` is the lowest confidence in the given type of a token with an issue, or where no token has one, of any.
    """
    from cleanlab.token_classification.filter import find_label_issues

    numbers = _numbers(labels, concluded.columns)
    flagged: list[set[int]] = [set() for _ in labels]
    with warnings.catch_warnings():  # of tags with few tokens, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        for row, token in find_label_issues([row.tolist() for row in numbers], list(concluded.predictions), n_jobs=1):
            flagged[row].add(int(token))
    confidence = type_confidence(numbers, concluded.predictions)
    quality = [(own[sorted(tokens)] if tokens else own).min() for own, tokens in zip(confidence, flagged, strict=True)]
    suggested = [
        as_valid([there if token in tokens else tag for token, (tag, there) in enumerate(zip(tags, predicted, strict=True))])
        for tags, predicted, tokens in zip(labels, concluded.labels, flagged, strict=True)
    ]
    return Judged(np.array(quality, dtype=np.float64), np.array([bool(tokens) for tokens in flagged], dtype=np.bool_), suggested)


def type_confidence(numbers: Sequence[npt.NDArray[np.int64]], predictions: Predictions) -> list[npt.NDArray[np.float64]]:
    """(n_tokens,) of each row: how probable the type of the given tag is, B- and I- together, once common types have been made rarer.

    Nearly all tokens are O, so that a probe doubts every rare entity. With types weighed by one over the root of their size, the worst rows hold a half more of
    planted errors than with the probabilities as they are.
    """
    types = [(row + 1) // 2 for row in numbers]
    weights = 1 / np.sqrt(np.maximum(1, np.bincount(np.concatenate(types), minlength=(predictions[0].shape[1] + 1) // 2)))
    weighed = [np.hstack([row[:, :1], row[:, 1::2] + row[:, 2::2]]) * weights for row in predictions]
    return [row[np.arange(len(own)), own] / row.sum(axis=1) for own, row in zip(types, weighed, strict=True)]


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
        "token_accuracy": np.mean([one == other for own, found in zip(given, concluded.labels, strict=True) for one, other in zip(own, found, strict=True)]),
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
    return {name: float(f1(np.array([hits[name], n_given[name], n_predicted[name]]))) for name in sorted(n_given | n_predicted)}


def f1_interval(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The bootstrap's 95% interval, over rows (Efron 1979): the entities of one row are not independent."""
    rng = np.random.default_rng(0)
    draws = np.array([counts[rng.integers(len(counts), size=len(counts))].sum(axis=0) for _ in range(DRAWS)])
    low, high = np.quantile(f1(draws), [0.025, 0.975])
    return float(low), float(high)


def reliability(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """Of the confidence in each token's tag; `rows` are tokens."""
    chosen = _numbers(concluded.labels, concluded.columns)
    confidence = np.concatenate([predictions[np.arange(len(row)), row] for row, predictions in zip(chosen, concluded.predictions, strict=True)])
    hits = [one == other for own, found in zip(given, concluded.labels, strict=True) for one, other in zip(own, found, strict=True)]
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


def _numbers(labels: Sequence[Sequence[str]], columns: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    number = {name: position for position, name in enumerate(columns)}
    return [np.array([number[tag] for tag in tags], dtype=np.int64) for tags in labels]
