"""What a file holds, by its name: a picture, a sound, a text, something else."""

from pathlib import PurePath
from typing import Literal

Kind = Literal["picture", "sound", "video", "text", "table", "other"]

SUFFIXES: dict[Kind, frozenset[str]] = {
    "picture": frozenset(
        {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".heic", ".heif"}
        | {".avif", ".jp2", ".j2k", ".jxl", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".svg", ".dcm", ".nef"}
        | {".cr2", ".dng", ".arw"}
    ),
    "sound": frozenset(
        {".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".au", ".snd"}
        | {".caf", ".amr", ".3gp", ".weba", ".sph"}
    ),
    "video": frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"}),
    "text": frozenset({".txt", ".text", ".md", ".rst", ".html", ".htm", ".tex", ".eml"}),
    "table": frozenset({".csv", ".tsv", ".json", ".jsonl", ".parquet", ".conll", ".xlsx", ".xls", ".ods"}),
    "other": frozenset(
        {".pdf", ".doc", ".docx", ".rtf", ".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".xml", ".yaml", ".yml"}
        | {".toml", ".ini", ".cfg", ".py", ".ipynb", ".sh", ".log", ".bib", ".cff", ".dvc", ".md5", ".sha256", ".db"}
        | {".npy", ".npz", ".pkl", ".h5", ".mat"}
    ),
}
# Names of files about the data, not of it; without suffix, lower case.
NOTES = frozenset(
    {"readme", "license", "licence", "copying", "copyright", "notice", "authors", "citation", "changelog", "changes"}
    | {"contributing", "makefile", "manifest", "checksums", "md5sums", "sha256sums", "attribution", "credits"}
)


def kind_of(name: str) -> Kind | None:
    """The kind of a file; None if its suffix does not say."""
    suffix = PurePath(name).suffix.lower()
    return next((kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def is_note(name: str, contents: set[Kind | None]) -> bool:
    """Whether a file is obviously about the data: by its name, or of another kind than the `contents`.

    A file of unknown kind is none.
    """
    kind = kind_of(name)
    if name.split(".")[0].lower() in NOTES and kind in ("text", "table", "other", None):
        return True
    return kind is not None and bool(contents) and kind not in contents
