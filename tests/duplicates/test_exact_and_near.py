"""Exact and near duplicates, of texts and of images."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from stages.contracts.compare import load_comparer
from stages.core import paths
from stages.core.errors import InputError
from stages.duplicates.bitmaps import Bitmaps
from stages.modalities.image import compare as compare_images
from stages.modalities.text import compare
from tests.duplicates.rows import OTHER, directions, duplicates, likeness, photo, png, run, write_rows, write_vectors
from tests.tiny import phrase

pytestmark = pytest.mark.usefixtures("workplace")


# --- exact and near ---


def test_exact_duplicates_are_found_after_normalising() -> None:
    found = duplicates(["A ripe apple!", OTHER, "a RIPE, apple", "ａ ripe apple", "a ripe apples"], threshold=1.0)
    assert found["reason"].tolist() == [None, None, "exact_duplicate", "exact_duplicate", None]
    assert found["duplicate_of"].tolist() == [None, None, "000", "000", None]
    assert found["cluster"].tolist() == ["000", "001", "000", "000", "004"]
    assert found["similarity"].tolist() == [None, None, 1.0, 1.0, None]
    assert found["kind"].tolist() == [None, None, "exact", "exact", None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("好吃挺快的", "好吃,挺快的"),
        ("好吃挺快的", "好吃，挺快 的！"),
        ("ジョン・スミスのパン", "ｼﾞｮﾝ スミスのパン。"),
        ("ชอบมาก อร่อย", "ชอบมากอร่อย!"),
        ("good ☺\ufe0f fig", "good ☺ fig"),
    ],
)
def test_signs_between_letters_of_scripts_without_spaces_do_not_distinguish(one: str, other: str) -> None:
    assert compare.exact_key(one) == compare.exact_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("दिन", "दान"),  # day, gift: they differ in a vowel sign
        ("ที่", "ทำ"),
        ("1,2楼", "12楼"),
        ("a b", "ab"),
        ("사과 나무", "사과나무"),
        ("好吃 fig", "好吃fig"),
    ],
)
def test_what_makes_another_text(one: str, other: str) -> None:
    assert compare.exact_key(one) != compare.exact_key(other)


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
    """No bound is below the similarity, and most that are not near are ruled out: nearly all of these meet in some
    bucket.
    """
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


# --- images ---


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I write C++ all day", "I write C# all day"),
        ("the root is x = -5", "the root is x = 5"),
        ("prices rose by 15%", "prices rose by 15"),
        ("it cost $5", "it cost €5"),
        ("what a day 😀", "what a day 😡"),
        ("a < b", "a > b"),
    ],
)
def test_signs_that_mean_something_are_no_punctuation(one: str, other: str) -> None:
    comparer = load_comparer("text")
    assert comparer.exact_key(one) != comparer.exact_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Well - done!", "well done"),
        ("| a | b |", "a b"),
        ("so-called #", "so called"),
        ("what a day 😀😀😀", "what a day! 😀"),
        ("it rose ++", "it rose +"),
        ("Brand® news", "brand news"),
    ],
)
def test_punctuation_and_repeated_signs_make_no_difference(one: str, other: str) -> None:
    comparer = load_comparer("text")
    assert comparer.exact_key(one) == comparer.exact_key(other)
