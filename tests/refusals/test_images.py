"""Images that cannot be used are dropped, and hostile ones do nothing."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageFile

from stages.core import paths
from stages.core.tables import read_frame
from tests.refusals.bad_input import PICTURES, png, put, refuse, run, set_params


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says to be very large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def test_bad_images_are_dropped_with_their_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = {
        "good": png(),
        "cut off": png()[:-200],
        "bomb": png_bomb(50_000, 50_000),
        "large": png_bomb(1_001, 1_000),
        "text": b"I am a picture, believe me.",
        "empty": b"",
        "tiny": png(3),
        "no pixels": png_bomb(10, 10)[:33],
    }
    for name, content in pictures.items():
        put(f"pictures/files/{name}.png", content)
    put("pictures/list.csv", "picture,kind\n" + "".join(f"{name},thing\n" for name in pictures))
    set_params({**PICTURES, "modality": "image"})
    run("collect")
    decoded = spy_on_decoding(monkeypatch)
    counts = run("clean")
    reasons = dict(zip(pictures, read_frame(paths.CLEAN_VERDICTS)["reason"].fillna(""), strict=True))
    assert reasons == {
        "good": "",
        "cut off": "truncated",
        "bomb": "too_many_pixels",
        "large": "too_many_pixels",
        "text": "unreadable",
        "empty": "empty",
        "tiny": "too_small",
        "no pixels": "unreadable",
    }
    assert counts.rows_kept == 1
    assert max(decoded) <= 16 * 16  # no pixel of the large ones


def test_pictures_are_never_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostScript passes for a picture, and Pillow would have Ghostscript run it."""
    started: list[str] = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: started.append("gs"))
    put("pictures/files/apple.png", png())
    put(
        "pictures/files/program.png",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(%pipe%id) (w) file\n%%EOF\n",
    )
    put("pictures/list.csv", "picture,kind\napple,fruit\nprogram,fruit\n")
    set_params({**PICTURES, "modality": "image"})
    run("collect")
    assert run("clean").dropped == {"unsupported_format": 1}
    assert not started


def test_names_of_files_that_nobody_opens() -> None:
    put("pictures/list.csv", "picture,kind\npictures/files/apple.png,fruit\n")
    set_params({**PICTURES, "collect.files": None, "modality": "image"})
    refuse(
        "collect",
        "params.yaml:\n  collect.files: null, but list.csv has no image in its cells; "
        "set it to the paths of the files, such as files/{}",
    )
    rows = pa.table({"picture": ["pictures/files/apple.png"], "kind": ["fruit"]})
    pq.write_table(rows, "data/pictures/list.parquet")  # which could hold images
    set_params({**PICTURES, "collect.files": None, "collect.table": "list.parquet", "modality": "image"})
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 1 rows can be used (unreadable 1), such as …; open it to see what it holds; if the "
        "cells of a table are names of files, set collect.files",
    )


def test_images_of_one_format_that_is_not_read() -> None:
    put("pictures/files/apple.png", b"8BPS" + bytes(100))
    put("pictures/list.csv", "picture,kind\napple,fruit\n")
    set_params({**PICTURES, "modality": "image"})
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 1 rows can be used (unsupported_format 1), such as …; it is PSD, which is not "
        "read; convert the files, see docs/data.md",
    )


def test_images_whose_bits_are_not_known() -> None:
    """The advice is followed, and the image stays."""
    values = np.random.default_rng(0).integers(0, 4096, (16, 16)).astype(np.uint16)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    put("pictures/files/apple.png", file.getvalue())
    put("pictures/list.csv", "picture,kind\napple,fruit\n")
    set_params({**PICTURES, "modality": "image"})
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 1 rows can be used (unknown_range 1), such as …; for images of 16 bits set "
        "clean.image.used_bits to the number of bits that they use, such as 12; convert images of 32 bits to 8",
    )
    set_params({**PICTURES, "modality": "image", "clean.image.used_bits": 12})
    assert run("clean").rows_kept == 1


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_images_of_32_bits(kind: type[np.number[Any]]) -> None:
    """No value of clean.image.used_bits helps; the other advice does."""
    values = np.random.default_rng(0).integers(0, 256, (16, 16))
    file = io.BytesIO()
    Image.fromarray(values.astype(kind)).save(file, "TIFF")
    put("pictures/files/apple.png", file.getvalue())
    put("pictures/list.csv", "picture,kind\napple,fruit\n")
    message = "data/collected: none of 1 rows can be used (unknown_range 1), such as …; convert images of 32 bits to 8"
    for used_bits in (None, 8, 16):
        set_params({**PICTURES, "modality": "image", "clean.image.used_bits": used_bits})
        run("collect")
        refuse("clean", message)
    Image.fromarray(values.astype(np.uint8)).save("data/pictures/files/apple.png")
    run("collect")
    assert run("clean").rows_kept == 1


def spy_on_decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of pixels of every image that is decoded from now on."""
    decoded: list[int] = []
    load = ImageFile.ImageFile.load

    def counting_load(image: ImageFile.ImageFile) -> Any:
        decoded.append(image.width * image.height)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counting_load)
    return decoded
