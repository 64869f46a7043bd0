"""The import closure of a stage, and the deps that follow from it, in a made-up project."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.closure import Closure

LOADER = "from stages.core import variants\n\n\ndef load_{0}(name):\n    return variants.load('{1}', name, '{2}')\n"
CLEAN = """from stages.contracts import clean
from stages.core import run


def main():
    from stages.words.lists import NAMES
"""
SCORE = "from stages.contracts.score import load_scorer\nfrom stages.core.run import main\n\nload_scorer('tags')\n"
FILES = {
    "core/__init__.py": '"""Shared by all."""',
    "core/run.py": "def main(): ...",
    "core/variants.py": "def load(axis, name, part): ...",
    "contracts/__init__.py": "",
    "contracts/clean.py": LOADER.format("cleaner", "modalities", "clean"),
    "contracts/score.py": LOADER.format("scorer", "targets", "score"),
    "contracts/learn.py": LOADER.format("task", "tasks", "learn"),
    "words/__init__.py": '"""No code."""',
    "words/lists.py": "from pathlib import Path\n\nNAMES = Path(__file__).with_name('names.toml')\n",
    "words/names.toml": "",
    "words/unused.txt": "",
    "page/__init__.py": "from stages.page import render",
    "page/render.py": "TEMPLATE = 'page.html'",
    "page/page.html": "",
    "modalities/text/clean/__init__.py": "from stages.modalities.text.clean.checks import check",
    "modalities/text/clean/checks.py": "def check(): ...",
    "modalities/image/clean/__init__.py": "",
    "modalities/image/clean/checks.py": "",
    "targets/_shared.py": "",
    "targets/tags/score.py": "from stages.targets import _shared",
    "targets/number/score.py": "",
    "tasks/text_tags/learn.py": "from stages.modalities.text.clean import checks",
    "tasks/image_number/learn.py": "",
    "clean.py": CLEAN,
    "score.py": SCORE,
    "report.py": "import stages.page.render\nfrom stages.core import run\nfrom stages.page import render\n",
    "learn.py": "from stages.contracts.learn import load_task\nfrom stages.core import run\n\nload_task('text_tags')\n",
    "alone.py": "import json\n",
}


def project(folder: Path, changes: Mapping[str, str] | None = None) -> Closure:
    for name, code in {**FILES, **(changes or {})}.items():
        path = folder / "stages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    return Closure(folder)


def files(closure: Closure, stage: str, modality: str = "text", target: str = "tags") -> set[str]:
    return {path.removeprefix("stages/") for path in closure.files(stage, modality, target)}


def test_tasks_are_found_by_their_folders(tmp_path: Path) -> None:
    assert project(tmp_path).tasks == [("image", "number"), ("text", "tags")]


def test_a_stage_runs_what_it_imports_even_inside_functions(tmp_path: Path) -> None:
    assert files(project(tmp_path), "clean") == {
        "clean.py",
        "contracts/clean.py",
        "core/run.py",
        "core/variants.py",
        "words/lists.py",
        "words/names.toml",
    }
    assert files(project(tmp_path), "alone") == {"alone.py"}


def test_a_name_out_of_a_module_is_that_module(tmp_path: Path) -> None:
    assert {"core/run.py", "contracts/score.py"} <= files(project(tmp_path), "score")


def test_the_user_of_a_loader_runs_the_part_of_the_chosen_variant(tmp_path: Path) -> None:
    closure = project(tmp_path)
    assert "targets/tags/score.py" in files(closure, "score")
    assert "targets/_shared.py" in files(closure, "score")
    number = files(closure, "score", "image", "number")
    assert "targets/number/score.py" in number
    assert not number & {"targets/tags/score.py", "targets/_shared.py"}
    assert "modalities/text/clean/checks.py" in files(closure, "learn")
    assert "tasks/image_number/learn.py" in files(closure, "learn", "image", "number")


def test_who_imports_a_contract_and_names_no_loader_runs_no_variant(tmp_path: Path) -> None:
    assert not [path for path in files(project(tmp_path), "clean") if path.startswith("modalities/")]


def test_a_variant_that_is_a_package_is_run_with_what_it_imports(tmp_path: Path) -> None:
    code = "from stages.contracts.clean import load_cleaner\n\nload_cleaner('text')\n"
    found = files(project(tmp_path, {"clean.py": code}), "clean")
    assert {"modalities/text/clean/__init__.py", "modalities/text/clean/checks.py"} <= found


def test_packages_with_code_are_run_before_their_modules(tmp_path: Path) -> None:
    found = files(project(tmp_path), "report")
    assert {"page/__init__.py", "page/render.py"} <= found
    assert "core/__init__.py" not in found  # a docstring is no code


def test_data_files_are_those_that_a_module_names(tmp_path: Path) -> None:
    assert "page/page.html" in files(project(tmp_path), "report")
    assert "words/unused.txt" not in files(project(tmp_path), "clean")


@pytest.mark.parametrize(
    ("stage", "deps"),
    [
        ("clean", ["clean.py", "core", "contracts/clean.py", "words/lists.py", "words/names.toml"]),
        ("report", ["report.py", "core/run.py", "page"]),
        ("alone", ["alone.py"]),
    ],
)
def test_a_folder_is_listed_if_all_of_it_is_run(stage: str, deps: list[str], tmp_path: Path) -> None:
    assert project(tmp_path).deps(stage) == [f"stages/{name}" for name in deps]


def test_a_folder_is_listed_once_nothing_in_it_is_left_out(tmp_path: Path) -> None:
    closure = project(tmp_path)
    (tmp_path / "stages/words/unused.txt").unlink()
    assert "stages/words" in closure.deps("clean")


def test_folders_with_files_of_editors_are_listed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "stages/page/__pycache__").mkdir(parents=True)
    (tmp_path / "stages/page/__pycache__/render.cpython-311.pyc").write_bytes(b"")
    assert "stages/page" in project(tmp_path).deps("report")


def test_deps_name_variants_as_dvc_yaml_does(tmp_path: Path) -> None:
    """For all tasks at once, after shared code."""
    closure = project(tmp_path)
    assert closure.deps("score") == [
        "stages/score.py",
        "stages/core",
        "stages/contracts/score.py",
        "stages/targets/_shared.py",
        "stages/targets/${target}",
    ]
    assert closure.deps("learn") == [
        "stages/learn.py",
        "stages/core",
        "stages/contracts/learn.py",
        "stages/modalities/${modality}",
        "stages/tasks/${modality}_${target}",
    ]
