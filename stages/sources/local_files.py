"""Lists the files of a folder and reads them: only regular files inside it, none that is hidden or that a tool made."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath

from stages.core.errors import InputError, one_line

# Files and folders that file managers, network drives, archivers and editors leave behind; lower case.
TOOL_NAMES = frozenset(
    {
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),  # network drives
        *("__macosx", "icon\r", "network trash folder", "temporary items", "thevolumesettingsfolder"),  # macOS
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "thumbs.db:encryptable"),  # Windows
        *("$recycle.bin", "recycler", "recycled", "system volume information"),
        *("lost+found", "__pycache__"),
    }
)
LARGEST = 2**30  # bytes of a file that is one content: it is held in memory, and a cell of Arrow has at most twice that
ALLOW = "allow reading it (chmod u+rX), or move it away"
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)  # a path below a file, or too long, leads to none
NO_FILE = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Listing:
    """What is below a folder, as paths relative to it, in order."""

    files: list[Path]  # regular files
    problems: dict[Path, str]  # what cannot be read: why, and what to do
    hidden: list[Path]  # files that are hidden or that tools made
    empty: list[Path]  # folders without any file

    @property
    def all_rows(self) -> list[Path]:
        """Files and what cannot be read, in order."""
        return sorted([*self.files, *self.problems])


def list_files(folder: Path) -> Listing:
    """Everything below a folder; links are not followed, so that a circle of links ends.

    Raises:
        InputError: the folder cannot be read.
    """
    listing = Listing([], {}, [], [])
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            paths = list(here.iterdir())
        except OSError as error:
            if here == folder:
                raise InputError(f"{folder}: the folder cannot be read ({error.strerror})") from error
            problem = f"a folder that cannot be read ({error.strerror}); {ALLOW}"
            listing.problems[here.relative_to(folder)] = problem
            continue
        if not paths and here != folder:
            listing.empty.append(here.relative_to(folder))
        for path in paths:
            if is_hidden(path.name):
                listing.hidden.extend(file.relative_to(folder) for file in _files_below(path))
            elif _is_folder(path):
                waiting.append(path)
            elif problem_of_file := file_problem(path, folder):
                listing.problems[path.relative_to(folder)] = problem_of_file
            else:
                listing.files.append(path.relative_to(folder))
    for relative_paths in (listing.files, listing.hidden, listing.empty):
        relative_paths.sort()
    return listing


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or made by a tool; an editor adds ~ to the name of a copy."""
    return name.startswith(".") or name.endswith("~") or name.lower() in TOOL_NAMES


def has_hidden_part(name: str) -> bool:
    """Whether a path names a hidden file or leads through a hidden folder."""
    return any(is_hidden(part) for part in PurePath(name).parts if part != "..")


def _files_below(path: Path) -> list[Path]:
    """A hidden file, or the files in a hidden folder."""
    if not _is_folder(path):
        return [path]
    return [Path(folder, name) for folder, _, names in os.walk(path) for name in names]


def _is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    """What a path is, a link not followed; 0 if it cannot be told."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def file_problem(path: Path, folder: Path) -> str | None:
    """Why a path is no file of `folder` that can be read, with what to do; None if it is one.

    A link to a file inside the folder is a file. Nothing is opened: a FIFO would wait for ever.
    """
    is_link = stat.S_ISLNK(_mode(path))
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if not is_link:
            return "not there" if error.errno in NOT_THERE else f"it cannot be read ({error.strerror}); {ALLOW}"
        if error.errno == errno.ELOOP:
            return "a link that leads back to itself; delete it"
        return f"a link to {one_line(path.readlink())}, which is not there; fetch that file, or delete the link"
    if leads_out(path, folder):
        return "a link that leads out of the folder; put the file itself there, or delete the link"
    if stat.S_ISDIR(mode):
        kind = "a link to a folder" if is_link else "a folder"
        return f"{kind}, where a file is expected; put the files themselves there, or delete it"
    if not stat.S_ISREG(mode):
        return f"{NO_FILE.get(stat.S_IFMT(mode), 'something')}, where a file is expected; delete it"
    return None


def read_bytes(path: Path) -> tuple[bytes, str | None]:
    """The bytes of a regular file, and why it cannot be read, None if it can."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            return b"", f"it has {size / 2**30:.1f} GiB, a content at most {LARGEST / 2**30:.0f}; move it away"
        return path.read_bytes(), None
    except OSError as error:
        return b"", f"it cannot be read ({error.strerror}); {ALLOW}"


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path` is outside `folder`, by its name or through a link."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
