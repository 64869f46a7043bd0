"""Every file of a variant has what its Protocol in stages/contracts promises."""

import importlib
import inspect
import re
from types import FunctionType
from typing import Any

import pyarrow as pa
import pytest

from stages.contracts.audit import Auditor
from stages.contracts.augment import Augmentation
from stages.contracts.baseline import Baseline
from stages.contracts.clean import Cleaner
from stages.contracts.compare import Comparer, LabelComparer
from stages.contracts.content import Modality
from stages.contracts.embed import Embedder
from stages.contracts.label import Target
from stages.contracts.learn import Task
from stages.contracts.objective import Learnable
from stages.contracts.report import Reporter
from stages.contracts.score import Scorer
from stages.contracts.serve import Server
from stages.core.params import Strict
from tests.samples.variants import check_reasons, names

PROTOCOLS = {
    "modalities": {
        "content": Modality,
        "clean": Cleaner,
        "compare": Comparer,
        "report": Reporter,
        "embed": Embedder,
        "baseline": Baseline,
    },
    "targets": {"label": Target, "compare": LabelComparer, "audit": Auditor, "objective": Learnable, "score": Scorer},
    "tasks": {"augment": Augmentation, "learn": Task, "serve": Server},
}


def modules() -> list[tuple[str, type]]:
    return [
        (f"{axis}.{name}.{part}", protocol)
        for axis, parts in PROTOCOLS.items()
        for name in names(axis)
        for part, protocol in parts.items()
    ]


def members(protocol: type) -> dict[str, Any]:
    """What a Protocol and those that it extends define; of what is only annotated, the annotation."""
    bases = [base for base in reversed(protocol.__mro__) if base.__module__ == protocol.__module__]
    return {
        key: value
        for base in bases
        for key, value in {**base.__annotations__, **vars(base)}.items()
        if not key.startswith("_")
    }


@pytest.mark.parametrize(("name", "protocol"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_module_has_all_of_its_protocol(name: str, protocol: type) -> None:
    module: Any = importlib.import_module(f"stages.{name}")
    subject = module.Objective if protocol is Learnable else module
    promised = members(protocol)
    assert promised
    for key, value in promised.items():
        if isinstance(value, FunctionType | classmethod):
            parameters = inspect.signature(value.__get__(None, protocol)).parameters.values()
            check_signature(
                subject, key, [one.name for one in parameters if one.default is one.empty], f"{name}: {key}"
            )
        elif isinstance(value, property):
            assert hasattr(subject, key) or key in subject.__dataclass_fields__, f"{name}: {key}"
        else:
            check_attribute(key, getattr(subject, key))


def check_signature(subject: Any, key: str, promised: list[str], where: str) -> None:
    """The same parameters; an objective may take more that have a default."""
    given = inspect.signature(getattr(subject, key)).parameters.values()
    more_allowed = isinstance(subject, type)
    expected = promised if more_allowed else promised[1:]  # a module has no self
    assert [
        parameter.name for parameter in given if not more_allowed or parameter.default is parameter.empty
    ] == expected, where


def check_attribute(name: str, value: Any) -> None:
    if name.endswith("Params"):
        assert issubclass(value, Strict), f"{name} takes unknown keys"
    elif name == "REASONS":
        assert value
        check_reasons(value)
    elif name == "REASONS_TOGETHER":
        check_reasons(value)
    elif name == "SEE":
        assert all(
            re.fullmatch(r"(clean|collect)\.[\w.]+( and (clean|collect)\.[\w.]+)?", key) for key in value.values()
        )
    elif name == "MEASURES":
        assert all(measure.isidentifier() and isinstance(kind, pa.DataType) for measure, kind in value.items())
    elif name == "SIZES":
        assert isinstance(value, tuple) and all(isinstance(size, str) for size in value)
    elif name == "HEADLINE":
        assert value and isinstance(value, tuple) and len(set(value)) == len(value)
    elif name == "VECTORS":
        assert value in ("vector", "token_vectors")
    elif name in ("CLOSED", "ONE_CLASS"):
        assert isinstance(value, bool)
    elif name == "signatures":
        assert value is None or list(inspect.signature(value).parameters) == ["contents", "threshold"]
    elif name == "features":
        assert value is None or list(inspect.signature(value).parameters) == ["train", "others", "size"]
    elif name == "Objective":
        assert inspect.isclass(value)
    elif name == "CONSTANT":
        assert isinstance(value, str) and value.isidentifier()  # a prefix of metrics
    else:
        assert isinstance(value, pa.DataType), name
