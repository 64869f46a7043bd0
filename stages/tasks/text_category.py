"""Text classification: a fine-tuned transformer, with its own head or with a mean-pooled one that starts from a probe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.classification import Classes, prediction_table, softmax
from stages.model_folder import read_recipe, write_recipe
from stages.params import Strict

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="chance that a word changes places with the next")
    delete: float = Field(ge=0, le=1, description="chance that a word is left out")
    typo: float = Field(ge=0, le=1, description="chance that a word is mistyped")


class FinetuneParams(Strict):
    max_length: int = Field(ge=8, description="tokens after which a text is cut off")
    pooling: Literal["mean", "model"] = Field(description="a head on the mean of the last hidden states, or the head that the model comes with")
    head_init: Literal["random", "probe"] = Field(description="where a mean-pooled head starts: at random, or at a logistic regression (LP-FT)")
    probe_C: float = Field(gt=0, description="inverse strength of that regression's regularisation")
    frozen_layers: int = Field(ge=0, description="how many of the lowest layers stay as they are, the embeddings being the first: faster, and seldom worse")
    dropout: float = Field(ge=0, lt=1, description="share of activations that are left out in training; 0 is a quarter faster")

    @model_validator(mode="after")
    def check_head(self) -> Self:
        if self.head_init == "probe" and self.pooling == "model":
            raise ValueError("head_init: probe needs pooling: mean, as the model's own head does not start from its vectors")
        return self


def augment(content: str, params: AugmentParams, seed: int) -> str:
    """Each word is mistyped, deleted or swapped with the next, with the given chances (Wei & Zou 2019)."""
    rng = np.random.default_rng(seed)
    words = [mistype(word, rng) if rng.random() < params.typo else word for word in content.split(" ")]
    kept = [word for word in words if rng.random() >= params.delete] or words
    for place in range(len(kept) - 1):
        if rng.random() < params.swap:
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return " ".join(kept)


def mistype(word: str, rng: np.random.Generator) -> str:
    """One slip of a finger: the key beside, a letter left out, a letter doubled, or two in the wrong order."""
    place = int(rng.integers(max(1, len(word))))
    before, letter, after = word[:place], word[place : place + 1], word[place + 1 :]
    slips = (before + key_beside(letter, rng) + after, before + after or word, before + letter * 2 + after, before + after[:1] + letter + after[1:])
    return slips[int(rng.integers(len(slips)))]


def key_beside(letter: str, rng: np.random.Generator) -> str:
    row = next((row for row in KEYBOARD if letter and letter.lower() in row), letter)
    place = row.find(letter.lower())
    beside = row[max(0, place - 1) : place] + row[place + 1 : place + 2] or letter
    hit = beside[int(rng.integers(max(1, len(beside))))] if beside else ""
    return hit.upper() if letter.isupper() else hit


def finetune(train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    from transformers import AutoTokenizer, DataCollatorWithPadding, set_seed

    from stages import pretrained
    from stages.encoders.text import probe_head
    from stages.training import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("text")
    classes = Classes.of(train)
    tokenizer = pretrained.load(AutoTokenizer, params.model)

    def encoded(rows: pa.Table) -> list[dict[str, Any]]:
        columns = {**tokenizer(rows["content"].to_pylist(), truncation=True, max_length=own.max_length), "labels": classes.numbers(rows)}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def examples(rows: Sequence[dict[str, Any]]) -> Examples:
        return Examples(rows, dict, [len(row["input_ids"]) for row in rows])

    rows = encoded(train)
    model = first_model(params.model, own, classes)
    if own.head_init == "probe":
        originals = [row for row, copy in zip(rows, train["copy"].to_pylist(), strict=True) if copy == 0]
        model.start_head(probe_head(model, tokenizer, originals, params.batch_size, own.probe_C))
    measured = fine_tune(model, examples(rows), examples(encoded(validation)), DataCollatorWithPadding(tokenizer), params)
    (model.save if own.pooling == "mean" else model.save_pretrained)(folder)
    tokenizer.save_pretrained(folder)
    write_recipe(folder, {**recipe, "columns": classes.names, "pooling": own.pooling, "max_length": own.max_length})
    return measured


def first_model(name: str, own: FinetuneParams, classes: Classes) -> Any:
    """The pretrained model, with a head for these classes."""
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    from stages import pretrained
    from stages.encoders.text import PooledText, check_length, freeze

    config = pretrained.load(AutoConfig, name)
    check_length(config, own.max_length, "finetune.text.max_length")
    dropout = {key: own.dropout for key, value in config.to_dict().items() if "dropout" in key and isinstance(value, float)}  # models call it otherwise
    if own.pooling == "model":
        model = pretrained.load(AutoModelForSequenceClassification, name, use_safetensors=True, **dropout, **classes.config())
        backbone = model.base_model
    else:
        backbone = pretrained.load(AutoModel, name, use_safetensors=True, **dropout)
        model = PooledText(backbone, len(classes.names))
    freeze(backbone, own.frozen_layers)
    return model


def predict(folder: Path, contents: Sequence[str], batch_size: int) -> pa.Table:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from stages import pretrained
    from stages.encoders.text import PooledText, run_fixed

    recipe = read_recipe(folder)
    tokenizer = pretrained.load(AutoTokenizer, str(folder))
    model = PooledText.load(folder) if recipe["pooling"] == "mean" else pretrained.load(AutoModelForSequenceClassification, str(folder), use_safetensors=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.eval().to(device)

    def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = model(**{name: values.to(device) for name, values in batch.items()}).logits
        return logits

    logits = run_fixed(contents, tokenizer, recipe["max_length"], batch_size, forward, "predict")
    return prediction_table(softmax(logits), recipe["columns"])
