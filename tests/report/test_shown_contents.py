"""How the report shows contents, distributions and rows."""

import base64
import io
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from stages.core import tables
from stages.core.tables import find_rows, one_of, write_tables
from stages.modalities.image import report as images
from stages.modalities.text import report as texts
from stages.page.distributions import count_values, histogram

# --- contents ---


def marked(shown: Any) -> str:
    return "".join(f"[{piece.text}]" if piece.changed else piece.text for piece in shown.text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a red car", "a blue car", ("a [red] car", "a [blue] car")),
        ("a car", "a car", ("a car", "a car")),
        ("a car", "a car!", ("a car", "a car[!]")),
        ("a very red car", "a red car", ("a [very ]red car", "a red car")),
        ("你好世界", "你好地界", ("你好[世]界", "你好[地]界")),
        (b"a &amp; b\x1ec d\x1f", "a & b\nc d", ("a &[amp;] b\nc d[ ]", "a & b\nc d")),
    ],
)
def test_where_two_texts_differ(one: Any, other: str, expected: tuple[str, str]) -> None:
    assert tuple(map(marked, texts.show_pair(one, other))) == expected


def test_differences_of_long_texts_stay_in_sight() -> None:
    before, after = "apple " * 500, " cherry" * 500
    one, other = texts.show_pair(f"{before}red{after}", f"{before}blue{after}")
    assert marked(one).startswith("… ") and marked(one).endswith(" …")
    assert "apple [red] cherry" in marked(one) and "apple [blue] cherry" in marked(other)
    assert len(marked(one)) < 200


def test_differences_are_found_in_bounded_time() -> None:
    one = " ".join(str(number) for number in range(20_000))
    other = " ".join(str(number * 7 % 20_011) for number in range(20_000))
    assert sum(len(piece.text) for shown in texts.show_pair(one, other) for piece in shown.text) < 4_000


def picture(width: int, height: int, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((width, height)).save(file, format, **options)
    return file.getvalue()


def test_images_are_shown_upright_and_small() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture(300, 100, "JPEG", exif=exif)
    assert images.sizes(turned) == (100, 300)
    shown = images.show(turned)
    assert Image.open(io.BytesIO(decoded(shown.image))).size == (53, 160)
    assert Image.open(io.BytesIO(decoded(images.show(picture(8, 8)).image))).size == (160, 160)


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def test_too_many_pixels_are_not_decoded() -> None:
    """64 million, if the header is to be believed; Pillow by itself would begin."""
    content = picture(8, 8)
    header = content[:16] + (8_000).to_bytes(4, "big") * 2 + content[24:29]
    shown = images.show(header + zlib.crc32(header[12:]).to_bytes(4, "big") + content[33:])
    assert shown.image == ""
    assert re.fullmatch("image, 8000 x 8000, PNG, [0-9]+ bytes, not decoded", shown.line)


# --- distributions ---


@pytest.mark.parametrize(
    "values", [[1.0], [2.0, 2.0], [-3.0, 0.0, 5.0], [1.0, 10.0, 1_000.0, 100_000.0], [0.0] * 9 + [1e6]]
)
def test_a_histogram_has_every_value(values: list[float]) -> None:
    found = histogram("size", np.array(values))
    assert sum(found.counts) == found.n_rows == len(values)
    assert list(found.edges) == sorted(set(found.edges))
    assert found.quantiles["smallest"] == min(values) and found.quantiles["largest"] == max(values)


def test_names_are_counted_the_commonest_first() -> None:
    found = count_values("language", ["en", "de", "en", False, *map(str, range(30))])
    assert list(found.counts)[:2] == ["en", "0"]
    assert (found.n_rows, len(found.counts), found.n_more) == (33, 20, 12)
    assert count_values("repairs", [["html", "spaces"], [], ["html"]]).counts == {"html": 2, "spaces": 1}


def test_a_row_counts_once_for_what_it_has_twice() -> None:
    assert count_values("pii", [["phone", "phone"], ["phone", "email"]]).counts == {"phone": 2, "email": 1}


# --- rows of a table ---


def test_rows_are_found_in_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", 3)
    write_tables(
        tmp_path / "table",
        [pa.table({"id": [str(number) for number in range(10)], "content": [b"x"] * 10, "label": ["a"] * 10})],
    )
    found = find_rows(tmp_path / "table", "id", one_of(["1", "8", "9", "17"]), ["id", "label"])
    assert found.to_pylist() == [{"id": name, "label": "a"} for name in ("1", "8", "9")]
    assert find_rows(tmp_path / "table", "id", one_of([])).num_rows == 0
    assert find_rows(tmp_path / "table", "id", one_of([])).column_names == ["id", "content", "label"]
