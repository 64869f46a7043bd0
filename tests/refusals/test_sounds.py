"""Recordings of which none can be used: the message says what to do."""

import numpy as np

from stages.core.params import read_yaml
from tests.refusals.bad_input import ROOT, put, refuse, run, set_params
from tests.sounds import encoded, tones

PRESET = read_yaml(ROOT / "presets/fsdd.yaml")
FOLDERS = {
    "modality": "audio",
    "collect.source": "data/sounds",
    "collect.columns.content": "file",
    "collect.columns.label": "class",
    **{f"{name}.audio": PRESET[name]["audio"] for name in ("augment", "clean", "embed", "finetune")},
}


def test_recordings_that_are_all_clipped() -> None:
    """The advice is followed, and the recording stays."""
    put("sounds/bird/a.wav", encoded(np.clip(tones("up") * 20, -1, 1)))
    put("sounds/frog/b.wav", encoded(np.clip(tones("down") * 20, -1, 1) * 1_000, subtype="FLOAT"))
    set_params(FOLDERS)
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 2 rows can be used (clipped 2), such as bird/a.wav:1: its label is 'bird'; "
        "see clean.audio.max_clipped",
    )
    set_params({**FOLDERS, "clean.audio.max_clipped": 1.0})
    assert run("clean").rows_kept == 2


def test_files_that_are_no_recordings() -> None:
    put("sounds/bird/a.wav", b"I am a song, believe me.")
    set_params(FOLDERS)
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 1 rows can be used (unreadable 1), such as bird/a.wav:1: its label is 'bird'; open it "
        "to see what it holds; if the cells of a table are names of files, set collect.files",
    )


def test_integers_that_were_written_as_floats() -> None:
    put("sounds/bird/a.wav", encoded(tones("up") * 32_767, subtype="FLOAT"))
    put("sounds/frog/b.wav", encoded(tones("down") * 32_767, subtype="DOUBLE"))
    set_params(FOLDERS)
    run("collect")
    counts = run("clean")
    assert (counts.rows_kept, counts.more["repaired_full_scale"]) == (2, 2)
