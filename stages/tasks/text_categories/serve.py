"""The parts of a saved model: those of the modality and of the target."""

from stages.modalities.text.serve import load_frontend, load_network
from stages.targets.categories.objective import Objective

__all__ = ["Objective", "load_frontend", "load_network"]
