"""Regression on texts or on pairs of texts."""

from functools import partial

from stages.modalities.text import learn
from stages.targets.number.objective import Objective, ObjectiveParams


class FinetuneParams(learn.FinetuneParams, ObjectiveParams):
    """The keys of the learner and of the objective."""


finetune = partial(learn.finetune, Objective)
predict = partial(learn.predict, Objective)
