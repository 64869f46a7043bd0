"""What is out of the ordinary in labels that are names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import DataWarning
from stages.labels.names import LONGEST, NameParams, folded

FEW = 50  # rows; of fewer, many labels may be unique by chance
UNIQUE = 0.5  # a larger share of rows whose label no other row has, and the labels are ids, texts or numbers
MOST = 0.5  # a larger share of names of one kind is no chance
MOST_COMPARED = 1_000  # names among which a similar one is searched

_FILE = re.compile(
    r".+\.(jpe?g|png|gif|bmp|tiff?|webp|heic|wav|mp3|flac|ogg|m4a|mp4|txt|csv|tsv|jsonl?|parquet|xml|html?|pdf|zip)"
)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_SPLITS = {"train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "evaluation", "holdout"}


def is_file_name(name: str) -> bool:
    return _FILE.fullmatch(name.casefold()) is not None


def is_split_name(name: str) -> bool:
    return folded(name) in _SPLITS


def check_names(rows_of: Mapping[str, int], params: NameParams) -> list[DataWarning]:
    """Warnings about names and the keys of `clean.label`; `rows_of` is the number of rows by name, before aliases."""
    names = {params.aliases.get(name, name) for name in rows_of} - {"", *params.drop}
    warnings = [*unused_names(rows_of, params), *new_meanings(rows_of, params)]
    files = sorted(filter(is_file_name, names))
    if len(files) > MOST * len(names):
        message = f"{len(files)} of {len(names)} labels look like names of files, such as {files[0][:LONGEST]!r}"
        warnings.append(DataWarning(message, "collect.columns.label"))
    if names and all(map(is_split_name, names)):
        message = f"the labels look like names of splits: {', '.join(map(repr, sorted(names)))}"
        warnings.append(DataWarning(message, "collect.splits"))
    return warnings


def check_unique(rows_of: Mapping[str, int], params: NameParams) -> None:
    """
    Raises:
        InputError: most rows have a label that no other row has, and rare labels are not dropped or merged.
    """
    counts: Counter[str] = Counter()
    for name, count in rows_of.items():
        counts[params.aliases.get(name, name)] += count
    for name in ("", *params.drop):
        counts.pop(name, None)
    n_rows = counts.total()
    unique = sorted(name for name, count in counts.items() if count == 1)
    if n_rows < FEW or len(unique) <= UNIQUE * n_rows or (params.min_rows > 1 and params.on_rare != "error"):
        return
    shown = ", ".join(repr(name[:40]) for name in unique[:3])
    advice = "is collect.columns.label the column of the label?"
    if all(_NUMBER.fullmatch(name) for name in unique[:100]):
        advice += " If these are numbers to predict, set target: number"
    raise InputError(
        f"{paths.COLLECTED}: {len(unique)} of {n_rows} rows have a label that no other row has, such as {shown}; "
        f"{advice}"
    )


def unused_names(rows_of: Mapping[str, int], params: NameParams) -> list[DataWarning]:
    """Names in `aliases` and `drop` that no row has."""
    present = {*rows_of, *(params.aliases[name] for name in params.aliases if name in rows_of)}
    warnings = []
    for key, names in (("aliases", list(params.aliases)), ("drop", params.drop)):
        unused = [name for name in names if name not in present]
        if unused:
            warnings.append(DataWarning(f"no row has the label {first_unused(unused, rows_of)}", f"clean.label.{key}"))
    return warnings


def new_meanings(rows_of: Mapping[str, int], params: NameParams) -> list[DataWarning]:
    """Classes that only `aliases` makes though their name is like that of another class, which rows have themselves.

    Aliases that give names to all classes, such as to numbers, are no slips.
    """
    meant = {params.aliases[name] for name in params.aliases if name in rows_of} - {"", *params.drop}
    others = {params.aliases.get(name, name) for name in rows_of} & rows_of.keys()
    warnings = []
    for name in sorted(meant - rows_of.keys()):
        nearest = similar(name, others - {name, ""})
        if nearest:
            message = f"the label {name!r} is made by an alias only, and is like {nearest!r}"
            warnings.append(DataWarning(message, "clean.label.aliases"))
    return warnings


def first_unused(unused: Sequence[str], names: Iterable[str]) -> str:
    """The first of the names that no row has, with the most similar name that some row has."""
    nearest = similar(unused[0], set(names) - {*unused})
    hint = f" (but {nearest!r})" if nearest else ""
    more = f", nor {len(unused) - 1} more" if len(unused) > 1 else ""
    return f"{unused[0]!r}{hint}{more}"


def similar(name: str, names: Iterable[str]) -> str | None:
    """The name that is most like `name`; None if none is."""
    compared = sorted(other for other in names if len(other) <= LONGEST)[:MOST_COMPARED]
    by_folded = {other.casefold(): other for other in reversed(compared)}
    nearest = get_close_matches(name[:LONGEST].casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[nearest[0]] if nearest else None
