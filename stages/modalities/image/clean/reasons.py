"""The reasons for which an image is dropped, with words for people."""

from collections.abc import Mapping

# Each with its words for people: the end of "it was dropped, because...".
REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "unreadable": "it cannot be decoded",
    "unsupported_format": "its format is not one that is read",
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
