"""What predict says about its predictions."""

from stages.predict import warnings


def test_a_model_that_always_says_the_same_gives_a_warning() -> None:
    given = ["'fruit'", "'tool'", "'tool'"]
    found = warnings(given, ["'tool'"] * 3)
    assert [(one.message, one.see) for one in found] == [("all 3 predictions are 'tool'", "lr")]
    assert warnings(given, given) == []
    assert warnings(["'tool'"] * 3, ["'tool'"] * 3) == []
