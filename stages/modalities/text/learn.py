"""Fine-tunes a transformer on whole texts, with its own head or a linear head on mean-pooled hidden states."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.contracts._coverage import Coverage
from stages.contracts.embed import Embedded
from stages.contracts.objective import Learnable, RowWeights
from stages.core.params import Strict
from stages.core.tables import Vectors
from stages.training.recipe import write_recipe

EMBED_BATCH = 32  # rows at a time, as in the presets: only then are the vectors of embed those that are asked for


class FinetuneParams(Strict):
    max_length: int = Field(ge=8, description="tokens after which a text is truncated")
    pooling: Literal["mean", "model"] = Field(
        description="mean: a linear head on the mean of the last hidden states "
        "(for a pair of texts, on both means, their product and their difference); "
        "model: the model's own head, which reads the two texts of a pair as one input"
    )
    head_init: Literal["random", "probe"] = Field(
        description="how the head of `pooling: mean` is initialised: at random, "
        "or with a linear model fitted on frozen vectors (LP-FT)"
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
    def check_head(self) -> Self:
        if self.head_init == "probe" and self.pooling == "model":
            raise ValueError(
                "head_init: probe needs pooling: mean, as the model's own head cannot be initialised with a probe"
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
    from transformers import set_seed

    from stages.modalities.text.network.frontend import TextFrontend, tokenise
    from stages.modalities.text.network.texts import collator
    from stages.modalities.text.network.tokenizer import load_tokenizer, tell_padding, try_out
    from stages.training.outputs import tuned
    from stages.training.trainer import Examples, fine_tune, row_weights

    set_seed(params.seed)
    section = params.finetune.of("text")
    objective = towards.of(train["label"].to_pylist(), section)
    tokenizer = load_tokenizer(params.model)
    together = section.pooling == "model"  # the two texts of a pair are one input

    def encoded(rows: pa.Table) -> list[dict[str, Any]]:
        sides = tokenise(tokenizer, rows["content"].to_pylist(), section.max_length, together)
        targets = objective.targets(rows["label"].to_pylist())
        return [{"sides": row, "labels": target} for row, target in zip(sides, targets, strict=True)]

    def examples(rows: Sequence[dict[str, Any]], weights: RowWeights) -> Examples:
        return Examples(rows, dict, [length(row) for row in rows], weights)

    train_rows, validation_rows = encoded(train), encoded(validation)
    model = first_model(params.model, section, objective, n_sides=len(train_rows[0]["sides"]))
    tell_padding(model, tokenizer)
    whole = model if together else model.pool
    try_out(params.model, lambda batch: whole(**batch), tokenizer, section.max_length, "finetune.text.max_length")
    if section.head_init == "probe":
        originals = train.filter(pc.equal(train["copy"], 0))
        contents, targets = originals["content"].to_pylist(), objective.targets(originals["label"].to_pylist())
        vectors = frozen_vectors(contents, params.model, section.max_length, params.threads).astype("float64")
        model.start_head(*objective.first_head(vectors, targets, section.probe_C, row_weights(originals)))
    train_examples, validation_examples = examples(train_rows, row_weights(train)), examples(validation_rows, None)
    metrics = fine_tune(model, train_examples, validation_examples, collator(tokenizer), objective, params)
    frontend = TextFrontend(tokenizer, section.max_length, together)
    objective = tuned(objective, model, frontend, validation, params.batch_size)
    if together:
        model.save_pretrained(folder)
    else:
        model.save(folder)
    tokenizer.save_pretrained(folder)
    more = {"pooling": section.pooling, "max_length": section.max_length}
    write_recipe(folder, {**recipe, **objective.recipe(), **more})
    return metrics


def measure(contents: Sequence[str], params: Any) -> Coverage:
    """Meets contracts.learn.Task for any objective on whole texts."""
    from stages.modalities.text.encode.coverage import Reader
    from stages.modalities.text.encode.coverage import measure as measure_texts
    from stages.modalities.text.network.tokenizer import load_tokenizer, token_limit

    section, together = params.finetune.of("text"), params.finetune.of("text").pooling == "model"
    tokenizer = load_tokenizer(params.model)
    reader = Reader(tokenizer, section.max_length, "model", "finetune.text.max_length", together)
    return measure_texts(contents, reader, lambda: token_limit(params.model))


def frozen_vectors(contents: Sequence[str], model: str, max_length: int, threads: int) -> Vectors:
    """What a head on mean-pooled hidden states reads before any training, (n_rows, dim).

    They are in .cache already, if embed read the same texts with this model and this length.
    """
    from stages.modalities.text.embed import EmbedParams, embed
    from stages.models.vector_cache import VectorCache

    params = EmbedParams(model=model, max_length=max_length, batch_size=EMBED_BATCH, token_layer=None)
    cache = VectorCache.of("text", params, threads)
    return cache.complete(contents, lambda missing: Embedded(embed(missing, params).rows)).rows


def length(row: Mapping[str, Any]) -> int:
    """The tokens of the longest side of an encoded row."""
    return max(len(side["input_ids"]) for side in row["sides"])


def first_model(name: str, section: FinetuneParams, objective: Learnable, n_sides: int) -> Any:
    """The pretrained model, with a new head. `n_sides` is 2 for pairs of texts, else 1."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from stages.modalities.text.network.backbone import check_reads_texts, load_backbone
    from stages.modalities.text.network.texts import PooledText
    from stages.modalities.text.network.tokenizer import check_length
    from stages.models import pretrained
    from stages.models.layers import freeze

    config = pretrained.load(AutoConfig, name)
    check_length(name, section.max_length, "finetune.text.max_length")
    options: dict[str, Any] = dropouts(config, section.dropout)
    if section.pooling == "model":
        factory = AutoModelForSequenceClassification
        model = pretrained.load_weights(factory, name, **options, **objective.config()).model
        check_reads_texts(name, model)
        backbone = model.base_model
    else:
        backbone = load_backbone(name, **options)
        model = PooledText(backbone, len(objective.columns), n_sides)
    freeze(backbone, section.frozen_layers, "finetune.text.frozen_layers")
    return model


def dropouts(config: Any, share: float) -> dict[str, Any]:
    """All dropout keys of a config, set to `share`; their names differ between architectures."""
    return {key: share for key, value in config.to_dict().items() if "dropout" in key and isinstance(value, float)}
