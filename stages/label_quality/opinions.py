"""Opinions about the class of a row, none of which has seen its label: the probe, a discriminant, the neighbours.

A linear model, Gaussian clouds and local votes err in different ways. If people have described the classes, what the
descriptions say joins them. The mixture predicts the given labels; the noise matrix turns it into probabilities of the
true ones. On news with labels by people, of which a fifth are wrong, this ranks wrong labels much better than the probe
alone; stronger learners learn people's errors too and do worse (docs/results.md).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from stages.core.tables import Predictions, Vectors
from stages.label_quality.discriminant import Discriminant, Moments, fit_temperature
from stages.label_quality.neighbours import SAMPLE, Voters
from stages.label_quality.noise import Matrix, label_quality, noise_matrix, true_probabilities
from stages.label_quality.zero_shot import ZeroShot

Classes = npt.NDArray[np.int64]
Units = npt.NDArray[np.str_]
ZERO_SHOT = 0.1  # the share of the descriptions' opinion in the mixture; with more, names as descriptions do harm
WORSE = 0.05  # neighbours that agree with given labels so much less often than the probe are not asked


@dataclass(frozen=True)
class LabelledRows:
    """Rows whose labels can be learned from, in the order of ids: the first ones are a random sample."""

    vectors: Vectors  # (n_rows, dim)
    classes: Classes  # (n_rows,)
    units: Units  # (n_rows,): the cluster or group of each row
    n_classes: int

    def where(self, chosen: npt.NDArray[np.bool_] | slice) -> "LabelledRows":
        return LabelledRows(self.vectors[chosen], self.classes[chosen], self.units[chosen], self.n_classes)

    def shares(self) -> npt.NDArray[np.float64]:
        """(n_classes,): the share of each class."""
        return np.bincount(self.classes, minlength=self.n_classes) / len(self.classes)

    def moments(self) -> Moments:
        return Moments.of(self.vectors, self.classes, self.n_classes)

    def voters(self) -> Voters:
        return Voters(self.vectors[:SAMPLE], self.classes[:SAMPLE], self.units[:SAMPLE])


@dataclass(frozen=True)
class Opinion:
    """What is thought about the labels of rows."""

    true: Predictions  # (n_rows, n_classes): the probabilities of the true class
    label_quality: npt.NDArray[np.float64]  # (n_rows,)


@dataclass(frozen=True)
class Opinions:
    """What is thought about rows, before their labels are looked at."""

    given: Predictions  # (n_rows, n_classes): the mixed predictions of given classes
    noise: Matrix

    @cached_property
    def true(self) -> Predictions:
        """(n_rows, n_classes): the probabilities of the true class."""
        return true_probabilities(self.given, self.noise)

    def about(self, classes: Classes) -> Opinion:
        """
        Args:
            classes: (n_rows,), the given class of each row.
        """
        return Opinion(self.true, label_quality(self.true, self.noise, classes))


@dataclass(frozen=True)
class NoiseModel:
    """What was learned about the labels of training rows, to judge other rows in the same way."""

    noise: Matrix
    temperature: float
    asks_neighbours: bool
    zero_shot: ZeroShot | None

    def opinions(self, known: LabelledRows, probe: Predictions, vectors: Vectors, units: Units) -> Opinions:
        """The opinions about other rows.

        Args:
            known: the training rows that are kept.
            probe: (n_rows, n_classes), the predictions of a probe that is fitted on `known`.
        """
        with threadpool_limits(1):
            discriminant = Discriminant.fit(known.moments())
            clouds = softmax(discriminant.log_probabilities(vectors) / self.temperature, axis=1)
            votes = known.voters().votes(vectors, units, known.shares()) if self.asks_neighbours else None
            described = self.zero_shot.probabilities(vectors) if self.zero_shot else None
        return Opinions(mixed(probe, clouds, votes, described), self.noise)


@dataclass(frozen=True)
class TrainingOpinions:
    """The opinions about training rows, and the model for others."""

    opinions: Opinions
    model: NoiseModel


def ask_training_rows(
    rows: LabelledRows, folds: npt.NDArray[np.str_], probe: Predictions, descriptions: Vectors | None = None
) -> TrainingOpinions:
    """The opinions about each training row by the others: no row of its unit is asked.

    Args:
        folds: (n_rows,); no unit is in two of them.
        probe: (n_rows, n_classes), the predictions of probes that are fitted on the other folds.
        descriptions: (n_classes, dim), the vectors of what classes are, if people have said so.
    """
    with threadpool_limits(1):
        scores, could_know = out_of_fold(rows, folds)
        temperature = fit_temperature(scores[could_know], rows.classes[could_know]) if could_know.any() else 1.0
        clouds = np.asarray(softmax(scores / temperature, axis=1))
        votes = rows.voters().votes(rows.vectors, rows.units, rows.shares())
        zero_shot = None if descriptions is None else ZeroShot.fit(descriptions, rows.vectors, rows.classes)
        described = zero_shot.probabilities(rows.vectors) if zero_shot else None
    asks_neighbours = agreement(votes, rows.classes) >= agreement(probe, rows.classes) - WORSE
    given = mixed(probe, clouds, votes if asks_neighbours else None, described)
    model = NoiseModel(noise_matrix(given, rows.classes), temperature, asks_neighbours, zero_shot)
    return TrainingOpinions(Opinions(given, model.noise), model)


def out_of_fold(
    rows: LabelledRows, folds: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Log-probabilities by discriminants that are fitted on the other folds, (n_rows, n_classes).

    And whether the class of a row is in another fold, (n_rows,): else no model could be right about the row.
    """
    scores, could_know = np.zeros((len(rows.classes), rows.n_classes)), np.zeros(len(rows.classes), dtype=np.bool_)
    in_fold = {fold: folds == fold for fold in np.unique(folds)}
    moments = {fold: rows.where(is_in).moments() for fold, is_in in in_fold.items()}
    for fold, is_in in in_fold.items():
        others = Moments.sum(moments[other] for other in in_fold if other != fold)
        scores[is_in] = Discriminant.fit(others).log_probabilities(rows.vectors[is_in])
        could_know[is_in] = others.sizes[rows.classes[is_in]] > 0
    return scores, could_know


def mixed(
    probe: Predictions, clouds: Predictions, votes: Predictions | None, described: Predictions | None
) -> Predictions:
    """Half of the neighbours' opinion, as it is local, and a quarter of each other one; then descriptions join."""
    learned = (probe + clouds) / 2 if votes is None else (probe + clouds) / 4 + votes / 2
    return learned if described is None else (1 - ZERO_SHOT) * learned + ZERO_SHOT * described


def agreement(predictions: Predictions, classes: Classes) -> float:
    """The share of rows whose most probable class is the given one."""
    return float((predictions.argmax(axis=1) == classes).mean())
