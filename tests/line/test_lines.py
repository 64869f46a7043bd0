"""The line of every task that no other file runs, end to end, on tiny data; and what an edit of each of its files would
run again.
"""

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

from stages.contracts.score import load_scorer
from stages.core.params import read_yaml
from stages.core.tables import read_frame
from tests import tiny
from tests.conftest import reproduced
from tests.stages_in_place import STAGES

# tests/line/test_invariants.py runs them, and tests/line/test_what_reruns.py what an edit concerns.
ELSEWHERE = ("text_category", "image_category")
TASKS = sorted(path.name for path in (tiny.ROOT / "stages/tasks").glob("[!_.]*/") if path.name not in ELSEWHERE)

EDITS = {
    "stages/modalities/{modality}/content.py": {
        "clean",
        "embed",
        "dedupe",
        "label_audit",
        "augment",
        "leaks",
        "finetune",
        "predict",
        "report",
    },
    "stages/modalities/{modality}/clean": {"clean", "report"},
    "stages/modalities/{modality}/compare.py": {"dedupe", "leaks"},
    "stages/modalities/{modality}/baseline.py": {"evaluate"},
    "stages/modalities/{modality}/report.py": {"report"},
    "stages/modalities/{modality}/embed.py": {"embed", "label_audit", "finetune"},
    "stages/modalities/{modality}/encode": {"embed", "label_audit", "finetune"},
    "stages/modalities/{modality}/network": {"embed", "label_audit", "finetune", "predict"},
    "stages/modalities/{modality}/learn.py": {"finetune"},
    "stages/modalities/{modality}/serve.py": {"predict"},
    "stages/modalities/{modality}/augment.py": {"augment"},
    "stages/targets/{target}/label.py": {"clean", "outliers", "split", "label_audit", "augment", "evaluate", "report"},
    "stages/targets/{target}/compare.py": {"dedupe"},
    "stages/targets/{target}/audit.py": {"label_audit"},
    "stages/targets/{target}/objective.py": {"label_audit", "finetune", "predict", "evaluate"},
    "stages/targets/{target}/score.py": {"evaluate"},
    "stages/tasks/{task}/learn.py": {"finetune"},
    "stages/tasks/{task}/serve.py": {"predict"},
    "stages/tasks/{task}/augment.py": {"augment"},
}


PARAMS = {
    "lr": {"finetune"},
    "evaluate": {"evaluate"},
    "outliers": {"outliers"},
    "seed": {"split", "label_audit", "augment", "finetune"},
}


def append_comment(path: Path) -> None:
    path.write_text(path.read_text() + "\n# changed\n")


@pytest.mark.parametrize("task", TASKS)
def test_line(
    task: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Path(shutil.copytree(reproduced(tmp_path_factory, task), tmp_path / "line", symlinks=True))
    assert tiny.affected(line) == set()
    check_counts(line, monkeypatch)
    check_scores(line, task)
    check_edits(line, task)


def check_counts(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is kept or has a reason, and held-out rows have a prediction each."""
    monkeypatch.chdir(line)
    for stage in STAGES:
        counts = tiny.read_json(line / f"metrics/{'training' if stage == 'finetune' else stage}.json")
        dropped = sum(count for name, count in counts.items() if name.startswith("dropped_"))
        assert counts["rows_in"] == counts["rows_kept"] + dropped
    split = read_frame(Path("data/verdicts/split"), ["id", "keep", "split"])
    held_out = split.loc[split["keep"] & (split["split"] != "train"), "id"]
    assert sorted(read_frame(Path("data/predictions"), ["id"])["id"]) == sorted(held_out)


def check_scores(line: Path, task: str) -> None:
    scorer = load_scorer(task.split("_", 1)[1])
    found = tiny.read_json(line / "metrics/evaluate.json")
    undefined = {name for name, value in found.items() if value is None}
    assert all(name.startswith(f"{scorer.CONSTANT}_") for name in undefined)  # such as the correlation of a constant
    assert all(math.isfinite(found[name]) for name in found.keys() - undefined)
    assert (line / "metrics/verdict.txt").read_text().startswith("The ")
    has_lexical = task.startswith("text_") and task != "text_tags"
    assert (f"lexical_{scorer.HEADLINE[0]}" in found) == has_lexical
    assert all(
        prefix + name in found
        for prefix in ("", "validation_", "probe_", f"{scorer.CONSTANT}_")
        for name in scorer.HEADLINE
    )
    assert f"{scorer.HEADLINE[0]}_low" in found
    assert f"{scorer.HEADLINE[0]}_high" in found
    for plot in ("confusion", "reliability", "class_balance"):
        assert len((line / f"metrics/plots/{plot}.csv").read_text().splitlines()) > 1
    assert (line / f".dvc/plots/{task.split('_', 1)[1]}.json").exists()
    check_class_balance(pd.read_csv(line / "metrics/plots/class_balance.csv", keep_default_na=False))


def check_class_balance(balance: pd.DataFrame) -> None:
    """Every stage has the names that the others have, or ranges as wide, in the order in which they are drawn."""
    widths = set()
    for _, labels in balance.groupby("stage")["label"]:
        ranges = [[float(end) for end in label.split(" to ")] for label in labels if " to " in label]
        assert ranges == sorted(ranges)
        widths |= {round(high - low, 9) for low, high in ranges}
    assert len(widths) <= 1


def check_edits(line: Path, task: str) -> None:
    """All edits and other params at once: of each stage, `dvc status` names the deps and params that concern it."""
    modality, target = task.split("_", 1)
    expected = {file.format(modality=modality, target=target, task=task): stages for file, stages in EDITS.items()}
    for name in expected:
        append_comment(line / name if name.endswith(".py") else min((line / name).glob("[!_]*.py")))
    for axis, variant in {"modalities": modality, "targets": target, "tasks": task}.items():
        for path in (line / "stages" / axis).glob("[!_]*/**/*.py"):
            if f"/{axis}/{variant}/" not in str(path):
                append_comment(path)
    params = read_yaml(line / "params.yaml")
    tiny.write_params(line, params | {key: changed(params[key]) for key in PARAMS})
    found = {name: set[str]() for name in expected | PARAMS}
    for stage, names in tiny.changed_deps(line).items():
        for name in names:
            found[name].add(stage)
    assert found == expected | PARAMS


def changed(value: object) -> object:
    """Another value than a param's, or than each of a section's."""
    # type: ignore[operator]
    return {key: changed(one) for key, one in value.items()} if isinstance(value, dict) else (value or 0) / 2 + 1
