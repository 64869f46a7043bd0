"""Params that cannot be used are refused, with key, value and what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages import clean, collect
from stages.core.run import Counts, run_stage
from tests.refusals.bad_input import Bad, each, refuse, run, set_params


def test_params_that_change_while_a_stage_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """DVC would record the new ones for what was made with the old ones."""

    def main(params: clean.Params) -> Counts:
        set_params(changes)
        return Counts(1)

    changes: dict[str, Any] = {"lr": 0.5}  # not read by this stage
    run_stage("clean", clean.Params, main)
    assert "clean: kept 1 of 1 row, dropped none (" in capsys.readouterr().out
    changes = {"clean.label.drop": ["fruit"]}
    Path("metrics/clean.json").unlink()
    message = r"params\.yaml: clean\.label\.drop was changed while this stage ran, so its results are not kept"
    with pytest.raises(SystemExit, match=rf"clean: error: {message}"):
        run_stage("clean", clean.Params, main)
    assert not Path("metrics/clean.json").exists()


SETTINGS = [
    Bad(
        "unknown key at the top",
        "params.yaml:\n  learning_rate: unknown key; use one of augment, …, threads",
        params={"learning_rate": 0.1},
    ),
    Bad(
        "unknown key in a section",
        "params.yaml:\n  dedupe.threshold: unknown key; see docs/params.md, got 0.5",
        params={"dedupe.threshold": 0.5},
    ),
    Bad(
        "unknown key in a sub-section",
        "params.yaml:\n  clean.text.min_words: unknown key; see docs/params.md, got 2",
        params={"clean.text.min_words": 2},
    ),
    Bad(
        "names that are no texts",
        "params.yaml:\n  clean.label.aliases: to YAML, the name None is no text; write it in quotes\n  "
        "label_audit.descriptions: to YAML, the name 0 is no text; write it in quotes\n  "
        "label_audit.descriptions: to YAML, the name True is no text; write it in quotes",
        params={"clean.label.aliases": {None: "none"}, "label_audit.descriptions": {0: "bad", True: "good"}},
    ),
    Bad(
        "unknown sub-section",
        "params.yaml:\n  embed.video: unknown key; see docs/params.md",
        params={"embed.video": {}},
    ),
    Bad("text for a number", "params.yaml:\n  lr: input should be a valid number, got 'fast'", params={"lr": "fast"}),
    Bad("number below its range", "params.yaml:\n  lr: input should be greater than 0, got -1", params={"lr": -1}),
    Bad(
        "number that is none",
        "params.yaml:\n  lr: input should be a finite number, got nan",
        params={"lr": float("nan")},
    ),
    Bad(
        "number that is none among spellings",
        "params.yaml:\n  clean.missing.0: input should be a valid string, got nan",
        params={"clean.missing": [float("nan")]},
    ),
    Bad(
        "number that is none in a section of a library",
        "params.yaml:\n  finetune.image.config.dropout: expected a finite number, got inf",
        params={"finetune.image.config": {"dropout": float("inf")}},
    ),
    Bad("no epochs", "params.yaml:\n  epochs: input should be greater than or equal to 1, got 0", params={"epochs": 0}),
    Bad(
        "fraction for a whole number",
        "params.yaml:\n  epochs: input should be a valid integer, got 1.5",
        params={"epochs": 1.5},
    ),
    Bad(
        "truth for a number",
        "params.yaml:\n  epochs: input should be a valid integer, got True",
        params={"epochs": True},
    ),
    Bad(
        "share that is too large",
        "params.yaml:\n  split.test: input should be less than 0.5, got 0.5",
        params={"split.test": 0.5},
    ),
    Bad(
        "word that is not offered",
        "params.yaml:\n  split.method: input should be 'stratified', 'time', 'stable' or 'kfold', got 'random'",
        params={"split.method": "random"},
    ),
    Bad(
        "YAML's no for the word",
        "params.yaml:\n  clean.label.drop.0: input should be a valid string, got False",
        params={"clean.label.drop": [False]},
    ),
    Bad(
        "unknown key for labels",
        "params.yaml:\n  clean.label.unit: unknown key; see docs/params.md, got 'kg'",
        params={"clean.label.unit": "kg"},
    ),
    Bad(
        "nothing said of labels",
        "params.yaml:\n  clean.label: missing; write it, there are no defaults, see docs/params.md",
        params={"clean.label": ...},
    ),
    Bad(
        "key that only the fine-tuning towards categories has",
        "params.yaml:\n  finetune.label_smoothing: unknown key; see docs/params.md, got 0.1",
        params={"finetune.label_smoothing": 0.1},
    ),
    Bad(
        "unknown split",
        "params.yaml:\n  collect.splits.dev.[key]: input should be 'train', 'validation' or 'test', got 'dev'",
        params={"collect.splits": {"dev": "notes.csv"}},
    ),
    Bad(
        "missing key",
        "params.yaml:\n  lr: missing; write it, there are no defaults, see docs/params.md",
        params={"lr": ...},
    ),
    Bad(
        "missing section",
        "params.yaml:\n  dedupe: missing; write it, there are no defaults, see docs/params.md",
        params={"dedupe": ...},
    ),
    Bad(
        "missing sub-section",
        "params.yaml:\n  clean.text: missing; write it, there are no defaults, see docs/params.md",
        params={"clean.text": ...},
    ),
    Bad(
        "nothing for a section",
        "params.yaml:\n  clean: expected a section with keys; see docs/params.md, got None",
        params={"clean": None},
    ),
    Bad(
        "nothing for a sub-section",
        "params.yaml:\n  clean.text: expected a section with keys; see docs/params.md, got None",
        params={"clean.text": None},
    ),
    Bad(
        "shortest text longer than the longest",
        "params.yaml:\n  clean.text: min_chars is larger than max_chars, so no text could stay",
        params={"clean.text.min_chars": 20, "clean.text.max_chars": 10},
    ),
    Bad(
        "smallest side longer than the largest",
        "params.yaml:\n  clean.image: min_side is larger than max_side, so no image could stay",
        params={
            "modality": "image",
            "collect.files": "files/{}.png",
            "clean.image.min_side": 20,
            "clean.image.max_side": 10,
        },
    ),
    Bad(
        "no splits at all",
        "params.yaml:\n  collect.splits: dictionary should have at least 1 item after validation, not 0",
        params={"collect.splits": {}},
    ),
    Bad("no model", "params.yaml:\n  model: string should have at least 1 character, got ''", params={"model": ""}),
    Bad(
        "seed that numpy cannot take",
        "params.yaml:\n  seed: input should be less than 4294967296, got 4294967296",
        params={"seed": 2**32},
    ),
    Bad(
        "batch that would be filled up",
        "params.yaml:\n  predict.batch_size: input should be less than or equal to 256, got 5000",
        params={"predict.batch_size": 5000},
    ),
    Bad("no modality", "params.yaml:\n  modality: input should be a valid string, got None", params={"modality": None}),
    Bad(
        "list for a word",
        "params.yaml:\n  modality: input should be a valid string, got ['text']",
        params={"modality": ["text"]},
    ),
    Bad(
        "unknown modality",
        "params.yaml: modality: 'smell' is not in stages/modalities; use one of audio, image, text",
        params={"modality": "smell"},
    ),
    Bad(
        "unknown target",
        "params.yaml: target: 'mood' is not in stages/targets; use one of categories, category, number, tags",
        params={"target": "mood"},
    ),
    Bad(
        "head from a probe that the model's own pooling cannot use",
        "params.yaml:\n  finetune.text: head_init: probe needs pooling: mean, as the model's own head cannot be "
        "initialised with a probe",
        params={"finetune.text.pooling": "model"},
    ),
    Bad(
        "several problems, told together",
        "params.yaml:\n"
        "  clean.text.min_chars: input should be greater than or equal to 1, got 0\n"
        "  dedupe.near: input should be a valid boolean, got 'yes'\n"
        "  epoch: unknown key; use one of augment, …, threads\n"
        "  epochs: missing; write it, there are no defaults, see docs/params.md\n"
        "  lr: input should be a valid number, got 'fast'",
        params={"lr": "fast", "epochs": ..., "epoch": 3, "dedupe.near": "yes", "clean.text.min_chars": 0},
    ),
]


@each(SETTINGS)
def test_params(bad: Bad) -> None:
    if bad.stage == "clean":
        run("collect")
    set_params(bad.params)
    refuse(bad.stage, bad.message)


@pytest.mark.parametrize(
    "stage",
    [
        "embed",
        "dedupe",
        "outliers",
        "split",
        "label_audit",
        "report",
        "augment",
        "leaks",
        "finetune",
        "predict",
        "evaluate",
    ],
)
def test_every_stage_checks_the_whole_file(stage: str) -> None:
    set_params({"evaluate.calibration_bins": 1, "collect.header": None})
    refuse(
        stage,
        "params.yaml:\n  collect.header: input should be a valid boolean, got None\n"
        "  evaluate.calibration_bins: input should be greater than or equal to 2, got 1",
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text + "lr: 1e-4\n", 'params.yaml, line …: duplicate key "lr"; keep one'),
        (
            lambda text: text.replace("max_chars", "min_chars"),
            'params.yaml, line …: duplicate key "min_chars"; keep one',
        ),
        (lambda text: text.replace("lr: 0.01", "lr: [0.01"), "params.yaml: not valid YAML (…)"),
        (lambda text: text.replace("lr: 0.01", "lr: !!python/name:os.system"), "params.yaml: not valid YAML (…)"),
        (lambda text: text.replace("seed: ", "seed: 2024-13-45 # "), "params.yaml: not valid YAML (…)"),
        (
            lambda text: text.replace("some", "\ud800").encode("utf-8", "surrogatepass"),
            "params.yaml: not valid YAML (…)",
        ),
        (
            lambda text: text.replace("seed: ", f"seed: 0x{'f' * 5_000} # "),
            "params.yaml:\n  seed: input should be less than 4294967296, got a number of thousands of digits",
        ),
        (lambda _: "", "params.yaml: expected `key: value` lines, got NoneType"),
        (lambda _: "- lr\n- epochs\n", "params.yaml: expected `key: value` lines, got list"),
    ],
    ids=[
        "key twice",
        "key twice in a section",
        "unclosed list",
        "call of Python",
        "impossible date",
        "not UTF-8",
        "a number that Python does not write",
        "empty",
        "list",
    ],
)
def test_params_file(edit: Callable[[str], str | bytes], message: str) -> None:
    path = Path("params.yaml")
    edited = edit(path.read_text())
    path.write_bytes(edited if isinstance(edited, bytes) else edited.encode())
    refuse("collect", message)


def test_params_file_is_missing() -> None:
    Path("params.yaml").unlink()
    refuse("collect", "params.yaml: cannot be read (No such file or directory)")


def test_a_problem_of_a_key_that_starts_like_another() -> None:
    set_params({"collect.source": "data/\0notes.csv", "collect.sources": "data/notes.csv"})
    refuse(
        "collect",
        "params.yaml:\n  collect.source: holds a NUL, which no name has; write it anew\n  "
        "collect.sources: unknown key; see docs/params.md, got 'data/notes.csv'",
    )


def test_a_nul_in_a_text() -> None:
    set_params({"collect.source": "data/\0notes.csv", "clean.missing": ["NA", "\0"]})
    refuse(
        "collect",
        "params.yaml:\n  clean.missing: holds a NUL, which no name has; write it anew\n  "
        "collect.source: holds a NUL, which no name has; write it anew",
    )
    with pytest.raises(SystemExit, match=r"collect: error: params\.yaml:\n  clean\.missing: holds a NUL"):
        run_stage("collect", collect.Params, collect.main)


def test_values_break_no_line_of_a_message_and_many_problems_are_counted(tmp_path: Path) -> None:
    set_params({"a\nb": 1, **{f"key{number}": 1 for number in range(1_000)}})
    with pytest.raises(SystemExit) as stop:
        run_stage("collect", collect.Params, collect.main)
    lines = str(stop.value.code).split("\n")
    assert lines[0] == "collect: error: params.yaml:"
    assert lines[1].startswith(r"  a\nb: unknown key; ")
    assert lines[-1] == "  and 972 more"
    assert len(lines) == 31
