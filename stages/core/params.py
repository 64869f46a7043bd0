"""Reads params.yaml, typed. Every stage has its own strict model, and each stage checks the whole file.

The fields of the `Params` model of a stage module are the keys that the stage reads. A section that differs by modality
(`clean: text:`) or by target (`clean: label:`) names the modules that hold the models of its sub-sections.
"""

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from stages.core import paths, variants
from stages.core.errors import InputError

M = TypeVar("M", bound=BaseModel)
LONGEST_VALUE = 200  # characters of a value in a message


class Strict(BaseModel):
    """A model without unknown keys, conversions or changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class VariantSection(Strict):
    """A section with one sub-section per modality, and a sub-section `label` if `label_variant` is set.

    The model of a modality's sub-section is in a module of the modality or of its task.
    The model of `label` is in the target's label.py.
    """

    variant: ClassVar[tuple[Literal["modalities", "tasks"], str, str]]  # axis, module, name of the model
    label_variant: ClassVar[str | None] = None  # name of the model

    def of(self, modality: str) -> Any:
        """The sub-section of this modality."""
        return getattr(self, modality)


def load_params(model: type[M], path: Path = paths.PARAMS) -> M:
    """Checks the whole file against the models of all stages and returns the keys of `model`.

    Raises:
        InputError: the file has errors; the message lists all of them.
    """
    values = read_yaml(path)
    variants.check(values.get("modality"), values.get("target"))
    problems: set[str] = set()  # stages share keys, so several models report the same problem
    known: set[str] = set()
    for _, stage_model in known_keys(values):
        problems.update(_problems(stage_model, values))
        known.update(stage_model.model_fields)
    for key, problem in _unusable_values(values):
        if not any(line.startswith((f"{key}:", f"{key}.")) for line in problems):
            problems.add(f"{key}: {problem}")
    for key in values.keys() - known:
        problems.add(f"{key}: unknown key; use one of {', '.join(sorted(known))}")
    if problems:
        raise InputError(f"{path}:", sorted(problems))
    return cast(M, _with_variants(model, values).model_validate(_values_of(model, values)))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read as DVC reads it: 2e-05 is a number, 010 is ten, and a key that occurs twice is an error.

    Raises:
        InputError: the file cannot be read, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        problem = too_large(text)
        values = YAML(typ="safe").load(text) if problem is None else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except DuplicateKeyError as error:
        key = error.problem.split(" with value ")[0].removeprefix("found ")  # such as: duplicate key "lr"
        raise InputError(f"{path}, line {error.problem_mark.line + 1}: {key}; keep one") from error
    except (YAMLError, ValueError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if problem is not None:
        raise InputError(f"{path}: {problem}")
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected `key: value` lines, got {type(values).__name__}")
    return values


DEEPEST = 50  # lists and mappings inside each other; the parser needs quadratic time for more, and then crashes
MOST_VALUES = 200_000  # with what aliases stand for


def too_large(text: str) -> str | None:
    """Why a text of YAML is not read, though it may be valid; None if it is.

    An alias may stand for a list of aliases, and so on: a few lines can be billions of values.
    """
    counts, anchors = [0], [""]  # of the lists and mappings that are open, the whole text first
    size_of: dict[str, int] = {}  # values, by the name of their anchor
    for event in YAML(typ="safe").parse(text):
        if isinstance(event, CollectionEndEvent):
            size = counts.pop() + 1
            size_of[anchors.pop()] = size
        elif isinstance(event, AliasEvent):
            if event.anchor in anchors:
                return f"line {event.start_mark.line + 1}: the alias *{event.anchor} stands inside what it stands for"
            size = size_of.get(event.anchor, 1)
        elif isinstance(event, NodeEvent):
            if isinstance(event, CollectionStartEvent):
                counts.append(0)
                anchors.append(event.anchor or "")
                if len(counts) > DEEPEST:
                    return f"line {event.start_mark.line + 1}: more than {DEEPEST} lists or mappings inside each other"
                continue
            size = size_of[event.anchor or ""] = 1
        else:
            continue
        counts[-1] += size
        if counts[-1] > MOST_VALUES:
            return f"more than {MOST_VALUES:,} values; write fewer, and fewer aliases"
    return None


def known_keys(values: dict[str, Any]) -> Iterator[tuple[str, type[BaseModel]]]:
    """(name, params model) of each stage in dvc.yaml, for the modality and target of `values`.

    The stages are imported by name, and only for their models: no stage depends on the code of another.
    """
    for stage in read_yaml(paths.DVC_YAML)["stages"]:
        yield stage, _with_variants(importlib.import_module(f"stages.{stage}").Params, values)


def _with_variants(model: type[BaseModel], values: dict[str, Any]) -> type[BaseModel]:
    """`model`, whose variant sections have the sub-sections that the modality, the target and the file ask for."""
    sections: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, VariantSection):
            fields = {name: (sub_model, ...) for name, sub_model in _sub_sections(section, values.get(key), values)}
            sections[key] = (create_model(section.__name__, __base__=section, **cast(Any, fields)), ...)
    return create_model(model.__name__, __base__=model, **sections) if sections else model


def _sub_sections(
    section: type[VariantSection], present: Any, values: dict[str, Any]
) -> Iterator[tuple[str, type[BaseModel]]]:
    """(key, model) of each sub-section: the chosen modality's, others that the file has (`present`), and `label`."""
    wanted = [values.get("modality"), *(present if isinstance(present, dict) else ())]
    for modality in variants.names("modalities"):
        if modality in wanted:
            yield modality, _variant_model(section, modality, values)
    if section.label_variant:
        target = variants.load("targets", values.get("target", ""), "label")
        yield "label", getattr(target, section.label_variant)


