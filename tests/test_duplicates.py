"""Which rows are duplicates, which of them stays, and what happens where their labels differ: one rule a test, on data that can be read."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image, ImageEnhance

from stages import clean, dedupe
from stages.contracts.compare import load_comparer
from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import Counts
from stages.core.tables import read_frame, row_schema, vector_column, write_frame, write_tables
from stages.duplicates import finders, neighbours
from stages.duplicates.bitmaps import Bitmaps
from stages.modalities.image import compare as compare_images
from stages.modalities.text import compare
from tests.tiny import phrase

OTHER = "the anvil, the hammer and the file lie in the box"
EVERY_KIND = {
    "exact": True,
    "near": True,
    "near_threshold": 0.7,
    "semantic": False,
    "semantic_threshold": 0.9,
    "keep": "first",
    "on_label_conflict": "review",
}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_rows(contents: Sequence[Any], labels: Sequence[Any], **columns: Sequence[Any]) -> None:
    """data/cleaned and the verdicts of clean. Ids are numbers, in order."""
    rows = pd.DataFrame(
        {"id": [f"{number:03d}" for number in range(len(contents))], "content": contents, "label": labels}
    )
    rows = rows.assign(
        group=None,
        time=None,
        source="notes.csv:1",
        given_split=None,
        keep=True,
        reason=None,
        given_label=None,
        repairs=None,
        reviewed=False,
    )
    rows = rows.assign(**columns)
    write_frame(
        paths.CLEANED, rows, row_schema(pa.string() if isinstance(contents[0], str) else pa.binary(), pa.string())
    )
    write_frame(paths.CLEAN_VERDICTS, rows, clean.VERDICT)


def write_vectors(vectors: np.ndarray) -> None:
    ids = [f"{number:03d}" for number in range(len(vectors))]
    write_tables(paths.EMBEDDINGS, [pa.table({"id": ids, "vector": vector_column(vectors.astype(np.float32))})])


def run(modality: str = "text", **section: Any) -> tuple[Counts, pd.DataFrame]:
    """The stage with these params, held to account for every row."""
    counts = dedupe.main(dedupe.Params(modality=modality, dedupe=dedupe.Section(**{**EVERY_KIND, **section})))
    verdicts = read_frame(paths.DUPLICATE_VERDICTS).set_index("id")
    assert verdicts["keep"].tolist() == verdicts["reason"].isna().tolist()
    assert counts.rows_in == len(verdicts)
    assert counts.rows_kept == verdicts["keep"].sum()
    assert set(verdicts["reason"].dropna()) <= {*dedupe.REASONS.values(), dedupe.LEAK, dedupe.CONFLICT}
    return counts, verdicts.astype(object).where(verdicts.notna(), None)


def duplicates(
    rows: Sequence[str],
    threshold: float = 0.7,
    labels: Sequence[str] = (),
    section: dict[str, Any] | None = None,
    **columns: Any,
) -> pd.DataFrame:
    write_rows(rows, labels or ["fruit"] * len(rows), **columns)
    return run(near_threshold=threshold, **(section or {}))[1]


def likeness(one: str, other: str) -> float:
    return compare.similarity(compare.fingerprint(one), compare.fingerprint(other))


def directions(*degrees: float) -> np.ndarray:
    """(n_rows, 2): unit vectors."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


# --- exact and near ---


def test_exact_duplicates_are_found_after_normalising() -> None:
    found = duplicates(["A ripe apple!", OTHER, "a RIPE, apple", "ａ ripe apple", "a ripe apples"], threshold=1.0)
    assert found["reason"].tolist() == [None, None, "exact_duplicate", "exact_duplicate", None]
    assert found["duplicate_of"].tolist() == [None, None, "000", "000", None]
    assert found["cluster"].tolist() == ["000", "001", "000", "000", "004"]
    assert found["similarity"].tolist() == [None, None, 1.0, 1.0, None]
    assert found["kind"].tolist() == [None, None, "exact", "exact", None]


def test_near_duplicates_are_found_from_the_threshold_on() -> None:
    rows = [phrase(0), OTHER, phrase(1)]
    exactly = likeness(rows[0], rows[2])
    assert 0.7 < exactly < 1
    at = duplicates(rows, threshold=exactly)
    assert at["reason"].tolist() == [None, None, "near_duplicate"]
    assert (at.loc["002", "duplicate_of"], at.loc["002", "similarity"], at.loc["002", "cluster"]) == (
        "000",
        exactly,
        "000",
    )
    above = duplicates(rows, threshold=exactly + 0.001)
    assert above["keep"].all()
    assert above["cluster"].tolist() == ["000", "001", "002"]


