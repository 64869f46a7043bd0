"""The summary of the last run, which shows no result that is out of date."""

import errno
import json
import os
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import write_frame
from tests import tiny
from tests.conftest import made_once
from tools import freshness, summary

STAGES = ("collect", "clean", "dedupe", "outliers", "split", "label_audit", "evaluate", "report")
SCORES = {"accuracy": 0.9, "accuracy_low": 0.8, "accuracy_high": 0.95, "f1_macro": 0.9, "log_loss": 0.3}
SCORES |= {"calibration_error": None}  # cannot be computed
VERDICT = "The model is better than every baseline"


def make_project(folder: Path) -> None:
    """Stages in a chain that only write their metrics, reproduced and committed; report depends on collect alone."""
    tiny.write_params(
        folder,
        {"target": "category", "lr": 0.002, "collect": {"source": "data.csv"}, "split": {"seed": 1}, "fail": False},
    )
    (folder / "data.csv").write_text("a\n")
    (folder / "data").mkdir()
    (folder / "data/ledger.csv").write_text("id\n")
    (folder / "run.py").write_text(
        textwrap.dedent(
            f"""
            import json, pathlib, sys
            name = sys.argv[1]
            if "fail: true" in pathlib.Path("params.yaml").read_text() and name == "split":
                sys.exit(1)
            scores = {SCORES!r} if name == "evaluate" else {{}}
            more = {{prefix + key: value for prefix in ("", "probe_", "majority_") for key, value in scores.items()}}
            for folder in ("metrics/warnings", "out"):
                pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            if name == "dedupe":
                more |= {{"dropped_exact_duplicate": 1, "dropped_near_duplicate": 3, "dropped_semantic_duplicate": 0}}
            counts = {{"rows_in": 8, "rows_kept": 4, **more}}
            pathlib.Path(f"metrics/{{name}}.json").write_text(json.dumps(counts))
            found = [{{"message": "many are empty", "see": "clean"}}] if name == "clean" else []
            pathlib.Path(f"metrics/warnings/{{name}}.json").write_text(json.dumps(found))
            pathlib.Path(f"out/{{name}}").write_text(pathlib.Path("data.csv").read_text())
            pathlib.Path("metrics/verdict.txt").write_text({VERDICT!r})
            """
        )
    )
    stages: dict[str, Any] = {}
    for before, name in zip(("", *STAGES), STAGES, strict=False):
        deps = ["data.csv"] if name in ("collect", "report") else [f"out/{before}"]
        metrics = [{f"metrics/{name}.json": {"cache": False}}]
        outs = [f"out/{name}", {f"metrics/warnings/{name}.json": {"cache": False}}]
        stages[name] = {"cmd": f"python run.py {name}", "deps": deps, "outs": outs, "metrics": metrics}
    stages["split"]["params"] = ["split", "fail"]
    stages["evaluate"]["params"] = ["lr"]
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    tiny.commit(folder, "start")
    tiny.dvc(folder, "init", "--quiet")
    tiny.dvc(folder, "repro", "--quiet")
    tiny.commit(folder, "reproduced")


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the test then is."""
    made = made_once(tmp_path_factory, "chain", make_project)
    folder = Path(shutil.copytree(made, tmp_path / "chain", symlinks=True))
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["summary"])
    return folder


def set_param(text: str, new: str) -> None:
    params = Path("params.yaml").read_text()
    assert text in params
    Path("params.yaml").write_text(params.replace(text, new))


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    summary.main()
    return capsys.readouterr().out


def test_what_is_up_to_date_is_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys)
    assert "out of date" not in out
    assert out.index("clean: many are empty; see clean") < out.index("Rows") < out.index("Scores")
    assert "95% interval of the model's accuracy: 0.8000 to 0.9500 (8 rows)" in out
    assert "  dedupe               8 in         4 kept  3 near duplicate, 1 exact duplicate\n" in out
    assert f"Verdict\n  {VERDICT}\n" in out
    assert "lexical" not in out  # the metrics have none
    assert freshness.remark() == ""
    pictures, steps = out.split("\nPictures\n")[1].split("\n\nNext (. .venv/bin/activate first)\n")
    assert [line.split()[0] for line in pictures.splitlines()] == ["metrics/report/data.html", "dvc_plots/index.html"]
    assert [line.split("  ")[1] for line in steps.splitlines()] == [
        "python -m tools.trace ID",  # as label_audit has written no table here
        "dvc exp run -S lr=0.001",  # half of what it is
        "dvc metrics diff",
    ]


@pytest.mark.parametrize(
    ("change", "stage", "because"),
    [
        (lambda: set_param("seed: 1", "seed: 2"), "split", "split modified"),
        (lambda: Path("data.csv").write_text("b\n"), "collect", "data.csv modified"),
        (lambda: Path("metrics/dedupe.json").unlink(), "dedupe", "metrics/dedupe.json deleted"),
        (lambda: set_param("lr: 0.002", "lr: 0.001"), "evaluate", "lr modified"),
    ],
    ids=["a param", "the data", "a stage that did not end", "the learning rate"],
)
def test_what_is_older_than_its_inputs_is_not_shown(
    project: Path, capsys: pytest.CaptureFixture[str], change: Any, stage: str, because: str
) -> None:
    change()
    out = printed(capsys)
    for name in STAGES[:6]:
        is_old = STAGES.index(name) >= STAGES.index(stage)
        line = next(line for line in out.splitlines() if line.startswith(f"  {name} "))
        assert ("out of date" in line) == is_old, line
        assert not is_old or f"out of date: {because}" in line
    assert "0.9000" not in out
    assert VERDICT not in out
    report = next(line for line in out.splitlines() if line.startswith("  metrics/report/data.html "))
    assert ("out of date" in report) == (stage == "collect")
    assert f"  dvc_plots/index.html       out of date: {because}" in out
    assert f"({stage}); run `dvc repro`" in out.split("Scores")[1]
    assert ("many are empty" in out) == (stage not in ("collect", "clean"))
    assert stage in freshness.remark()


def test_a_file_can_be_ignored(project: Path) -> None:
    """As tools.review ignores the ledger, which its own answers change."""
    Path("data.csv").write_text("b\n")
    assert set(freshness.outdated()) == set(STAGES)
    assert freshness.outdated(ignored={"data.csv"}) == {}
    set_param("lr: 0.002", "lr: 0.001")
    assert set(freshness.outdated(ignored={"data.csv"})) == {"evaluate"}


def test_scores_of_a_run_that_failed_on_its_way_are_not_shown(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data.csv").write_text("b\n")
    set_param("fail: false", "fail: true")
    assert tiny.dvc(project, "repro", "--quiet", check=False).returncode
    out = printed(capsys)
    assert [line.split()[0] for line in out.splitlines() if "kept" in line] == [
        "collect",
        "clean",
        "dedupe",
        "outliers",
    ]
    assert "0.9000" not in out
    assert "(split); run `dvc repro`" in out.split("Scores")[1]


def test_results_that_are_restored_are_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_param("seed: 1", "seed: 2")
    assert "out of date" in printed(capsys)
    set_param("seed: 2", "seed: 1")
    assert "out of date" not in printed(capsys)


def test_the_summary_says_with_what_the_scores_are_compared(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "git commit" not in printed(capsys)
    Path("tickets.csv").write_text("a\n")
    set_param("source: data.csv", "source: tickets.csv")
    out = printed(capsys)
    assert "`dvc metrics diff` compares with the last commit, which has the results of data.csv\n" in out
    (command,) = [line.strip() for line in out.splitlines() if "git commit" in line]
    import subprocess

    subprocess.run(command, shell=True, check=True, cwd=project, env=tiny.environment(), capture_output=True)
    assert "git commit" not in printed(capsys)


def steps(settings: summary.Settings, old: Any) -> list[str]:
    return [line.split("  ")[1] for line in summary.next_steps(settings, old)]


def test_the_row_with_the_most_doubtful_label_is_worth_a_trace(project: Path) -> None:
    settings = summary.Settings("category", "data.csv", 1e-5)
    assert steps(settings, {})[0] == "python -m tools.trace ID"
    ids = ["0" * 32, "0123456789ab" + "c" * 20, "d" * 32]
    rows = pd.DataFrame({"id": ids, "label_quality": [0.5, 0.1, 0.1]})
    write_frame(paths.LABEL_VERDICTS, rows, pa.schema([("id", pa.string()), ("label_quality", pa.float64())]))
    assert steps(settings, {})[0] == "python -m tools.trace 0123456789ab"
    assert steps(settings, {"label_audit": "lr modified"})[0] == "python -m tools.trace ID"


def test_who_has_the_reviews_learns_where_own_data_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "committed_source", lambda: summary.REVIEWS)
    found = steps(summary.Settings("category", summary.REVIEWS, 1e-5), {})
    assert found[2] == "less '+/Your own CSV' README.md"
    assert "\n## Your own CSV" in (tiny.ROOT / "README.md").read_text()
    assert (tiny.ROOT / summary.REVIEWS).exists()


def test_a_last_commit_without_a_source_is_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = Path("params.yaml").read_text()
    for text in ("a: [", "collect: 1\n", "lr: 1\n"):
        Path("params.yaml").write_text(text)
        tiny.commit(project, "other params")
        Path("params.yaml").write_text(params)
        assert "dvc metrics diff  " in printed(capsys)


@pytest.mark.parametrize("text", ["lr: 0.002", "source: data.csv", "target: category"])
def test_settings_that_are_missing_are_one_error(project: Path, text: str) -> None:
    set_param(text, f"no{text}")
    assert refused() == "summary: error: params.yaml: target, collect.source or lr is missing or no value; " + (
        "see docs/params.md"
    )


def test_long_lines_are_wrapped(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("metrics/verdict.txt").write_text("word " * 40)
    out = printed(capsys)
    assert "\n    word " in out
    Path("metrics/warnings/clean.json").write_text(json.dumps([{"message": "word " * 40, "see": "clean"}]))
    lines = [*out.splitlines(), *summary.warnings({})]
    assert lines[-1].startswith("    word ") and lines[-1].endswith("; see clean")
    assert max(map(len, lines)) <= 120


def test_nothing_reaches_the_terminal_as_a_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("metrics/verdict.txt").write_text("The model says `\x1b[31mred\u202e` for every row")
    set_param("source: data.csv", 'source: "data/$(touch hacked)\\e[31m.csv"')
    out = printed(capsys)
    assert r"The model says `\x1b[31mred\u202e` for every row" in out
    assert r"git commit -m '$(touch hacked)\x1b[31m'" in out
    assert out.replace("\n", "").isprintable()


def test_a_run_that_goes_on_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc.lock import LockError
    from dvc.repo import Repo

    def status(self: Repo) -> None:
        raise LockError("'metrics/split.json' is busy")

    monkeypatch.setattr(Repo, "status", status)
    with pytest.raises(SystemExit, match="summary: error: a run is going on"):
        summary.main()
    assert "a run is going on" in freshness.remark()


def read_folder(project: Path) -> Path:
    """Makes a folder the source of the first and the last stage, and returns it."""
    folder = project / "clips/dog"
    folder.mkdir(parents=True)
    (folder / "1.wav").write_text("a")
    Path("dvc.yaml").write_text(Path("dvc.yaml").read_text().replace('"data.csv"', '"clips"'))
    return folder


def refused() -> str:
    with pytest.raises(SystemExit) as error:
        summary.main()
    return str(error.value)


def test_what_dvc_cannot_hash_is_named_and_once_removed_hinders_no_more(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = read_folder(project)
    (folder / "gone.wav").symlink_to("nothing.wav")
    assert refused() == "summary: error: clips/dog/gone.wav is a link to nothing: remove it"
    assert freshness.remark() == "maybe out of date: clips/dog/gone.wav is a link to nothing: remove it"
    (folder / "gone.wav").unlink()
    os.mkfifo(folder / "pipe.wav")
    assert refused() == "summary: error: clips/dog/pipe.wav is neither a file nor a folder: remove it"
    (folder.parent / "again.wav").symlink_to("again.wav")  # to itself
    assert refused().endswith("clips/again.wav is a link to nothing: remove it, and 1 more such as clips/dog/pipe.wav")
    (folder.parent / "again.wav").unlink()
    (folder / "pipe.wav").unlink()
    (folder / "2.wav").symlink_to("1.wav")
    (folder / ".2.wav.partial").symlink_to("nothing.wav")
    (project / ".dvcignore").write_text(".*.partial\n")
    assert "out of date: dependency" not in printed(capsys)


@pytest.mark.parametrize("link", [True, False], ids=["a link to nothing", "a pipe"])
def test_a_source_that_is_no_file_is_named(project: Path, link: bool) -> None:
    Path("data.csv").unlink()
    if link:
        Path("data.csv").symlink_to("nothing.csv")
    else:
        os.mkfifo("data.csv")
    assert refused().startswith("summary: error: data.csv is ") and refused().endswith(": remove it")


def test_what_the_system_refuses_is_one_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc.repo import Repo

    def status(self: Repo) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "clips/dog/1.wav")

    monkeypatch.setattr(Repo, "status", status)
    assert refused() == "summary: error: DVC cannot read clips/dog/1.wav (Permission denied)"


def test_a_name_that_is_not_utf_8_is_one_error(project: Path) -> None:
    folder = read_folder(project)
    (folder / "1.wav").rename(folder / os.fsdecode(b"caf\xe9.wav"))
    message = r"DVC cannot write down the name of the file 'caf\udce9.wav', which is not UTF-8: rename it"
    assert refused() == f"summary: error: {message}"


def test_arguments_that_it_does_not_have(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["summary", "--scores"])
    with pytest.raises(SystemExit, match="2"):
        summary.main()


def test_a_folder_without_a_line_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["summary"])
    with pytest.raises(SystemExit, match=r"summary: error: params\.yaml: cannot be read"):
        summary.main()
    with pytest.raises(InputError, match="DVC cannot read this project"):
        freshness.outdated()
