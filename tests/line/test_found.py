"""What `dvc repro` prints while the line runs: each stage says what it found, with the numbers of its metrics."""

from pathlib import Path

import pytest

from stages.core import paths
from stages.core.params import read_yaml
from tests import tiny
from tests.conftest import PRINTED

SENTENCES = {
    "collect": "read data/tiny, kept {rows_kept} of {rows_in} rows, dropped ",
    "clean": "kept {rows_kept} of {rows_in} rows, dropped ",
    "embed": "gave {rows_in} rows a vector of 32 numbers each with models/tiny; 0 from .cache (",
    "dedupe": "found {clusters} cluster",
    "outliers": "marked ",
    "split": "put {rows_train} rows into train, {rows_validation} into validation and {rows_test} into test (",
    "label_audit": "doubted {label_issues_train} of ",
    "augment": "wrote {rows_in} rows to train on; augmented copies of them: {copies} (",
    "leaks": "compared {rows_in} rows of train, validation and test: found no row of one in another (",
    "finetune": "trained on {rows_in} rows for {epochs} epochs ({steps} steps), with a mean loss of {train_loss:.3f} (",
    "predict": "predicted ",
    "evaluate": "scored {rows_in} rows of test: accuracy {accuracy:.3f} (95% interval {accuracy_low:.3f} to ",
    "report": "wrote metrics/report/data.html with {examples} examples of findings: open it in a browser (",
}


def test_every_stage_says_what_it_found(text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(text_line)
    lines = PRINTED.read_text().splitlines()
    assert [*SENTENCES] == [*read_yaml(paths.DVC_YAML)["stages"]]
    for stage, sentence in SENTENCES.items():
        metrics = tiny.read_json(paths.METRICS / f"{'training' if stage == 'finetune' else stage}.json")
        said = [line for line in lines if line.startswith(f"{stage}: ") and "warning: " not in line]
        assert said[0].startswith(f"{stage}: {sentence.format(**metrics)}")
        assert said[0].endswith(" s)")
        assert len(said) <= 3
        assert max(map(len, said)) <= 120
