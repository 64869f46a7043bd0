"""Only the stages that a change concerns run again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import stages_in_place, tiny
from tests.line.changes import edit, replace_in, set_param

FROM_SPLIT = {"split", "label_audit", "augment", "leaks", "finetune", "predict", "evaluate", "report"}
FROM_CLEAN = {"clean", "embed", "dedupe", "outliers", *FROM_SPLIT}
TRAINING = {"finetune", "predict", "evaluate"}


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


def all_of(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    change.__name__ = ", ".join(one.__name__ for one in changes)
    return change


# Changes of a param or a file after which the outputs of these stages keep their bytes, so that nothing after them
# runs.
SAME_OUTPUTS: list[tuple[Callable[[Path], None], set[str]]] = [
    (set_param("predict.batch_size", 4), {"predict"}),
    (set_param("augment.text.typo", 0.5), {"augment"}),  # no copies are made
    (set_param("split.max_leaks", 5), {"split", "leaks"}),
    (set_param("split.folds", 3), {"split"}),  # of another method
    (set_param("dedupe.near_threshold", 0.8), {"dedupe", "leaks"}),  # the same verdicts
    (set_param("embed.text.max_length", 64), {"embed", "label_audit"}),  # no row is so long; descriptions could be
    (set_param("collect.on_bad_row", "drop"), {"collect"}),
    (set_param("report.examples", 2), {"report"}),
    (edit("stages/page/report.css"), {"report"}),
    (edit("stages/modalities/text/clean/cleaner.py"), {"clean", "report"}),
]
# Of the last stage, whose outputs no stage reads.
EVALUATE_ONLY: list[tuple[Callable[[Path], None], set[str]]] = [
    (set_param("evaluate.calibration_bins", 5), {"evaluate"}),
    (edit("stages/evaluate.py"), {"evaluate"}),
]
# What is changed -> exactly the stages that run. A stage whose outputs come out with the same bytes reruns nothing
# after it.
AFFECTED = [
    # At once, which is faster: if one of these outputs changed, a stage would run that none of the changes concerns.
    (all_of(*(change for change, _ in SAME_OUTPUTS)), set().union(*(stages for _, stages in SAME_OUTPUTS))),
    (set_param("augment.copies", 1), {"augment", "leaks", *TRAINING}),
    (
        set_param("label_audit.C", 2.0),
        {"label_audit", "augment", "evaluate", "report"},
    ),  # other scores, the same training rows
    (set_param("split.validation", 0.3), FROM_SPLIT),
    (
        all_of(set_param("outliers.neighbours", 3), *(change for change, _ in EVALUATE_ONLY)),
        {"outliers", "split", "report", "evaluate"},
    ),  # other scores, no outliers
    (
        set_param("clean.text.min_chars", 12),
        {"clean", "finetune", "predict"},
    ),  # the recipe that is saved with the model
    (
        replace_in("data/tiny/test.csv", "class\n", "class\nsome fig and a plum,fruit\n"),
        {"collect", *FROM_CLEAN} - {"finetune"},
    ),  # a test row never retrains
    (replace_in("data/tiny/train.csv", "class\n", "class\none more fig and a plum,fruit\n"), {"collect", *FROM_CLEAN}),
]


@pytest.mark.parametrize(("change", "stages"), AFFECTED, ids=lambda value: getattr(value, "__name__", ""))
def test_only_affected_stages_run(
    change: Callable[[Path], None], stages: set[str], copy_of_text_line: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy_of_text_line)
    change(copy_of_text_line)
    assert stages_in_place.repro().keys() == stages


# What is changed -> the stages that it concerns, without running them.
CONCERNED = [
    (set_param("seed", 1), {"split", "label_audit", "augment", "finetune"}),
    (set_param("epochs", 1), {"finetune"}),
    (set_param("finetune.text.label_smoothing", 0.0), {"finetune"}),
    (set_param("finetune.text.head_init", "random"), {"finetune"}),
    (
        edit("stages/targets/category/label.py"),
        {"clean", "outliers", "split", "label_audit", "augment", "evaluate", "report"},
    ),
    (edit("stages/targets/category/objective.py"), {"label_audit", *TRAINING}),
    (edit("stages/tasks/text_category/learn.py"), {"finetune"}),
    (edit("stages/modalities/text/learn.py"), {"finetune"}),
    (edit("stages/modalities/text/serve.py"), {"predict"}),  # how a model is loaded trains nothing
    (edit("stages/modalities/text/augment.py"), {"augment"}),  # trains nothing, while the copies stay as they are
    (edit("stages/tasks/text_category/augment.py"), {"augment"}),
    (edit("stages/targets/category/score.py"), {"evaluate"}),  # a metric cleans nothing
    (edit("stages/targets/category/compare.py"), {"dedupe"}),
    (edit("stages/targets/category/audit.py"), {"label_audit"}),
    (edit("stages/contracts/report.py"), {"report"}),
    (edit("stages/contracts/score.py"), {"evaluate"}),
    (edit("stages/page/report.html"), {"report"}),
    (edit("stages/page/glossary.py"), {"report"}),
    (edit("stages/modalities/text/clean/reasons.py"), {"clean", "report"}),
    (edit("stages/modalities/image/clean/privacy.py"), set()),
    (edit("stages/modalities/text/compare.py"), {"dedupe", "leaks"}),
    (edit("stages/modalities/text/embed.py"), {"embed", "label_audit", "finetune"}),
    (edit("stages/modalities/text/baseline.py"), {"evaluate"}),  # only TF-IDF is fitted again
    (edit("stages/comparison/verdict.py"), {"evaluate"}),
    *SAME_OUTPUTS,
    *EVALUATE_ONLY,
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


@pytest.mark.parametrize("semantic", [False, True])
def test_dedupe_waits_for_embeddings_only_if_it_reads_them(semantic: bool, copy_of_text_line: Path) -> None:
    if semantic:
        set_param("dedupe.semantic", semantic)(copy_of_text_line)
    planned = tiny.stages_run(tiny.dvc(copy_of_text_line, "repro", "--force", "--dry", "dedupe").stdout)
    assert planned == {"collect", "clean", "dedupe"} | ({"embed"} if semantic else set())


def test_semantic_duplicates_rerun_what_reads_the_verdicts(
    copy_of_text_line: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy_of_text_line)
    set_param("dedupe.semantic", True)(copy_of_text_line)
    ran = stages_in_place.repro().keys()
    assert {"dedupe", "leaks"} <= ran
    assert not ran & {"collect", "clean", "embed"}
