"""What images have of their own."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.core.errors import InputError
from stages.modalities.image.augment import AugmentParams, as_png, augmenter
from stages.targets.category.objective import Objective
from tests.samples.modalities.image import picture

RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
LABELS = {"ellipse": "round", "rectangle": "square"}


def test_each_change_of_an_image_has_chances_of_its_own() -> None:
    """Half of the copies are flipped, a fifth is not turned, a fifth not zoomed, half get no noise: one in a
    hundred stays as it is, not one in five.
    """
    image = as_png(np.arange(12 * 12 * 3, dtype=np.uint8).reshape(12, 12, 3))
    augment = augmenter(AugmentParams(flip=True, rotate=20, crop=0.1, colour=0, noise=0.1), lambda: [])
    same = sum(augment(image, "one", seed)[0] == image for seed in range(400))
    assert same <= 12


def write_pretrained(kind: str, folder: Path) -> Path:
    """A classifier of three other classes."""
    import torch
    from transformers import AutoConfig, AutoModelForImageClassification, ViTImageProcessorPil

    torch.manual_seed(0)
    sizes = RESNET if kind == "resnet" else {**VIT, "image_size": 24, "patch_size": 8}
    config = AutoConfig.for_model(kind, num_labels=3, **sizes)
    AutoModelForImageClassification.from_config(config).save_pretrained(folder / kind)
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder / kind)
    return folder / kind


def rows(n_rows: int = 40) -> pa.Table:
    chosen = random.Random(0)
    shapes = [("ellipse", "rectangle")[number % 2] for number in range(n_rows)]
    contents = [picture(shape, side=chosen.randint(28, 60), colour=chosen.choice(("red", "blue"))) for shape in shapes]
    labels = [LABELS[shape] for shape in shapes]
    return pa.table({"content": contents, "label": labels, "copy": [0] * n_rows})


def finetune_params(model: Path, **changes: Any) -> Any:
    from stages.tasks.image_category.learn import FinetuneParams

    values = {"size": 24, "config": None, "head_init": "probe", "probe_C": 1_000.0, "frozen_layers": 0}
    section = FinetuneParams.model_validate(values | {"label_smoothing": 0.0} | changes)
    finetune = SimpleNamespace(weight_decay=0.0, warmup=0.0, patience=2, of=lambda modality: section)
    return SimpleNamespace(model=str(model), lr=1e-5, epochs=1, batch_size=8, seed=1, finetune=finetune)


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_the_output_layer_starts_from_a_probe(kind: str, tmp_path: Path) -> None:
    """Its logits are those of the probe, fitted on what the layer reads; copies take no part."""
    import torch

    from stages.modalities.image.learn import first_model
    from stages.modalities.image.network.frontend import ImageFrontend
    from stages.models.batches import stacked
    from stages.models.network import as_tensors
    from stages.training.probe_head import start_head

    section = finetune_params(write_pretrained(kind, tmp_path)).finetune.of("image")
    table = rows()
    objective = Objective.of(table["label"].to_pylist())
    model, processor = first_model(str(tmp_path / kind), section, objective)
    copies = table.set_column(2, "copy", pa.array([1] * 40)).set_column(1, "label", table["label"][::-1])

    def as_batch(contents: Sequence[bytes]) -> dict[str, Any]:
        return as_tensors(stacked([ImageFrontend(processor).inputs(content) for content in contents]))

    start_head(model, as_batch, pa.concat_tables([table, copies]), 8, objective, section.probe_C)
    with torch.inference_mode():
        logits = model.eval()(**as_batch(table["content"].to_pylist())).logits.numpy()
    assert objective.measure(logits, np.array(objective.targets(table["label"].to_pylist()))) >= 0.95


def test_a_probe_gives_the_same_logits_whatever_the_lengths_of_the_vectors() -> None:
    """The same C suits all models, as the vectors are scaled to a mean length of 1."""
    import torch

    from stages.training.probe_head import start_from_probe

    objective, random_vectors = Objective(["one", "two"]), torch.randn(30, 4, generator=torch.manual_seed(0))
    targets = [int(value > 0) for value in random_vectors[:, 0]]

    class Scaled(torch.nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.config, self.factor = SimpleNamespace(num_labels=2), factor
            self.below, self.head = torch.nn.Linear(4, 2), torch.nn.Linear(4, 2)

        def forward(self, vectors: torch.Tensor) -> SimpleNamespace:
            self.below(vectors)  # as wide as the output layer, and not it
            return SimpleNamespace(logits=self.head(vectors * self.factor))

    logits = []
    for factor in (1.0, 100.0):
        model = Scaled(factor)
        start_from_probe(model, [{"vectors": part} for part in random_vectors.split(8)], targets, objective, 1.0)
        logits.append(model(random_vectors).logits.detach().numpy())
    assert logits[0] == pytest.approx(logits[1], abs=1e-3)
    assert (logits[0].argmax(axis=1) == targets).mean() > 0.9


def test_logits_of_no_single_layer_cannot_start_from_a_probe() -> None:
    import torch

    from stages.training.probe_head import start_from_probe

    class Averaged(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config, self.heads = SimpleNamespace(num_labels=2), torch.nn.ModuleList([torch.nn.Linear(4, 2)] * 2)

        def forward(self, vectors: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=sum(head(vectors) for head in self.heads) / 2)

    with pytest.raises(InputError, match="the model's logits are not the output of one linear layer"):
        start_from_probe(Averaged(), [{"vectors": torch.zeros(2, 4)}], [0, 1], Objective(["one", "two"]), 1.0)


@pytest.fixture
def tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[str, Any], dict[str, Any]]]:
    """Fine-tunes the small ResNet; its weights before and after."""
    from safetensors.torch import load_file

    from stages.tasks.image_category import learn

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tuned").mkdir()

    def tune(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        params = finetune_params(write_pretrained("resnet", tmp_path), **changes)
        learn.finetune(rows(), rows(), params, {}, tmp_path / "tuned")
        return load_file("resnet/model.safetensors"), load_file("tuned/model.safetensors")

    return tune


def test_batch_normalisation_keeps_the_statistics_of_pretraining(tuned: Callable[..., Any]) -> None:
    before, after = tuned()
    statistics = [name for name in before if "running" in name]
    assert statistics
    assert all((before[name] == after[name]).all() for name in statistics)
    trained = [name for name in before if name.endswith("convolution.weight")]
    assert all((before[name] != after[name]).any() for name in trained)


def test_the_lowest_layers_of_an_image_model_are_frozen(tuned: Callable[..., Any]) -> None:
    before, after = tuned(frozen_layers=2)
    changed = {
        name for name in before if before[name].shape == after[name].shape and (before[name] != after[name]).any()
    }
    assert changed
    assert all(".stages.1." in name for name in changed)


def test_one_row_a_batch_is_enough_where_statistics_are_frozen(tmp_path: Path) -> None:
    from stages.modalities.image.learn import first_model
    from stages.training.trainer import drops_last

    section = finetune_params(write_pretrained("resnet", tmp_path)).finetune.of("image")
    model, _ = first_model(str(tmp_path / "resnet"), section, Objective(["one", "two"]))
    assert not drops_last(model, n_rows=9, batch_size=1)
    assert not drops_last(model, n_rows=9, batch_size=8)


def test_a_probe_needs_a_pretrained_model() -> None:
    with pytest.raises(ValueError, match="head_init: probe needs a pretrained model"):
        finetune_params(Path("resnet"), config=RESNET)
