"""Tags on the tokens of a text, such as named entities: a linear head on the hidden state and the shape of each token's first sub-word."""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.contracts import Conclusion
from stages.modalities.text.learner import dropouts, mistype
from stages.model_folder import read_recipe, write_recipe
from stages.objectives.tags import NOT_LEARNED, Objective
from stages.params import Strict
from stages.tables import ragged

Mention = tuple[str, ...]  # the tokens of an entity


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="chance that an entity gives way to another of its type")
    delete: float = Field(ge=0, le=1, description="chance that a token outside of entities is left out")
    typo: float = Field(ge=0, le=1, description="chance that a token outside of entities is mistyped")


class FinetuneParams(Strict):
    max_length: int = Field(ge=8, description="tokens of the windows that a longer text is cut into")
    layers: list[int] = Field(min_length=1, description="the hidden layers whose mean is a token's vector; those above them are left out of the model")
    head_init: Literal["random", "probe"] = Field(description="where the head starts: at random, or at a linear model of frozen vectors (LP-FT)")
    probe_C: float = Field(gt=0, description="inverse strength of that model's regularisation")
    frozen_layers: int = Field(ge=0, description="how many of the lowest layers stay as they are, the embeddings being the first: faster, and seldom worse")
    dropout: float = Field(ge=0, lt=1, description="share of activations that are left out in training; 0 is a quarter faster")
    label_smoothing: float = Field(ge=0, lt=1, description="how much of a label's weight is spread over all tags")

    @model_validator(mode="after")
    def check_layers(self) -> Self:
        if min(self.layers) < 1:
            raise ValueError("layers are counted from 1, the lowest one above the embeddings")
        return self


class Mentions:
    """The different entities of a type. Each is drawn by its own hash: with another one more, few draws come out otherwise."""

    def __init__(self, of_type: Iterable[Mention]) -> None:
        by_hash = {int.from_bytes(blake2b("\n".join(mention).encode(), digest_size=4).digest()): mention for mention in of_type}
        self._hashes = sorted(by_hash)
        self._mentions = [by_hash[key] for key in self._hashes]

    def draw(self, rng: np.random.Generator) -> Mention:
        return self._mentions[bisect(self._hashes, int(rng.integers(2**32))) % len(self._mentions)]


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[str, Sequence[str]]]]
) -> Callable[[str, Sequence[str], int], tuple[str, Sequence[str]]]:
    """Copies in which entities give way to others of their type (Dai & Adel 2020), and with noise on the tokens between them."""

    @cache
    def known() -> Mapping[str, Mentions]:
        return mentions(train())

    def augment(content: str, tags: Sequence[str], seed: int) -> tuple[str, Sequence[str]]:
        rng = np.random.default_rng(seed)
        changed: list[tuple[str, str]] = []
        for tokens, kind in stretches(content.split(" "), tags):
            if not kind:
                changed += [(mistype(token, rng) if rng.random() < params.typo else token, "O") for token in tokens if rng.random() >= params.delete]
            else:
                mention = known()[kind].draw(rng) if rng.random() < params.swap else tokens
                changed += zip(mention, [f"B-{kind}", *[f"I-{kind}"] * (len(mention) - 1)], strict=True)
        if not changed:
            return content, tags
        return " ".join(token for token, _ in changed), [tag for _, tag in changed]

    return augment


def stretches(tokens: Sequence[str], tags: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """The entities and what stands between them, in turn, each with its type; that of what is none is empty."""
    start = 0
    for end in range(1, len(tags) + 1):
        if end == len(tags) or not (tags[end].startswith("I-") or tags[end] == tags[start] == "O"):
            yield tokens[start:end], tags[start][2:]
            start = end


def mentions(rows: Iterable[tuple[str, Sequence[str]]]) -> Mapping[str, Mentions]:
    """What is called an entity in these rows, by type."""
    found: dict[str, set[Mention]] = {}
    for content, tags in rows:
        for tokens, kind in stretches(content.split(" "), tags):
            if kind:
                found.setdefault(kind, set()).add(tuple(tokens))
    return {kind: Mentions(of_type) for kind, of_type in found.items()}


def finetune(train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    from transformers import set_seed

    from stages.modalities.text.encoder import load_word_tokenizer
    from stages.training import fine_tune

    set_seed(params.seed)
    own = params.finetune.of("text")
    objective = Objective.of(train["label"].to_pylist(), own.label_smoothing)
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

    from stages import pretrained
    from stages.modalities.text.encoder import TaggedText, check_length, freeze, load_layers

    config = pretrained.load(AutoConfig, name)
    check_length(config, own.max_length, "finetune.text.max_length")
    backbone = load_layers(name, max(own.layers), "finetune.text.layers", **dropouts(config, own.dropout))
    freeze(backbone, own.frozen_layers)
    return TaggedText(backbone, own.layers, len(objective.columns))


def start_head(model: Any, tokenizer: Any, rows: pa.Table, objective: Objective, own: FinetuneParams, batch_size: int) -> None:
    """The head becomes a linear model of the backbone's own vectors of these rows (LP-FT: Kumar et al. 2022)."""
    from stages import pretrained
    from stages.modalities.text.encoder import Head, word_vectors

    model.to(pretrained.device())
    vectors = ragged(list(word_vectors(model.backbone, own.layers, tokenizer, rows["content"].to_pylist(), own.max_length, batch_size, "probe")))
    model.start_head(Head.of(*objective.first_head(vectors, objective.targets(rows["label"].to_pylist()), own.probe_C)))


def examples(tokenizer: Any, rows: pa.Table, objective: Objective, longest: int) -> Any:
    """The windows of all rows; each token is learned in one of them."""
    from stages.modalities.text.encoder import encode_words
    from stages.training import Examples

    windows: list[dict[str, Any]] = []
    for words, targets in zip(encode_words(tokenizer, rows["content"].to_pylist(), longest), objective.targets(rows["label"].to_pylist()), strict=True):
        for number, features in enumerate(words.windows):
            inside = words.places[:, 0] == number
            windows.append({"features": features, "places": words.places[inside, 1], "shapes": words.shapes[inside], "targets": np.array(targets)[inside]})
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

    from stages import pretrained
    from stages.modalities.text.encoder import TaggedText, load_word_tokenizer, word_vectors

    recipe = read_recipe(folder)
    model = TaggedText.load(folder, recipe["layers"]).to(pretrained.device()).eval()
    vectors = word_vectors(model.backbone, model.layers, load_word_tokenizer(str(folder)), contents, recipe["max_length"], batch_size, "predict")
    with torch.inference_mode():
        logits = ragged([model.head(torch.from_numpy(row).to(model.head.weight.device)).cpu().numpy() for row in vectors])
    objective = Objective.from_recipe(recipe)
    return objective.conclude(objective.outputs(logits))
