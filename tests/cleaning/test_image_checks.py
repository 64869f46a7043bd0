"""Faults of photos that clean looks for, planted in photos that are drawn."""

import io
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from sklearn.metrics import average_precision_score

from stages import clean as stage
from stages.cleaning.judge import Judge
from stages.contracts.clean import JointMeasures
from stages.core import paths
from stages.core.params import read_yaml
from stages.core.tables import iter_rows, new_table, read_frame, row_schema
from stages.modalities.image.clean import checks
from stages.modalities.image.clean.cleaner import CleanParams, clean
from stages.targets.category import label as category_label
from tests import photos, tiny

PRESET = CleanParams(**read_yaml(tiny.ROOT / "presets/clothing.yaml")["clean"]["image"])
N_GOOD, N_BAD = 60, 12


def scored(image: Image.Image) -> dict[str, float]:
    decoded = Image.open(io.BytesIO(photos.as_jpeg(image)))
    return {**checks.scores(decoded), "size": math.sqrt(decoded.width * decoded.height)}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    good = [{"fault": "", **scored(photos.scene(seed))} for seed in range(N_GOOD)]
    bad = [
        {"fault": fault, **scored(plant(photos.scene(1_000 + seed)))}
        for fault, plant in photos.FAULTS.items()
        for seed in range(N_BAD)
    ]
    found = pd.DataFrame([*good, *bad])
    return found.assign(odd_size=checks.odd_sizes(found["size"].to_numpy()))


@pytest.mark.parametrize("fault", photos.FAULTS)
def test_planted_faults_have_the_lowest_scores(fault: str, rows: pd.DataFrame) -> None:
    some = rows[rows["fault"].isin(["", fault])]
    assert some[fault].between(0, 1).all()
    assert average_precision_score(some["fault"] == fault, -some[fault]) >= 0.95


@pytest.mark.parametrize("check", ["dark", "light", "odd_aspect_ratio", "blurry", "grayscale", "odd_size"])
def test_the_thresholds_for_photos_find_faults_and_no_good_photo(check: str, rows: pd.DataFrame) -> None:
    below = rows[check] < getattr(PRESET.lowest, check)
    assert below[rows["fault"] == check].mean() >= 0.95
    assert not below[rows["fault"] == ""].any()


