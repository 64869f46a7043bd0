"""The invariants of docs/design.md that speak of the whole line, held with real `dvc` commands on a tiny project."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from stages.core import paths
from stages.core.tables import read_frame
from tests import tiny
from tools.closure import Closure

FROM_SPLIT = {"split", "label_audit", "augment", "leaks", "finetune", "predict", "evaluate", "report"}
FROM_CLEAN = {"clean", "embed", "dedupe", "outliers", *FROM_SPLIT}
TRAINING = {"finetune", "predict", "evaluate"}


def set_param(key: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        params = yaml.safe_load((folder / "params.yaml").read_text())
        *sections, name = key.split(".")
        section = params
        for part in sections:
            section = section[part]
        assert section[name] != value
        section[name] = value
        tiny.write_params(folder, params)

    change.__name__ = f"{key}={value}"
    return change


def edit(file: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / file).open("a") as code:
            code.write("\n# a remark\n")

    change.__name__ = f"edit {file}"
    return change


def edit_other_variants(folder: Path) -> None:
    """Every file that only other modalities and targets than text and category have."""
    own = {"modalities": "text", "targets": "category", "tasks": "text_category"}
    files = [
        path
        for axis, name in own.items()
        for path in (folder / "stages" / axis).glob("[!_]*/**/*.py")
        if f"/{axis}/{name}/" not in str(path)
    ]
    assert len(files) > 40
    for path in files:
        edit(str(path.relative_to(folder)))(folder)


def replace_in(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    change.__name__ = f"{file}: {old} -> {new}"
    return change


def all_of(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    change.__name__ = ", ".join(one.__name__ for one in changes)
    return change


# Changes of a param or a file after which the outputs of these stages keep their bytes, so that nothing after them runs.
SAME_OUTPUTS: list[tuple[Callable[[Path], None], set[str]]] = [
    (set_param("predict.batch_size", 4), {"predict"}),
    (set_param("augment.text.typo", 0.5), {"augment"}),  # no copies are made
    (set_param("split.max_leaks", 5), {"split", "leaks"}),
    (set_param("split.folds", 3), {"split"}),  # of another method
    (set_param("dedupe.near_threshold", 0.8), {"dedupe", "leaks"}),  # the same verdicts
    (set_param("embed.text.max_length", 64), {"embed"}),  # no row is so long
    (set_param("collect.on_bad_row", "drop"), {"collect"}),
    (set_param("report.examples", 2), {"report"}),
    (edit("stages/page/report.css"), {"report"}),
]

# What is changed -> exactly the stages that run. A stage whose outputs come out with the same bytes reruns nothing after it.
AFFECTED = [
    # At once, which is faster: if one of these outputs changed, a stage would run that none of the changes concerns.
    (all_of(*(change for change, _ in SAME_OUTPUTS)), set().union(*(stages for _, stages in SAME_OUTPUTS))),
    (set_param("lr", 0.002), TRAINING),
    (set_param("evaluate.calibration_bins", 5), {"evaluate"}),
    (set_param("augment.copies", 1), {"augment", "leaks", *TRAINING}),
    (
        set_param("label_audit.C", 2.0),
        {"label_audit", "augment", "evaluate", "report"},
    ),  # other scores, the same training rows
    (set_param("split.validation", 0.3), FROM_SPLIT),
    (set_param("outliers.neighbours", 3), {"outliers", "split", "report"}),  # other scores, no outliers
    (
        set_param("clean.text.min_chars", 12),
        {"clean", "finetune", "predict"},
    ),  # the recipe that is saved with the model
    (set_param("seed", 1), FROM_SPLIT),
    (edit("stages/evaluate.py"), {"evaluate"}),
    (edit("stages/targets/category/objective.py"), {"label_audit", *TRAINING}),
    (edit("stages/modalities/text/clean/cleaner.py"), {"clean", "report"}),
    (
        replace_in("data/tiny/test.csv", "class\n", "class\nsome fig and a plum,fruit\n"),
        {"collect", *FROM_CLEAN} - {"finetune"},
    ),  # a test row never retrains
    (replace_in("data/tiny/train.csv", "class\n", "class\none more fig and a plum,fruit\n"), {"collect", *FROM_CLEAN}),
]


@pytest.mark.parametrize(("change", "stages"), AFFECTED, ids=lambda value: getattr(value, "__name__", ""))
def test_only_affected_stages_run(change: Callable[[Path], None], stages: set[str], copy_of_text_line: Path) -> None:
    change(copy_of_text_line)
    assert tiny.stages_run(tiny.dvc(copy_of_text_line, "repro").stdout) == stages


# What is changed -> the stages that it concerns, without running them.
CONCERNED = [
    (set_param("epochs", 1), {"finetune"}),
    (set_param("finetune.text.label_smoothing", 0.0), {"finetune"}),
    (set_param("finetune.text.head_init", "random"), {"finetune"}),
    (
        edit("stages/targets/category/label.py"),
        {"clean", "outliers", "split", "label_audit", "augment", "evaluate", "report"},
    ),
    (edit("stages/tasks/text_category/learn.py"), {"finetune", "predict"}),
    (edit("stages/modalities/text/learn.py"), {"finetune", "predict"}),
    (edit("stages/modalities/text/augment.py"), {"augment"}),  # trains nothing, while the copies stay as they are
    (edit("stages/tasks/text_category/augment.py"), {"augment"}),
    (edit("stages/targets/category/score.py"), {"evaluate"}),  # a metric cleans nothing
    (edit("stages/targets/category/audit.py"), {"label_audit"}),
    (edit("stages/contracts/report.py"), {"report"}),
    (edit("stages/contracts/score.py"), {"evaluate"}),
    (edit("stages/page/report.html"), {"report"}),
    (edit("stages/page/glossary.py"), {"report"}),
    (edit("stages/modalities/text/compare.py"), {"dedupe", "leaks"}),
    (edit("stages/modalities/text/embed.py"), {"embed"}),
    *SAME_OUTPUTS,
    (edit_other_variants, set()),
    (edit("README.md"), set()),
    (edit("presets/digits.yaml"), set()),
]


@pytest.mark.parametrize(("change", "stages"), CONCERNED, ids=lambda value: getattr(value, "__name__", ""))
def test_only_stages_that_a_change_concerns_are_called_changed(
    change: Callable[[Path], None], stages: set[str], copy_of_text_line: Path
) -> None:
    change(copy_of_text_line)
    assert tiny.affected(copy_of_text_line) == stages


@pytest.mark.parametrize("line", ["text_line", "image_line"])
def test_two_forced_runs_give_the_same_bytes(line: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(line), tmp_path / "line", symlinks=True))
    before = (folder / "dvc.lock").read_text()
    shutil.rmtree(folder / ".cache")
    tiny.dvc(folder, "repro", "--force", "--no-run-cache")
    assert (folder / "dvc.lock").read_text() == before


def test_nothing_to_do_runs_nothing(copy_of_text_line: Path) -> None:
    assert tiny.stages_run(tiny.dvc(copy_of_text_line, "repro").stdout) == set()


@pytest.mark.parametrize("stage", ["collect", "embed", "finetune"])
def test_a_killed_stage_leaves_no_trace(stage: str, copy_of_text_line: Path) -> None:
    """Killed in the middle, run again: the same entries in dvc.lock as without."""
    expected = lock_entries(copy_of_text_line)
    (copy_of_text_line / "dvc.lock").unlink()
    shutil.rmtree(copy_of_text_line / ".dvc/cache")
    for name in ("data/collected", "data/embeddings", "models/finetuned"):
        shutil.rmtree(copy_of_text_line / name)
    partial = {
        "collect": "data/.collected.partial",
        "embed": "data/.embeddings.partial",
        "finetune": "models/.checkpoints",
    }[stage]
    kill_inside(copy_of_text_line, stage, copy_of_text_line / partial)
    tiny.dvc(copy_of_text_line, "repro", stage)
    found = lock_entries(copy_of_text_line)
    assert stage in found
    assert found.items() <= expected.items()
    assert not list(copy_of_text_line.rglob("*.partial"))


def lock_entries(folder: Path) -> dict[str, str]:
    """What dvc.lock says of each stage."""
    return {stage: str(entry) for stage, entry in yaml.safe_load((folder / "dvc.lock").read_text())["stages"].items()}


def kill_inside(folder: Path, stage: str, sign: Path) -> None:
    """Runs `dvc repro` and kills it, unasked, when `sign` of the stage's work is there, or two seconds into the stage."""
    environment = {**tiny.environment(), "PYTHONUNBUFFERED": "1"}
    line = subprocess.Popen(
        ["dvc", "repro"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert line.stdout is not None
    assert any(f"Running stage '{stage}'" in printed for printed in line.stdout), "the stage never ran"
    deadline = time.monotonic() + 2
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert line.poll() is None, "the line ended before it could be killed"
    os.killpg(line.pid, signal.SIGKILL)
    line.communicate()


def test_flipping_held_out_labels_leaves_the_training_set_alone(copy_of_text_line: Path) -> None:
    set_param("label_audit.C", 100.0)(copy_of_text_line)
    set_param("label_audit.max_quality", 1.0)(
        copy_of_text_line
    )  # an audit that acts on all that it doubts would show a leak
    tiny.dvc(copy_of_text_line, "repro", "finetune")
    assert tiny.read_json(copy_of_text_line / "metrics/label_audit.json")["dropped_label_issue"] > 0
    train = digests(copy_of_text_line / "data/train")
    test = copy_of_text_line / "data/tiny/test.csv"
    test.write_text(test.read_text().replace(",fruit", ",TOOL").replace(",tool", ",fruit").replace(",TOOL", ",tool"))
    ran = tiny.stages_run(tiny.dvc(copy_of_text_line, "repro", "finetune").stdout)
    assert "augment" in ran
    assert "finetune" not in ran
    assert digests(copy_of_text_line / "data/train") == train


def digests(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("line", ["text_data", "image_data", "audio_data"])
def test_no_cluster_spans_two_splits(line: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(line) / "data/verdicts"
    rows = read_frame(folder / "split").merge(read_frame(folder / "duplicates")[["id", "cluster"]], on="id")
    kept = rows[rows["keep"]]
    assert (kept.groupby("cluster")["split"].nunique() == 1).all()
    assert (kept.groupby("unit")["split"].nunique() == 1).all()
    assert set(kept["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("line", ["text_line", "image_line"])
def test_no_row_disappears(line: str, request: pytest.FixtureRequest) -> None:
    """Every stage says what became of each row, and the next one gets what it kept."""
    folder: Path = request.getfixturevalue(line)
    metrics = {path.stem: tiny.read_json(path) for path in (folder / "metrics").glob("*.json")}
    for name, counts in metrics.items():
        reasons = sum(count for key, count in counts.items() if key.startswith("dropped_"))
        assert counts["rows_in"] == counts["rows_kept"] + reasons, name
    assert metrics["collect"]["rows_kept"] == metrics["clean"]["rows_in"]
    assert (
        metrics["clean"]["rows_kept"]
        == metrics["embed"]["rows_in"]
        == metrics["dedupe"]["rows_in"]
        == metrics["split"]["rows_in"]
    )
    assert metrics["dedupe"]["rows_kept"] == metrics["outliers"]["rows_in"]
    assert metrics["split"]["rows_kept"] == metrics["label_audit"]["rows_in"]
    assert (
        metrics["split"]["rows_train"] - metrics["label_audit"].get("dropped_label_issue", 0)
        == metrics["augment"]["rows_in"]
    )
    assert metrics["augment"]["rows_out"] == metrics["training"]["rows_in"]
    for verdicts in map(folder.joinpath, paths.VERDICTS_OF.values()):
        table = read_frame(verdicts)
        assert (table["reason"].notna() == ~table["keep"].astype(bool)).all(), verdicts.name
        assert table["id"].is_unique, verdicts.name


def test_serving_sees_what_training_saw(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A raw text, prepared as the saved recipe says, gets the prediction that predict wrote."""
    import csv

    from stages.contracts import clean, learn
    from stages.training.recipe import read_recipe

    monkeypatch.chdir(text_line)
    recipe = read_recipe(Path("models/finetuned"))
    cleaner = clean.load_cleaner(recipe["modality"])
    with Path("data/tiny/test.csv").open() as file:
        raw = [f" <b>{row['text']}</b>\u200b " for row in csv.DictReader(file)]  # dirtier than what was trained on
    cleaned = [cleaner.clean(text.encode(), cleaner.CleanParams(**recipe["clean"])).content for text in raw]
    task = learn.load_task(recipe["modality"], recipe["target"])
    served = task.predict(Path("models/finetuned"), cleaned, 32)
    predictions = read_frame(Path("data/predictions"))
    rows = read_frame(Path("data/test"), ["id", "content"]).merge(predictions, on="id")
    assert rows["content"].tolist() == cleaned
    assert list(served.labels) == rows["predicted_label"].tolist()
    assert [dict(zip(served.columns, row, strict=True)) for row in served.predictions.tolist()] == rows[
        "predictions"
    ].tolist()


def test_the_model_loads_with_plain_transformers(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that docs/outputs.md gives."""
    import torch

    page = (tiny.ROOT / "docs/outputs.md").read_text()
    snippet = page.split("<!-- load -->\n```python\n")[1].split("```")[0]
    assert sum("from_pretrained(" in line or "load_file(" in line for line in snippet.splitlines()) <= 3
    snippet = snippet.replace('texts = ["arrived broken, and nobody answers"]', "")
    rows = read_frame(text_line / "data/test", ["id", "content"]).merge(
        read_frame(text_line / "data/predictions"), on="id"
    )
    names: dict[str, object] = {"texts": rows["content"].tolist()}
    monkeypatch.chdir(text_line)
    exec(snippet, names)
    expected = torch.tensor([list(row.values()) for row in rows["predictions"]], dtype=torch.float64)
    assert torch.allclose(torch.as_tensor(names["logits"]).double().softmax(-1), expected, atol=1e-5)


def test_any_model_says_labels_in_a_few_lines(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that the README gives."""
    snippet = (tiny.ROOT / "README.md").read_text().split("<!-- serve -->\n```python\n")[1].split("```")[0]
    rows = read_frame(text_line / "data/test", ["id", "content"]).merge(
        read_frame(text_line / "data/predictions"), on="id"
    )
    lines = ["raw = given" if line.startswith("raw = ") else line for line in snippet.splitlines()]
    names: dict[str, object] = {"given": [content.encode() for content in rows["content"]]}
    monkeypatch.chdir(text_line)
    exec("\n".join(lines), names)
    assert names["labels"] == rows["predicted_label"].tolist()


def stage_lists() -> Iterator[tuple[str, dict[str, list[str]]]]:
    yield from yaml.safe_load((tiny.ROOT / "dvc.yaml").read_text())["stages"].items()


@pytest.mark.parametrize(("stage", "lists"), stage_lists(), ids=lambda value: value if isinstance(value, str) else "")
def test_dvc_yaml_lists_the_code_that_a_stage_imports(stage: str, lists: dict[str, list[str]]) -> None:
    """One list serves all tasks: what any of them imports."""
    closure = Closure(tiny.ROOT)
    assert ("text", "category") in closure.tasks
    assert [name for name in lists["deps"] if name.startswith("stages/")] == closure.deps(stage)


@pytest.mark.parametrize(("stage", "lists"), stage_lists(), ids=lambda value: value if isinstance(value, str) else "")
def test_dvc_yaml_lists_the_params_that_a_stage_reads(
    stage: str, lists: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.core.params import known_keys, read_yaml
    from tools.docs import leaves

    monkeypatch.chdir(tiny.ROOT)
    values = read_yaml(Path("presets/reviews.yaml"))
    keys = {key for key, _, _ in leaves(dict(known_keys(values))[stage], values)}
    listed = [name.replace("${modality}", values["modality"]) for name in lists["params"]]
    assert {key for key in keys if not any(key == name or key.startswith(f"{name}.") for name in listed)} == set()
    assert {name for name in listed if not any(key == name or key.startswith(f"{name}.") for key in keys)} == set()


# cleanlab imports datasets where it is installed.
HEAVY = {"torch", "transformers", "sklearn", "cleanlab", "albumentations", "cv2", "datasets"}
MAY_IMPORT = {
    "embed": HEAVY,
    "outliers": {"sklearn"},
    "label_audit": {"sklearn", "cleanlab", "datasets"},
    "finetune": HEAVY,
    "predict": HEAVY,
    "evaluate": {"sklearn"},
}


@pytest.mark.parametrize(
    "stage", ["collect", "clean", "dedupe", "outliers", "split", "label_audit", "augment", "evaluate", "report"]
)
def test_a_stage_imports_no_more_than_it_uses(stage: str, copy_of_text_line: Path) -> None:
    imports = f"import sys, stages.{stage} as stage; from stages.core.params import load_params"
    code = f"{imports}; stage.main(load_params(stage.Params)); print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy_of_text_line,
        env=tiny.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(yaml.safe_load(done.stdout.splitlines()[-1])) <= MAY_IMPORT.get(stage, set())
