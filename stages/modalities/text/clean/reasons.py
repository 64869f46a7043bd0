"""The reasons for which a text is dropped, with words for people."""

from collections.abc import Mapping

# Each with its words for people: the end of "it was dropped, because...".
REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "too_short": "it is shorter than params allow",
    "too_long": "it is longer than params allow",
    "gibberish": "it is mostly signs, repeats itself over and over, or is in no language",
    "other_language": "it is almost certainly in a language that params do not list",
    "pii": "it holds personal data",
}
REASONS_TOGETHER: Mapping[str, str] = {}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "empty": "collect.columns.content",
    "too_short": "clean.text.min_chars",
    "too_long": "clean.text.max_chars",
    "gibberish": "clean.text.max_symbol_ratio and clean.text.max_repetition",
    "other_language": "clean.text.languages",
    "pii": "clean.text.pii",
}
