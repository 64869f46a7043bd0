"""NaN and infinity in models and labels: embed and finetune stop in one line, with what to try."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.core.errors import InputError
from stages.core.tables import ragged, vector_column, vectors_of
from stages.modalities.text import embed
from stages.targets import _probe
from stages.targets.number.objective import Objective
from stages.tasks.text_category import learn
from stages.tasks.text_number import learn as number
from tests import tiny

TEXTS = [text for text, _ in tiny.texts(8, seed=3)]
LABELS = [label for _, label in tiny.texts(8, seed=3)]


def change_weights(folder: Path, change: Callable[[Any], None]) -> Path:
    """A model of texts with changed weights."""
    import torch
    from transformers import AutoModel

    tiny.write_text_model(folder)
    backbone = AutoModel.from_pretrained(folder)
    with torch.no_grad():
        change(backbone)
    backbone.save_pretrained(folder)
    return folder


def set_weight(value: float) -> Callable[[Any], None]:
    def change(backbone: Any) -> None:
        backbone.encoder.layer[1].output.dense.weight[0, 0] = value

    return change


def overflow(backbone: Any) -> None:
    """Its weights are numbers, its vectors are not."""
    for layer in backbone.encoder.layer:
        layer.output.LayerNorm.weight.fill_(1e30)


def finetune(task: Any, model: Path, labels: list[Any], **changes: Any) -> None:
    own = {"max_length": 16, "pooling": "mean", "head_init": "random", "probe_C": 1.0, "frozen_layers": 0, "dropout": 0}
    more = {"loss": "mse"} if task is number else {"label_smoothing": 0.0}
    lr = changes.pop("lr", 1e-3)
    section = task.FinetuneParams(**{**own, **more, "dropout": 0.0, **changes})
    stage = SimpleNamespace(weight_decay=0.0, warmup=0.0, patience=5, of=lambda _: section)
    params = SimpleNamespace(model=str(model), lr=lr, epochs=1, batch_size=4, seed=0, threads=1, finetune=stage)
    rows = pa.table({"content": TEXTS, "label": labels, "copy": pa.array([0] * len(TEXTS), pa.int32())})
    task.finetune(rows, rows, params, {}, model)


def embedded(model: Path, **changes: Any) -> Any:
    params = embed.EmbedParams(
        **{"model": str(model), "max_length": 16, "batch_size": 4, "token_layer": None, **changes}
    )
    return embed.embed(TEXTS, params)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_whose_weights_are_no_numbers_is_refused(value: float, tmp_path: Path) -> None:
    model = change_weights(tmp_path / "model", set_weight(value))
    said = rf"model {model}: 1 of its weights have NaN or infinity \(encoder.layer.1.output.dense.weight\), so it is"
    with pytest.raises(InputError, match=said):
        embedded(model)
    for pooling in ("mean", "model"):
        with pytest.raises(InputError, match="1 of its weights have NaN or infinity"):
            finetune(learn, model, LABELS, pooling=pooling)


@pytest.mark.usefixtures("workplace")
def test_a_head_does_not_start_from_vectors_that_are_no_numbers(tmp_path: Path) -> None:
    model = change_weights(tmp_path / "model", overflow)
    for task, labels in ((learn, LABELS), (number, [float(row) for row in range(8)])):
        with pytest.raises(InputError, match=f"model {model}: it returned NaN or infinity"):
            finetune(task, model, labels, head_init="probe")


def test_every_probe_checks_its_vectors() -> None:
    from scipy.sparse import csr_array

    for value in (np.nan, np.inf, -np.inf):
        vectors = np.array([[0, 1], [value, 0]], dtype=np.float32)
        for broken in (vectors, csr_array(vectors)):
            for fit in (
                lambda given: _probe.fit_probe(given, np.array([0, 1]), 2, 1.0),
                lambda given: _probe.fit_one_vs_rest(given, np.array([[True], [False]]), 1.0, [1.0]),
                lambda given: _probe.fit_ridge(given, np.array([0.0, 1.0]), 1.0),
            ):
                with pytest.raises(InputError, match="have NaN or infinity"):
                    fit(broken)


def test_vectors_of_tokens_that_half_precision_does_not_hold_are_refused() -> None:
    from stages.contracts.embed import Embedded
    from stages.models.vector_cache import check_numbers

    with np.errstate(over="ignore"):
        tokens = ragged([np.full((3, 2), 1e5).astype(np.float16), np.zeros((2, 2), np.float16)])
    with pytest.raises(InputError, match=r"model some: it returned NaN or infinity .*1 of 2 rows"):
        check_numbers(Embedded(np.zeros((2, 2), np.float32), tokens), "some")


def test_a_table_of_vectors_that_somebody_changed_is_refused() -> None:
    with pytest.raises(InputError, match="data/embeddings: its vectors have NaN or infinity"):
        vectors_of(pa.chunked_array([vector_column(np.array([[0.5, 1.0], [np.nan, 0.0]], np.float32))]))


@pytest.mark.parametrize("where", ["training", "validation"])
def test_a_loss_that_is_no_number_stops_the_training(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alone: a loss can be infinite and have a gradient, and a model can fail on the rows of validation only."""
    monkeypatch.chdir(tmp_path)
    tiny.write_text_model(tmp_path / "model")
    loss = Objective.loss.fget

    def broken(self: Objective) -> Any:
        def once(output: Any, targets: Any, num_items_in_batch: Any = None) -> Any:
            value = loss(self)(output, targets)
            return value + float("inf") if value.requires_grad == (where == "training") else value

        return once

    monkeypatch.setattr(Objective, "loss", property(broken))
    with pytest.raises(
        InputError, match=rf"^lr: the loss of {where} is inf after step \d.*give a lower lr \(it is 0\.0"
    ):
        finetune(number, tmp_path / "model", [float(row) for row in range(8)])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1e308, 0.0, 1.0], "labels from 0.0 to 1e+308 cannot be computed with"),
        ([1e308, -1e308, 1e308], "labels from -1e+308 to 1e+308 cannot be computed with"),
        ([0.0, 1e-320, 2e-320], "labels from 0.0 to 2e-320 cannot be computed with"),
    ],
)
def test_labels_without_a_deviation_are_one_line(labels: list[float], said: str) -> None:
    """They gave a model that says infinity, with a loss of 0."""
    with pytest.raises(InputError) as refused:
        Objective.of(labels)
    assert said in str(refused.value)


def test_large_labels_that_have_a_deviation_are_learned() -> None:
    assert np.isfinite(Objective.of([1e150, 2e150, 0.0]).targets([1e150, 2e150, 0.0])).all()