def test_the_earliest_row_stays() -> None:
    rows = [phrase(0), "a fig", phrase(1), "A FIG", OTHER]
    assert duplicates(rows)["keep"].tolist() == [True, True, False, False, True]
    assert duplicates(rows[::-1])["keep"].tolist() == [True, True, True, False, False]


def test_chains_do_not_swallow_their_neighbourhood() -> None:
    """A is like B and B is like C, but A is not like C: C stays."""
    a, b, c = phrase(0), phrase(2), phrase(4)
    assert min(likeness(a, b), likeness(b, c)) > 0.6 > likeness(a, c)
    found = duplicates([a, b, c], threshold=0.6)
    assert found["keep"].tolist() == [True, False, True]
    assert found["cluster"].tolist() == ["000", "000", "002"]


def test_the_most_similar_row_that_stays_names_the_cluster() -> None:
    a, far, near = phrase(0), phrase(6), phrase(4)
    assert likeness(near, far) > likeness(near, a) > 0.5 > likeness(a, far)
    found = duplicates([a, far, near], threshold=0.5)
    assert found.loc["002", "duplicate_of"] == "001"


def test_given_held_out_rows_stay_and_their_copies_in_training_go() -> None:
    rows = [phrase(0), "a fig", "A fig", "a fig!", "a fig?", phrase(1), OTHER]
    given = ["train", "train", "validation", "test", "test", "test", "train"]
    found = duplicates(rows, given_split=given)
    assert found["reason"].tolist() == [
        "duplicate_of_held_out",
        "duplicate_of_held_out",
        "duplicate_of_held_out",
        None,
        None,
        None,
        None,
    ]
    assert found["duplicate_of"].tolist() == ["005", "003", "003", None, "003", None, None]
    assert found["cluster"].tolist() == ["005", "003", "003", "003", "003", "005", "006"]


def test_the_row_that_a_person_reviewed_stays() -> None:
    found = duplicates(["a fig", "a Fig", "A FIG", OTHER], reviewed=[False, True, False, False])
    assert found["duplicate_of"].tolist() == ["001", None, "001", None]


def test_duplicates_of_other_labels_are_reported() -> None:
    labels = ["fruit", "tool", "fruit", "fruit", "fruit"]
    found = duplicates(["a fig", "a Fig", "a plum", "a Plum", OTHER], labels=labels)
    assert found["label_conflict"].tolist() == [True, True, False, False, False]


def test_a_kind_that_is_off_is_not_looked_for() -> None:
    write_rows([phrase(0), phrase(1), phrase(0).upper()], ["fruit"] * 3)
    assert run(near=False)[0].dropped == {"exact_duplicate": 1}
    assert run(exact=False)[0].dropped == {"near_duplicate": 2}  # what says the same is alike, too
    assert run(exact=False, near=False)[0].dropped == {}


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_near_texts_meet_in_a_band(threshold: float) -> None:
    """The expected share of pairs at the threshold that do is 0.99; of 300 pairs somewhat above it, nearly all."""
    rng = np.random.default_rng(0)
    met = total = 0
    while total < 300:
        one = "".join(rng.choice(list("abcdefghij"), 200))
        other = one[int(200 * (1 - threshold) * rng.uniform(0.5, 0.8)) :]
        if threshold <= likeness(one, other) < threshold + 0.2:
            first, second = compare.signatures([one, other], threshold)
            met, total = met + int((first == second).any()), total + 1
    assert met / total >= 0.98


def test_texts_of_one_template_are_compared_by_bitmaps_first() -> None:
    """No bound is below the similarity, and most that are not near are ruled out: nearly all of these meet in some bucket."""
    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("abcdefgh"), 8)) for _ in range(160)]
    texts = [
        f"your order {name} was sent to {place}, keep this message"
        for name, place in zip(names[::2], names[1::2], strict=True)
    ]
    sets = list(map(compare.fingerprint, texts))
    others = list(range(1, len(texts)))
    bounds = Bitmaps(sets.__getitem__).bounds(0, others)
    exact = np.array([compare.similarity(sets[0], sets[other]) for other in others])
    assert (bounds >= exact).all()
    assert (bounds - exact).max() < 0.05
    crowded = duplicates([*texts, texts[0][:-1], texts[40] + "s"], threshold=0.9)
    assert crowded["duplicate_of"].tolist()[-2:] == ["000", "040"]


