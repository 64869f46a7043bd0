"""What is out of the ordinary in labels that are names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from stages.contracts.label import NO_CLASS
from stages.core import paths
from stages.core.errors import InputError, shown
from stages.core.run import DataWarning
from stages.core.words import counted
from stages.labels.names import LONGEST, NameParams, folded

FEW = 50  # rows; of fewer, many labels may be unique by chance
UNIQUE = 0.5  # a larger share of rows whose label no other row has, and the labels are ids, texts or numbers
MANY = 1_000  # labels; of fewer, each may have few rows
FEW_EACH = 5  # rows of a label on average; if many labels have fewer, they are ids, texts or numbers
TOO_MANY = 10_000  # labels; the predictions of the audit and of the model have a number for each row and label
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
    """Warnings about names and the keys of `clean.label`; `rows_of` is the number of rows by name, before aliases.

    Raises:
        InputError: a label has the name of rows that have no label.
    """
    names = {params.aliases.get(name, name) for name in rows_of} - params.dropped
    if NO_CLASS in names:
        raise InputError(
            f"collect.columns.label: {counted(rows_of.get(NO_CLASS, 0), 'row')} with the label {NO_CLASS!r}, which is "
            f"how rows without a label are called here; rename it in clean.label.aliases ({NO_CLASS!r}: none), drop it "
            "in clean.label.drop, or, if it stands for a missing label, add it to clean.missing"
        )
    warnings = [*unused_names(rows_of, params), *new_meanings(rows_of, params)]
    files = sorted(filter(is_file_name, names))
    if len(files) > MOST * len(names):
        message = f"{len(files)} of {len(names)} labels look like names of files, such as {shown(files[0])}"
        warnings.append(DataWarning(message, "collect.columns.label"))
    if names and all(map(is_split_name, names)):
        message = f"the labels look like names of splits: {', '.join(map(repr, sorted(names)))}"
        warnings.append(DataWarning(message, "collect.splits"))
    return warnings


def check_repeated(
    rows_of: Mapping[str, int],
    n_rows: int,
    params: NameParams,
    *,
    are_several: bool = False,
    column: str = "collect.columns.label",
) -> None:
    """Checks that the labels repeat, as those of classes do. Labels that are dropped or merged as rare do not count.

    Args:
        rows_of: the number of rows by name, before aliases.
        n_rows: the number of rows that have labels.
        params: what is renamed, dropped and rare.
        are_several: whether a row may have several labels.
        column: the key of params.yaml that names the column.

    Raises:
        InputError: most labels are those of a single row, there are many labels of few rows each, or too many.
    """
    counts: Counter[str] = Counter()
    for name, count in rows_of.items():
        counts[params.aliases.get(name, name)] += count
    fewest = params.min_rows if params.on_rare != "error" else 1
    counts = Counter({name: n for name, n in counts.items() if n >= fewest and name not in params.dropped})
    total = counts.total()
    unique = sorted(name for name, count in counts.items() if count == 1)
    if total >= FEW and len(unique) > UNIQUE * total:
        problem = f"{len(unique)} of {total} rows have a label that no other row has"
        if are_several:
            problem = f"{len(unique)} of {len(counts)} labels are those of a single row"
        raise InputError(f"{paths.COLLECTED}: {problem}, such as {_examples(unique)}; {_question(unique, column)}")
    if len(counts) > TOO_MANY or (len(counts) > MANY and total < FEW_EACH * len(counts)):
        names = sorted(counts)
        enough = f" with at least {fewest} rows" if fewest > 1 else ""
        raise InputError(
            f"{paths.COLLECTED}: {len(names):,} different labels{enough} in {n_rows:,} rows, such as "
            f"{_examples(names)}; {_question(names, column)} If these are classes, leave out or merge those of few "
            "rows: see clean.label.min_rows"
        )


def _examples(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:3])


def _question(names: Sequence[str], column: str) -> str:
    """A question about the column, for labels that hardly repeat."""
    question = f"is {column} the column of the label?"
    if all(_NUMBER.fullmatch(name) for name in names[:100]):
        question += " If these are numbers to predict, set target: number."
    return question


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
    meant = {params.aliases[name] for name in params.aliases if name in rows_of} - params.dropped
    others = {params.aliases.get(name, name) for name in rows_of} & rows_of.keys()
    warnings = []
    for name in sorted(meant - rows_of.keys()):
        nearest = similar(name, others - {name, ""})
        if nearest:
            message = f"the label {shown(name)} is made by an alias only, and is like {shown(nearest)}"
            warnings.append(DataWarning(message, "clean.label.aliases"))
    return warnings


def first_unused(unused: Sequence[str], names: Iterable[str]) -> str:
    """The first of the names that no row has, with the most similar name that some row has."""
    nearest = similar(unused[0], set(names) - {*unused})
    hint = f" (but {shown(nearest)})" if nearest else ""
    more = f", nor {len(unused) - 1} more" if len(unused) > 1 else ""
    return f"{shown(unused[0])}{hint}{more}"


def similar(name: str, names: Iterable[str]) -> str | None:
    """The name that is most like `name`; None if none is."""
    compared = sorted(other for other in names if len(other) <= LONGEST)[:MOST_COMPARED]
    by_folded = {other.casefold(): other for other in reversed(compared)}
    nearest = get_close_matches(name[:LONGEST].casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[nearest[0]] if nearest else None
