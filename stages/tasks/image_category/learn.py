"""Image classification."""

from functools import partial

from stages.modalities.image import learn
from stages.targets.category.objective import Objective, ObjectiveParams


class FinetuneParams(learn.FinetuneParams, ObjectiveParams):
    """The keys of the learner and of the objective."""


finetune = partial(learn.finetune, Objective)
predict = partial(learn.predict, Objective)
