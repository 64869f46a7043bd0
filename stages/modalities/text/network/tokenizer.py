"""Tokenizers of pretrained models, made fit for batches, and the number of tokens that a model reads."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transformers import AutoConfig, AutoTokenizer

from stages.core.errors import InputError, fails_anyhow
from stages.models import pretrained
from stages.models.hub import first_line

if TYPE_CHECKING:
    import torch


def load_tokenizer(name: str, **options: Any) -> Any:
    """The tokenizer of a model; one without a padding token pads with its end token, which the mask hides.

    Raises:
        InputError: the tokenizer cannot be loaded, has no token to pad with, or belongs to another model.
    """
    config = pretrained.load(AutoConfig, name)
    tokenizer = pretrained.load(AutoTokenizer, name, **options)
    vocabulary, special = tokenizer.get_vocab(), set(tokenizer.all_special_tokens)
    if set(vocabulary) <= special and config.model_type != "canine":  # which reads characters
        raise InputError(f"model {name}: its tokenizer has no vocabulary; add the tokenizer's files to the folder")
    n_embeddings = getattr(config.get_text_config(), "vocab_size", None) or len(vocabulary)
    outside = {token for token, number in vocabulary.items() if number >= n_embeddings}
    if tokenizer.pad_token is None or tokenizer.pad_token in outside:  # a token that was added, but never trained
        token = tokenizer.eos_token or tokenizer.unk_token
        if token is None or token in outside:
            raise InputError(
                f"model {name}: its tokenizer has neither a padding nor an end token; "
                "set pad_token in its tokenizer_config.json"
            )
        tokenizer.pad_token = token
    if outside - special:  # some tokenizers add special tokens that no text has
        raise InputError(
            f"model {name}: its tokenizer has {len(vocabulary):,} tokens, but the model has embeddings for "
            f"{n_embeddings:,} only; use the tokenizer that the model was trained with"
        )
    # To the right, as positions are counted from the first token; XLNet's head alone reads the last position.
    if getattr(config, "summary_type", None) != "last":
        tokenizer.padding_side = "right"
    return tokenizer


def tell_padding(model: Any, tokenizer: Any) -> None:
    """Sets the padding token in a model's config: the heads of decoders look for the last token before it."""
    config = model.config.get_text_config()
    if getattr(config, "pad_token_id", None) is None or hasattr(model, "score"):  # decoders call their head so
        config.pad_token_id = tokenizer.pad_token_id


def token_limit(name: str) -> int | None:
    """The most tokens that a model reads; None if there is no limit (T5, ALiBi).

    It is the smaller of two numbers. One is the key of the config: the length that a model with relative or rotary
    positions was trained for. The other is the size of its tables of positions, without the positions before the first:
    RoBERTa counts from its padding index on, BART from an offset.
    """
    import torch
    from transformers import AutoModel

    config = pretrained.load(AutoConfig, name)
    limits = [getattr(config.get_text_config(), "max_position_embeddings", None) or -1]
    with torch.device("meta"):  # builds the modules without weights
        model = AutoModel.from_config(config)
    encoder = model.get_encoder() if config.is_encoder_decoder else model
    for path, module in encoder.named_modules():
        name = path.rpartition(".")[2]
        table = getattr(module, "weight", None)
        if ("position" in name or name == "wpe") and table is not None and table.dim() == 2:
            padding = getattr(module, "padding_idx", None)
            n_before = getattr(module, "offset", 0) if padding is None else padding + 1
            limits.append(len(table) - n_before)
    return min((limit for limit in limits if limit > 0), default=None)


def check_length(name: str, max_length: int, key: str) -> None:
    """Checks that a model reads `max_length` tokens.

    Raises:
        InputError: it reads fewer.
    """
    longest = token_limit(name)
    if longest is not None and max_length > longest:
        raise InputError(f"{key}: {max_length}, but the model takes {longest} tokens at most; give {longest} or less")


def try_out(
    name: str, forward: Callable[[dict[str, "torch.Tensor"]], Any], tokenizer: Any, max_length: int, key: str
) -> None:
    """Runs a model on a text of `max_length` tokens and a short one, before it has seen hours of rows.

    Raises:
        InputError: the model fails.
    """
    import torch

    long = tokenizer("a b " * max_length, truncation=True, max_length=max_length)
    short = tokenizer("a b", truncation=True, max_length=max_length)
    try:
        with torch.inference_mode():
            forward(dict(tokenizer.pad([dict(long), dict(short)], return_tensors="pt")))
    except Exception as error:  # whatever a model that reads no texts, or not so long ones, stumbles over
        if fails_anyhow(error):
            raise
        raise InputError(
            f"model {name}: cannot read {max_length} tokens ({first_line(error)}); "
            f"choose a smaller {key}, or a model that reads texts"
        ) from error
