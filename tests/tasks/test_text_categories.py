"""Any number of classes for each text: what is served is what was trained."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from stages.serving.predictor import load_predictor
from stages.targets.categories.objective import best_thresholds, multi_hot
from tests import tiny


@pytest.mark.parametrize("pooling", ["mean", "model"])
def test_what_is_served_is_what_was_trained(pooling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the saved folder come the labels that the model in memory gave on validation, by the thresholds that
    were tuned there.
    """
    from stages.tasks.text_categories.learn import FinetuneParams, finetune

    monkeypatch.chdir(tmp_path)
    tiny.write_text_model(tmp_path / "tiny")
    own = {
        "max_length": 32,
        "pooling": pooling,
        "head_init": "probe" if pooling == "mean" else "random",
        "probe_C": 1.0,
        "frozen_layers": 0,
    }
    section = SimpleNamespace(
        weight_decay=0.0, warmup=0.0, patience=5, of=lambda _: FinetuneParams(**own, dropout=0.0, positive_weight=0.5)
    )
    params = SimpleNamespace(
        model=str(tmp_path / "tiny"), lr=1e-3, epochs=2, batch_size=8, seed=0, threads=1, finetune=section
    )
    pairs = zip(tiny.texts(60, 1), tiny.texts(60, 9)[::-1], strict=True)
    contents = [text + (f" {other}" if number % 3 else "") for number, ((text, _), (other, _)) in enumerate(pairs)]
    labels = [
        [name for name, words in (("fruit", tiny.FRUIT), ("tool", tiny.TOOLS)) if {*words} & {*text.split()}]
        for text in contents
    ]
    rows = pa.table({"content": contents, "label": labels, "copy": pa.array([0] * len(labels), pa.int32())})
    (tmp_path / "model").mkdir()
    measured = finetune(rows[20:], rows[:20], params, {"modality": "text", "target": "categories"}, tmp_path / "model")
    predict = load_predictor(tmp_path / "model").predict
    found = predict(contents, 4)
    given = multi_hot(labels, found.columns)
    assert metrics.f1_score(given[:20], multi_hot(found.labels[:20], found.columns), average="macro") == pytest.approx(
        measured["validation_f1_macro"]
    )
    assert pooling == "model" or measured["validation_f1_macro"] > 0.7
    thresholds = json.loads((tmp_path / "model/whetstone.json").read_text())["thresholds"]
    assert thresholds == pytest.approx(best_thresholds(found.predictions[:20], given[:20])[0])
    alone = [predict([content], 4) for content in contents[:3]]
    assert np.concatenate([one.predictions for one in alone]).tobytes() == found.predictions[:3].tobytes()
    assert [one.labels[0] for one in alone] == found.labels[:3]
