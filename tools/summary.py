"""Prints warnings, counts, scores, and where to look next.

python -m tools.summary

Results that are older than the data, the params or the code are not shown.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from stages.comparison.lexical import LEXICAL
from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.errors import InputError, one_line
from stages.core.params import read_yaml
from tools.freshness import outdated
from tools.terminal import write

FUNNEL = ("collect", "clean", "dedupe", "outliers", "split", "label_audit")
NEXT_STEPS = """
Where to look next (. .venv/bin/activate first)
  dvc metrics show metrics/evaluate.json   all scores
  dvc plots show                           confusion matrix, learning curves, reliability, class balance
  {experiment:<40} trains with another learning rate; runs only the stages it affects
  dvc metrics diff                         the change of the scores since the last commit{of_data}
  metrics/report/data.html                 open it: what happened to the rows, and the worst examples of every finding
  python -m tools.trace ID                 the story of one row, from its source to its prediction
  data/verdicts/                           what each stage decided about each row, and why
  README.md                                your own data in five minutes"""

Outdated = Mapping[str, str]  # by stage, what has changed since its results were written, and what to do


def read_metrics(stage: str) -> dict[str, Any]:
    return dict(read_json(paths.METRICS / f"{stage}.json"))


def read_json(path: Path) -> Any:
    if not path.exists():
        raise InputError(f"{path} does not exist; run `dvc repro`")
    return json.loads(path.read_text(encoding="utf-8"))


def warnings(old: Outdated) -> Iterator[str]:
    """The warnings of the stages in the order of dvc.yaml, except those of evaluate: they are beside the scores."""
    for stage in read_yaml(paths.DVC_YAML)["stages"]:
        if stage not in old and stage != "evaluate":
            yield from (f"  {stage}: {message}; see {key}" for message, key in warnings_of(stage).items())


def warnings_of(stage: str) -> dict[str, str]:
    """Messages with the key to look at."""
    return {warning["message"]: warning["see"] for warning in read_json(paths.WARNINGS / f"{stage}.json")}


def funnel(old: Outdated) -> Iterator[str]:
    """One line per stage that drops or marks rows."""
    for stage in FUNNEL:
        yield f"  {stage:<12} out of date: {old[stage]}" if stage in old else funnel_line(stage)


def funnel_line(stage: str) -> str:
    metrics = read_metrics(stage)
    dropped = {name.removeprefix("dropped_"): n for name, n in metrics.items() if name.startswith("dropped_") and n}
    reasons = ", ".join(f"{reason} {n_rows:,}" for reason, n_rows in dropped.items())
    return f"  {stage:<12} {metrics['rows_in']:>9,} in {metrics['rows_kept']:>9,} kept  {reasons}".rstrip()


def scores(target: str) -> Iterator[str]:
    """A table of the headline metrics, the confidence interval of the first, and the verdict."""
    metrics, scorer = read_metrics("evaluate"), load_scorer(target)
    prefixes = {
        "model": "",
        "probe on frozen embeddings": "probe_",
        "lexical: words and characters": f"{LEXICAL}_",
        f"{scorer.CONSTANT} of the training labels": f"{scorer.CONSTANT}_",
    }
    yield f"  {'on test':<32}" + "".join(f"{name:>19}" for name in scorer.HEADLINE)
    for title, prefix in prefixes.items():
        if any(name.startswith(prefix) for name in metrics):
            cells = "".join(f"{number(metrics.get(prefix + name)):>19}" for name in scorer.HEADLINE)
            yield f"  {title:<32}{cells}"
    first, n_rows = scorer.HEADLINE[0], metrics["rows_in"]
    low, high = (number(metrics.get(f"{first}_{end}")) for end in ("low", "high"))
    yield f"  95% interval of the model's {first}: {low} to {high} ({n_rows:,} rows)"
    yield ""
    see = warnings_of("evaluate")
    for sentence in paths.VERDICT.read_text(encoding="utf-8").splitlines():
        yield f"  {sentence}; see {see[sentence]}" if sentence in see else f"  {sentence}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def next_steps(params: Mapping[str, Any]) -> str:
    """What to run next, for these params."""
    source, committed = params["collect"]["source"], committed_source()
    own_data = committed is not None and committed != source
    of_data = f",\n{'':<43}which has the results of {committed}; commit yours first:" if own_data else ""
    if own_data:
        of_data += (
            f"\n{'':<43}git add params.yaml dvc.lock data/ledger.csv metrics && "
            f"git commit -m {quote(one_line(Path(source).stem))}"
        )
    return NEXT_STEPS.format(experiment=f"dvc exp run -S lr={params['lr'] / 2:g}", of_data=of_data)


def committed_source() -> str | None:
    """`collect.source` of the last commit; None if it has none."""
    from ruamel.yaml import YAML

    command = ["git", "show", f"HEAD:./{paths.PARAMS}"]
    committed = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")  # noqa: S603 - no input in it
    if committed.returncode:
        return None
    source = YAML(typ="safe").load(committed.stdout)["collect"]["source"]
    return str(source)


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m tools.summary", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        params, old = read_yaml(paths.PARAMS), outdated()
        if raised := list(warnings(old)):
            write(["", "Warnings", *raised])
        write(["", "Rows", *funnel(old), "", "Scores"])
        if "evaluate" in old:
            write([f"  out of date: {old['evaluate']}"])
        else:
            write(scores(params["target"]))
        write(next_steps(params).splitlines())
    except InputError as error:
        sys.exit(one_line(f"summary: error: {error}"))


if __name__ == "__main__":
    main()