# --- which row stays ---


def test_the_longest_row_stays() -> None:
    rows = [phrase(1, 13), "a fig", phrase(0), "a  fig !", OTHER]
    found = duplicates(rows, section={"keep": "longest"})
    assert found["keep"].tolist() == [False, False, True, True, True]
    assert found["duplicate_of"].tolist() == ["002", "003", None, None, None]


def test_the_first_row_with_the_label_of_most_stays() -> None:
    labels = ["tool", "fruit", "fruit", "tool", "fruit", "tool"]
    found = duplicates(
        ["a fig", "a Fig", "A FIG", OTHER, "a plum", "a Plum"], labels=labels, section={"keep": "best_label"}
    )
    assert found["keep"].tolist() == [False, True, False, True, True, False]  # of one to one, the first
    assert found["cluster"].tolist() == ["001", "001", "001", "003", "004", "004"]
    assert found["label_conflict"].tolist() == [True, True, True, False, True, True]


def test_what_stays_is_similar_to_all_that_goes_for_it_whatever_is_kept() -> None:
    rows = [phrase(first, count) for first in range(6) for count in (13, 14)]
    labels = ["fruit", "tool", "tool"] * 4
    for keep in ("first", "longest", "best_label"):
        found = duplicates(rows, threshold=0.6, labels=labels, section={"keep": keep})
        kept = set(found.index[found["keep"]])
        dropped = found[~found["keep"].astype(bool)]
        assert len(dropped) > 4
        assert set(dropped["duplicate_of"]) <= kept
        for row, other, similarity in zip(dropped.index, dropped["duplicate_of"], dropped["similarity"], strict=True):
            assert likeness(rows[int(row)], rows[int(other)]) == similarity >= 0.6


def test_reviewed_and_held_out_rows_go_before_longer_and_better_ones() -> None:
    rows, labels = ["a fig", "a fig!!", "a plum", "a plum!!"], ["tool", "fruit", "tool", "fruit"]
    for section in (
        {"keep": "longest"},
        {"keep": "best_label"},
        {"on_label_conflict": "majority"},
        {"on_label_conflict": "drop"},
    ):
        found = duplicates(
            rows,
            labels=labels,
            section=section,
            reviewed=[True, False, False, False],
            given_split=[None, None, "test", "train"],
        )
        assert found["reason"].tolist() == [None, "exact_duplicate", None, "duplicate_of_held_out"], section


# --- labels that differ ---

DISPUTED = ["a fig", "a Fig", "A FIG", "a plum", "a Plum", OTHER]
LABELS = ["tool", "fruit", "fruit", "fruit", "tool", "tool"]


@pytest.mark.parametrize(
    ("policy", "reasons"),
    [
        ("review", [None, "exact_duplicate", "exact_duplicate", None, "exact_duplicate", None]),
        ("majority", ["exact_duplicate", None, "exact_duplicate", "label_conflict", "label_conflict", None]),
        ("drop", ["label_conflict"] * 5 + [None]),
    ],
)
def test_what_happens_where_labels_differ(policy: str, reasons: list[str | None]) -> None:
    found = duplicates(DISPUTED, labels=LABELS, section={"on_label_conflict": policy})
    assert found["reason"].tolist() == reasons
    assert found["label_conflict"].tolist() == [True] * 5 + [False]


# --- leaks ---


def test_leaks_are_counted_by_kind() -> None:
    write_rows(
        ["a fig", phrase(0), "A fig", phrase(1), "a fig?", OTHER],
        ["fruit"] * 6,
        given_split=["test", "validation", "train", "train", "test", "train"],
    )
    counts = run()[0]
    assert counts.dropped == {"duplicate_of_held_out": 2}
    assert {name: value for name, value in counts.more.items() if name.startswith("leaks")} == {
        "leaks_exact": 1,
        "leaks_near": 1,
        "leaks_semantic": 0,
    }


# --- semantic ---


