"""Generates docs/params.md, and parts of README.md and dvc.yaml.

python -m tools.docs [--check]
"""

import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from stages.contracts.score import load_scorer
from stages.core.params import known_keys, read_yaml
from tools.closure import Closure

README = Path("README.md")
PARAMS = Path("docs/params.md")
DEFAULT = Path("presets/reviews.yaml")  # not params.yaml: users change it
DVC_YAML = Path("dvc.yaml")
INTRODUCTION = """# Params

Every value is set in params.yaml; the code has no defaults. A key that is unknown, missing, of the wrong type or
out of range stops the first stage that runs, and one message names all such keys. This page is generated from the
models in the stages (`python -m tools.docs`). A value is that of presets/reviews.yaml, which is the params.yaml of a
fresh clone, or that of the preset in brackets.

| key | value | allowed | what it is | read by |
|---|---|---|---|---|
"""


def params_page() -> str:
    """A table with one line per key: top-level keys first, then by the first stage that reads them."""
    keys = read_keys()
    order = list(read_yaml(DVC_YAML)["stages"])

    def position(key: str) -> tuple[bool, int]:
        is_nested = "." in key
        return is_nested, min(map(order.index, keys[key].stages)) if is_nested else 0

    lines = [keys[key].line(key, order) for key in sorted(keys, key=position)]
    return INTRODUCTION + "\n".join(lines) + "\n"


@dataclass
class Key:
    """A key of params.yaml, as the table describes it."""

    value: str
    allowed: str
    description: str = ""
    stages: set[str] = field(default_factory=set)  # that read it

    def line(self, name: str, order: Sequence[str]) -> str:
        readers = ", ".join(stage for stage in order if stage in self.stages)
        return f"| `{name}` | {self.value} | {self.allowed} | {self.description} | {readers} |"


def read_keys() -> dict[str, Key]:
    """By dotted name every key of the presets; the value is that of the first preset that has it."""
    keys: dict[str, Key] = {}
    for preset in (DEFAULT, *sorted(Path("presets").glob("*.yaml"))):
        values, source = read_yaml(preset), "" if preset == DEFAULT else f" ({preset.stem})"
        for stage, model in known_keys(values):
            for name, info, value in leaves(model, values):
                key = keys.setdefault(name, Key(f"`{json.dumps(value)}`{source}", allowed(info)))
                key.description = key.description or info.description or ""
                key.stages.add(stage)
    return keys


def leaves(model: type[BaseModel], values: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Dotted key, pydantic field and value of every leaf."""
    for name, info in model.model_fields.items():
        kind, key = info.annotation, path + name
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, values[name], f"{key}.")
        else:
            yield key, info, values[name]


def allowed(info: Any) -> str:
    """The types or the literals of a field, and its bounds."""
    is_union = get_origin(info.annotation) in (Union, UnionType)
    kinds = get_args(info.annotation) if is_union else (info.annotation,)
    bounds = filter(None, map(bound, info.metadata))
    return f"{' or '.join(map(in_words, kinds))} {', '.join(bounds)}".strip()


def in_words(kind: Any) -> str:
    """One of the types that a field may have."""
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    if kind is NoneType:
        return "null"
    if get_origin(kind) is Annotated:
        return in_words(get_args(kind)[0])
    if get_origin(kind) is list:
        return f"list[{in_words(get_args(kind)[0])}]"
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")


def bound(limit: Any) -> str:
    """Such as "≥ 0"; empty for another kind of constraint."""
    signs = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}
    name = type(limit).__name__
    return f"{signs[name]} {getattr(limit, name.lower())}" if name in signs else ""


def tree() -> str:
    """The code by folder: the stages, and the first sentence of each folder's docstring."""
    stages = ", ".join(read_yaml(DVC_YAML)["stages"])
    lines = ["stages/", f"    {stages}: one file per stage"]
    for folder in sorted(path for path in Path("stages").glob("[!_.]*/")):
        lines.append(f"    {folder.name + '/':<16} {first_clause(folder / '__init__.py')}")
    lines.append("tools/")
    lines += [f"    {path.name:<16} {first_clause(path)}" for path in sorted(Path("tools").glob("[!_]*.py"))]
    return "```\n" + "\n".join(lines) + "\n```"


def first_clause(path: Path) -> str:
    sentence = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    return re.split(r"[;.] ", sentence)[0].rstrip(".")


def dvc_yaml() -> str:
    """dvc.yaml with the code deps of each stage replaced by its import closure."""
    closure = Closure()
    lines: list[str] = []
    deps: list[str] = []
    for line in DVC_YAML.read_text(encoding="utf-8").splitlines():
        if stage := re.fullmatch(r"  (\w+):", line):
            deps = closure.deps(stage[1]) if Path(f"stages/{stage[1]}.py").exists() else []
        if line.startswith("      - stages/"):
            continue
        lines.append(line)
        if line == "    deps:":
            lines += [f"      - {path}" for path in deps]
    return "\n".join(lines) + "\n"


def support() -> str:
    """A table with one line per task: what it does, its headline metrics, and the presets that use it."""
    presets = [(path.stem, read_yaml(path)) for path in sorted(Path("presets").glob("*.yaml"))]
    lines = ["| task | what it does | main metrics | presets |", "|---|---|---|---|"]
    for path in sorted(Path("stages/tasks").glob("[!_.]*/")):
        shown = [f"`{name}`" for name, values in presets if f"{values['modality']}_{values['target']}" == path.name]
        metrics = ", ".join(load_scorer(path.name.split("_", 1)[1]).HEADLINE)
        lines.append(f"| {path.name} | {first_clause(path / '__init__.py')} | {metrics} | {', '.join(shown)} |")
    return "\n".join(lines)


def fill(page: str, name: str, text: str) -> str:
    """The page with the text between the comments of this name replaced."""
    section = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return section.sub(lambda match: f"{match[1]}{text}\n{match[2]}", page)


def main() -> None:
    readme = README.read_text(encoding="utf-8")
    wanted = {
        DVC_YAML: dvc_yaml(),
        PARAMS: params_page(),
        README: fill(fill(readme, "tree", tree()), "support", support()),
    }
    for path, text in wanted.items():
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path}: is older than the code; run `python -m tools.docs`")


if __name__ == "__main__":
    main()
