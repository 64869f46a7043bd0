"""Prints the mean and the spread of scores over the folds of cross-validation, from the experiments of this commit.

python -m tools.crossval

The experiments come from `dvc exp run --queue -S split.method=kfold -S split.fold=0,1,2,3,4` and `dvc queue start`; those that differ in other
params are told apart. Folds share most of their training rows: their spread says less than that of as many data sets (Bengio & Grandvalet 2004).
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.params import read_yaml

Experiment = Mapping[str, Any]  # params and metrics by name, as dvc.api.exp_show has them
FOLD = "split.fold"


def params_of(experiment: Experiment, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name}={experiment[name]}" for name in sorted(names) if name != FOLD)


def by_params(experiments: Iterable[Experiment], names: Sequence[str]) -> dict[tuple[str, ...], dict[int, Experiment]]:
    """Of each set of params, the experiment of each fold; of several the latest, which DVC names first."""
    found: dict[tuple[str, ...], dict[int, Experiment]] = {}
    for experiment in experiments:
        found.setdefault(params_of(experiment, names), {}).setdefault(int(experiment[FOLD]), experiment)
    return found


def table(folds: Mapping[int, Experiment], metrics: Iterable[str]) -> list[str]:
    lines = [f"  {'':<28}{'mean':>10}{'spread':>10}{'lowest':>10}{'highest':>10}"]
    for name in metrics:
        values = [float(folds[fold][name]) for fold in sorted(folds)]
        spread = stdev(values) if len(values) > 1 else float("nan")
        lines.append(f"  {name:<28}{mean(values):>10.4f}{spread:>10.4f}{min(values):>10.4f}{max(values):>10.4f}")
    return lines


def report(experiments: Iterable[Experiment], names: Sequence[str], headline: Sequence[str]) -> list[str]:
    """The lines to print: a table for each set of params, titled by those in which the sets differ."""
    sets = by_params(experiments, names)
    shared = set.intersection(*map(set, sets)) if sets else set()
    lines = []
    for params, folds in sets.items():
        n_folds = int(next(iter(folds.values()))["split.folds"])
        missing = sorted(set(range(n_folds)) - set(folds))
        title = ", ".join(param for param in params if param not in shared) or "all params alike"
        lines.append(
            f"\n{title}: {len(folds)} of {n_folds} folds"
            + (f", fold {', '.join(map(str, missing))} missing" if missing else "")
        )
        lines += table(folds, headline)
    return lines


def main() -> None:
    from dvc.api import exp_show, params_show

    headline = load_scorer(read_yaml(paths.PARAMS)["target"]).HEADLINE
    found = [
        experiment
        for experiment in exp_show()
        if experiment.get("split.method") == "kfold" and experiment.get(headline[0]) is not None
    ]
    if not found:
        sys.exit(
            "crossval: no experiment of this commit has split.method: kfold; type: dvc exp run --queue -S split.method=kfold -S split.fold=0,1,2,3,4"
        )
    params = params_show()
    names = [name for name in found[0] if name.removeprefix("params.yaml:").split(".")[0] in params]
    print(
        *report(
            [experiment for experiment in found if experiment["Experiment"]],
            names,
            [*headline, *(f"probe_{name}" for name in headline)],
        ),
        sep="\n",
    )


if __name__ == "__main__":
    main()
