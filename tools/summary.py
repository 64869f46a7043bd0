"""Prints what the last run came to and where to look next.

python -m tools.summary
"""

import json
from typing import Any

from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.params import read_yaml


def read_metrics(stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((paths.METRICS / f"{stage}.json").read_text(encoding="utf-8"))
    return found


def funnel() -> list[str]:
    """What became of the rows, a line a stage that drops some."""
    lines = []
    for stage in ("collect", "clean", "dedupe", "outliers", "split", "label_audit"):
        metrics = read_metrics(stage)
        reasons = {
            name.removeprefix("dropped_"): count
            for name, count in metrics.items()
            if name.startswith("dropped_") and count
        }
        why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
        lines.append(f"  {stage:<12} {metrics['rows_in']:>9,} in {metrics['rows_kept']:>9,} kept  {why}".rstrip())
    return lines


def scores() -> list[str]:
    metrics, scorer = read_metrics("evaluate"), load_scorer(read_yaml(paths.PARAMS)["target"])
    first, shown = scorer.HEADLINE[0], scorer.HEADLINE
    contenders = {
        "model": "",
        "probe on frozen embeddings": "probe_",
        f"{scorer.CONSTANT} of the training labels": f"{scorer.CONSTANT}_",
    }
    lines = [f"  {'on test':<32}" + "".join(f"{name:>19}" for name in shown)]
    lines += [
        f"  {title:<32}" + "".join(f"{metrics[prefix + name]:>19.4f}" for name in shown)
        for title, prefix in contenders.items()
    ]
    return [
        *lines,
        f"  95% interval of the model's {first}: {metrics[f'{first}_low']:.4f} to {metrics[f'{first}_high']:.4f} ({metrics['rows_in']:,} rows)",
    ]


def main() -> None:
    print("\nRows", *funnel(), "\nScores", *scores(), sep="\n")
    print(
        "\nWhere to look next (. .venv/bin/activate first)",
        "  dvc metrics show metrics/evaluate.json   all scores",
        "  dvc plots show                           predictions against labels, learning curves, reliability, class balance",
        "  dvc exp run -S lr=2e-5                   another learning rate; only what it affects runs",
        "  dvc metrics diff                         what it changed",
        "  metrics/report/data.html                 open it: what became of the rows, and the worst examples of every finding",
        "  python -m tools.trace ID                 the story of one row, from its line in the source to its prediction",
        "  data/verdicts/                           what each stage decided about each row, and why",
        "  README.md                                your own data in five minutes",
        sep="\n",
    )


if __name__ == "__main__":
    main()
