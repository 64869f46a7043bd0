"""What fine-tuning does before and between the Trainer's steps."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.core.errors import InputError
from stages.targets.category.objective import Objective
from tests import tiny

BATCH = 8


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny.write_text_model(folder)
    return folder


def finetune_params(**changes: Any) -> Any:
    from stages.tasks.text_category.learn import FinetuneParams

    values = {
        "max_length": 32,
        "pooling": "mean",
        "head_init": "random",
        "probe_C": 1.0,
        "frozen_layers": 0,
        "dropout": 0.0,
        "label_smoothing": 0.0,
    }
    return FinetuneParams(**{**values, **changes})


def fruit_or_tool() -> Objective:
    return Objective(["fruit", "tool"])


def epochs(lengths: Sequence[int], count: int, seed: int = 1) -> list[list[int]]:
    from stages.training.trainer import SimilarLengths

    sampler = SimilarLengths(lengths, BATCH, seed)
    return [list(sampler) for _ in range(count)]


@pytest.mark.parametrize("n_rows", [3, 8, 100])
def test_every_row_comes_once_an_epoch(n_rows: int) -> None:
    lengths = random.Random(0).choices(range(4, 60), k=n_rows)
    assert all(sorted(order) == list(range(n_rows)) for order in epochs(lengths, 3))


def test_a_batch_holds_rows_of_about_one_length() -> None:
    lengths = random.Random(0).choices(range(4, 60), k=400)
    (order,) = epochs(lengths, 1)
    padded = sum(
        BATCH * max(lengths[row] for row in order[start : start + BATCH]) for start in range(0, len(order), BATCH)
    )
    assert padded < 1.05 * sum(lengths)


def test_batches_differ_between_epochs_and_come_back_with_the_seed() -> None:
    lengths = [5] * 20 + [9] * 20 + [30] * 3
    first, second, third = epochs(lengths, 3)
    assert first != second != third
    assert {frozenset(first[start : start + BATCH]) for start in range(0, 40, BATCH)} != {
        frozenset(second[start : start + BATCH]) for start in range(0, 40, BATCH)
    }
    assert epochs(lengths, 3) == [first, second, third]
    assert epochs(lengths, 1, seed=2) != [first]


def test_the_short_batch_may_hold_any_rows() -> None:
    lengths = list(range(4, 47))
    short = {frozenset(order[40:]) for order in epochs(lengths, 30)}
    assert len(short) > 3


@pytest.mark.parametrize(
    ("layers", "trained"),
    [(0, {"embeddings", "layer.0", "layer.1"}), (1, {"layer.0", "layer.1"}), (2, {"layer.1"}), (3, set())],
)
def test_the_lowest_layers_are_frozen(layers: int, trained: set[str], model_folder: Path) -> None:
    from transformers import AutoModel

    from stages.models.layers import freeze

    backbone = AutoModel.from_pretrained(model_folder)
    freeze(backbone, layers, "frozen_layers")
    names = [name for name, weights in backbone.named_parameters() if weights.requires_grad]
    assert {part for part in ("embeddings", "layer.0", "layer.1") if any(part in name for name in names)} == trained


def test_more_layers_than_there_are_cannot_be_frozen(model_folder: Path) -> None:
    from transformers import AutoModel

    from stages.models.layers import freeze

    with pytest.raises(
        InputError, match="frozen_layers: 4, but the model has 2 layers and its embeddings; give at most 3"
    ):
        freeze(AutoModel.from_pretrained(model_folder), 4, "frozen_layers")


def test_no_more_tokens_than_the_model_has_positions_for(model_folder: Path) -> None:
    from stages.modalities.text.encode.encoder import TextEncoder
    from stages.modalities.text.learn import first_model

    with pytest.raises(
        InputError, match=r"embed\.text.max_length: 65, but the model takes 64 tokens at most; give 64 or less"
    ):
        TextEncoder.load(str(model_folder), 65)
    with pytest.raises(InputError, match=r"finetune\.text\.max_length: 65, but the model takes 64"):
        first_model(str(model_folder), finetune_params(max_length=65), fruit_or_tool(), 1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_sizez": [8]}, "hidden_sizez: unknown key; allowed are "),
        ({"hidden_sizes": [8, 16], "depths": [1]}, "model resnet with finetune.image.config: "),
        ({"layer_type": "thick"}, "model resnet with finetune.image.config: .*thick"),
    ],
)
def test_configs_that_give_no_model(config: dict[str, Any], message: str) -> None:
    from stages.modalities.image.learn import first_model
    from stages.tasks.image_category.learn import FinetuneParams

    of_pretrained = {"head_init": "random", "probe_C": 1.0, "frozen_layers": 0}
    section = FinetuneParams(size=32, config=config, label_smoothing=0.0, **of_pretrained)
    with pytest.raises(InputError, match=message):
        first_model("resnet", section, fruit_or_tool())


@pytest.mark.parametrize("pooling", ["mean", "model"])
def test_dropout_is_that_of_params(pooling: str, model_folder: Path) -> None:
    import torch

    from stages.modalities.text.learn import first_model

    model = first_model(str(model_folder), finetune_params(pooling=pooling, dropout=0.25), fruit_or_tool(), 1)
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.25}


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("n_sides", [1, 2])
def test_the_head_starts_as_the_probe(n_sides: int, model_folder: Path) -> None:
    """Before a step is trained, the model says what logistic regression on its backbone's vectors says."""
    import numpy as np
    import torch
    from scipy.special import softmax
    from transformers import AutoTokenizer

    from stages.modalities.text.encode.encoder import TextEncoder
    from stages.modalities.text.learn import first_model, frozen_vectors
    from stages.modalities.text.network.frontend import tokenise
    from stages.modalities.text.network.texts import collator
    from stages.targets._probe import fit_probe

    rows = tiny.texts(20, seed=3)
    texts, classes = (
        [text + " and" * (7 * place % 5) for place, (text, _) in enumerate(rows)],
        [int(label == "tool") for _, label in rows],
    )
    contents = texts if n_sides == 1 else [f"{text}\n{' '.join(text.split()[::2])}" for text in texts]
    tokenizer, objective = AutoTokenizer.from_pretrained(model_folder), fruit_or_tool()
    model = first_model(str(model_folder), finetune_params(), objective, n_sides).eval()
    sides_of_rows = tokenise(tokenizer, contents, 32)
    encoded = [{"sides": sides, "labels": label} for sides, label in zip(sides_of_rows, classes, strict=True)]
    frozen = frozen_vectors(contents, str(model_folder), 32, threads=1)
    model.start_head(*objective.first_head(frozen, classes, 10.0))
    with torch.inference_mode():
        logits = model(**collator(tokenizer)(encoded)).logits.numpy()
    vectors = TextEncoder(model.backbone, tokenizer, 32).embed(contents, 6)
    probe = fit_probe(vectors, np.array(classes), 2, 10.0)
    expected = softmax(vectors @ probe.weights.T + probe.bias, axis=1)
    assert objective.outputs(logits) == pytest.approx(expected, abs=1e-4)
    assert (expected.argmax(axis=1) == classes).mean() > 0.75


