"""The layout of the code: what a folder holds, what it may import, and what dvc.yaml lists of it."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest
import yaml

from stages.core import variants
from tests.tiny import ROOT
from tools.closure import AXES, Closure

PROJECT = ("stages", "tools", "bench", "tests")
STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
FOLDERS = sorted(path.name for path in (ROOT / "stages").glob("[!_.]*/"))
# Names that say nothing about what is inside.
EMPTY_NAMES = {"common", "helper", "helpers", "lib", "misc", "shared", "util", "utils"}
# Part of a variant, or folder -> the stages that run it, and no others.
# So an edit of a metric trains nothing, and an edit of the report cleans nothing.
READERS = {
    "targets/{target}/score": {"evaluate"},
    "targets/{target}/audit": {"label_audit"},
    "targets/{target}/objective": {"label_audit", "finetune", "predict", "evaluate"},
    "modalities/{modality}/clean": {"clean", "report"},
    "modalities/{modality}/baseline": {"evaluate"},
    "modalities/{modality}/compare": {"dedupe", "leaks"},
    "modalities/{modality}/embed": {"embed", "label_audit", "finetune"},
    "modalities/{modality}/report": {"report"},
    "modalities/{modality}/augment": {"augment"},
    "modalities/{modality}/learn": {"finetune"},
    "modalities/{modality}/network": {"embed", "label_audit", "finetune", "predict"},
    "modalities/{modality}/serve": {"predict"},
    "tasks/{modality}_{target}/augment": {"augment"},
    "tasks/{modality}_{target}/learn": {"finetune"},
    "tasks/{modality}_{target}/serve": {"predict"},
    "page": {"report"},
    "sources": {"collect"},
    "cleaning": {"clean"},
    "untrusted": {"clean", "report"},
    "training": {"finetune", "predict"},
    "serving": {"predict"},
    "comparison": {"evaluate"},
}


@cache
def closures() -> dict[tuple[str, str, str], frozenset[str]]:
    """The files that each stage runs, by stage, modality and target."""
    closure = Closure(ROOT)
    return {(stage, *task): frozenset(closure.files(stage, *task)) for stage in STAGES for task in closure.tasks}


def sources(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path) -> Iterator[str]:
    """The dotted names of the project's modules that a file imports, functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, which tools/closure.py does not follow"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name for name in names if name.split(".")[0] in PROJECT)


def room(module: str) -> str:
    """A stage, a folder of stages/, or tools, bench with its tests, tests."""
    top, _, rest = module.partition(".")
    if module.startswith("tests.bench."):
        return "bench"
    return f"stages.{rest.split('.')[0]}" if top == "stages" else top


@cache
def rooms() -> dict[str, set[str]]:
    """Room -> the other rooms that its files import."""
    found: dict[str, set[str]] = {}
    for path in chain.from_iterable(sources(folder) for folder in PROJECT):
        here = room(".".join(path.relative_to(ROOT).with_suffix("").parts))
        found.setdefault(here, set()).update({room(name) for name in imported(path)} - {here})
    return found


# --- 1: a file in stages/ is a stage ---


def test_files_in_stages_are_the_stages_of_dvc_yaml() -> None:
    assert {path.stem for path in (ROOT / "stages").glob("[!_.]*.py")} == set(STAGES)


# --- 2: a folder is named after its subject ---


def test_folders_and_modules_have_names_of_their_subject() -> None:
    paths = [path for folder in PROJECT for path in sources(folder)]
    names = {name: path for path in paths for name in path.relative_to(ROOT).with_suffix("").parts}
    assert not {name: path for name, path in names.items() if name.strip("_") in EMPTY_NAMES}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_says_what_it_is_for(folder: str) -> None:
    """In its docstring, and with the same words in the README's tree."""
    docstring = ast.get_docstring(ast.parse((ROOT / f"stages/{folder}/__init__.py").read_text(encoding="utf-8")))
    assert docstring, f"stages/{folder}/__init__.py: say in a docstring what the folder holds"
    (line,) = re.findall(rf"^    {folder}/ +(.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert docstring.startswith(line)


# --- 3: core is what every stage runs ---


def test_core_is_what_every_stage_runs() -> None:
    core = {
        str(path.relative_to(ROOT)) for path in sources("stages/core") if path.name != "__init__.py" or has_code(path)
    }
    assert frozenset.intersection(*closures().values()) == core | {"stages/__init__.py"}


def test_core_imports_nothing_else_of_the_project() -> None:
    assert rooms()["stages.core"] == set()


# --- 4: variants of an axis have the same parts, each with readers of its own ---


def parts(folder: Path) -> set[str]:
    """Files and packages of a variant, without `.py`."""
    return {path.stem for path in folder.glob("[!_.]*") if path.suffix == ".py" or (path / "__init__.py").exists()}


@pytest.mark.parametrize("axis", AXES)
def test_variants_of_an_axis_have_the_same_parts(axis: str) -> None:
    found = {name: parts(ROOT / "stages" / axis / name) for name in variants.names(axis)}
    assert len(found) > 1
    first = next(iter(found.values()))
    assert found == dict.fromkeys(found, first)


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_holds_variants_and_what_they_share(axis: str) -> None:
    """Shared code begins with an underscore and is no variant."""
    inside = {
        path.stem for path in (ROOT / "stages" / axis).iterdir() if path.name not in ("__init__.py", "__pycache__")
    }
    assert {name for name in inside if not name.startswith("_")} == set(variants.names(axis))


def loaded() -> set[tuple[str, str]]:
    """(axis, part) of the calls of variants.load; those of core only check params of parts that others load."""
    paths = [path for path in (*sources("stages"), *sources("tools")) if path.parent != ROOT / "stages/core"]
    nodes = chain.from_iterable(ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in paths)
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "variants.load"]
    return {(ast.literal_eval(call.args[0]), ast.literal_eval(call.args[2])) for call in calls}


