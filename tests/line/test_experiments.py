"""What people type: experiments, their differences, and the commands that the README and the docs show."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from stages.core.params import load_params
from stages.finetune import Params
from tests import tiny
from tools.plots_page import PAGE

RUN_ALL = "dvc exp run --run-all"


def test_experiments_of_a_fresh_clone_are_kept(text_line: Path, tmp_path: Path) -> None:
    """With a target too: DVC collects the plots of the last commit, whose files no clone has."""
    clone = tmp_path / "clone"
    tiny.git(tmp_path, "clone", "--quiet", str(text_line), str(clone))
    tiny.dvc(clone, "exp", "run", "--name", "here", "-S", "clean.text.min_chars=3", "clean")
    tiny.git(clone, "checkout", "--", ".")
    tiny.dvc(clone, "exp", "run", "--name", "apart", "--temp", "-S", "clean.text.min_chars=4", "clean")
    tiny.dvc(clone, "exp", "run", "--name", "queued", "--queue", "-S", "clean.text.min_chars=5", "clean")
    tiny.dvc(clone, "exp", "run", "--run-all")
    assert set(tiny.dvc(clone, "exp", "list", "--name-only").stdout.split()) == {"here", "apart", "queued"}
    assert "Failed" not in tiny.dvc(clone, "exp", "show", "--csv").stdout


@pytest.fixture
def line_with_page(copy_of_text_line: Path, plots_page: Path) -> Path:
    """The line after `make`, which writes the page of the plots."""
    (copy_of_text_line / PAGE).parent.mkdir()
    shutil.copyfile(plots_page, copy_of_text_line / PAGE)
    return copy_of_text_line


def test_plots_are_drawn(line_with_page: Path, tmp_path: Path) -> None:
    tiny.dvc(line_with_page, "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots/index.html").read_text()
    for title in (
        "Learning curves",
        "Predicted against given, on test",
        "Reliability on test",
        "Rows of each class after each stage",
    ):
        assert title in page


def bash_lines() -> list[str]:
    """The commands in the docs that need no set-up of their own; what is queued runs at the last `--run-all`."""
    commands = []
    for page in (tiny.ROOT / "README.md", *sorted((tiny.ROOT / "docs").glob("*.md"))):
        for block in page.read_text().split("```bash\n")[1:]:
            commands += [line.split("  #")[0].strip() for line in block.split("```")[0].splitlines()]
    # One fold shows what five do.
    commands = [line.replace("split.fold=0,1,2,3,4", "split.fold=0") for line in commands]
    commands = [line for line in commands if line.startswith(("dvc ", "python -"))]
    last = len(commands) - 1 - commands[::-1].index(RUN_ALL)
    return [line for number, line in enumerate(commands) if line != RUN_ALL or number == last]


def test_commands_of_the_docs_run(line_with_page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And experiments change what they say, and can be undone."""
    folder = line_with_page
    monkeypatch.chdir(folder)
    outputs = {command: typed(command) for command in bash_lines()}
    assert len(outputs) >= 10
    assert tiny.stages_run(outputs["dvc exp run -S lr=1e-4"]) == {"finetune", "predict", "evaluate"}
    assert "training.json" in outputs["dvc metrics diff"]
    assert "1 of 5 folds" in outputs["python -m tools.crossval"]
    shown = tiny.dvc(folder, "exp", "show", "--csv").stdout
    assert all(lr in shown for lr in ("0.0001", "5e-05", "0.0003"))
    assert "Failed" not in shown  # 5e-05 is a string to YAML 1.1
    tiny.git(folder, "checkout", "--", ".")
    assert tiny.stages_run(typed("dvc repro")) == set()  # restored, nothing computed
    assert load_params(Params).lr == 0.001


def typed(command: str) -> str:
    """What a shell command prints here."""
    done = subprocess.run(command, shell=True, env=tiny.environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("preset", sorted((tiny.ROOT / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_presets_are_complete(preset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.core.params import known_keys, read_yaml

    monkeypatch.chdir(tiny.ROOT)
    for _, model in known_keys(read_yaml(preset)):
        load_params(model, preset)
    assert preset.read_text().startswith("# ")
    assert "&" not in "".join(line for line in preset.read_text().splitlines() if not line.startswith("#"))


def test_docs_follow_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools import docs

    monkeypatch.chdir(tiny.ROOT)
    monkeypatch.setattr("sys.argv", ["docs", "--check"])
    docs.main()


def test_the_summary_names_model_and_baselines(
    text_line: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tools import summary

    monkeypatch.chdir(text_line)
    monkeypatch.setattr("sys.argv", ["summary"])
    summary.main()
    printed = capsys.readouterr().out
    assert all(
        name in printed for name in ("model", "probe on frozen embeddings", "majority of the training labels", "dedupe")
    )


@pytest.mark.parametrize("preset", sorted((tiny.ROOT / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_params_are_in_block_style(preset: Path) -> None:
    """`dvc exp run -S` writes into the file: anchors and flow style would not survive it."""
    events = list(yaml.parse(preset.read_text()))
    assert not [event for event in events if getattr(event, "anchor", None)]
    flow = [
        after for event, after in pairwise(events) if isinstance(event, yaml.MappingStartEvent) and event.flow_style
    ]
    assert all(isinstance(after, yaml.MappingEndEvent) for after in flow)


def test_cross_validation_is_summed_up_by_params() -> None:
    from tools.crossval import report

    def experiment(fold: int, lr: float, accuracy: float) -> dict[str, object]:
        return {
            "Experiment": "some-name",
            "split.fold": float(fold),
            "split.folds": 3.0,
            "lr": lr,
            "seed": 42.0,
            "accuracy": accuracy,
        }

    latest_first = [
        experiment(0, 0.1, 0.9),
        experiment(1, 0.1, 0.7),
        experiment(2, 0.1, 0.8),
        experiment(0, 0.1, 0.1),
        experiment(1, 0.2, 0.5),
    ]
    lines = report(latest_first, ["seed", "lr", "split.fold", "split.folds"], ["accuracy"])
    assert [line for line in lines if "folds" in line] == [
        "lr=0.1: 3 of 3 folds",
        "lr=0.2: 1 of 3 folds, fold 0, 2 missing",
    ]
    assert [line.split() for line in lines if "accuracy" in line] == [
        ["accuracy", "0.8000", "0.1000", "0.7000", "0.9000"],
        ["accuracy", "0.5000", "nan", "0.5000", "0.5000"],
    ]


def test_a_metric_that_cannot_be_computed_is_left_out_of_cross_validation() -> None:
    from tools.crossval import table

    folds = {0: {"pearson": 0.5, "mean_pearson": None}, 1: {"pearson": 0.7, "mean_pearson": None}, 2: {"pearson": None}}
    _, *lines = table(folds, ["pearson", "mean_pearson", "lexical_pearson"])
    assert [line.split()[:2] for line in lines] == [["pearson", "0.6000"]]
