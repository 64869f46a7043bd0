"""Refuses folders whose layout usually means something else than one folder per class."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stages.core.errors import InputError, one_line
from stages.core.run import DataWarning
from stages.sources.file_kinds import is_note, kind_of
from stages.sources.local_files import list_files

Split = str
# The splits that a name may mean, the likeliest first; without separators, lower case.
SPLIT_NAMES: Mapping[str, Sequence[Split]] = {
    **dict.fromkeys(("train", "training", "trn", "trains"), ("train",)),
    **dict.fromkeys(("val", "valid", "validation", "validate", "vali"), ("validation",)),
    **dict.fromkeys(("dev", "devel", "develop", "development"), ("validation", "test")),
    **dict.fromkeys(("test", "testing", "tst", "tests"), ("test",)),
    **dict.fromkeys(("eval", "evaluation", "evaluate", "holdout", "heldout", "unseen"), ("test", "validation")),
}
SPLIT_NAME = re.compile(
    r"({})(set|sets|data|dataset|split|images?|imgs?|photos|audio|sounds|wavs?|texts?|files)?\d*".format(
        "|".join(sorted(SPLIT_NAMES, key=len, reverse=True))
    )
)
CONTENTS = {"images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "audio", "wav", "wavs", "clips"}
ANNOTATIONS = {"labels", "annotations", "annotation", "masks", "mask", "segmentation", "groundtruth", "gt"}
ANNOTATIONS |= {"bboxes", "transcripts", "labelstxt", "annots", "segmentationclass", "imagesets"}
PART_NAME = re.compile(r"(fold|part|batch|shard|chunk|split|subset|cv)[ _-]?\d+", re.IGNORECASE)


def meanings(name: str) -> Sequence[Split]:
    """The splits that the name of a folder may mean, the likeliest first."""
    match = SPLIT_NAME.fullmatch(re.sub(r"[\W_]+", "", name.lower()))
    return SPLIT_NAMES[match[1]] if match else ()


def as_splits(names: Iterable[str]) -> dict[Split, str]:
    """The name of each split, for names that mean one: train and test before names that may mean either."""
    splits: dict[Split, str] = {}
    for name in sorted(names, key=lambda name: (len(meanings(name)), name)):
        free = [split for split in meanings(name) if split not in splits]
        if free:
            splits[free[0]] = name
    return {split: splits[split] for split in ("train", "validation", "test") if split in splits}


def yaml_of(values: Mapping[str, str]) -> str:
    """A mapping as it is written in params.yaml."""
    plain = re.compile(r"[A-Za-z][\w./-]*")
    pairs = [f"{key}: {name if plain.fullmatch(name) else repr(name)}" for key, name in values.items()]
    return "{" + ", ".join(pairs) + "}"


class Layout:
    """The folders in a folder, and the folders in these, as far as they hold files."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder = folder
        self.source = source  # collect.source: the folder itself, or one that it is in
        paths = list_files(folder).all_rows
        most_common = Counter(kind_of(path.name) for path in paths).most_common(1)
        contents = {kind for kind, _ in most_common}
        self.files = [path.parts for path in paths if not is_note(path.name, contents)]  # without those about the data
        self.tops = sorted({path.parts[0] for path in paths if len(path.parts) > 1})
        self._inner: defaultdict[str, set[str]] = defaultdict(set)
        self._with_files = {parts[0] for parts in self.files if len(parts) == 2}
        for parts in self.files:
            if len(parts) > 2:
                self._inner[parts[0]].add(parts[1])

    def inner(self, top: str) -> list[str]:
        """The folders in one of the folders."""
        return sorted(self._inner.get(top, ()))

    def has_files(self, top: str) -> bool:
        """Whether there are files directly in one of the folders."""
        return top in self._with_files

    def splits(self, names: Iterable[str]) -> str:
        """The value of collect.splits for folders in the folder."""
        paths = {split: self.name(self.folder / name) for split, name in as_splits(names).items()}
        return yaml_of(paths)

    def name(self, path: Path) -> str:
        """A path as collect.splits names it."""
        return path.relative_to(self.source).as_posix()

    def split_folders(self) -> list[str]:
        """The folders that are named like splits and hold folders, as classes do not."""
        return [top for top in self.tops if meanings(top) and self.inner(top)]


