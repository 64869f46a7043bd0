"""Every task, found by its file name, does what its Protocols promise."""

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.contracts.clean import load_cleaner
from stages.contracts.content import load_modality
from stages.core import variants
from stages.core.tables import Content, Label
from stages.serving.predictor import Predictor, load_predictor
from tests.samples.checks import check_conclusion, same_bits
from tests.samples.variants import names, raw, rows_of, samples_of, whole_target


def whole_task(name: str) -> Any:
    """All parts of a task in one object."""
    return SimpleNamespace(
        **{
            key: value
            for part in ("augment", "learn")
            for key, value in vars(variants.load("tasks", name, part)).items()
        }
    )


tasks = pytest.mark.parametrize("name", names("tasks"))
of_category = pytest.mark.parametrize("name", [name for name in names("tasks") if name.endswith("_category")])


def modality_of(task: str) -> str:
    return max((name for name in names("modalities") if task.startswith(f"{name}_")), key=len)


def parts_of(task: str) -> tuple[str, str]:
    modality = modality_of(task)
    return modality, task.removeprefix(f"{modality}_")


def labelled_rows(task: str) -> list[tuple[Content, Label]]:
    label_of = samples_of(task, "tasks").label_of
    return [(content, label_of(content)) for content in rows_of(modality_of(task))]


def augmenter(name: str, strength: str) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    task = whole_task(name)
    params = task.AugmentParams(**getattr(samples_of(name, "tasks"), strength))
    return task.augmenter(params, lambda: iter(labelled_rows(name)))


@tasks
def test_augment_depends_on_the_row_params_and_seed_alone(name: str) -> None:
    rows, changed = labelled_rows(name), augmenter(name, "augment")
    before = [changed(*row, seed) for row in rows for seed in (1, 2)]
    random.seed(7)
    np.random.seed(7)
    augmenter(name, "wildest")(*rows[0], 99)
    after = [changed(*row, seed) for row in rows[::-1] for seed in (2, 1)]
    assert after == before[::-1]
    anew = augmenter(name, "augment")
    assert [anew(*row, seed) for row in rows for seed in (1, 2)] == before
    copies = {changed(*rows[1], seed)[0] for seed in range(20)}
    assert len(copies) > 10


@tasks
@pytest.mark.parametrize("strength", ["augment", "wildest"])
def test_augmented_rows_are_valid(name: str, strength: str) -> None:
    modality_name, target_name = parts_of(name)
    cleaner, target, samples = (
        load_cleaner(modality_name),
        whole_target(target_name),
        samples_of(modality_name, "modalities"),
    )
    clean = cleaner.CleanParams(**{**samples.clean, **samples.clean_copies})
    changed = augmenter(name, strength)
    copies = [changed(*row, seed) for row in labelled_rows(name) for seed in range(5)]
    contents, labels = map(list, zip(*copies, strict=True))
    assert pa.array(contents, load_modality(modality_name).CONTENT).to_pylist() == contents
    assert pa.array(labels, target.LABEL).to_pylist() == labels
    assert {cleaner.clean(raw(content), clean).reason for content in contents} == {None}


@of_category
@pytest.mark.parametrize("strength", ["augment", "wildest"])
def test_a_copy_has_the_category_of_its_row(name: str, strength: str) -> None:
    changed = augmenter(name, strength)
    assert all(changed(*row, seed)[1] == row[1] for row in labelled_rows(name) for seed in range(5))


def written_model(name: str, folder: Path) -> Predictor:
    samples, (modality, target) = samples_of(name, "tasks"), parts_of(name)
    samples.write_model(folder, {**samples.recipe, "modality": modality, "target": target})
    return load_predictor(folder)


@tasks
def test_predict(name: str, tmp_path: Path) -> None:
    """A label and numbers for every row, with the same bits whatever rows stand beside it."""
    predictor, rows = written_model(name, tmp_path / "model"), rows_of(modality_of(name))
    found = predictor.predict(rows, 4)
    check_conclusion(found, len(rows), whole_target(parts_of(name)[1]))
    for some in ([*range(len(rows))][::-1], [*range(1, len(rows), 2)], [0]):
        again = predictor.predict([rows[row] for row in some], 4)
        assert same_bits(again.predictions, found.predictions[some])
        assert list(again.labels) == [found.labels[row] for row in some]
        assert list(again.columns) == list(found.columns)


@of_category
def test_predicted_categories(name: str, tmp_path: Path) -> None:
    """Probabilities, and the class of the largest one."""
    found = written_model(name, tmp_path / "model").predict(rows_of(modality_of(name)), 4)
    assert list(found.columns) == ["fruit", "tool"]
    assert found.predictions.min() >= 0
    assert found.predictions.sum(axis=1) == pytest.approx(np.ones(len(found.labels)))
    assert list(found.labels) == [found.columns[number] for number in found.predictions.argmax(axis=1)]
