"""The reasons for which a recording is dropped, with words for people."""

from collections.abc import Mapping

# Each with its words for people: the end of "it was dropped, because...".
REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "unreadable": "it cannot be decoded",
    "unsupported_format": "its format or codec is not one that is read",
    "implausible_header": "its header gives an impossible sample rate or number of channels",
    "too_many_parts": "it has far more tags, or bytes that are no sound, than ordinary recordings",
    "truncated": "its end is missing",
    "too_long": "it is longer than params allow",
    "clipped": "it was recorded too loud",
    "silent": "nothing can be heard",
    "too_short": "it is shorter than params allow",
}
REASONS_TOGETHER: Mapping[str, str] = {}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "empty": "collect.columns.content",
    "unreadable": "collect.files",
    "unsupported_format": "collect.source",
    "implausible_header": "collect.source",
    "too_many_parts": "collect.source",
    "truncated": "collect.source",
    "too_long": "clean.audio.max_seconds",
    "clipped": "clean.audio.max_clipped",
    "silent": "clean.audio.min_peak_db",
    "too_short": "clean.audio.min_seconds",
}
