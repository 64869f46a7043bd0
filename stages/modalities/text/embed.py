"""Texts as vectors of a frozen sentence encoder, and for tags as vectors of their tokens."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from stages.contracts.embed import Embedded
from stages.core.params import Strict
from stages.core.tables import Vectors, ragged


class EmbedParams(Strict):
    model: str = Field(min_length=1, description="the frozen encoder: a hub id or a local folder")
    max_length: int = Field(ge=8, description="tokens after which a text is cut off")
    batch_size: int = Field(ge=1, le=256, description="rows at a time; a short last batch is filled up")
    token_layer: int | None = Field(
        ge=1, description="the hidden layer whose vector of each token is kept too, for tags; null: none"
    )


def embed(contents: Sequence[str], params: EmbedParams) -> Embedded:
    from stages.modalities.text.encode.texts import TextEncoder

    vectors = TextEncoder.load(params.model, params.max_length).embed(contents, params.batch_size)
    return Embedded(vectors, None if params.token_layer is None else embed_tokens(contents, params, params.token_layer))


def embed_tokens(contents: Sequence[str], params: EmbedParams, layer: int) -> Vectors:
    """Of each content (n_tokens, dim): the hidden state and the shape of each token, in half precision, as there are many."""
    from stages.modalities.text.encode.backbone import load_layers
    from stages.modalities.text.encode.words import load_word_tokenizer, word_vectors
    from stages.models import pretrained

    backbone = load_layers(params.model, layer, "embed.text.token_layer").to(pretrained.device())
    tokenizer = load_word_tokenizer(params.model)
    found = word_vectors(backbone, [layer], tokenizer, contents, params.max_length, params.batch_size, "embed tokens")
    return ragged([tokens.astype(np.float16) for tokens in found])
