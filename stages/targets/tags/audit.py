"""How much the given labels are worth beside what a probe predicts: tags."""

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.contracts.audit import Judged
from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions, Vectors, ragged
from stages.targets.tags.label import as_valid
from stages.targets.tags.objective import tag_numbers

VECTORS = "token_vectors"


def fit_predict(
    labels: Sequence[Sequence[str]], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float
) -> Predictions:
    """Of each row (n_tokens, n_columns): probabilities of a probe that is fitted on the tokens of `vectors` and their tags."""
    from stages.targets._probe import fit_probe

    probe = fit_probe(np.concatenate(vectors), np.concatenate(tag_numbers(labels, columns)), len(columns), C)
    return ragged([probe.probabilities(tokens) for tokens in others])


def audit(labels: Sequence[Sequence[str]], concluded: Conclusion) -> Judged:
    """Confident learning by token (Wang & Mueller 2022, "Detecting Label Errors in Token Classification Data", as cleanlab does it).

    `label_quality` is the lowest confidence in the given type of a token with an issue, or where no token has one, of any.
    """
    from cleanlab.token_classification.filter import find_label_issues

    numbers = tag_numbers(labels, concluded.columns)
    flagged: list[set[int]] = [set() for _ in labels]
    with (
        warnings.catch_warnings()
    ):  # of tags with few tokens, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        for row, token in find_label_issues([row.tolist() for row in numbers], list(concluded.predictions), n_jobs=1):
            flagged[row].add(int(token))
    confidence = type_confidence(numbers, concluded.predictions)
    quality = [(own[sorted(tokens)] if tokens else own).min() for own, tokens in zip(confidence, flagged, strict=True)]
    suggested = [
        as_valid(
            [there if token in tokens else tag for token, (tag, there) in enumerate(zip(tags, predicted, strict=True))]
        )
        for tags, predicted, tokens in zip(labels, concluded.labels, flagged, strict=True)
    ]
    return Judged(
        np.array(quality, dtype=np.float64), np.array([bool(tokens) for tokens in flagged], dtype=np.bool_), suggested
    )


def type_confidence(
    numbers: Sequence[npt.NDArray[np.int64]], predictions: Predictions
) -> list[npt.NDArray[np.float64]]:
    """(n_tokens,) of each row: how probable the type of the given tag is, B- and I- together, once common types have been made rarer.

    Nearly all tokens are O, so that a probe doubts every rare entity. With types weighed by one over the root of their size, the worst rows hold a half more of
    planted errors than with the probabilities as they are.
    """
    types = [(row + 1) // 2 for row in numbers]
    weights = 1 / np.sqrt(
        np.maximum(1, np.bincount(np.concatenate(types), minlength=(predictions[0].shape[1] + 1) // 2))
    )
    weighed = [np.hstack([row[:, :1], row[:, 1::2] + row[:, 2::2]]) * weights for row in predictions]
    return [row[np.arange(len(own)), own] / row.sum(axis=1) for own, row in zip(types, weighed, strict=True)]
