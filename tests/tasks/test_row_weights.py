"""Rows that weigh less count less: in the training of every task, and in the probe that it starts from."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages import finetune
from stages.contracts.learn import load_task
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import write_tables
from stages.serving.predictor import load_predictor
from tests import tiny
from tests.tasks import test_audio_category as audio
from tests.tasks import test_image_category as image

N_ROWS = 12
BATCH = 5  # a mean over a power of 2 has the same bits however it is computed
Setup = tuple[Any, pa.Table, Any]  # a task, training rows and params


def text_task(target: str, own: dict[str, Any]) -> Callable[[Path], Setup]:
    def setup(folder: Path) -> Setup:
        tiny.write_text_model(folder / "tiny")
        task, texts = load_task("text", target), tiny.texts(N_ROWS, 1)
        labels: list[Any] = [label for _, label in texts]
        if target == "categories":
            labels = [[label] if number % 3 else [label, "third"] for number, label in enumerate(labels)]
        if target == "number":
            labels = [float(number) for number in range(N_ROWS)]
        shared = {"max_length": 32, "pooling": "mean", "head_init": "random", "probe_C": 10.0, "frozen_layers": 0}
        section = task.FinetuneParams.model_validate({**shared, "dropout": 0.0, **own})
        steps = SimpleNamespace(weight_decay=0.0, warmup=0.0, patience=9, of=lambda _: section)
        params = SimpleNamespace(model=str(folder / "tiny"), lr=1e-2, epochs=3, seed=0, threads=1, finetune=steps)
        return task, pa.table({"content": [text for text, _ in texts], "label": labels, "copy": [0] * N_ROWS}), params

    return setup


def image_task(folder: Path) -> Setup:
    params = image.finetune_params(image.write_pretrained("vit", folder), probe_C=10.0)
    params.lr = 1e-2
    return load_task("image", "category"), image.rows(N_ROWS), params


def audio_task(folder: Path) -> Setup:
    tiny.write_whisper(folder / "whisper")
    params = audio.params(str(folder / "whisper"), None, epochs=3, head_init="probe")
    return load_task("audio", "category"), audio.rows(range(N_ROWS // 2)), params


TASKS: dict[str, Callable[[Path], Setup]] = {
    "text_category, with the loss of the model": text_task("category", {"label_smoothing": 0.0}),
    "text_category, smoothed": text_task("category", {"label_smoothing": 0.1, "pooling": "model"}),
    "text_category, from a probe": text_task("category", {"label_smoothing": 0.1, "head_init": "probe"}),
    "text_categories": text_task("categories", {"positive_weight": 0.5, "head_init": "probe"}),
    "text_number": text_task("number", {"loss": "huber", "head_init": "probe"}),
    "image_category": image_task,
    "audio_category": audio_task,
}
tasks = pytest.mark.parametrize("setup", TASKS.values(), ids=TASKS)


def weighing(rows: pa.Table, weight: float) -> pa.Table:
    return rows.append_column("weight", pa.array([weight] * rows.num_rows))


def trained(setup: Setup, train: pa.Table, folder: Path, batch_size: int) -> Path:
    task, rows, params = setup
    params.batch_size = batch_size
    folder.mkdir()
    modality, _, target = task.__name__.split(".")[2].partition("_")  # type: ignore[attr-defined]
    task.finetune(train, rows, params, {"modality": modality, "target": target}, folder)
    return folder


@tasks
def test_wrong_labels_without_weight_change_nothing(
    setup: Callable[[Path], Setup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row is there a second time, with the label of another one. All rows are in one batch."""
    monkeypatch.chdir(tmp_path)
    task, rows, params = setup(tmp_path)
    wrong = rows.set_column(1, "label", pa.array(rows["label"].to_pylist()[::-1]))

    def predicted(train: pa.Table, name: str) -> Any:
        model = trained((task, rows, params), train, tmp_path / name, 2 * N_ROWS)
        return load_predictor(model).predict(rows["content"].to_pylist(), 4).predictions

    without = predicted(rows, "without")
    ignored = predicted(pa.concat_tables([weighing(rows, 1.0), weighing(wrong, 0.0)]), "ignored")
    learned = predicted(pa.concat_tables([weighing(rows, 1.0), weighing(wrong, 1.0)]), "learned")
    assert np.abs(learned - without).max() > 0.01
    assert np.abs(ignored - without).max() < 0.02 * np.abs(learned - without).max()


@tasks
def test_equal_weights_train_the_same_bytes(
    setup: Callable[[Path], Setup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = setup(tmp_path)
    without = trained(made, made[1], tmp_path / "without", BATCH)
    weighed = trained(made, weighing(made[1], 1.0), tmp_path / "weighed", BATCH)
    files = [path.name for path in without.glob("*.safetensors")]
    assert files
    assert all((without / name).read_bytes() == (weighed / name).read_bytes() for name in files)


def test_tags_have_no_loss_of_rows() -> None:
    rows = pa.table({"content": ["one fig"] * 2, "label": [["O", "B-fruit"]] * 2, "weight": [1.0, 0.25]})
    with pytest.raises(InputError, match="data/train: the weights of its rows differ, but tags are learned token by"):
        load_task("text", "tags").finetune(rows, rows, None, {}, Path())


@pytest.mark.usefixtures("workplace")
def test_finetune_reads_the_weights_of_training_rows() -> None:
    rows = pa.table({"id": ["b", "a"], "copy": [0, 0], "content": ["x", "y"], "label": ["one", "two"]})
    write_tables(paths.TRAIN, [rows.append_column("weight", pa.array([0.25, 1.0]))])
    write_tables(paths.VALIDATION, [rows])
    assert finetune.read_rows(paths.TRAIN)["weight"].to_pylist() == [1.0, 0.25]
    assert "weight" not in finetune.read_rows(paths.VALIDATION).column_names
