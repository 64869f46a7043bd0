"""dvc.yaml lists exactly the code and the params that each stage uses, and a stage imports no more than it needs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import tiny
from tools.closure import Closure


def stage_lists() -> Iterator[tuple[str, dict[str, list[str]]]]:
    yield from yaml.safe_load((tiny.ROOT / "dvc.yaml").read_text())["stages"].items()


@pytest.mark.parametrize(("stage", "lists"), stage_lists(), ids=lambda value: value if isinstance(value, str) else "")
def test_dvc_yaml_lists_the_code_that_a_stage_imports(stage: str, lists: dict[str, list[str]]) -> None:
    """One list serves all tasks: what any of them imports."""
    closure = Closure(tiny.ROOT)
    assert ("text", "category") in closure.tasks
    assert [name for name in lists["deps"] if name.startswith("stages/")] == closure.deps(stage)


@pytest.mark.parametrize(("stage", "lists"), stage_lists(), ids=lambda value: value if isinstance(value, str) else "")
def test_dvc_yaml_lists_the_params_that_a_stage_reads(
    stage: str, lists: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.core.params import known_keys, read_yaml
    from tools.docs import leaves

    monkeypatch.chdir(tiny.ROOT)
    values = read_yaml(Path("presets/reviews.yaml"))
    keys = {key for key, _, _ in leaves(dict(known_keys(values))[stage], values)}
    listed = [name.replace("${modality}", values["modality"]) for name in lists["params"]]
    assert {key for key in keys if not any(key == name or key.startswith(f"{name}.") for name in listed)} == set()
    assert {name for name in listed if not any(key == name or key.startswith(f"{name}.") for key in keys)} == set()


# cleanlab imports datasets where it is installed.
HEAVY = {"torch", "transformers", "sklearn", "cleanlab", "albumentations", "cv2", "datasets"}
MAY_IMPORT = {
    "embed": HEAVY,
    "outliers": {"sklearn"},
    "label_audit": {"sklearn", "cleanlab", "datasets"},
    "finetune": HEAVY,
    "predict": HEAVY,
    "evaluate": {"sklearn"},
}


@pytest.mark.parametrize(
    "stage", ["collect", "clean", "dedupe", "outliers", "split", "label_audit", "augment", "evaluate", "report"]
)
def test_a_stage_imports_no_more_than_it_uses(stage: str, copy_of_text_line: Path) -> None:
    imports = f"import sys, stages.{stage} as stage; from stages.core.params import load_params"
    code = f"{imports}; stage.main(load_params(stage.Params)); print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy_of_text_line,
        env=tiny.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(yaml.safe_load(done.stdout.splitlines()[-1])) <= MAY_IMPORT.get(stage, set())
