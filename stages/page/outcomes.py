"""What became of every row, out of the verdicts of all stages."""

from dataclasses import dataclass

import pandas as pd

from stages.core import paths
from stages.core.tables import read_frame

# Outliers are only marked by their own stage: split drops those that are training rows.
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


def read_fates() -> pd.DataFrame:
    """Of every row `id`, `source`, and the `split` that it stays in; else the first `stage` that dropped it, and the `reason`."""
    seen = [read_frame(paths.VERDICTS_OF[stage], ["id", "source"]) for stage in ("clean", "collect")]
    rows = pd.concat(seen, ignore_index=True).assign(stage=None, reason=None)
    for stage in DROP_ROWS:
        reasons = read_frame(paths.VERDICTS_OF[stage], ["id", "reason"]).rename(columns={"reason": "said"})
        said = rows[["id"]].merge(reasons, on="id", how="left")["said"]
        first = said.notna() & rows["stage"].isna()
        rows.loc[first, "stage"], rows.loc[first, "reason"] = stage, said[first]
    rows = rows.merge(read_frame(paths.SPLIT_VERDICTS, ["id", "split"]), on="id", how="left")
    return rows.assign(split=rows["split"].where(rows["stage"].isna(), None))


def funnel(fates: pd.DataFrame) -> list[Step]:
    """What each stage took out of the rows that were still there."""
    steps, rows_in = [], len(fates)
    for stage in DROP_ROWS:
        dropped = fates.loc[fates["stage"] == stage, "reason"].value_counts()
        steps.append(Step(stage, rows_in, {str(reason): int(dropped[reason]) for reason in sorted(dropped.index)}))
        rows_in = steps[-1].rows_kept
    return steps
