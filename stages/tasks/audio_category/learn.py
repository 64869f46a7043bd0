"""Audio classification."""

from functools import partial

from stages.modalities.audio import learn
from stages.targets.category.objective import Objective, ObjectiveParams


class FinetuneParams(learn.FinetuneParams, ObjectiveParams):
    """The keys of the modality and of the target."""


finetune = partial(learn.finetune, Objective)
measure = learn.measure
