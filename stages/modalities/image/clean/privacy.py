"""Finds personal data in the metadata of an image, which `clean` removes in any case. Faces are not detected."""

from typing import Any

_GPS, _EXIF = 0x8825, 0x8769
_OWNERS = (0x013B, 0x8298, 0x9C9D)  # artist, copyright, author in Windows
_CAMERAS = (0xA430, 0xA431)  # owner and serial number of the camera


def find_pii(image: Any) -> list[str]:
    """`location` if the metadata has GPS coordinates, `owner` if it names a person or a camera."""
    metadata = image.getexif()
    kinds = []
    if metadata.get_ifd(_GPS):
        kinds.append("location")
    exif = metadata.get_ifd(_EXIF)
    if any(metadata.get(tag) for tag in _OWNERS) or any(exif.get(tag) for tag in _CAMERAS):
        kinds.append("owner")
    return kinds
