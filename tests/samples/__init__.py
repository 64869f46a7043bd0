"""Sample data for each variant, found by its name: samples/<axis>/<name>.py. A new variant adds a file, there is no
list to edit.
"""

import importlib
from importlib.util import find_spec
from types import ModuleType


def load(axis: str, name: str) -> ModuleType:
    """The samples of a modality, target or task, or the smallest line of a task (axis `lines`).

    Raises:
        AssertionError: the variant has no samples yet.
    """
    module = f"{__name__}.{axis}.{name}"
    assert find_spec(module), f"{name} is new: give it samples in tests/samples/{axis}/{name}.py"
    return importlib.import_module(module)
