"""Warnings about a split that is complete but may not be what was meant."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from stages.contracts.label import NO_CLASS
from stages.core import paths
from stages.core.run import DataWarning
from stages.labels.doubts import is_file_name, is_split_name

LARGE_UNIT = 0.2  # a unit with a larger share of the rows is worth a warning
FEW_ROWS = 5  # so is a class with fewer rows in test,
SHARE_OFF = 0.05  # and a share of held-out rows that is further from the one that was asked for
NAMED = 3  # the number of labels that a message names


def of_units(units: pd.Series) -> Iterator[DataWarning]:
    """A unit that holds a large share of the rows; `units` are those of the rows that dedupe keeps."""
    sizes = units.value_counts()
    if sizes.iloc[0] <= LARGE_UNIT * len(units) or sizes.iloc[0] < FEW_ROWS:
        return
    name, share = str(sizes.index[0]), sizes.iloc[0] / len(units)
    if name.startswith("#"):
        message = f"{share:.0%} of the rows are tied by the group {short(name[1:])}, so all of them are in one split"
        yield DataWarning(message, "collect.columns.group")
    else:
        message = f"{share:.0%} of the rows are similar to each other, so all of them are in one split"
        yield DataWarning(message, "dedupe.near_threshold")


def of_shares(split: pd.Series, asked: Mapping[str, float], grouped: bool) -> Iterator[DataWarning]:
    """Held-out splits that are far larger or smaller than was asked for.

    Args:
        split: the splits of the rows that stay.
        asked: the share of each split that was drawn.
        grouped: whether rows have groups.
    """
    for name, share in asked.items():
        actual = float((split == name).mean())
        if abs(actual - share) > max(SHARE_OFF, 1 / len(split)):
            message = f"{actual:.0%} of the rows are in {name}, where {share:.0%} were asked for"
            yield DataWarning(message, "collect.columns.group" if grouped else f"split.{name}")


def of_classes(strata: Sequence[tuple[str, ...]], split: pd.Series, see: str) -> Iterator[DataWarning]:
    """Classes with few rows in test, a single class, and classes that are named after splits or files.

    Args:
        strata: the classes of the rows that stay.
        split: their splits.
        see: the key that decides about the size of test.
    """
    pairs = [(name, part) for names, part in zip(strata, split, strict=True) for name in names if name != NO_CLASS]
    if not pairs:
        return
    counts = pd.DataFrame(pairs, columns=["label", "split"]).value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=["train", *paths.HELD_OUT], fill_value=0).sort_index()
    labels = [str(label) for label in counts.index]
    few = counts["test"][counts["test"] < FEW_ROWS].sort_values(kind="stable")
    if len(few):
        examples = ", ".join(f"{short(str(label))} ({n_rows})" for label, n_rows in few.head(NAMED).items())
        message = (
            f"{len(few)} of {len(labels)} classes have fewer than {FEW_ROWS} rows in test, such as {examples}; their "
            "scores say little"
        )
        yield DataWarning(message, see)
    if len(labels) == 1 and all(strata):
        yield DataWarning(f"all rows have the label {short(labels[0])}", "collect.columns.label")
    if len(labels) > 1 and all(map(is_split_name, labels)):
        yield DataWarning(f"the labels are named like splits: {listed(labels)}", "collect.splits")
    files = list(filter(is_file_name, labels))
    if 2 * len(files) > len(labels):
        yield DataWarning(f"the labels are named like files: {listed(files)}", "collect.columns.label")


def listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(map(short, labels[:NAMED])) + more


def short(label: str) -> str:
    """A label in quotes, of at most 40 characters."""
    return repr(label if len(label) <= 40 else f"{label[:39]}…")
