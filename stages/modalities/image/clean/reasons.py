"""The reasons for which an image is dropped, with words for people."""

from collections.abc import Mapping

# Each with its words for people: the end of "it was dropped, because...".
REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "unreadable": "it cannot be decoded",
    "unsupported_format": "its format is not one that is read",
    "too_many_bytes": "its file is larger than 512 MB, or than 8 MB if its pixels are written as text (plain PPM)",
    "too_many_parts": "it has far more scans, comments or other parts than ordinary images, which take long to decode",
    "truncated": "its end is missing",
    "too_many_pixels": "it has more pixels than params allow",
    "unknown_range": "the range of its pixels is unknown (with 16 bits each: see clean.image.used_bits)",
    "invisible": "all of it is transparent",
    "too_small": "it is smaller than params allow",
    "dark": "even its brightest pixels are dark",
    "light": "even its darkest pixels are light",
    "odd_aspect_ratio": "it is far longer on one side than on the other",
    "low_information": "it is nearly of one colour",
    "blurry": "it has no sharp edge",
}
REASONS_TOGETHER: Mapping[str, str] = {
    "grayscale": "it is grey, and most images are in colour",
    "odd_size": "it is far larger or smaller than most images",
}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "empty": "collect.columns.content",
    "unreadable": "collect.files",
    "unsupported_format": "collect.source",
    "too_many_bytes": "collect.source",
    "too_many_parts": "collect.source",
    "truncated": "collect.source",
    "too_many_pixels": "clean.image.max_pixels",
    "unknown_range": "clean.image.used_bits",
    "invisible": "collect.source",
    "too_small": "clean.image.min_side",
    "dark": "clean.image.lowest.dark",
    "light": "clean.image.lowest.light",
    "odd_aspect_ratio": "clean.image.lowest.odd_aspect_ratio",
    "low_information": "clean.image.lowest.low_information",
    "blurry": "clean.image.lowest.blurry",
    "grayscale": "clean.image.lowest.grayscale",
    "odd_size": "clean.image.lowest.odd_size",
}
