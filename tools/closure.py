"""Finds the code that a stage runs, its import closure.

The source is read and not run, so imports inside functions count too. A variant is loaded by its name at run time:
a module that names the loader of a part, such as `load_cleaner`, imports that part of the chosen variant.
The check of the whole params.yaml in core/params.py imports every stage by name as well; it is left out, as it can stop
a stage and changes nothing that a stage writes.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

AXES = {
    "modalities": "${modality}",
    "targets": "${target}",
    "tasks": "${modality}_${target}",
}  # as dvc.yaml names the chosen variant
LAST = tuple(f"stages/{axis}/$" for axis in AXES)  # variants come after shared code


class Closure:
    """The import closures of the stages of one project."""

    def __init__(self, root: Path = Path()) -> None:
        self._root = root
        self._tree = cache(self._parsed)
        self._loaders = dict(self._find_loaders())
        self.tasks = [tuple(path.name.split("_", 1)) for path in sorted((root / "stages/tasks").glob("[!_.]*/"))]

    def files(self, stage: str, modality: str, target: str) -> set[str]:
        """The files of stages/ that a stage runs for one modality and target."""
        chosen = _chosen(modality, target)
        found: set[str] = set()
        waiting = [f"stages/{stage}.py"]
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += [*self._imports(path, chosen), *self._packages(path), *self._data_files(path)]
        return found

    def deps(self, stage: str) -> list[str]:
        """The code among the deps of a stage, for all tasks: its own file, stages/core, shared code, then variants.

        A folder is listed where all of its files are in the closure, else the files.
        """
        files = {file for task in self.tasks for file in self._templates(self.files(stage, *task), *task)}
        missing = {file for task in self.tasks for file in self._templates(self._all_files(), *task)} - files
        incomplete = {folder for file in missing for folder in _folders(file)}
        listed = {next((folder for folder in _folders(file) if folder not in incomplete), file) for file in files}
        own, core = f"stages/{stage}.py", "stages/core"
        return sorted(listed, key=lambda path: (path != own, path != core, path.startswith(LAST), path))

    def _find_loaders(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """(name of the loader, (axis, part)) for each loader in stages/contracts."""
        for path in sorted((self._root / "stages/contracts").glob("*.py")):
            for function in self._tree(str(path.relative_to(self._root))).body:
                if isinstance(function, ast.FunctionDef):
                    for call in ast.walk(function):
                        if isinstance(call, ast.Call) and ast.unparse(call.func) == "variants.load":
                            axis, _, part = call.args
                            yield function.name, (ast.literal_eval(axis), ast.literal_eval(part))

    def _parsed(self, path: str) -> ast.Module:
        return ast.parse((self._root / path).read_text(encoding="utf-8"))

    def _imports(self, path: str, chosen: Mapping[str, str]) -> Iterator[str]:
        """The files that the imports and the loaders in `path` stand for."""
        if not path.endswith(".py"):
            return
        for node in ast.walk(self._tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "stages":
                # `from stages.core import paths` imports a module, `from stages.core.paths import MODEL` a name in it.
                for alias in node.names:
                    file = self._module(f"{node.module}.{alias.name}") or self._module(str(node.module))
                    yield from filter(None, [file])
            if isinstance(node, ast.Name) and node.id in self._loaders:
                axis, part = self._loaders[node.id]
                yield from filter(None, [self._module(f"stages.{axis}.{chosen[axis]}.{part}")])

    def _module(self, name: str) -> str | None:
        base = name.replace(".", "/")
        return next((path for path in (f"{base}.py", f"{base}/__init__.py") if (self._root / path).exists()), None)

    def _packages(self, path: str) -> Iterator[str]:
        """The packages around a module, which are imported before it, as far as they hold code."""
        for parent in Path(path).parents[:-1]:
            init = f"{parent}/__init__.py"
            if init != path and (self._root / init).exists() and self._has_code(init):
                yield init

    def _has_code(self, init: str) -> bool:
        return any(not isinstance(node, ast.Expr) for node in self._tree(init).body)

    def _data_files(self, path: str) -> Iterator[str]:
        """Files beside a module that it names in a string: templates, word lists."""
        if path.endswith(".py"):
            words = {
                node.value
                for node in ast.walk(self._tree(path))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
            folder = Path(path).parent
            yield from (
                str(folder / file.name)
                for file in (self._root / folder).iterdir()
                if file.is_file() and file.suffix != ".py" and file.name in words
            )

    @cache  # noqa: B019 - one object a run
    def _all_files(self) -> frozenset[str]:
        """Every file of stages/ that says something."""
        paths = (
            path for path in (self._root / "stages").rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
        names = (str(path.relative_to(self._root)) for path in paths)
        return frozenset(name for name in names if not name.endswith("__init__.py") or self._has_code(name))

    def _templates(self, files: set[str] | frozenset[str], modality: str, target: str) -> set[str]:
        """These files as dvc.yaml names them; files of other variants are left out."""
        chosen = _chosen(modality, target)
        found = set()
        for file in files:
            _, axis, *rest = file.split("/")
            if axis not in AXES or not rest or rest[0].startswith("_"):
                found.add(file)
            elif rest[0] == chosen[axis]:
                found.add("/".join(["stages", axis, AXES[axis], *rest[1:]]))
        return found


def _chosen(modality: str, target: str) -> dict[str, str]:
    """The variant of each axis."""
    return {"modalities": modality, "targets": target, "tasks": f"{modality}_{target}"}


def _folders(file: str) -> list[str]:
    """The folders around a file, below stages/ and the axes, the largest first."""
    parents = [str(parent) for parent in Path(file).parents][:-2][::-1]
    return [folder for folder in parents if folder not in {f"stages/{axis}" for axis in AXES}]
