"""A text that is cleaned is not changed when it is cleaned again, as it is when a model serves it."""

import pytest

from bench.hostile.random_texts import random_texts
from stages.modalities.text.clean.cleaner import ROUNDS, CleanParams, clean
from tests import tiny

MEASURES = {"max_symbol_ratio": 1.0, "max_repetition": 1.0}
REPLACE = {"urls": "replace", "mentions": "replace", "pii": "redact"}
PARAMS = {
    "what presets have": {"min_chars": 16, "max_chars": 10_000, "max_symbol_ratio": 0.9, "max_repetition": 0.9},
    "everything": {**MEASURES, **REPLACE, "boilerplate": ["spam", "sent from my phone"]},
    "everything but tags": {**REPLACE, "html": "keep"},
}


def params_of(**changes: object) -> CleanParams:
    return CleanParams.model_validate({**tiny.CLEAN_TEXT, **changes})


@pytest.mark.parametrize("name", PARAMS)
def test_cleaning_twice_changes_nothing(name: str) -> None:
    params = params_of(**PARAMS[name])
    n_kept = 0
    for text in random_texts(seed=1, n=150):
        once = clean(text.encode("utf-8", "surrogatepass"), params)
        if once.reason is None:
            n_kept += 1
            assert clean(str(once.content).encode(), params).content == once.content, ascii(text)
    assert n_kept > 50


def test_the_same_seed_gives_the_same_texts() -> None:
    assert list(random_texts(7, 50)) == list(random_texts(7, 50)) != list(random_texts(8, 50))


def test_what_follows_a_placeholder_is_found() -> None:
    cleaned = clean(("@ann" * 6).encode(), params_of(**REPLACE))
    assert cleaned.content == "[USER]" * 6


@pytest.mark.parametrize("text", ["@ann" * 100, "a@b.co" * 100, "\u7389" + "@ann" * ROUNDS])
def test_a_text_that_never_settles_is_dropped(text: str) -> None:
    """Some of its addresses would stay."""
    cleaned = clean(text.encode(), params_of(**REPLACE))
    assert (cleaned.content, cleaned.reason) == (None, "gibberish")
    assert clean(text.encode(), params_of()).content == text
