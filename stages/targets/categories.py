"""Categories: any number of names out of a closed set, also none."""

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from stages.calibration import calibration_error, reliability_bins
from stages.characters import as_name
from stages.contracts import NO_CLASS, CleanedLabel, Conclusion, Judged, Predictions, Suggestion, Vectors
from stages.label_names import NameParams, suggest_names, without_rare

if TYPE_CHECKING:
    import pandas as pd

LABEL = pa.list_(pa.string())
REASONS = ("missing_label", "not_a_list", "unwanted_label")
VECTORS = "vector"
CLOSED = True
CONSTANT = "prior"
HEADLINE = ("f1_macro", "f1_micro", "map", "calibration_error")

RESAMPLES, RESAMPLES_AT_ONCE = 1_000, 10


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of a label: `Pos: positive`")
    drop: list[str] = Field(description="labels to forget: a row keeps its others, and is left out if it has no other")


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    """Sorted names, none of them twice; an empty list says that the row has none of the labels."""
    if not (raw or "").strip():
        return CleanedLabel(None, "missing_label")
    given = parsed(raw)
    if given is None:
        return CleanedLabel(None, "not_a_list")
    found = {params.aliases.get(name, name) for name in map(as_name, given)} - {""}
    kept = sorted(found - set(params.drop))
    return CleanedLabel(None, "unwanted_label") if found and not kept else CleanedLabel(kept)


def parsed(raw: str | None) -> list[str] | None:
    """The names in a JSON list, None where it is not one."""
    try:
        found = json.loads(raw or "")
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(name, str) for name in found) else None


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    rows_of: Counter[str] = Counter()
    for raw, rows in given.items():
        rows_of.update(dict.fromkeys(parsed(raw) or (), rows))
    return suggest_names(rows_of, params)


def without_rare_labels(labels: Iterable[Sequence[str]], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(name for row in labels for name in row), params)


def preview(label: Sequence[str], content: Any) -> str:
    return ", ".join(label) or NO_CLASS


