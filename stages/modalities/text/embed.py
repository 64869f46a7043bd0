"""Vectors of texts from a frozen sentence encoder; for tags, also vectors of their tokens."""

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import Field

from stages.contracts._coverage import Coverage
from stages.contracts.embed import Embedded
from stages.core.params import Strict
from stages.core.tables import Vectors, ragged


class EmbedParams(Strict):
    model: str = Field(
        min_length=1, description="the frozen encoder: a local folder, or `owner/name@commit` on the hub"
    )
    max_length: int = Field(ge=8, description="longer texts are truncated, in tokens")
    batch_size: int = Field(ge=1, le=256, description="rows per batch; a short last batch is padded with copies")
    token_layer: int | None = Field(
        ge=1, description="the hidden layer from which a vector per token is stored too, for tags; null: none is stored"
    )


def embed(contents: Sequence[str], params: EmbedParams) -> Embedded:
    from stages.modalities.text.encode.encoder import TextEncoder

    vectors = TextEncoder.load(params.model, params.max_length).embed(contents, params.batch_size)
    return Embedded(vectors, None if params.token_layer is None else embed_tokens(contents, params, params.token_layer))


def measure(contents: Iterable[str], params: EmbedParams) -> Coverage:
    from stages.modalities.text.encode.coverage import Reader
    from stages.modalities.text.encode.coverage import measure as measure_texts
    from stages.modalities.text.network.tokenizer import load_tokenizer, token_limit

    reader = Reader(load_tokenizer(params.model), params.max_length, "embed.text.model", "embed.text.max_length")
    return measure_texts(contents, reader, lambda: token_limit(params.model))


def embed_tokens(contents: Sequence[str], params: EmbedParams, layer: int) -> Vectors:
    """(n_tokens, dim) per content: the hidden state and the spelling of each token, in half precision to save space."""
    from stages.modalities.text.network.backbone import load_layers
    from stages.modalities.text.network.tagger import word_vectors
    from stages.modalities.text.network.words import load_word_tokenizer
    from stages.models import pretrained

    backbone = load_layers(params.model, layer, "embed.text.token_layer").to(pretrained.device())
    tokenizer = load_word_tokenizer(params.model)
    vectors = word_vectors(backbone, [layer], tokenizer, contents, params.max_length, params.batch_size, "embed tokens")
    return ragged([tokens.astype(np.float16) for tokens in vectors])
