"""What all tasks on whole texts share: noise on words, and a fine-tuned transformer with its own head or with a mean-pooled one that starts from a probe."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import Conclusion, Content, Label, Learnable
from stages.model_folder import read_recipe, write_recipe
from stages.params import Strict

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="chance that a word changes places with the next")
    delete: float = Field(ge=0, le=1, description="chance that a word is left out")
    typo: float = Field(ge=0, le=1, description="chance that a word is mistyped")


class FinetuneParams(Strict):
    max_length: int = Field(ge=8, description="tokens after which a text is cut off")
    pooling: Literal["mean", "model"] = Field(
        description="a head on the mean of the last hidden states (of a pair: on what its sides share and where they differ), "
        "or the head that the model comes with (it reads the sides of a pair together)"
    )
    head_init: Literal["random", "probe"] = Field(description="where a mean-pooled head starts: at random, or at a linear model of frozen vectors (LP-FT)")
    probe_C: float = Field(gt=0, description="inverse strength of that model's regularisation")
    frozen_layers: int = Field(ge=0, description="how many of the lowest layers stay as they are, the embeddings being the first: faster, and seldom worse")
    dropout: float = Field(ge=0, lt=1, description="share of activations that are left out in training; 0 is a quarter faster")

    @model_validator(mode="after")
    def check_head(self) -> Self:
        if self.head_init == "probe" and self.pooling == "model":
            raise ValueError("head_init: probe needs pooling: mean, as the model's own head does not start from its vectors")
        return self


def augmenter(params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Copies with noise on words; of a pair, on both sides."""

    def augment(content: str, label: Label, seed: int) -> tuple[str, Label]:
        rng = np.random.default_rng(seed)
        return "\n".join(noisy(side, params, rng) for side in content.split("\n")), label

    return augment


def noisy(text: str, params: AugmentParams, rng: np.random.Generator) -> str:
    """Each word is mistyped, deleted or swapped with the next, with the given chances (Wei & Zou 2019)."""
    words = [mistype(word, rng) if rng.random() < params.typo else word for word in text.split(" ")]
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


def finetune(objective: Learnable, train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    """As contracts.Task says, towards any objective on whole texts."""
    from transformers import AutoTokenizer, set_seed

    from stages import pretrained
    from stages.modalities.text.encoder import collator, encode, probe_head, run_model
    from stages.training import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("text")
    tokenizer = pretrained.load(AutoTokenizer, params.model)
    together = own.pooling == "model"

    def encoded(rows: pa.Table) -> list[dict[str, Any]]:
        sides = encode(tokenizer, rows["content"].to_pylist(), own.max_length, together)
        targets = objective.targets(rows["label"].to_pylist())
        return [{"sides": row, "labels": target} for row, target in zip(sides, targets, strict=True)]

    def examples(rows: Sequence[dict[str, Any]]) -> Examples:
        return Examples(rows, dict, [max(len(side["input_ids"]) for side in row["sides"]) for row in rows])

    rows = encoded(train)
    model = first_model(params.model, own, objective, n_sides=len(rows[0]["sides"]))
    if own.head_init == "probe":
        originals = [row for row, copy in zip(rows, train["copy"].to_pylist(), strict=True) if copy == 0]
        model.start_head(probe_head(model, tokenizer, originals, params.batch_size, objective, own.probe_C))
    measured = fine_tune(model, examples(rows), examples(encoded(validation)), collator(tokenizer), objective, params)
    if objective.tunable:
        logits = run_model(model, tokenizer, validation["content"].to_pylist(), own.max_length, params.batch_size, together)
        objective = objective.tuned(validation["label"].to_pylist(), objective.outputs(logits))
    (model.save_pretrained if together else model.save)(folder)
    tokenizer.save_pretrained(folder)
    write_recipe(folder, {**recipe, **objective.recipe(), "pooling": own.pooling, "max_length": own.max_length})
    return measured


def first_model(name: str, own: FinetuneParams, objective: Learnable, n_sides: int) -> Any:
    """The pretrained model, with a head for these outputs."""
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    from stages import pretrained
    from stages.modalities.text.encoder import PooledText, check_length, freeze

    config = pretrained.load(AutoConfig, name)
    check_length(config, own.max_length, "finetune.text.max_length")
    dropout = dropouts(config, own.dropout)
    if own.pooling == "model":
        model = pretrained.load(AutoModelForSequenceClassification, name, use_safetensors=True, **dropout, **objective.config())
        backbone = model.base_model
    else:
        backbone = pretrained.load(AutoModel, name, use_safetensors=True, **dropout)
        model = PooledText(backbone, len(objective.columns), n_sides)
    freeze(backbone, own.frozen_layers)
    return model


def dropouts(config: Any, share: float) -> dict[str, float]:
    """What a model's config calls its shares of dropout, which differs, set to `share`."""
    return {key: share for key, value in config.to_dict().items() if "dropout" in key and isinstance(value, float)}


def predict(objective: type[Learnable], folder: Path, contents: Sequence[str], batch_size: int) -> Conclusion:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from stages import pretrained
    from stages.modalities.text.encoder import PooledText, run_model

    recipe = read_recipe(folder)
    together = recipe["pooling"] == "model"
    tokenizer = pretrained.load(AutoTokenizer, str(folder))
    model = pretrained.load(AutoModelForSequenceClassification, str(folder), use_safetensors=True) if together else PooledText.load(folder)
    model.to(pretrained.device())
    towards = objective.from_recipe(recipe)
    return towards.conclude(towards.outputs(run_model(model, tokenizer, contents, recipe["max_length"], batch_size, together)))
