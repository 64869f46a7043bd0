"""params.yaml, read once and typed: every stage keeps its own strict model, and the whole file is checked at once.

Each stage module has a `Params` model whose fields are the keys that it reads. A section that differs by modality
(`clean: text:`) or by target (`clean: label:`) says where the models of its sub-sections are found.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from stages.core import paths, variants
from stages.core.errors import InputError

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """No unknown keys, no conversions, no changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class VariantSection(Strict):
    """A section with one sub-section a modality, typed by a model that the modality or its task keeps, and perhaps with `label`, typed by the target's."""

    variant: ClassVar[
        tuple[Literal["modalities", "tasks"], str, str]
    ]  # the axis, the part of its variants, and the model in it
    label_variant: ClassVar[str | None] = None

    def of(self, modality: str) -> Any:
        """The sub-section of this modality."""
        return getattr(self, modality)


def load_params(model: type[M], path: Path = paths.PARAMS) -> M:
    """The keys that `model` names, typed, after the whole file was checked against the models of all stages.

    Raises:
        InputError: all that is wrong with the file, together.
    """
    values = read_yaml(path)
    variants.check(values.get("modality"), values.get("target"))
    models = [stage_model for _, stage_model in known_keys(values)]
    problems = dict.fromkeys(problem for stage_model in models for problem in _problems(stage_model, values))
    known = {key for stage_model in models for key in stage_model.model_fields}
    for key in values.keys() - known:
        problems[f"{key}: unknown key; allowed are {', '.join(sorted(known))}"] = None
    if problems:
        raise InputError(f"{path}:" + "".join(f"\n  {problem}" for problem in sorted(problems)))
    return cast(M, _with_variants(model, values).model_validate(_own(model, values)))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that is a mapping, read as DVC reads it: 2e-05 is a number, 010 is ten, and a key may occur once.

    Raises:
        InputError: it cannot be read, or is no mapping.
    """
    try:
        values = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except DuplicateKeyError as error:
        key = error.problem.split(" with value ")[0].removeprefix("found ")  # such as: duplicate key "lr"
        raise InputError(f"{path}, line {error.problem_mark.line + 1}: {key}; keep one") from error
    except (YAMLError, ValueError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected `key: value` lines, got {type(values).__name__}")
    return values


def known_keys(values: dict[str, Any]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every stage that dvc.yaml runs and the model of the keys that it reads, for the modality and target of `values`.

    Stages are imported by name here: nothing of them but the check is used.
    """
    for stage in read_yaml(paths.DVC_YAML)["stages"]:
        yield stage, _with_variants(importlib.import_module(f"stages.{stage}").Params, values)


def _with_variants(model: type[BaseModel], values: dict[str, Any]) -> type[BaseModel]:
    """`model`, with the sub-sections of the chosen modality (and of any other that the file has) and target added to its sections."""
    sections: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, VariantSection):
            present = values.get(key)
            names = [values.get("modality"), *(present if isinstance(present, dict) else ())]
            subsections = {
                name: (_variant_model(section, name, values), ...)
                for name in variants.names("modalities")
                if name in names
            }
            if section.label_variant:
                subsections["label"] = (
                    getattr(variants.load("targets", values.get("target", ""), "label"), section.label_variant),
                    ...,
                )
            sections[key] = (create_model(section.__name__, __base__=section, **cast(Any, subsections)), ...)
    return create_model(model.__name__, __base__=model, **sections) if sections else model


def _variant_model(section: type[VariantSection], modality: str, values: dict[str, Any]) -> type[BaseModel]:
    axis, part, model = section.variant
    variant = modality if axis == "modalities" else f"{modality}_{values.get('target', '')}"
    return cast(type[BaseModel], getattr(variants.load(axis, variant, part), model))


def _own(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in model.model_fields if key in values}


def _problems(model: type[BaseModel], values: dict[str, Any]) -> Iterator[str]:
    try:
        model.model_validate(_own(model, values))
    except ValidationError as error:
        for detail in error.errors():
            key = ".".join(str(part) for part in detail["loc"])
            got = (
                "" if detail["type"] == "missing" or isinstance(detail["input"], dict) else f", got {detail['input']!r}"
            )
            message = _MESSAGES.get(detail["type"], detail["msg"].removeprefix("Value error, "))
            yield f"{key}: {message[0].lower() + message[1:]}{got}"


_MESSAGES = {
    "missing": "missing; every value stands in this file, see docs/params.md",
    "extra_forbidden": "unknown key; see docs/params.md",
    "model_type": "a section with keys of its own; see docs/params.md",
}
