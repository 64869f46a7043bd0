"""Fine-tunes a transformer on whole texts, with its own head or with a mean-pooled one that starts from a probe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.objective import Conclusion, Learnable
from stages.core.params import Strict
from stages.training.recipe import read_recipe, write_recipe


class FinetuneParams(Strict):
    max_length: int = Field(ge=8, description="tokens after which a text is cut off")
    pooling: Literal["mean", "model"] = Field(
        description="a head on the mean of the last hidden states (of a pair: on what its sides share and where they differ), "
        "or the head that the model comes with (it reads the sides of a pair together)"
    )
    head_init: Literal["random", "probe"] = Field(
        description="where a mean-pooled head starts: at random, or at a linear model of frozen vectors (LP-FT)"
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
    def check_head(self) -> Self:
        if self.head_init == "probe" and self.pooling == "model":
            raise ValueError(
                "head_init: probe needs pooling: mean, as the model's own head does not start from its vectors"
            )
        return self


def finetune(
    towards: type[Learnable],
    train: pa.Table,
    validation: pa.Table,
    params: Any,
    recipe: Mapping[str, Any],
    folder: Path,
) -> dict[str, float | int]:
    """Meets contracts.learn.Task for any objective on whole texts."""
    from transformers import AutoTokenizer, set_seed

    from stages.modalities.text.encode.texts import collator, encode, probe_head, run_model
    from stages.models import pretrained
    from stages.training.trainer import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("text")
    objective = towards.of(train["label"].to_pylist(), own)
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
        logits = run_model(
            model, tokenizer, validation["content"].to_pylist(), own.max_length, params.batch_size, together
        )
        objective = objective.tuned(validation["label"].to_pylist(), objective.outputs(logits))
    (model.save_pretrained if together else model.save)(folder)
    tokenizer.save_pretrained(folder)
    write_recipe(folder, {**recipe, **objective.recipe(), "pooling": own.pooling, "max_length": own.max_length})
    return measured


def first_model(name: str, own: FinetuneParams, objective: Learnable, n_sides: int) -> Any:
    """The pretrained model, with a head for these outputs."""
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    from stages.modalities.text.encode.backbone import check_length, freeze
    from stages.modalities.text.encode.texts import PooledText
    from stages.models import pretrained

    config = pretrained.load(AutoConfig, name)
    check_length(config, own.max_length, "finetune.text.max_length")
    dropout = dropouts(config, own.dropout)
    if own.pooling == "model":
        model = pretrained.load(
            AutoModelForSequenceClassification, name, use_safetensors=True, **dropout, **objective.config()
        )
        backbone = model.base_model
    else:
        backbone = pretrained.load(AutoModel, name, use_safetensors=True, **dropout)
        model = PooledText(backbone, len(objective.columns), n_sides)
    freeze(backbone, own.frozen_layers)
    return model


def dropouts(config: Any, share: float) -> dict[str, float]:
    """What a model's config calls its shares of dropout, which differs, set to `share`."""
    return {key: share for key, value in config.to_dict().items() if "dropout" in key and isinstance(value, float)}


def predict(towards: type[Learnable], folder: Path, contents: Sequence[str], batch_size: int) -> Conclusion:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from stages.modalities.text.encode.texts import PooledText, run_model
    from stages.models import pretrained

    recipe = read_recipe(folder)
    together = recipe["pooling"] == "model"
    tokenizer = pretrained.load(AutoTokenizer, str(folder))
    model = (
        pretrained.load(AutoModelForSequenceClassification, str(folder), use_safetensors=True)
        if together
        else PooledText.load(folder)
    )
    model.to(pretrained.device())
    objective = towards.from_recipe(recipe)
    return objective.conclude(
        objective.outputs(run_model(model, tokenizer, contents, recipe["max_length"], batch_size, together))
    )
