"""Prints the results of the last run, and where to look next.

python -m tools.summary
"""

import json
import sys
from typing import Any

from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import read_yaml

NEXT_STEPS = """
Where to look next (. .venv/bin/activate first)
  dvc metrics show metrics/evaluate.json   all scores
  dvc plots show                           confusion matrix, learning curves, reliability, class balance
  dvc exp run -S lr=2e-5                   trains with another learning rate; runs only the stages it affects
  dvc metrics diff                         the change of the scores
  metrics/report/data.html                 open it: what happened to the rows, and the worst examples of every finding
  python -m tools.trace ID                 the story of one row, from its source to its prediction
  data/verdicts/                           what each stage decided about each row, and why
  README.md                                your own data in five minutes"""


def read_metrics(stage: str) -> dict[str, Any]:
    path = paths.METRICS / f"{stage}.json"
    if not path.exists():  # DVC deletes the outs of a stage that fails
        raise InputError(f"{path} does not exist: {stage} has not run, or it failed; run `dvc repro`")
    metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metrics


def funnel() -> list[str]:
    """One line per stage that drops or marks rows."""
    return [funnel_line(stage) for stage in ("collect", "clean", "dedupe", "outliers", "split", "label_audit")]


def funnel_line(stage: str) -> str:
    metrics = read_metrics(stage)
    dropped = {name.removeprefix("dropped_"): n for name, n in metrics.items() if name.startswith("dropped_") and n}
    reasons = ", ".join(f"{reason} {n_rows:,}" for reason, n_rows in dropped.items())
    return f"  {stage:<12} {metrics['rows_in']:>9,} in {metrics['rows_kept']:>9,} kept  {reasons}".rstrip()


def scores() -> list[str]:
    """A table of the headline metrics, and the confidence interval of the first."""
    metrics, scorer = read_metrics("evaluate"), load_scorer(read_yaml(paths.PARAMS)["target"])
    prefixes = {
        "model": "",
        "probe on frozen embeddings": "probe_",
        f"{scorer.CONSTANT} of the training labels": f"{scorer.CONSTANT}_",
    }
    lines = [f"  {'on test':<32}" + "".join(f"{name:>19}" for name in scorer.HEADLINE)]
    for title, prefix in prefixes.items():
        lines.append(f"  {title:<32}" + "".join(f"{metrics[prefix + name]:>19.4f}" for name in scorer.HEADLINE))
    first = scorer.HEADLINE[0]
    low, high, n_rows = metrics[f"{first}_low"], metrics[f"{first}_high"], metrics["rows_in"]
    lines.append(f"  95% interval of the model's {first}: {low:.4f} to {high:.4f} ({n_rows:,} rows)")
    return lines


def main() -> None:
    try:
        print("\nRows", *funnel(), "\nScores", *scores(), NEXT_STEPS, sep="\n")
    except InputError as error:
        sys.exit(f"summary: error: {error}")


if __name__ == "__main__":
    main()
