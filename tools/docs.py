"""Writes what follows from the code: docs/params.md, the file tree and support table in README.md, and the code among the deps in dvc.yaml.

python -m tools.docs [--check]
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from stages.contracts.score import load_scorer
from stages.core.params import known_keys, read_yaml
from tools.closure import Closure

README = Path("README.md")
PARAMS = Path("docs/params.md")
DEFAULT = Path("presets/reviews.yaml")  # params.yaml is its user's
DVC_YAML = Path("dvc.yaml")
INTRODUCTION = """# Params

Every value of the line stands in params.yaml; the code has no defaults. A key that is unknown, missing, of the wrong type or out of
range stops the first stage that runs, and all such keys are named together. This page is generated from the models beside the stages
(`python -m tools.docs`); "value" is that of presets/reviews.yaml, the params.yaml of a fresh clone, or of the preset that is named.

| key | value | allowed | what it is | read by |
|---|---|---|---|---|
"""


def params_page() -> str:
    rows: dict[str, list[Any]] = {}
    for preset in (DEFAULT, *sorted(Path("presets").glob("*.yaml"))):
        values, named = read_yaml(preset), "" if preset == DEFAULT else f" ({preset.stem})"
        for stage, model in known_keys(values):
            for key, field, value in leaves(model, values):
                row = rows.setdefault(key, [f"`{json.dumps(value)}`{named}", allowed(field), "", set()])
                row[2] = row[2] or field.description or ""
                row[3].add(stage)
    order = list(read_yaml(Path("dvc.yaml"))["stages"])
    top_first = sorted(
        rows, key=lambda key: ("." in key, min(order.index(stage) for stage in rows[key][3]) if "." in key else 0)
    )
    lines = [
        f"| `{key}` | {value} | {kind} | {what} | {', '.join(stage for stage in order if stage in stages)} |"
        for key, (value, kind, what, stages) in ((key, rows[key]) for key in top_first)
    ]
    return INTRODUCTION + "\n".join(lines) + "\n"


def leaves(model: type[BaseModel], values: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Dotted key, pydantic field and value of every leaf."""
    for name, field in model.model_fields.items():
        kind, key = field.annotation, path + name
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, values[name], f"{key}.")
        else:
            yield key, field, values[name]


def allowed(field: Any) -> str:
    kind = field.annotation
    name = kind.__name__ if isinstance(kind, type) and not getattr(kind, "__args__", None) else str(kind)
    literals = re.search(r"Literal\[(.*?)\]", name) if not name.startswith("dict") else None
    words = (
        ", ".join(ast.literal_eval(f"[{literals[1]}]"))
        if literals
        else name.replace("typing.", "").replace(" | ", " or ")
    )
    signs = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}
    limits = [(type(limit).__name__, limit) for limit in field.metadata]
    bounds = [f"{signs[name]} {getattr(limit, name.lower())}" for name, limit in limits if name in signs]
    return " ".join([words.replace("NoneType", "null").replace("None", "null"), ", ".join(bounds)]).strip()


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
    """dvc.yaml with the code among the deps of each stage as the imports have it; all else stays."""
    closure, lines = Closure(), []
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
    """A row for each file in stages/tasks: what it does, the metrics that matter, and the presets that show it."""
    presets = [(path.stem, read_yaml(path)) for path in sorted(Path("presets").glob("*.yaml"))]
    lines = ["| task | what it does | main metrics | presets |", "|---|---|---|---|"]
    for path in sorted(Path("stages/tasks").glob("[!_.]*/")):
        shown = [f"`{name}`" for name, values in presets if f"{values['modality']}_{values['target']}" == path.name]
        metrics = ", ".join(load_scorer(path.name.split("_", 1)[1]).HEADLINE)
        lines.append(f"| {path.name} | {first_clause(path / '__init__.py')} | {metrics} | {', '.join(shown)} |")
    return "\n".join(lines)


def fill(page: str, name: str, text: str) -> str:
    """`page` with what stands between the marks of `name` replaced."""
    return re.sub(
        rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
        lambda found: f"{found[1]}{text}\n{found[2]}",
        page,
        flags=re.DOTALL,
    )


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
            sys.exit(f"{path}: does not follow the code any more; run `python -m tools.docs`")


if __name__ == "__main__":
    main()
