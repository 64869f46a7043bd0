"""Prints warnings, rows, scores, the verdict, and what to run next.

python -m tools.summary

Results that are older than the data, the params or the code are not shown.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from ruamel.yaml.error import YAMLError

from stages.comparison.lexical import LEXICAL
from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.errors import InputError, one_line
from stages.core.params import read_yaml
from stages.core.tables import read_frame
from stages.core.words import COLUMNS, by_reason, wrapped
from tools.freshness import outdated
from tools.lookup import is_there
from tools.terminal import write

FUNNEL = ("collect", "clean", "dedupe", "outliers", "split", "label_audit")
REVIEWS = "data/reviews.csv"  # the data that comes with the project
PICTURES = {
    "metrics/report/data.html": "open it: what became of the rows, and the clearest examples of every finding",
    "dvc_plots/index.html": "`dvc plots show` draws it: confusion matrix, learning curves, reliability, classes",
}

Outdated = Mapping[str, str]  # by stage, what has changed since its results were written, and what to do


@dataclass(frozen=True)
class Settings:
    """What the summary needs of params.yaml."""

    target: str
    source: str
    lower_lr: float

    @classmethod
    def read(cls) -> "Settings":
        params = read_yaml(paths.PARAMS)
        try:
            return cls(params["target"], params["collect"]["source"], params["lr"] / 2)
        except (KeyError, TypeError) as error:
            message = f"{paths.PARAMS}: target, collect.source or lr is missing or no value; see docs/params.md"
            raise InputError(message) from error


def read_metrics(stage: str) -> dict[str, Any]:
    return dict(read_json(paths.METRICS / f"{stage}.json"))


def read_json(path: Path) -> Any:
    if not path.exists():
        raise InputError(f"{path} does not exist; run `dvc repro`")
    return json.loads(path.read_text(encoding="utf-8"))


def warnings(old: Outdated) -> Iterator[str]:
    """The warnings of the stages in the order of dvc.yaml, except those of evaluate: they are in the verdict."""
    for stage in read_yaml(paths.DVC_YAML)["stages"]:
        if stage not in old and stage != "evaluate":
            for message, key in warnings_of(stage).items():
                yield from wrapped(f"  {stage}: {message}; see {key}")


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
    return f"  {stage:<12} {metrics['rows_in']:>9,} in {metrics['rows_kept']:>9,} kept  {by_reason(dropped)}".rstrip()


def scores(target: str) -> Iterator[str]:
    """A table of the most important metrics, and the confidence interval of the first."""
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


def verdict() -> Iterator[str]:
    """Whether the model is better than its baselines, with the key to look at if that is bad news."""
    see = warnings_of("evaluate")
    for sentence in paths.VERDICT.read_text(encoding="utf-8").splitlines():
        yield from wrapped(f"  {sentence}; see {see[sentence]}" if sentence in see else f"  {sentence}")


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def pictures(old: Outdated) -> Iterator[str]:
    """The pages with pictures; what is out of date is named."""
    for (path, words), stage in zip(PICTURES.items(), ("report", "evaluate"), strict=True):
        yield f"  {path:<26} {f'out of date: {old[stage]}' if stage in old else words}"


def next_steps(settings: Settings, old: Outdated) -> Iterator[str]:
    """Three commands that are worth running now, with the reason."""
    doubtful = None if "label_audit" in old else most_doubtful_row()
    story = "the story of the row with the most doubtful label" if doubtful else "the story of the row with this id"
    steps = {
        f"python -m tools.trace {doubtful or 'ID'}": f"{story}, from source to prediction",
        f"dvc exp run -S lr={settings.lower_lr:g}": "half the learning rate; runs only the stages that it affects",
        **last_step(settings.source),
    }
    for command, words in steps.items():
        line = f"  {command:<38} {words}"
        yield from [line] if len(line) <= COLUMNS else [f"  {command}", f"    {words}"]


def most_doubtful_row() -> str | None:
    """The start of the id of the row whose label has the lowest quality; None if the table is not there."""
    if not is_there(paths.LABEL_VERDICTS):
        return None
    rows = read_frame(paths.LABEL_VERDICTS, ["id", "label_quality"])
    return str(rows.sort_values(["label_quality", "id"])["id"].iloc[0])[:12]


def last_step(source: str) -> dict[str, str]:
    """Own data in place of the reviews; if they are there, the commit with which later runs are compared."""
    committed = committed_source()
    if committed not in (None, source):
        command = "git add params.yaml dvc.lock data/ledger.csv metrics && git commit -m " + quote(
            one_line(Path(source).stem)
        )
        return {command: f"`dvc metrics diff` compares with the last commit, which has the results of {committed}"}
    if source == REVIEWS:
        return {"less '+/Your own CSV' README.md": "your own data in five minutes"}
    return {"dvc metrics diff": "how the scores changed since the last commit"}


def committed_source() -> str | None:
    """`collect.source` of the last commit; None if it has none."""
    from ruamel.yaml import YAML

    command = ["git", "show", f"HEAD:./{paths.PARAMS}"]
    committed = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")  # noqa: S603 - no input in it
    if committed.returncode:
        return None
    try:
        return str(YAML(typ="safe").load(committed.stdout)["collect"]["source"])
    except (YAMLError, KeyError, TypeError):
        return None


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m tools.summary", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        settings, old = Settings.read(), outdated()
        if raised := list(warnings(old)):
            write(["", "Warnings", *raised])
        write(["", "Rows", *funnel(old), "", "Scores"])
        if "evaluate" in old:
            write([f"  out of date: {old['evaluate']}"])
        else:
            write([*scores(settings.target), "", "Verdict", *verdict()])
        write(["", "Pictures", *pictures(old), "", "Next (. .venv/bin/activate first)", *next_steps(settings, old)])
    except InputError as error:
        sys.exit(one_line(f"summary: error: {error}"))


if __name__ == "__main__":
    main()
