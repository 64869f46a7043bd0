"""A folder of files whose names hold their columns."""

from pathlib import Path
from typing import Any

import pytest

from stages.collect import Params, collect
from stages.core.errors import InputError
from stages.sources.folders import FolderNotes
from stages.sources.read import read_source
from stages.sources.records import FileFormat
from tests.collected import params_of, section_of


def collected(folder: Path, **changes: Any) -> Params:
    values: dict[str, Any] = {"source": str(folder), "splits": {"test": "[0-4]", "train": "*"}}
    values["columns"] = {"content": "file", "label": "digit", "split": "take"}
    return params_of(section_of(**values | {"file_names": "{digit}_{speaker}_{take}.wav"} | changes))


def test_names_of_files_are_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("7_theo_4.wav", "7_theo_14.wav", "0_jan_2.wav", "0_van_berg_2.wav", ".hidden", "readme.txt"):
        (folder / name).write_bytes(name.encode())
    records = list(read_source(folder, FileFormat(file_names="{digit}_{speaker}_{take}.wav"), FolderNotes()))
    assert [record.source for record in records] == [
        "0_jan_2.wav:1",
        "0_van_berg_2.wav:1",
        "7_theo_14.wav:1",
        "7_theo_4.wav:1",
    ]
    assert records[2].values == {"file": b"7_theo_14.wav", "digit": "7", "speaker": "theo", "take": "14"}
    assert "'speaker': 'van', 'take': 'berg_2'} and as {'digit': '0_van', 'speaker': 'berg', " in str(
        records[1].problem
    )
    with pytest.raises(InputError, match=r"0_van_berg_2\.wav:1: its name can be read as"):
        collect(collected(folder))
    assert collect(collected(folder, on_bad_row="drop")).dropped == {"unusable_file": 1}
    assert collected_splits() == {"0_jan_2.wav:1": "test", "7_theo_14.wav:1": "train", "7_theo_4.wav:1": "test"}
    for name in ("readme.txt", "0_van_berg_2.wav"):
        (folder / name).unlink()
    with pytest.raises(InputError, match=r"unknown split '14'; collect\.splits has \[0-4\]"):
        collect(collected(folder, splits={"test": "[0-4]"}))


def collected_splits() -> dict[str, str]:
    from stages.core import paths
    from stages.core.tables import read_frame

    frame = read_frame(paths.COLLECTED, ["source", "given_split"])
    return dict(zip(frame["source"], frame["given_split"], strict=True))


@pytest.mark.parametrize("pattern", ["take.wav", "{a}_{a}.wav", "{}.wav", "{file}.wav", "{1}_{2}.wav"])
def test_patterns_of_names_are_checked(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"collect\.file_names: .*it must have named parts, each once"):
        list(read_source(tmp_path, FileFormat(file_names=pattern), FolderNotes()))
