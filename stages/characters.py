"""Characters that no reader sees, and that make two equal words unequal."""

import re

# Soft hyphen, zero-width space, word joiner, byte order mark. Not U+200C and U+200D: Persian, Indic scripts and emoji need them.
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
