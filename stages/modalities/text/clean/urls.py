"""The pattern of web addresses."""

import re

from stages.modalities.text.content import CJK

# In a Chinese sentence nothing separates an address from the next word: it ends at a letter or a sign of these scripts,
# except in a host that begins with such a letter.
_SIGNS = "\u3000-\u3004\u3008-\u303f\u30fb\uff00-\uffef\u2014\u2018-\u201f"
_IN_URL = rf"[^\s<>\"'{CJK}{_SIGNS}]"
URL = re.compile(
    r"(?:https?://|(?<![A-Za-z0-9])(?:ftp://|www\.))"
    rf"(?:[{CJK}][^\s<>\"'/{_SIGNS}]*)?"
    rf"{_IN_URL}*[^\s<>\"'{CJK}{_SIGNS}.,;:!?)\]}}]",
    re.IGNORECASE,
)
