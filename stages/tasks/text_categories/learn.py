"""Multi-label classification of texts or of pairs of texts."""

from functools import partial

from stages.modalities.text import learn
from stages.targets.categories.objective import Objective, ObjectiveParams


class FinetuneParams(learn.FinetuneParams, ObjectiveParams):
    """The keys of the modality and of the target."""


finetune = partial(learn.finetune, Objective)
measure = learn.measure