def check_layout(folder: Path, source: Path, pattern: str | None) -> None:
    """Checks that the folders in a folder are classes, as far as their names tell.

    The folder is `source`, or that of a split in it.

    Raises:
        InputError: they are splits, hold splits, or contents and annotations; or the classes are one folder deeper.
    """
    if pattern and "/" in pattern:
        return
    layout = Layout(folder, source)
    for check in (refuse_splits, refuse_flat_splits, refuse_splits_of_classes, refuse_annotations):
        check(layout, pattern)
    refuse_extra_level(layout)


def refuse_splits(layout: Layout, pattern: str | None) -> None:
    names = layout.split_folders()
    if not names:
        return
    splits = as_splits(names)
    others = [top for top in layout.tops if top not in splits.values()]
    first, named = "", list(splits.values())
    if "train" not in splits and others:
        first = f"move the other folders ({listed(others)}) into a folder `train` and "
        named, others = ["train", *named], []
    rest = f" ({listed(others)} is not read then)" if others else ""
    raise InputError(
        f"{layout.folder}: {listed(names)}: names of splits, and folders in them ({listed(layout.inner(names[0]))}); "
        f"{first}set collect.splits: {layout.splits(named)}{rest}; if these are classes, rename the folders"
    )


def refuse_flat_splits(layout: Layout, pattern: str | None) -> None:
    splits = as_splits(layout.tops)
    if len(splits) < 2 or not all(map(meanings, layout.tops)):
        return
    how = "" if pattern else " and collect.file_names to the parts of the files' names, one of them the label"
    raise InputError(
        f"{layout.folder}: {listed(layout.tops)}: names of splits, not of classes; "
        f"set collect.splits: {layout.splits(layout.tops)}{how}; if these are classes, rename the folders"
    )


def refuse_splits_of_classes(layout: Layout, pattern: str | None) -> None:
    inner = sorted({name for top in layout.tops for name in layout.inner(top)})
    splits = as_splits(inner)
    holds_splits = all(map(meanings, inner)) and len(splits) > 1
    if len(layout.tops) < 2 or not holds_splits or any(map(layout.has_files, layout.tops)):
        return
    if {len(parts) for parts in layout.files} == {3} and len(splits) == len(inner):
        path = "{class}/{split}/" + (pattern or "{name}")
        advice = f"set collect.file_names: '{path}', collect.columns.split: split, collect.splits: {yaml_of(splits)}"
    else:
        example = one_line(f"{inner[0]}/{layout.tops[0]}")
        advice = f"move the files so that the splits come first (as {example}), and set collect.splits"
    raise InputError(f"{layout.folder}: the folders of classes hold splits ({listed(inner)}); {advice}")


def refuse_annotations(layout: Layout, pattern: str | None) -> None:
    names = {re.sub(r"[\W_]+", "", top.lower()): top for top in layout.tops}
    contents, annotations = names.keys() & CONTENTS, names.keys() & ANNOTATIONS
    if contents and annotations:
        content = one_line(names[min(contents)])
        raise InputError(
            f"{layout.folder}: {listed(layout.tops)}: contents and annotations, not classes; write a table with a "
            f"row per file of {content} and its label, and set collect.table, and collect.files: {content}/{{}}"
        )


def refuse_extra_level(layout: Layout) -> None:
    """Archives often unpack into a folder of their own."""
    depth = 0
    while len(names := {parts[depth] for parts in layout.files if len(parts) > depth + 1}) == 1:
        if depth and any(len(parts) == depth + 1 for parts in layout.files):
            break
        depth += 1
    if not depth or len(names) < 2 or any(len(parts) == depth + 1 for parts in layout.files):
        return
    inner = layout.folder.joinpath(*next(parts for parts in layout.files if len(parts) > depth)[:depth])
    if layout.folder == layout.source:
        splits = Layout(inner, inner).split_folders()
        then = f" and collect.splits: {yaml_of(as_splits(splits))}" if splits else ""
        advice = f"set collect.source: {one_line(inner)}{then}"
    else:
        advice = f"name {one_line(layout.name(inner))} in collect.splits instead"
    raise InputError(
        f"{layout.folder}: it holds one folder, and the folders {listed(sorted(names))} are in that; {advice}"
    )


def suspect_classes(classes: Iterable[str]) -> list[DataWarning]:
    """A warning if all folders of classes are numbered parts of something."""
    names = sorted(set(classes))
    if len(names) < 2 or not all(map(PART_NAME.fullmatch, names)):
        return []
    message = f"the classes are called {listed(names)}: these look like parts of the data, not like classes"
    return [DataWarning(message, "collect.columns.label")]


def listed(names: Sequence[str]) -> str:
    return ", ".join(map(one_line, names[:4])) + (", ..." if len(names) > 4 else "")