def test_semantic_duplicates_are_found_from_the_threshold_on() -> None:
    write_rows(["a fig", "one ripe fruit of a tree", OTHER, "the fruit of the fig tree", "a Fig"], ["fruit"] * 5)
    write_vectors(directions(0, 20, 90, 30, 1))
    counts, found = run(semantic=True, semantic_threshold=0.9)  # 25.8 degrees
    assert counts.dropped == {"exact_duplicate": 1, "semantic_duplicate": 1}
    assert found["kind"].tolist() == [
        None,
        "semantic",
        None,
        None,
        "exact",
    ]  # the fourth is near the second, which does not stay
    assert found.loc["001", "duplicate_of"] == "000"
    assert found.loc["001", "similarity"] == pytest.approx(np.cos(np.radians(20)), abs=1e-6)
    assert run(semantic=True, semantic_threshold=0.95)[0].dropped == {
        "exact_duplicate": 1,
        "semantic_duplicate": 1,
    }  # the fourth for the second
    assert run()[0].dropped == {"exact_duplicate": 1}


def by_brute_force(vectors: np.ndarray, threshold: float) -> list[bool]:
    """Whether each row stays, if rows go one by one."""
    kept: list[int] = []
    for row, vector in enumerate(vectors):
        if not kept or (vectors[kept] @ vector).max() < threshold:
            kept.append(row)
    return [row in kept for row in range(len(vectors))]


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("block", [7, 64, 1_000])
def test_vectors_are_compared_with_all_that_stay(graph: bool, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a block and before it, as one by one would."""
    monkeypatch.setattr(finders, "BLOCK", block)
    monkeypatch.setattr(neighbours, "FLAT_ROWS", 10 if graph else 10_000)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).repeat(5, axis=0) + rng.normal(0, 0.15, (300, 8))
    vectors = vectors[rng.permutation(300)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_rows([f"{number:05d} {number * 7919 % 1000}" for number in range(300)], ["fruit"] * 300)
    write_vectors(vectors)
    found = run(exact=False, near=False, semantic=True, semantic_threshold=0.95)[1]
    assert 60 < found["keep"].sum() < 250
    assert found["keep"].tolist() == by_brute_force(vectors.astype(np.float32).astype(np.float64), 0.95)


# --- images ---


def photo(seed: int, side: int = 96) -> Image.Image:
    """Some blobs of colour, other ones for every seed."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_changed_copies_of_images_are_near_duplicates() -> None:
    original = photo(0)
    copies = [
        original.resize((48, 48)),
        original.resize((91, 91), box=(2, 2, 94, 94)),
        ImageEnhance.Brightness(original).enhance(1.1),
    ]
    write_rows([png(image) for image in (original, photo(1), *copies)], ["fruit"] * 5)
    found = run("image", near_threshold=0.95)[1]
    assert found["kind"].tolist() == [None, None, "near", "near", "near"]
    assert found["duplicate_of"].tolist() == [None, None, "000", "000", "000"]
    assert found["similarity"].tolist()[2:] == [
        compare_images.similarity(compare_images.fingerprint(png(original)), compare_images.fingerprint(png(copy)))
        for copy in copies
    ]


def test_light_pictures_of_different_things_are_not() -> None:
    """What all of them share, the light ground, does not make them alike."""
    light = [Image.blend(photo(seed), Image.new("RGB", (96, 96), "white"), 0.9) for seed in range(3)]
    write_rows([png(image) for image in light], ["fruit"] * 3)
    assert run("image", near_threshold=0.9)[1]["keep"].all()


def test_the_largest_image_stays() -> None:
    write_rows([png(photo(0, 48)), png(photo(0)), png(photo(1))], ["fruit"] * 3)
    assert run("image", near_threshold=0.95, keep="longest")[1]["keep"].tolist() == [False, True, True]


# --- bits ---


@pytest.mark.parametrize("modality", ["text", "image"])
def test_same_rows_give_the_same_bytes(modality: str) -> None:
    comparer = load_comparer(modality)
    contents = (
        [phrase(number % 6) for number in range(40)]
        if modality == "text"
        else [png(photo(number % 6)) for number in range(12)]
    )
    assert len({comparer.exact_key(content) for content in contents}) == 6
    write_rows(contents, ["fruit", "tool"] * (len(contents) // 2))
    write_vectors(directions(*range(len(contents))))
    written = []
    for _ in range(2):
        run(modality, semantic=True, keep="best_label")
        written.append((paths.DUPLICATE_VERDICTS / "part-00000.parquet").read_bytes())
    assert written[0] == written[1]


def test_no_row_stays() -> None:
    write_rows(["an apple a day"] * 2, ["fruit", "tool"])
    with pytest.raises(
        InputError,
        match="no row is kept: each of the 2 rows is a duplicate of a row with another label; "
        r"see dedupe\.on_label_conflict",
    ):
        run(on_label_conflict="drop")
