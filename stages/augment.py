"""Writes data/train: the training rows that stay, with their final labels, plus augmented copies, balanced as params say.

The chances of a copy come from (seed, id, copy number) alone: another row more or less changes no other copy.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages.contracts.augment import Augmentation, load_augmentation
from stages.contracts.label import load_target
from stages.core import paths
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, run_stage
from stages.core.tables import Content, Label, iter_rows, new_table, read_schema


class Section(VariantSection):
    variant = ("tasks", "augment", "AugmentParams")
    copies: int = Field(ge=0, description="augmented copies of every training row")
    balance: Literal["none", "oversample"] = Field(description="whether small classes get more copies")
    balance_ratio: float = Field(
        gt=0, le=1, description="with oversample: the size that every class reaches, as a share of the largest"
    )


class Params(Strict):
    modality: str
    target: str
    seed: int
    augment: Section


def read_labels() -> dict[str, Any]:
    """The final label of every training row that stays, by id."""
    columns = ["id", "keep", "split", "label"]
    return {
        row["id"]: row["label"]
        for row in iter_rows(paths.LABEL_VERDICTS, columns)
        if row["keep"] and row["split"] == "train"
    }


def plan_copies(strata: Mapping[str, tuple[str, ...]], section: Section) -> dict[str, int]:
    """How many copies each row gets: `copies`, and more for rows of strata below `balance_ratio` of the largest, the rarest stratum first."""
    plan = dict.fromkeys(strata, section.copies)
    if section.balance == "oversample":
        members: dict[str, list[str]] = {}
        for row in sorted(strata):
            for stratum in strata[row]:
                members.setdefault(stratum, []).append(row)
        wanted = round(max(map(len, members.values())) * section.balance_ratio) * (1 + section.copies)
        for rows in sorted(members.values(), key=len):
            for extra in range(wanted - sum(1 + plan[row] for row in rows)):
                plan[rows[extra % len(rows)]] += 1
    return plan


def copy_seed(seed: int, row: str, copy: int) -> int:
    return int.from_bytes(blake2b(f"{seed} {row} {copy}".encode(), digest_size=4).digest())


def training_rows(
    labels: Mapping[str, Any], plan: Mapping[str, int], augmentation: Augmentation, params: Params
) -> Iterator[dict[str, Any]]:
    """Every row (copy 0) and its copies (1, 2, ...), in the order of the cleaned rows."""

    def originals() -> Iterator[tuple[Content, Label]]:
        return (
            (row["content"], labels[row["id"]])
            for row in iter_rows(paths.CLEANED, ["id", "content"])
            if row["id"] in labels
        )

    changed = augmentation.augmenter(params.augment.of(params.modality), originals)
    with tqdm(total=len(plan) + sum(plan.values()), desc="augment", unit=" rows", disable=None) as progress:
        for row in iter_rows(paths.CLEANED, ["id", "content", "source"]):
            for copy in range(plan.get(row["id"], -1) + 1):
                seed = copy_seed(params.seed, row["id"], copy)
                content, label = row["content"], labels[row["id"]]
                if copy:
                    content, label = changed(content, label, seed)
                yield {**row, "copy": copy, "content": content, "label": label}
                progress.update()


def main(params: Params) -> Counts:
    labels = read_labels()
    strata = load_target(params.target).strata(list(labels.values()))
    plan = plan_copies(dict(zip(labels, strata, strict=True)), params.augment)
    cleaned = read_schema(paths.CLEANED)
    schema = pa.schema(
        [cleaned.field("id"), ("copy", pa.int32()), *(cleaned.field(name) for name in ("content", "label", "source"))]
    )
    with new_table(paths.TRAIN, schema) as writer:
        for row in training_rows(labels, plan, load_augmentation(params.modality, params.target), params):
            writer.write_row(row)
    return Counts(len(labels), more={"copies": sum(plan.values()), "rows_out": len(plan) + sum(plan.values())})


if __name__ == "__main__":
    run_stage("augment", Params, main)