def _variant_model(section: type[VariantSection], modality: str, values: dict[str, Any]) -> type[BaseModel]:
    axis, part, model = section.variant
    variant = modality if axis == "modalities" else f"{modality}_{values.get('target', '')}"
    return cast(type[BaseModel], getattr(variants.load(axis, variant, part), model))


def _values_of(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in model.model_fields if key in values}


def _problems(model: type[BaseModel], values: dict[str, Any]) -> Iterator[str]:
    """One line per error: key, what is allowed, what was got."""
    try:
        model.model_validate(_values_of(model, values))
    except ValidationError as error:
        for detail in error.errors():
            if detail["type"] == "string_type" and detail["loc"][-1] == "[key]":  # a name out of the data
                section = ".".join(map(str, detail["loc"][:-2]))
                yield f"{section}: to YAML, the name {_shown(detail['input'])} is no text; write it in quotes"
                continue
            key = "".join(f"{part}." for part in detail["loc"])[:-1] + ": "
            message = _MESSAGES.get(detail["type"], detail["msg"].removeprefix("Value error, "))
            shows_value = detail["type"] != "missing" and not isinstance(detail["input"], dict)
            got = f", got {_shown(detail['input'])}" if shows_value else ""
            # A check of several sections has no key; its message names them.
            yield f"{key.lstrip(': ')}{message[0].lower() + message[1:]}{got}"


def _unusable_values(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(dotted key, problem) of texts and numbers that no setting can use, not even those of a library."""
    if isinstance(value, str) and "\0" in value:
        yield key, "holds a NUL, which no name has; write it anew"
    elif isinstance(value, float) and not math.isfinite(value):
        yield key, f"expected a finite number, got {value}"
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _unusable_values(part, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for part in value:
            yield from _unusable_values(part, key)


def _shown(value: Any) -> str:
    try:
        return _shortened(repr(value))
    except ValueError:  # Python does not write whole numbers of more than 4,300 digits
        return "a number of thousands of digits"


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"


_MESSAGES = {
    "missing": "missing; write it, there are no defaults, see docs/params.md",
    "extra_forbidden": "unknown key; see docs/params.md",
    "model_type": "expected a section with keys; see docs/params.md",
}
