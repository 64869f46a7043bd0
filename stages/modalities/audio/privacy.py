"""What the metadata of a recording say of somebody. `clean` keeps none of it; what is said in the recording is not looked at."""

from collections.abc import Mapping

_OWNERS = ("artist", "copyright", "comment", "title")


def find_pii(metadata: Mapping[str, str]) -> list[str]:
    """`owner` where a name or a remark stands in them."""
    return ["owner"] if any(metadata.get(name, "").strip() for name in _OWNERS) else []