def strata(labels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Its labels; rows without any share a stratum too."""
    return [tuple(row) or (NO_CLASS,) for row in labels]


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    read = [parsed(row) if isinstance(row, str) else row for row in labels]
    return [(raw or "",) if row is None else tuple(row) or (NO_CLASS,) for raw, row in zip(labels, read, strict=True)]


def multi_hot(labels: Sequence[Sequence[str]], columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(n_rows, n_classes): whether a row has a class."""
    number = {name: place for place, name in enumerate(columns)}
    found = np.zeros((len(labels), len(columns)), dtype=np.bool_)
    for place, row in enumerate(labels):
        found[place, [number[name] for name in row]] = True
    return found


def fit_predict(labels: Sequence[Sequence[str]], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> Predictions:
    """(n_others, n_columns): probabilities, each by a probe of its own."""
    from scipy.special import expit

    from stages.probe import fit_one_vs_rest

    return np.asarray(expit(fit_one_vs_rest(vectors, multi_hot(labels, columns), C, [1.0] * len(columns)).logits(others)))


def constant(labels: Sequence[Sequence[str]], given: Sequence[Sequence[str]], columns: Sequence[str]) -> Predictions:
    """How common each class is in training, (n_rows, n_columns)."""
    return np.tile(multi_hot(labels, columns).mean(axis=0), (len(given), 1))


def audit(labels: Sequence[Sequence[str]], concluded: Conclusion) -> Judged:
    """Confident learning, a class at a time; a row is worth as much as the worst of its yeses and noes.

    To count the next worst too (Thyagarajan et al. 2022, cleanlab's default) mistakes rows of several labels for rows of wrong ones where the probe
    is weak. Suggested are the given labels with nothing but the suspicious yeses and noes turned round: what the probe concludes of the whole row is
    wrong about twice as often.
    """
    given = multi_hot(labels, concluded.columns)
    issues = np.stack([class_issues(*one) for one in zip(given.T, concluded.predictions.T, strict=True)], axis=1)
    suggested = [list(compress(concluded.columns, row)) for row in given ^ issues]
    return Judged(answer_quality(given, concluded.predictions).min(axis=1), np.asarray(issues.any(axis=1)), suggested)


def answer_quality(given: npt.NDArray[np.bool_], probabilities: Predictions) -> npt.NDArray[np.float64]:
    """(n_rows, n_classes): how probable each yes or no is; of the rarer of the two how probable it would be if it were as common as the other.

    By the bare probability, almost every row of a rare class would be among the worst: a probe is never sure of what it has hardly seen.
    """
    positives = (given.sum(axis=0) + 1) / (len(given) + 2)  # Laplace's rule: no share is 0
    confidence, common = np.where(given, probabilities, 1 - probabilities), np.where(given, positives, 1 - positives)
    lifted = confidence * np.maximum((1 - common) / common, 1)
    return np.asarray(lifted / (lifted + 1 - confidence))


def class_issues(given: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether it is suspicious that a row has the class, or has it not; nothing is where all rows are alike."""
    from cleanlab.filter import find_label_issues

    if given.all() or not given.any():
        return np.zeros(len(given), dtype=np.bool_)
    with warnings.catch_warnings():  # of classes with few rows, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        return np.asarray(find_label_issues(given.astype(np.int64), np.stack([1 - probabilities, probabilities], axis=1), n_jobs=1))


def score(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, float]:
    columns, predictions = concluded.columns, concluded.predictions
    truth, predicted = multi_hot(given, columns), multi_hot(concluded.labels, columns)
    hits, n_given, n_predicted = (truth & predicted).sum(axis=0), truth.sum(axis=0), predicted.sum(axis=0)
    f1_of_class = share(2 * hits, n_given + n_predicted)
    (micro_low, macro_low), (micro_high, macro_high) = f1_intervals(truth, predicted)
    values = {
        "f1_macro": f1_of_class.mean(),
        "f1_macro_low": macro_low,
        "f1_macro_high": macro_high,
        "f1_micro": share(2 * hits.sum(), n_given.sum() + n_predicted.sum()),
        "f1_micro_low": micro_low,
        "f1_micro_high": micro_high,
        "f1_samples": share(2 * (truth & predicted).sum(axis=1), truth.sum(axis=1) + predicted.sum(axis=1), of_nothing=1.0).mean(),
        "precision_macro": share(hits, n_predicted).mean(),
        "precision_micro": share(hits.sum(), n_predicted.sum()),
        "recall_macro": share(hits, n_given).mean(),
        "recall_micro": share(hits.sum(), n_given.sum()),
        "map": mean_average_precision(truth, predictions),
        "subset_accuracy": (truth == predicted).all(axis=1).mean(),
        "hamming_loss": (truth != predicted).mean(),
        "log_loss": -np.log(np.where(truth, predictions, 1 - predictions).clip(1e-15)).mean(),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{name}": value for name, value in zip(columns, f1_of_class, strict=True)},
    }
    return {name: float(value) for name, value in values.items()}


def share(part: Any, whole: Any, of_nothing: float = 0.0) -> npt.NDArray[np.float64]:
    return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), of_nothing))


def f1_intervals(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(2, 2): the low and the high ends of the 95% intervals of micro and macro F1, by the bootstrap over rows."""
    from scipy.sparse import csr_array

    rng, n_rows, n_classes = np.random.default_rng(0), *truth.shape
    counts = csr_array(np.hstack([truth & predicted, 1 * truth + predicted])).T
    found = []
    for _ in range(RESAMPLES // RESAMPLES_AT_ONCE):
        drawn = np.stack([np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows) for _ in range(RESAMPLES_AT_ONCE)], axis=1)
        hits, sums = np.split(counts @ drawn, [n_classes])
        found.append(np.stack([share(2 * hits.sum(axis=0), sums.sum(axis=0)), share(2 * hits, sums).mean(axis=0)], axis=1))
    return np.asarray(np.quantile(np.concatenate(found), [0.025, 0.975], axis=0))


def mean_average_precision(truth: npt.NDArray[np.bool_], predictions: Predictions) -> float:
    """The mean over the classes that occur."""
    from sklearn.metrics import average_precision_score

    found = [average_precision_score(one, scores) for one, scores in zip(truth.T, predictions.T, strict=True) if one.any()]
    return float(np.mean(found)) if found else 0.0


def reliability(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """How often a class is there that is said to be, over all classes; `rows` are decisions."""
    return reliability_bins(concluded.predictions.ravel(), multi_hot(given, concluded.columns).ravel(), bins)


def plots(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    pairs = [pair for one, other in zip(given, concluded.labels, strict=True) for pair in confusions(set(one), set(other))]
    return {"confusion": pd.DataFrame(pairs, columns=["actual", "predicted"]), "reliability": reliability(given, concluded, bins)}


def confusions(given: set[str], predicted: set[str]) -> list[tuple[str, str]]:
    """A label that was found stands with itself, one that was missed with each that is wrong in its place, or either with none."""
    missed, wrong = sorted(given - predicted) or [NO_CLASS], sorted(predicted - given) or [NO_CLASS]
    hits = [(name, name) for name in sorted(given & predicted)]
    return hits if hits and given == predicted else hits + list(product(missed, wrong))
