"""Tags on the tokens of a text, such as named entities: a linear head on the hidden state and the shape of each token's first sub-word."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.contracts.objective import Conclusion
from stages.core.tables import ragged
from stages.modalities.text.learn import dropouts
from stages.targets.tags.objective import NOT_LEARNED, Objective, ObjectiveParams
from stages.training.recipe import read_recipe, write_recipe


class FinetuneParams(ObjectiveParams):
    max_length: int = Field(ge=8, description="tokens of the windows that a longer text is cut into")
    layers: list[int] = Field(
        min_length=1,
        description="the hidden layers whose mean is a token's vector; those above them are left out of the model",
    )
    head_init: Literal["random", "probe"] = Field(
        description="where the head starts: at random, or at a linear model of frozen vectors (LP-FT)"
    )
    probe_C: float = Field(gt=0, description="inverse strength of that model's regularisation")
    frozen_layers: int = Field(
        ge=0,
        description="how many of the lowest layers stay as they are, the embeddings being the first: faster, and seldom worse",
    )
    dropout: float = Field(
        ge=0, lt=1, description="share of activations that are left out in training; 0 is a quarter faster"
    )

    @model_validator(mode="after")
    def check_layers(self) -> Self:
        if min(self.layers) < 1:
            raise ValueError("layers are counted from 1, the lowest one above the embeddings")
        return self


def finetune(
    train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path
) -> dict[str, float | int]:
    from transformers import set_seed

    from stages.modalities.text.encode.words import load_word_tokenizer
    from stages.training.trainer import fine_tune

    set_seed(params.seed)
    own = params.finetune.of("text")
    objective = Objective.of(train["label"].to_pylist(), own)
    tokenizer = load_word_tokenizer(params.model)
    model = first_model(params.model, own, objective)
    if own.head_init == "probe":
        start_head(model, tokenizer, train.filter(pc.equal(train["copy"], 0)), objective, own, params.batch_size)
    rows, held_out = (examples(tokenizer, table, objective, own.max_length) for table in (train, validation))
    measured = fine_tune(model, rows, held_out, collator(tokenizer), objective, params)
    model.save(folder)
    tokenizer.save_pretrained(folder)
    write_recipe(folder, {**recipe, **objective.recipe(), "layers": own.layers, "max_length": own.max_length})
    return measured


def first_model(name: str, own: FinetuneParams, objective: Objective) -> Any:
    """The lower layers of the pretrained model, with a head for these tags."""
    from transformers import AutoConfig

    from stages.modalities.text.encode.backbone import check_length, freeze, load_layers
    from stages.modalities.text.encode.words import TaggedText
    from stages.models import pretrained

    config = pretrained.load(AutoConfig, name)
    check_length(config, own.max_length, "finetune.text.max_length")
    backbone = load_layers(name, max(own.layers), "finetune.text.layers", **dropouts(config, own.dropout))
    freeze(backbone, own.frozen_layers)
    return TaggedText(backbone, own.layers, len(objective.columns))


def start_head(
    model: Any, tokenizer: Any, rows: pa.Table, objective: Objective, own: FinetuneParams, batch_size: int
) -> None:
    """The head becomes a linear model of the backbone's own vectors of these rows (LP-FT: Kumar et al. 2022)."""
    from stages.modalities.text.encode.backbone import Head
    from stages.modalities.text.encode.words import word_vectors
    from stages.models import pretrained

    model.to(pretrained.device())
    vectors = ragged(
        list(
            word_vectors(
                model.backbone, own.layers, tokenizer, rows["content"].to_pylist(), own.max_length, batch_size, "probe"
            )
        )
    )
    model.start_head(Head.of(*objective.first_head(vectors, objective.targets(rows["label"].to_pylist()), own.probe_C)))


def examples(tokenizer: Any, rows: pa.Table, objective: Objective, longest: int) -> Any:
    """The windows of all rows; each token is learned in one of them."""
    from stages.modalities.text.encode.words import encode_words
    from stages.training.trainer import Examples

    windows: list[dict[str, Any]] = []
    for words, targets in zip(
        encode_words(tokenizer, rows["content"].to_pylist(), longest),
        objective.targets(rows["label"].to_pylist()),
        strict=True,
    ):
        for number, features in enumerate(words.windows):
            inside = words.places[:, 0] == number
            windows.append(
                {
                    "features": features,
                    "places": words.places[inside, 1],
                    "shapes": words.shapes[inside],
                    "targets": np.array(targets)[inside],
                }
            )
    return Examples(windows, dict, [len(window["features"]["input_ids"]) for window in windows])


def collator(tokenizer: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Makes a batch of windows, padded to the longest; a token that is no word's first has no shape and is not learned."""
    import torch

    def collate(windows: list[dict[str, Any]]) -> dict[str, Any]:
        batch = tokenizer.pad([window["features"] for window in windows], return_tensors="pt")
        shapes = torch.zeros(*batch["input_ids"].shape, windows[0]["shapes"].shape[1])
        labels = torch.full(batch["input_ids"].shape, NOT_LEARNED)
        for row, window in enumerate(windows):
            shapes[row, window["places"]] = torch.from_numpy(window["shapes"])
            labels[row, window["places"]] = torch.from_numpy(window["targets"])
        return {**batch, "shapes": shapes, "labels": labels}

    return collate


def predict(folder: Path, contents: Sequence[str], batch_size: int) -> Conclusion:
    import torch

    from stages.modalities.text.encode.words import TaggedText, load_word_tokenizer, word_vectors
    from stages.models import pretrained

    recipe = read_recipe(folder)
    model = TaggedText.load(folder, recipe["layers"]).to(pretrained.device()).eval()
    vectors = word_vectors(
        model.backbone,
        model.layers,
        load_word_tokenizer(str(folder)),
        contents,
        recipe["max_length"],
        batch_size,
        "predict",
    )
    with torch.inference_mode():
        logits = ragged(
            [model.head(torch.from_numpy(row).to(model.head.weight.device)).cpu().numpy() for row in vectors]
        )
    objective = Objective.from_recipe(recipe)
    return objective.conclude(objective.outputs(logits))
