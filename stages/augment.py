"""Writes data/train: the training rows that label_audit keeps, with their final labels, and augmented copies of them.

The random choices of a copy follow only from the seed, the id and the number of the copy: adding or removing
a row changes no copy of another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages.contracts.augment import Augmentation, load_augmentation
from stages.contracts.label import load_target
from stages.core import paths
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import Content, Label, iter_rows, new_table, read_schema
from stages.core.words import counted

UNUSUAL_COPIES = 10  # more copies of one row than `augment.copies` asks for are worth a warning


class Section(VariantSection):
    variant = ("tasks", "augment", "AugmentParams")
    copies: int = Field(ge=0, description="augmented copies of every training row")
    balance: Literal["none", "oversample"] = Field(description="oversample: small classes get more copies")
    balance_ratio: float = Field(
        gt=0,
        le=1,
        description="with oversample: the size that every class is brought to, as a share of the largest class",
    )


class Params(Strict):
    modality: str
    target: str
    seed: int
    augment: Section


@dataclass(frozen=True)
class Audited:
    """A training row that label_audit keeps."""

    label: Label  # the final one
    weight: float  # in the loss


def read_audited() -> dict[str, Audited]:
    """What label_audit says of the training rows that it keeps, by id."""
    verdicts = iter_rows(paths.LABEL_VERDICTS, ["id", "keep", "split", "label", "weight"])
    kept = (row for row in verdicts if row["keep"] and row["split"] == "train")
    return {row["id"]: Audited(row["label"], row["weight"]) for row in kept}


def plan_copies(strata: Mapping[str, tuple[str, ...]], section: Section) -> dict[str, int]:
    """The number of copies of each row, by id.

    Each row gets `copies`. With oversampling, rows of strata smaller than `balance_ratio` of the largest one get more.
    The rarest stratum comes first.
    """
    plan = dict.fromkeys(strata, section.copies)
    if section.balance == "none":
        return plan
    members: dict[str, list[str]] = {}
    for row in sorted(strata):
        for stratum in strata[row]:
            members.setdefault(stratum, []).append(row)
    largest = max(map(len, members.values()))
    wanted = round(largest * section.balance_ratio) * (1 + section.copies)
    for rows in sorted(members.values(), key=len):
        n_rows_and_copies = sum(1 + plan[row] for row in rows)
        for extra in range(wanted - n_rows_and_copies):
            plan[rows[extra % len(rows)]] += 1
    return plan


def warnings(
    plan: Mapping[str, int], strata: Mapping[str, tuple[str, ...]], section: Section, closed: bool
) -> list[DataWarning]:
    """Warnings about copies that only oversampling makes: of few rows, or more of them than there are rows."""
    extra = {row: copies - section.copies for row, copies in plan.items()}
    found = []
    if sum(extra.values()) > len(plan):
        message = f"oversampling makes {sum(extra.values()):,} copies of {len(plan):,} training rows"
        found.append(DataWarning(message, "augment.balance_ratio"))
    most = max(extra, key=lambda row: extra[row], default=None)
    if most is not None and extra[most] > UNUSUAL_COPIES:
        classes = " and ".join(map(repr, strata[most]))
        rows = f"rows with the label {classes}" if closed else "rows with rare labels"
        message = f"oversampling copies {rows} {extra[most]:,} times; the model may learn these rows by heart"
        found.append(DataWarning(message, "augment.balance_ratio"))
    return found


def copy_seed(seed: int, row: str, copy: int) -> int:
    """The seed of a copy, 32 bits; `row` is an id."""
    return int.from_bytes(blake2b(f"{seed} {row} {copy}".encode(), digest_size=4).digest())


def training_rows(
    audited: Mapping[str, Audited], plan: Mapping[str, int], augmentation: Augmentation, params: Params
) -> Iterator[dict[str, Any]]:
    """Each training row (copy 0) and its augmented copies (1, 2, ...), in the order of data/cleaned.

    A copy has the weight of its row.
    """

    def originals() -> Iterator[tuple[Content, Label]]:
        for row in iter_rows(paths.CLEANED, ["id", "content"]):
            if row["id"] in audited:
                yield row["content"], audited[row["id"]].label

    augment = augmentation.augmenter(params.augment.of(params.modality), originals)
    total = len(plan) + sum(plan.values())
    with tqdm(total=total, desc="augment", unit=" rows", disable=None) as progress:
        for row in iter_rows(paths.CLEANED, ["id", "content", "source"]):
            if row["id"] not in plan:
                continue
            for copy in range(plan[row["id"]] + 1):
                content, label, weight = row["content"], audited[row["id"]].label, audited[row["id"]].weight
                if copy:
                    content, label = augment(content, label, copy_seed(params.seed, row["id"], copy))
                yield {**row, "copy": copy, "content": content, "label": label, "weight": weight}
                progress.update()


def main(params: Params) -> Counts:
    audited = read_audited()
    target = load_target(params.target)
    strata = dict(zip(audited, target.strata([row.label for row in audited.values()]), strict=True))
    plan = plan_copies(strata, params.augment)
    augmentation = load_augmentation(params.modality, params.target)
    identity, content, label, source = read_schema(paths.CLEANED, ["id", "content", "label", "source"])
    schema = pa.schema([identity, ("copy", pa.int32()), content, label, ("weight", pa.float64()), source])
    with new_table(paths.TRAIN, schema) as writer:
        for row in training_rows(audited, plan, augmentation, params):
            writer.write_row(row)
    n_copies = sum(plan.values())
    sizes = {"copies": n_copies, "rows_out": len(plan) + n_copies}
    found = [f"wrote {counted(len(plan), 'row')} to train on; augmented copies of them: {n_copies:,}"]
    raised = warnings(plan, strata, params.augment, target.CLOSED)
    return Counts(len(audited), more=sizes, warnings=raised, found=found)


if __name__ == "__main__":
    run_stage("augment", Params, main)
