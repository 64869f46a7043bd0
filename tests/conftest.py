"""What several test files use: a line that has been reproduced once, to be copied."""

import shutil
from pathlib import Path

import pytest

from tests import data_line, tiny


def reproduced(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    folder = tmp_path_factory.mktemp(name)
    tiny.make_line(folder, name)
    tiny.dvc(folder, "repro")
    tiny.commit(folder, "reproduced")
    return folder


@pytest.fixture(scope="session")
def text_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reproduced; not to be changed."""
    return reproduced(tmp_path_factory, "text_category")


@pytest.fixture(scope="session")
def image_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reproduced; not to be changed."""
    return reproduced(tmp_path_factory, "image_category")


@pytest.fixture
def copy_of_text_line(text_line: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(text_line, tmp_path / "line", symlinks=True))


def judged(tmp_path_factory: pytest.TempPathFactory, modality: str) -> Path:
    return data_line.make(tmp_path_factory.mktemp(modality), modality)


@pytest.fixture(scope="session")
def text_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Up to the report, without training; not to be changed."""
    return judged(tmp_path_factory, "text")


@pytest.fixture
def copy_of_text_data(text_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
