"""Fine-tunes a transformer that tags the tokens of a text, such as named entities.

In this file a token is one of the row's content, a word for the model; the model's own tokens are sub-words.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.contracts._coverage import Coverage
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import ragged
from stages.modalities.text.learn import dropouts
from stages.targets.tags.objective import NOT_LEARNED, Objective, ObjectiveParams
from stages.training.recipe import write_recipe


class FinetuneParams(ObjectiveParams):
    max_length: int = Field(
        ge=8, description="length of a window, in tokens of the model; a longer text is cut into overlapping windows"
    )
    layers: list[int] = Field(
        min_length=1,
        description="the hidden layers whose mean is a token's vector; the layers above them are not used",
    )
    head_init: Literal["random", "probe"] = Field(
        description="how the head is initialised: at random, or with a linear model fitted on frozen vectors (LP-FT)"
    )
    probe_C: float = Field(gt=0, description="inverse of the regularisation strength of that linear model")
    frozen_layers: int = Field(
        ge=0,
        description="number of the lowest layers that are not trained, the embeddings counting as the first: "
        "faster, and seldom worse",
    )
    dropout: float = Field(
        ge=0, lt=1, description="share of activations that are dropped in training; 0 is a quarter faster"
    )

    @model_validator(mode="after")
    def check_layers(self) -> Self:
        if min(self.layers) < 1:
            raise ValueError("layers are counted from 1, the lowest one above the embeddings")
        return self


def finetune(
    train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path
) -> dict[str, float | int]:
    """Meets contracts.learn.Task.

    Raises:
        InputError: some rows have other weights than others.
    """
    from transformers import set_seed

    from stages.modalities.text.network.tagger import token_states
    from stages.modalities.text.network.tokenizer import tell_padding, try_out
    from stages.modalities.text.network.words import load_word_tokenizer
    from stages.training.trainer import fine_tune, row_weights

    if row_weights(train) is not None:
        raise InputError(
            f"{paths.TRAIN}: the weights of its rows differ, but tags are learned token by token; "
            "set label_audit.policy to drop, relabel or keep"
        )
    set_seed(params.seed)
    section = params.finetune.of("text")
    objective = Objective.of(train["label"].to_pylist(), section)
    tokenizer = load_word_tokenizer(params.model)
    model = first_model(params.model, section, objective)
    tell_padding(model, tokenizer)
    try_out(
        params.model,
        lambda batch: token_states(model.backbone, section.layers, batch),
        tokenizer,
        section.max_length,
        "finetune.text.max_length",
    )
    if section.head_init == "probe":
        originals = train.filter(pc.equal(train["copy"], 0))
        start_head(model, tokenizer, originals, objective, section, params.batch_size)
    train_examples = examples(tokenizer, train, objective, section.max_length)
    validation_examples = examples(tokenizer, validation, objective, section.max_length)
    metrics = fine_tune(model, train_examples, validation_examples, collator(tokenizer), objective, params)
    model.save(folder)
    tokenizer.save_pretrained(folder)
    more = {"layers": section.layers, "max_length": section.max_length}
    write_recipe(folder, {**recipe, **objective.recipe(), **more})
    return metrics


def measure(contents: Sequence[str], params: Any) -> Coverage:
    """Meets contracts.learn.Task. No text is cut, as a long one is read in windows."""
    from stages.modalities.text.encode.coverage import Reader
    from stages.modalities.text.encode.coverage import measure as measure_texts
    from stages.modalities.text.network.words import load_word_tokenizer

    reader = Reader(load_word_tokenizer(params.model), None, "model", "finetune.text.max_length")
    return measure_texts(contents, reader, lambda: None)


def first_model(name: str, section: FinetuneParams, objective: Objective) -> Any:
    """The lower layers of the pretrained model, with a new head."""
    from transformers import AutoConfig

    from stages.modalities.text.network.backbone import load_layers
    from stages.modalities.text.network.tagger import TaggedText
    from stages.modalities.text.network.tokenizer import check_length
    from stages.models import pretrained
    from stages.models.layers import freeze

    config = pretrained.load(AutoConfig, name)
    check_length(name, section.max_length, "finetune.text.max_length")
    dropout = dropouts(config, section.dropout)
    backbone = load_layers(name, max(section.layers), "finetune.text.layers", **dropout)
    freeze(backbone, section.frozen_layers, "finetune.text.frozen_layers")
    return TaggedText(backbone, section.layers, len(objective.columns))


def start_head(
    model: Any, tokenizer: Any, rows: pa.Table, objective: Objective, section: FinetuneParams, batch_size: int
) -> None:
    """Initialises the head with the probe on the frozen backbone's vectors of these rows (LP-FT: Kumar et al. 2022)."""
    from stages.modalities.text.network.tagger import word_vectors
    from stages.models import pretrained

    model.to(pretrained.device())
    contents = rows["content"].to_pylist()
    vectors = word_vectors(model.backbone, section.layers, tokenizer, contents, section.max_length, batch_size, "probe")
    targets = objective.targets(rows["label"].to_pylist())
    model.start_head(*objective.first_head(ragged(list(vectors)), targets, section.probe_C))


def examples(tokenizer: Any, rows: pa.Table, objective: Objective, max_length: int) -> Any:
    """The windows of all rows. Windows overlap; each token is learned in one of them."""
    from stages.modalities.text.network.words import encode_words
    from stages.training.trainer import Examples

    encoded = encode_words(tokenizer, rows["content"].to_pylist(), max_length)
    targets_of_rows = objective.targets(rows["label"].to_pylist())
    windows: list[dict[str, Any]] = []
    for words, targets in zip(encoded, targets_of_rows, strict=True):
        window_numbers, positions = words.places.T
        for number, features in enumerate(words.windows):
            inside = window_numbers == number
            windows.append(
                {
                    "features": features,
                    "positions": positions[inside],
                    "shapes": words.shapes[inside],
                    "targets": np.array(targets)[inside],
                }
            )
    lengths = [len(window["features"]["input_ids"]) for window in windows]
    return Examples(windows, dict, lengths)


def collator(tokenizer: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Makes a batch of windows, padded to the longest one.

    Only the first sub-word of a token has a shape and is learned.
    """
    import torch

    def collate(windows: list[dict[str, Any]]) -> dict[str, Any]:
        batch = tokenizer.pad([window["features"] for window in windows], return_tensors="pt")
        n_shapes = windows[0]["shapes"].shape[1]
        shapes = torch.zeros(*batch["input_ids"].shape, n_shapes)
        labels = torch.full(batch["input_ids"].shape, NOT_LEARNED)
        for row, window in enumerate(windows):
            shapes[row, window["positions"]] = torch.from_numpy(window["shapes"])
            labels[row, window["positions"]] = torch.from_numpy(window["targets"])
        return {**batch, "shapes": shapes, "labels": labels}

    return collate
