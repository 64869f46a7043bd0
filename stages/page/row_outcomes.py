"""Where every row ended: the join of the verdicts of all stages."""

from dataclasses import dataclass

import pandas as pd

from stages.core import paths
from stages.core.tables import read_frame

# Without outliers, which only marks rows: split drops those that are training rows.
DROP_ROWS = ("collect", "clean", "dedupe", "split", "label_audit")


@dataclass(frozen=True)
class Step:
    """One stage of the funnel."""

    stage: str
    rows_in: int
    dropped: dict[str, int]  # rows by reason

    @property
    def rows_kept(self) -> int:
        return self.rows_in - sum(self.dropped.values())


def read_outcomes() -> pd.DataFrame:
    """One row per source row: `id`, `source`, and its `split` or the first `stage` that dropped it and the `reason`."""
    sources = [read_frame(paths.VERDICTS_OF[stage], ["id", "source"]) for stage in ("clean", "collect")]
    rows = pd.concat(sources, ignore_index=True).assign(stage=None, reason=None)
    for stage in DROP_ROWS:
        verdicts = read_frame(paths.VERDICTS_OF[stage], ["id", "reason"]).rename(columns={"reason": "new"})
        reason = rows[["id"]].merge(verdicts, on="id", how="left")["new"]
        is_first = reason.notna() & rows["stage"].isna()
        rows.loc[is_first, "stage"] = stage
        rows.loc[is_first, "reason"] = reason[is_first]
    rows = rows.merge(read_frame(paths.SPLIT_VERDICTS, ["id", "split"]), on="id", how="left")
    return rows.assign(split=rows["split"].where(rows["stage"].isna(), None))


def funnel(outcomes: pd.DataFrame) -> list[Step]:
    """What each stage dropped of the rows that the stages before it kept."""
    steps: list[Step] = []
    rows_in = len(outcomes)
    for stage in DROP_ROWS:
        counts = outcomes.loc[outcomes["stage"] == stage, "reason"].value_counts()
        step = Step(stage, rows_in, {str(reason): int(counts[reason]) for reason in sorted(counts.index)})
        steps.append(step)
        rows_in = step.rows_kept
    return steps
