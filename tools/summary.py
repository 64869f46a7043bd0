"""Prints what the last run came to and where to look next.

python -m tools.summary
"""

import json
from typing import Any

from stages import paths

SHOWN = ("accuracy", "f1_macro", "log_loss", "calibration_error")
CONTENDERS = {"model": "", "probe on frozen embeddings": "probe_", "majority class": "majority_"}


def read_metrics(stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((paths.METRICS / f"{stage}.json").read_text(encoding="utf-8"))
    return found


def funnel() -> list[str]:
    """What became of the rows, a line a stage that drops some."""
    lines = []
    for stage in ("collect", "clean", "dedupe", "outliers", "split", "label_audit"):
        metrics = read_metrics(stage)
        reasons = {name.removeprefix("dropped_"): count for name, count in metrics.items() if name.startswith("dropped_") and count}
        why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
        lines.append(f"  {stage:<12} {metrics['rows_in']:>9,} in {metrics['rows_kept']:>9,} kept  {why}".rstrip())
    return lines


def scores() -> list[str]:
    metrics = read_metrics("evaluate")
    lines = [f"  {'on test':<28}" + "".join(f"{name:>19}" for name in SHOWN)]
    lines += [f"  {title:<28}" + "".join(f"{metrics[prefix + name]:>19.4f}" for name in SHOWN) for title, prefix in CONTENDERS.items()]
    return [*lines, f"  95% interval of the model's accuracy: {metrics['accuracy_low']:.4f} to {metrics['accuracy_high']:.4f} ({metrics['rows_in']:,} rows)"]


def main() -> None:
    print("\nRows", *funnel(), "\nScores", *scores(), sep="\n")
    print(
        "\nWhere to look next (. .venv/bin/activate first)",
        "  dvc metrics show                         all metrics, by file",
        "  dvc plots show                           confusion, learning curves, reliability, class balance",
        "  dvc exp run -S lr=2e-5                   another learning rate; only what it affects runs",
        "  dvc metrics diff                         what it changed",
        "  data/verdicts/                           what each stage decided about each row, and why",
        "  README.md                                your own data in five minutes",
        sep="\n",
    )


if __name__ == "__main__":
    main()