def test_a_slight_blur_is_not_taken_for_none() -> None:
    """The score falls with every step, and depends on no contrast."""
    image = photos.scene(3)
    steps = [scored(image.filter(ImageFilter.GaussianBlur(radius)))["blurry"] for radius in (0, 1, 2, 4)]
    assert steps == sorted(steps, reverse=True)
    pale = image.point(lambda value: 200 + value // 8)
    assert scored(pale)["blurry"] == pytest.approx(steps[0], abs=0.15)


@pytest.mark.parametrize(
    ("image", "share"),
    [
        (photos.framed(photos.scene(1), 0.1), 1 - 240 * 320 / (288 * 368)),
        (photos.framed(photos.scene(2), 0.05, "white"), 1 - 240 * 320 / (264 * 344)),
        (photos.letterboxed(photos.scene(3)), 0.25),
        (photos.scene(4), 0.0),
        (Image.new("RGB", (90, 90), "white"), 0.0),
    ],
)
def test_how_much_of_an_image_is_frame(image: Image.Image, share: float) -> None:
    assert 1 - scored(image)["border"] == pytest.approx(share, abs=0.03)


def test_the_plain_ground_of_a_thing_is_no_frame() -> None:
    image = Image.new("RGB", (200, 200), "white")
    image.paste(photos.scene(5, 60, 60), (70, 70))
    assert scored(image)["border"] == 1


def test_a_texture_is_no_watermark() -> None:
    spots = np.full((240, 240, 3), 90, dtype=np.uint8)
    for down in range(0, 240, 16):
        spots[down : down + 9, ::12] = spots[down : down + 9, 1::12] = spots[down : down + 9, 2::12] = 220
    assert scored(Image.fromarray(spots))["watermark"] == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (8, 8), (2, 3), (3_000, 2)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_any_image_has_scores(size: tuple[int, int], value: int) -> None:
    found = checks.scores(Image.new("RGB", size, (value, value, value)))
    assert tuple(found) == checks.SCORES
    assert all(0 <= score <= 1 for score in found.values())


def test_sizes_that_most_images_have_are_not_odd() -> None:
    """Where nearly all are of one size, one that is a little larger is odd to no one."""
    sizes = np.array([400.0] * 95 + [430.0, 380.0, np.nan, 2_000.0, 20.0])
    odd = checks.odd_sizes(sizes)
    assert np.flatnonzero(odd < 0.5).tolist() == [98, 99] or np.flatnonzero(odd < 0.5).tolist() == [98]
    assert np.isnan(odd[97])
    assert np.isnan(checks.odd_sizes(np.array([np.nan]))).all()


# --- in the stage ---


class ImageSection(stage.Section):
    image: CleanParams


def cleaned(images: list[bytes], folder: Any, **lowest: float) -> list[str | None]:
    """The reasons of images, cleaned together."""
    paths.LEDGER.parent.mkdir(exist_ok=True)
    paths.LEDGER.write_text("id,action,label,note\n")
    with new_table(paths.COLLECTED, row_schema(stage.pa.binary(), stage.pa.string())) as writer:
        for number, image in enumerate(images):
            writer.write_row({"id": f"{number:03d}", "content": image, "label": "shirt", "source": str(number)})
    params = CleanParams(**tiny.CLEAN_IMAGE | {"lowest": {**tiny.CLEAN_IMAGE["lowest"], **lowest}})
    section = ImageSection(label=category_label.LabelParams(**tiny.CLEAN_NAMES), missing=[], image=params)
    counts = stage.main(stage.Params.model_construct(modality="image", target="category", clean=section))
    reasons = [row["reason"] for row in iter_rows(paths.CLEAN_VERDICTS)]
    assert counts.dropped == {reason: reasons.count(reason) for reason in set(reasons) - {None}}
    assert [row["id"] for row in iter_rows(paths.CLEANED)] == [
        f"{number:03d}" for number, reason in enumerate(reasons) if reason is None
    ]
    return reasons


def test_what_is_odd_among_the_others_is_dropped(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = [photos.as_jpeg(photos.scene(seed)) for seed in range(8)]
    odd = [b"", *(photos.as_jpeg(photos.FAULTS[fault](photos.scene(9))) for fault in ("grayscale", "odd_size", "dark"))]
    assert cleaned([*good, *odd], tmp_path) == [None] * 8 + ["empty", None, None, None]
    verdicts = read_frame(paths.CLEAN_VERDICTS)
    assert verdicts["odd_size"].isna().tolist() == [False] * 8 + [True] + [False] * 3
    assert verdicts["odd_size"].idxmin() == 10
    found = cleaned([*good, *odd], tmp_path, grayscale=0.02, odd_size=0.5, dark=0.32)
    assert found == [None] * 8 + ["empty", "grayscale", "odd_size", "dark"]
    assert cleaned([odd[1]] * 2 + good[:2], tmp_path, grayscale=0.02) == ["grayscale"] * 2 + [None] * 2
    assert cleaned([odd[1]] * 3 + good[:2], tmp_path, grayscale=0.02) == [None] * 5  # grey is what most are


def test_images_that_are_odd_do_not_count_for_their_label() -> None:
    """The only rows with the label "hat" are one that is dropped for its size, and one that was dropped before."""
    reasons = [None, None, "odd_size"]
    cleaner = SimpleNamespace(measure_together=lambda measures, params: JointMeasures({}, reasons))
    params = category_label.LabelParams(**tiny.CLEAN_NAMES | {"min_rows": 2, "on_rare": "drop"})
    judge = Judge(cleaner, category_label, None, params, missing=(), decisions={})  # type: ignore[arg-type]
    together = judge.judge_together({}, [True, False, True], ["shirt", "hat"])
    assert together.label_params.drop == ["shirt"]
    assert together.changes_rows


def test_content_is_written_again_only_if_rows_change(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written: list[str] = []
    original = stage.new_table

    def new_table(folder: Path, schema: Any) -> Any:
        written.append(folder.name)
        return original(folder, schema)

    monkeypatch.setattr(stage, "new_table", new_table)
    images = [photos.as_jpeg(photos.scene(seed)) for seed in range(4)]
    images.append(photos.as_jpeg(photos.FAULTS["odd_size"](photos.scene(9))))
    assert cleaned(images, tmp_path) == [None] * 5
    assert written == ["verdicts", "cleaned", "verdicts"]  # the second time with odd_size
    assert read_frame(paths.CLEAN_VERDICTS)["odd_size"].notna().all()
    written.clear()
    assert cleaned(images, tmp_path, odd_size=0.5) == [None] * 4 + ["odd_size"]
    assert written == ["verdicts", "cleaned"] * 2
    assert sorted(path.name for path in Path("data").iterdir()) == [
        "cleaned",
        "collected",
        "ledger.csv",
        "suggestions",
        "verdicts",
    ]


def test_one_image_alone_is_cleaned_without_the_others() -> None:
    """So that what is served is cleaned as what was trained on."""
    grey = photos.as_jpeg(photos.FAULTS["grayscale"](photos.scene(9)))
    strict = CleanParams(
        **tiny.CLEAN_IMAGE | {"lowest": dict.fromkeys(tiny.CLEAN_IMAGE["lowest"]) | {"grayscale": 1.0, "odd_size": 1.0}}
    )
    found = clean(grey, strict)
    assert found.reason is None
    assert found.content == clean(grey, CleanParams(**tiny.CLEAN_IMAGE)).content
    assert "odd_size" not in found.measured
