"""Characters that no reader sees: those that make two equal words unequal, and those that tell the parts of a content apart."""

import re
import unicodedata

# Soft hyphen, zero-width space, word joiner, byte order mark. Not U+200C and U+200D: Persian, Indic scripts and emoji need them.
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")

# In collected content only, where nothing else may hold them: between the sides of a pair, and behind each token of a tokenised text.
SIDE_MARK = "\x1e"
WORD_MARK = "\x1f"


def as_name(text: str) -> str:
    """Trimmed, in one form of Unicode and without what cannot be seen: names that look alike are equal."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
