"""Folders that are laid out otherwise, and links that lead out of the source, are refused."""

import os
from pathlib import Path

import pytest

from tests.refusals.bad_input import PICTURES, png, put, refuse, run, set_params

DROP = "; or set collect.on_bad_row: drop"


def test_link_that_leads_out() -> None:
    put("secret.png", png())
    put("pictures/list.csv", "picture,kind\napple,fruit\n")
    Path("data/pictures/files").mkdir()
    Path("data/pictures/files/apple.png").symlink_to(Path("data/secret.png").resolve())
    set_params(PICTURES)
    refuse(
        "collect",
        "data/pictures, list.csv:1: data/pictures/files/apple.png: a link that leads out of the folder; "
        "put the file itself there, or delete the link" + DROP,
    )


def test_link_out_of_a_folder_of_classes() -> None:
    put("secret.png", png())
    put("pictures/fruit/apple.png", png())
    Path("data/pictures/fruit/fig.png").symlink_to(Path("data/secret.png").resolve())
    set_params({"collect.source": "data/pictures", "collect.columns.content": "file", "collect.columns.label": "class"})
    refuse(
        "collect",
        "data/pictures, fruit/fig.png:1: a link that leads out of the folder; put the file itself there, or delete the "
        "link" + DROP,
    )


def test_file_name_that_is_not_utf8() -> None:
    Path("data/pictures/fruit").mkdir(parents=True)
    try:
        Path(os.fsdecode(b"data/pictures/fruit/gr\xfcn.png")).write_bytes(png())
    except OSError:
        pytest.skip("this file system has no such names")
    set_params({"collect.source": "data/pictures", "collect.columns.content": "file", "collect.columns.label": "class"})
    assert run("collect").rows_kept == 1


def test_files_beside_the_folders_of_classes_are_not_passed_over() -> None:
    put("pictures/fruit/apple.png", png())
    put("pictures/stray.png", png())
    set_params(
        {
            "collect.source": "data/pictures",
            "collect.columns.content": "file",
            "collect.columns.label": "class",
            "modality": "image",
        }
    )
    refuse(
        "collect",
        "data/pictures, stray.png:1: it is beside the folders of classes; move it into one of them, or delete "
        "it" + DROP,
    )
    set_params(
        {
            "collect.source": "data/pictures",
            "collect.columns.content": "file",
            "collect.columns.label": "class",
            "collect.on_bad_row": "drop",
        }
    )
    assert run("collect").metrics() == {"rows_in": 2, "rows_kept": 1, "dropped_unusable_file": 1}
