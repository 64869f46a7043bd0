"""Text classification: a fine-tuned transformer, with its own head or with a mean-pooled one that starts from a probe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
    freeze_embeddings: bool = Field(description="whether the word embeddings stay as they are: faster, and seldom worse on little data")

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
    from stages.training import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("text")
    classes = Classes.of(train)
    tokenizer = pretrained.load(AutoTokenizer, params.model)

    def examples(rows: pa.Table) -> Examples:
        encoded = tokenizer(rows["content"].to_pylist(), truncation=True, max_length=own.max_length)
        features = [{name: values[row] for name, values in encoded.items()} for row in range(rows.num_rows)]
        labelled = list(zip(features, classes.numbers(rows), strict=True))
        return Examples(labelled, lambda row: {**row[0], "labels": row[1]}, [len(ids) for ids in encoded["input_ids"]])

    model = first_model(params.model, own, classes, tokenizer, train, params.batch_size)
    collate = DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)
    measured = fine_tune(model, examples(train), examples(validation), collate, params)
    folder.mkdir(parents=True)
    (model.save if own.pooling == "mean" else model.save_pretrained)(folder)
    tokenizer.save_pretrained(folder)
    write_recipe(folder, {**recipe, "columns": classes.names, "pooling": own.pooling, "max_length": own.max_length})
    return measured


def first_model(name: str, own: FinetuneParams, classes: Classes, tokenizer: Any, train: pa.Table, batch_size: int) -> Any:
    """The pretrained model, with a head for these classes."""
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification

    from stages import pretrained
    from stages.encoders.text import PooledText, probe_head

    # Without a GPU, PyTorch's fused attention with dropout takes a third longer than the plain one.
    attention = {} if torch.cuda.is_available() else {"attn_implementation": "eager"}
    if own.pooling == "model":
        model = pretrained.load(AutoModelForSequenceClassification, name, use_safetensors=True, **attention, **classes.config())
        backbone = model.base_model
    else:
        backbone = pretrained.load(AutoModel, name, use_safetensors=True, **attention)
        model = PooledText(backbone, len(classes.names))
        if own.head_init == "probe":
            originals = train.filter(pc.equal(train["copy"], 0))
            texts, numbers = originals["content"].to_pylist(), classes.numbers(originals)
            model.start_head(probe_head(model, tokenizer, texts, numbers, own.max_length, batch_size, own.probe_C))
    if own.freeze_embeddings:  # a row that few texts touch learns little and costs an optimiser step every time
        backbone.get_input_embeddings().weight.requires_grad = False
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