def test_each_part_that_is_loaded_has_its_protocol() -> None:
    """stages/contracts/<part>.py, and the part in every variant of its axis."""
    assert {part for _, part in loaded()} == {path.stem for path in (ROOT / "stages/contracts").glob("[!_.]*.py")}
    for axis, part in loaded():
        assert all(part in parts(ROOT / "stages" / axis / name) for name in variants.names(axis)), part


@pytest.mark.parametrize("part", READERS)
def test_a_part_is_run_by_its_readers_only(part: str) -> None:
    readers = set()
    for (stage, modality, target), files in closures().items():
        prefix = f"stages/{part.format(modality=modality, target=target)}"
        if any(file.startswith((f"{prefix}/", f"{prefix}.py")) for file in files):
            readers.add(stage)
    assert readers == READERS[part]


def test_a_stage_runs_no_file_of_another_variant() -> None:
    for (stage, modality, target), files in closures().items():
        chosen = {"modalities": modality, "targets": target, "tasks": f"{modality}_{target}"}
        for file in files:
            _, axis, *rest = file.split("/")
            allowed = axis not in AXES or rest[0] == chosen[axis] or rest[0].startswith("_")
            assert allowed, f"{stage} of {modality}_{target} runs {file}"


# --- 5: dvc.yaml lists folders that a stage runs whole; tests/line holds the lists exact ---


@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_is_listed_if_the_stage_runs_all_of_it(stage: str) -> None:
    """One list serves all tasks: what any of them runs, under the names of dvc.yaml."""
    deps = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["deps"]
    run, listed = set(), set()
    for (name, modality, target), files in closures().items():
        if name == stage:
            chosen = {"${modality}": modality, "${target}": target}
            run |= {templated(file, chosen) for file in files}
            listed |= {templated(file, chosen) for dep in deps for file in files_of(filled(dep, chosen))}
    assert listed <= run


def filled(dep: str, chosen: Mapping[str, str]) -> str:
    for key, value in chosen.items():
        dep = dep.replace(key, value)
    return dep


def templated(file: str, chosen: Mapping[str, str]) -> str:
    """A file of a variant as dvc.yaml names it."""
    for axis, template in AXES.items():
        prefix = f"stages/{axis}/{filled(template, chosen)}/"
        if file.startswith(prefix):
            return f"stages/{axis}/{template}/{file.removeprefix(prefix)}"
    return file


def files_of(dep: str) -> list[str]:
    """The files with code or data in a folder of stages/."""
    paths = [path for path in (ROOT / dep).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    names = [str(path.relative_to(ROOT)) for path in paths if path.name != "__init__.py" or has_code(path)]
    return names if dep.startswith("stages/") else []


def has_code(path: Path) -> bool:
    return any(not isinstance(node, ast.Expr) for node in ast.parse(path.read_text(encoding="utf-8")).body)


def test_what_editors_leave_behind_is_no_dependency() -> None:
    lines = (ROOT / ".dvcignore").read_text().splitlines()
    assert {"__pycache__", "*~", ".*.swp", ".ipynb_checkpoints"} <= set(lines)


def test_dvc_can_restore_every_stage() -> None:
    """DVC keeps no runs of a stage that has an out without cache, unless it is a metric: each return would compute."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert not {name: out for name, stage in stages.items() for out in stage["outs"] if not isinstance(out, str)}


# --- imports go one way ---


def test_imports_between_rooms_have_no_circle() -> None:
    try:
        TopologicalSorter(rooms()).prepare()
    except CycleError as error:
        pytest.fail(f"rooms that import each other: {' -> '.join(error.args[1])}")


def test_stages_import_no_tool_no_bench_and_no_test() -> None:
    outside = {"tools", "bench", "tests"}
    assert not {here: found & outside for here, found in rooms().items() if here not in outside and found & outside}
    assert not rooms()["tools"] & {"bench", "tests"}
    assert "bench" not in rooms()["tests"]


def test_nothing_in_stages_imports_a_stage() -> None:
    """Stages share tables, not code. Only core/params.py imports them, at run time, to check all of params.yaml."""
    stages = {f"stages.{name}" for name in STAGES}
    in_stages = {here: found for here, found in rooms().items() if here.startswith("stages.")}
    assert not {here: found & stages for here, found in in_stages.items() if found & stages}
