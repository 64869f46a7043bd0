"""Prints mean and standard deviation of scores over folds.

python -m tools.crossval

Run the folds first: `dvc exp run --queue -S split.method=kfold -S split.fold=0,1,2,3,4`, then `dvc queue start`.
Experiments that differ in other params are reported separately. Folds share most of their training rows, so their
standard deviation underestimates that over independent data sets (Bengio & Grandvalet 2004).
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from stages.comparison.lexical import LEXICAL
from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.params import read_yaml
from tools.terminal import write

Experiment = Mapping[str, Any]  # params and metrics by name, from dvc.api.exp_show
ParamSet = tuple[str, ...]  # "name=value", without the fold
FOLD = "split.fold"


def params_of(experiment: Experiment, names: Sequence[str]) -> ParamSet:
    return tuple(f"{name}={experiment[name]}" for name in sorted(names) if name != FOLD)


def by_params(experiments: Iterable[Experiment], names: Sequence[str]) -> dict[ParamSet, dict[int, Experiment]]:
    """For each set of params one experiment per fold: the latest, which DVC lists first."""
    sets: dict[ParamSet, dict[int, Experiment]] = {}
    for experiment in experiments:
        folds = sets.setdefault(params_of(experiment, names), {})
        folds.setdefault(int(experiment[FOLD]), experiment)
    return sets


def table(folds: Mapping[int, Experiment], metrics: Iterable[str]) -> list[str]:
    lines = [f"  {'':<28}{'mean':>10}{'std dev':>10}{'lowest':>10}{'highest':>10}"]
    for name in metrics:
        values = [float(folds[fold][name]) for fold in sorted(folds) if folds[fold].get(name) is not None]
        if not values:  # it cannot be computed, such as the correlation of a constant
            continue
        deviation = stdev(values) if len(values) > 1 else float("nan")
        lines.append(f"  {name:<28}{mean(values):>10.4f}{deviation:>10.4f}{min(values):>10.4f}{max(values):>10.4f}")
    return lines


def report(experiments: Iterable[Experiment], names: Sequence[str], headline: Sequence[str]) -> list[str]:
    """The lines to print: one table per set of params, titled with the params in which the sets differ."""
    sets = by_params(experiments, names)
    shared = set.intersection(*map(set, sets)) if sets else set()
    lines = []
    for params, folds in sets.items():
        differing = ", ".join(param for param in params if param not in shared)
        lines += ["", f"{differing or 'all params alike'}: {completeness(folds)}"]
        lines += table(folds, headline)
    return lines


def completeness(folds: Mapping[int, Experiment]) -> str:
    n_folds = int(next(iter(folds.values()))["split.folds"])
    missing = ", ".join(str(fold) for fold in range(n_folds) if fold not in folds)
    return f"{len(folds)} of {n_folds} folds" + (f", fold {missing} missing" if missing else "")


def main() -> None:
    from dvc.api import exp_show, params_show

    headline = load_scorer(read_yaml(paths.PARAMS)["target"]).HEADLINE
    experiments = [
        experiment
        for experiment in exp_show()
        if experiment.get("split.method") == "kfold" and experiment.get(headline[0]) is not None
    ]
    if not experiments:
        sys.exit(
            "crossval: no experiment of this commit has split.method: kfold; "
            "run `dvc exp run --queue -S split.method=kfold -S split.fold=0,1,2,3,4`, then `dvc queue start`"
        )
    params = params_show()
    names = [name for name in experiments[0] if name.removeprefix("params.yaml:").split(".")[0] in params]
    named = [experiment for experiment in experiments if experiment["Experiment"]]  # without the workspace
    metrics = [prefix + name for prefix in ("", "probe_", f"{LEXICAL}_") for name in headline]
    write(report(named, names, metrics))


if __name__ == "__main__":
    main()