def small_network(normalised: bool) -> Any:
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(2) if normalised else torch.nn.LayerNorm(2)
            self.head = torch.nn.Linear(2, 2)

        def forward(self, values: Any, labels: Any = None) -> Any:
            logits = self.head(self.norm(values))
            if labels is None:
                return {"logits": logits}
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    return Network()


def trained_batches(n_rows: int, batch_size: int, normalised: bool, lengths: Sequence[int], folder: Path) -> list[int]:
    """The sizes of the batches of two epochs, after a check that validation has all of its rows."""
    import torch
    from transformers import TrainingArguments

    from stages.training.trainer import BucketTrainer, Examples

    sizes: list[int] = []

    def encode(row: int) -> dict[str, Any]:
        return {"values": torch.tensor([row / 7, row % 3], dtype=torch.float32), "labels": torch.tensor(row % 2)}

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        sizes.append(len(rows))
        return torch.utils.data.default_collate(rows)

    rows = Examples(range(n_rows), encode, lengths)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=2,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=batch_size,
        save_strategy="no",
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
    )
    network = small_network(normalised)
    trainer = BucketTrainer(network, arguments, train_dataset=rows, eval_dataset=rows, data_collator=collate)
    trainer.train()
    trained = list(sizes)
    assert len(trainer.predict(rows).predictions) == n_rows
    return trained


def test_what_a_row_counts_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    """The mean over batches of any size is the weighted mean of the losses of all rows."""
    import numpy as np
    import torch
    from transformers import TrainingArguments

    from stages.training.trainer import BucketTrainer, Examples, with_weights

    def encode(row: int) -> dict[str, Any]:
        return {"values": torch.tensor([row / 7, row % 3]), "labels": torch.tensor(row % 2)}

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {key: torch.stack([row[key] for row in rows]) for key in ("values", "labels")}

    weights = np.array([1.0, 0.25, 0.0, 1.0, 0.5, 1.0, 0.25, 1.0])
    rows, network = Examples(range(8), encode, weights=weights), small_network(normalised=False)
    trainer = BucketTrainer(network, TrainingArguments(str(tmp_path), use_cpu=True))

    def mean_loss(batch_size: int) -> float:
        batches = [[rows[row] for row in range(start, start + batch_size)] for start in range(0, 8, batch_size)]
        return float(np.mean([trainer.compute_loss(network, with_weights(collate)(batch)).item() for batch in batches]))

    batch = collate([encode(row) for row in range(8)])
    losses = torch.nn.functional.cross_entropy(network(batch["values"])["logits"], batch["labels"], reduction="none")
    expected = float(losses.detach().numpy() @ weights / weights.sum())
    assert [mean_loss(size) for size in (1, 2, 4, 8)] == pytest.approx([expected] * 4, rel=1e-5)


@pytest.mark.parametrize("has_lengths", [False, True])
def test_a_last_batch_of_one_row_is_left_out(has_lengths: bool, tmp_path: Path) -> None:
    def batches(n_rows: int, normalised: bool = True) -> list[int]:
        lengths = [1 + row % 5 for row in range(n_rows)] if has_lengths else []
        return trained_batches(n_rows, 4, normalised, lengths, tmp_path)

    assert batches(9) == [4, 4] * 2
    assert batches(10) == [4, 4, 2] * 2
    assert batches(8) == [4, 4] * 2
    assert batches(3) == [3] * 2
    assert batches(9, normalised=False) == [4, 4, 1] * 2  # other models learn from a single row


def test_batches_of_one_row_cannot_be_normalised(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch_size: 1, but the model normalises .*; give 2 or more"):
        trained_batches(9, 1, True, [], tmp_path)
    with pytest.raises(InputError, match="data/train: 1 row, but the model normalises"):
        trained_batches(1, 4, True, [], tmp_path)
    assert trained_batches(4, 2, True, [], tmp_path) == [2] * 4  # as the message says
