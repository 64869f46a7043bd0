"""What the metadata of an image says of somebody: where it was taken, and whose it is. `clean` keeps none of it; faces are not looked for."""

from typing import Any

_GPS, _EXIF = 0x8825, 0x8769
_OWNERS = (0x013B, 0x8298, 0x9C9D)  # artist, copyright, Windows' author
_CAMERAS = (0xA430, 0xA431)  # the camera's owner, and its serial number


def find_pii(image: Any) -> list[str]:
    """Of `location` and `owner`, what the metadata hold."""
    metadata = image.getexif()
    found = ["location"] if metadata.get_ifd(_GPS) else []
    names = [metadata.get(tag) for tag in _OWNERS] + [metadata.get_ifd(_EXIF).get(tag) for tag in _CAMERAS]
    return [*found, "owner"] if any(names) else found
