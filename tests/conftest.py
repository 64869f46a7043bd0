"""What several test files use: a line that has been reproduced once, to be copied."""

import os

# One test process per core is enough: more threads take each other's time. Torch reads this once, when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from filelock import FileLock
from pydantic import BaseModel

from stages.core.run import Counts
from tests import data_line, stages_in_place, tiny
from tests.in_this_process import contents_in_this_process  # noqa: F401 - a fixture of all tests
from tools import plots_page as plots

PRINTED = Path(".dvc/tmp/printed.txt")  # in the folder of a reproduced line: what its stages printed


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker makes and the others wait for; not to be changed."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # that of the run, which its workers share
    folder, done = base / name, base / f"{name}.done"
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def reproduced(factory: pytest.TempPathFactory, task: str) -> Path:
    """A line whose stages ran in this process; tests/line/test_invariants.py compares it with one that DVC runs."""

    def make(folder: Path) -> None:
        tiny.make_line(folder, task)
        with data_line.inside(folder):
            printed = stages_in_place.repro()
        assert printed.keys() == set(stages_in_place.STAGES)
        (folder / PRINTED).write_text("".join(printed.values()))
        tiny.commit(folder, "reproduced")

    return made_once(factory, task, make)


@pytest.fixture(scope="session")
def text_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reproduced; not to be changed."""
    return reproduced(tmp_path_factory, "text_category")


@pytest.fixture(scope="session")
def image_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Likewise."""
    return reproduced(tmp_path_factory, "image_category")


@pytest.fixture(scope="session")
def plots_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page in which DVC draws."""

    def make(folder: Path) -> None:
        (folder / "plots.html").write_text(plots.page(plots.vega()), encoding="utf-8")

    return made_once(tmp_path_factory, "plots_page", make) / "plots.html"


@pytest.fixture(scope="session")
def audio_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Likewise."""
    return reproduced(tmp_path_factory, "audio_category")


@pytest.fixture
def copy_of_text_line(text_line: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(text_line, tmp_path / "line", symlinks=True))


def judged(factory: pytest.TempPathFactory, modality: str) -> Path:
    return made_once(factory, modality, lambda folder: data_line.make(folder, modality))


@pytest.fixture(scope="session")
def text_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Up to the report, without training; not to be changed."""
    return judged(tmp_path_factory, "text")


@pytest.fixture
def copy_of_text_data(
    text_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    contents_in_this_process: None,  # noqa: F811
) -> Path:
    """Where the test then is."""
    folder = Path(shutil.copytree(text_data, tmp_path / "line"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def image_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Likewise."""
    return judged(tmp_path_factory, "image")


@pytest.fixture(scope="session")
def audio_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Likewise."""
    return judged(tmp_path_factory, "audio")


Run = Callable[[ModuleType, BaseModel], Counts]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Run:
    """Runs a stage with these params, and holds that every row is kept or has a reason."""

    def run_stage(stage: ModuleType, params: BaseModel) -> Counts:
        counts = stage.main(params)
        assert isinstance(counts, Counts)
        assert counts.rows_in == counts.rows_kept + sum(counts.dropped.values())
        return counts

    return run_stage
