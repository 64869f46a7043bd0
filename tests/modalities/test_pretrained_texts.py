"""Pretrained models of texts as they come: how much they read, how they pad, and what is missing in them."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.core.errors import InputError
from stages.modalities.text import embed
from stages.serving.predictor import load_predictor
from stages.tasks.text_category import learn
from tests import tiny

RECIPE = {"modality": "text", "target": "category"}

TEXTS = [text for text, _ in tiny.texts(24, seed=3)]
LABELS = [label for _, label in tiny.texts(24, seed=3)]
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 40}
DEBERTA = {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"]}
BART = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
# The keys of a config whose tables or keys of positions have 40 entries -> the tokens that the model takes.
FAMILIES: dict[str, tuple[dict[str, Any], int | None]] = {
    "bert": (SIZE, 40),
    "albert": ({**SIZE, "embedding_size": 16}, 40),
    "electra": ({**SIZE, "embedding_size": 16}, 40),
    "distilbert": ({"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}, 40),
    "roberta": (SIZE, 38),
    "xlm-roberta": (SIZE, 38),
    "camembert": (SIZE, 38),
    "mpnet": (SIZE, 38),
    "esm": ({**SIZE, "position_embedding_type": "absolute"}, 38),
    "longformer": ({**SIZE, "attention_window": 8}, 38),
    "deberta-v2": ({**SIZE, **DEBERTA, "position_biased_input": False}, 40),
    "modernbert": (SIZE, 40),
    "gpt2": (GPT2, 40),
    "llama": ({**SIZE, "num_key_value_heads": 2}, 40),
    "qwen2": ({**SIZE, "num_key_value_heads": 2}, 40),
    "opt": ({"hidden_size": 32, "word_embed_proj_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2}, 40),
    "bart": ({**BART, "encoder_attention_heads": 2, "decoder_attention_heads": 2}, 40),
    "bloom": ({"hidden_size": 32, "n_layer": 2, "n_head": 2}, None),
    "t5": ({"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}, None),
}
DECODERS = ("gpt2", "llama", "qwen2")


def byte_tokenizer(special: Sequence[str] = ("<s>", "<pad>", "</s>"), **names: str) -> Any:
    """A byte-level tokenizer that was trained on TEXTS; without names of special tokens it cannot pad."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def write_model(folder: Path, family: str, **names: str) -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    tokenizer = byte_tokenizer(**names)
    torch.manual_seed(0)
    keys = dict(FAMILIES[family][0])
    if FAMILIES[family][1]:
        keys.setdefault("n_positions" if family == "gpt2" else "max_position_embeddings", 40)
    tokens = {"pad_token_id": 1 if names.get("pad_token") else None, "bos_token_id": 0, "eos_token_id": 2}
    if family == "modernbert":
        tokens |= {"cls_token_id": 0, "sep_token_id": 2}
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **keys, **tokens)
    AutoModel.from_config(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def embed_params(model: Path | str, max_length: int = 32, **more: Any) -> embed.EmbedParams:
    given = {"model": str(model), "max_length": max_length, "batch_size": 4, "token_layer": None}
    return embed.EmbedParams(**{**given, **more})


def finetune_params(model: Path | str, **changes: Any) -> Any:
    own = {"max_length": 32, "pooling": "mean", "head_init": "random", "probe_C": 1.0, "frozen_layers": 0}
    section = learn.FinetuneParams(**{**own, "dropout": 0.0, "label_smoothing": 0.0, **changes})
    stage = SimpleNamespace(weight_decay=0.0, warmup=0.0, patience=5, of=lambda _: section)
    return SimpleNamespace(model=str(model), lr=1e-3, epochs=1, batch_size=8, seed=0, threads=1, finetune=stage)


def rows() -> pa.Table:
    return pa.table({"content": TEXTS, "label": LABELS, "copy": pa.array([0] * len(TEXTS), pa.int32())})


# --- the longest text ---


@pytest.mark.parametrize("family", FAMILIES)
def test_the_longest_length_runs_and_one_more_is_refused(family: str, tmp_path: Path) -> None:
    write_model(tmp_path, family, pad_token="<pad>", eos_token="</s>", bos_token="<s>")
    long = " ".join(TEXTS)  # far more tokens than any limit
    limit = FAMILIES[family][1]
    found = embed.embed([long, TEXTS[0]], embed_params(tmp_path, limit or 100)).rows
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1], abs=1e-5)
    if limit is not None:
        said = (
            rf"embed\.text\.max_length: {limit + 1}, but the model takes {limit} tokens at most; give {limit} or less"
        )
        with pytest.raises(InputError, match=said):
            embed.embed([long], embed_params(tmp_path, limit + 1))


@pytest.mark.parametrize("pooling", ["mean", "model"])
def test_finetune_refuses_the_same_lengths(pooling: str, tmp_path: Path) -> None:
    write_model(tmp_path / "model", "roberta", pad_token="<pad>", eos_token="</s>", bos_token="<s>")
    params = finetune_params(tmp_path / "model", max_length=39, pooling=pooling)
    with pytest.raises(InputError, match=r"finetune\.text\.max_length: 39, but the model takes 38 tokens"):
        learn.finetune(rows(), rows(), params, RECIPE, tmp_path)


# --- without a padding token ---


@pytest.mark.parametrize("family", DECODERS)
@pytest.mark.parametrize("pooling", ["mean", "model"])
def test_a_decoder_without_padding_is_served_as_it_was_trained(
    family: str, pooling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text has the same output alone and beside longer ones, so the padding is not read."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "tiny", family, eos_token="</s>")
    seen: list[Any] = []
    monkeypatch.setattr(learn.learn, "first_model", kept_by(learn.learn.first_model, seen))
    (tmp_path / "model").mkdir()
    learn.finetune(rows(), rows(), finetune_params(tmp_path / "tiny", pooling=pooling), RECIPE, tmp_path / "model")
    contents = [*TEXTS[:4], TEXTS[0] + " " + TEXTS[1]]
    predictor = load_predictor(tmp_path / "model")
    served = predictor.predict(contents, 4).predictions
    alone = [predictor.predict([content], 4).predictions[0] for content in contents]
    assert np.array(served) == pytest.approx(np.array(alone), abs=1e-6)
    assert np.array(served) == pytest.approx(unpadded(seen[0], tmp_path / "model", contents, pooling), abs=1e-5)
    assert json.loads((tmp_path / "model/config.json").read_text())["pad_token_id"] == 2


def kept_by(make: Any, seen: list[Any]) -> Any:
    def made(*given: Any, **more: Any) -> Any:
        seen.append(make(*given, **more))
        return seen[-1]

    return made


def unpadded(model: Any, folder: Path, contents: Sequence[str], pooling: str) -> Any:
    """The probabilities of the model in memory, a text at a time and without padding."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model.eval()
    with torch.inference_mode():
        logits = [model(**tokenizer(content, return_tensors="pt")).logits[0] for content in contents]
    return torch.stack(logits).softmax(-1).numpy()


def test_padding_on_the_left_does_not_move_positions(tmp_path: Path) -> None:
    write_model(tmp_path / "right", "gpt2", eos_token="</s>", pad_token="</s>")
    shutil.copytree(tmp_path / "right", tmp_path / "left")
    file = tmp_path / "left/tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "padding_side": "left"}))
    left, right = (embed.embed(TEXTS[:3], embed_params(tmp_path / side)).rows for side in ("left", "right"))
    assert (left == right).all()


def test_a_tokenizer_that_cannot_pad_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, "bert")
    said = "has neither a padding nor an end token; set pad_token in its tokenizer_config.json"
    with pytest.raises(InputError, match=said):
        embed.embed(TEXTS[:2], embed_params(tmp_path))
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "pad_token": "<pad>"}))
    assert embed.embed(TEXTS[:2], embed_params(tmp_path)).rows.shape == (2, 32)


# --- what is missing or damaged ---


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, "gpt2", eos_token="</s>")
    byte_tokenizer(
        ["<s>", "<pad>", "</s>", *(f"word{number}" for number in range(50))], eos_token="</s>"
    ).save_pretrained(tmp_path)
    with pytest.raises(
        InputError, match=r"but the model has embeddings for \d+ only; use the tokenizer that the model"
    ):
        embed.embed(TEXTS[:2], embed_params(tmp_path))


def test_a_padding_token_without_an_embedding_is_not_used(tmp_path: Path) -> None:
    """Llama's tokenizers often have one that was added later."""
    write_model(tmp_path, "llama", eos_token="</s>")
    before = embed.embed(TEXTS[:3], embed_params(tmp_path)).rows
    tokenizer = byte_tokenizer(eos_token="</s>")
    tokenizer.add_special_tokens({"pad_token": "<added>"})
    tokenizer.save_pretrained(tmp_path)
    assert (embed.embed(TEXTS[:3], embed_params(tmp_path)).rows == before).all()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("bert")
    write_model(folder, "bert", pad_token="<pad>", eos_token="</s>")
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def lose_a_layer(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {name: values for name, values in weights.items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def lose_the_pooler(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {name: values for name, values in weights.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def change_config(**keys: Any) -> Any:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **keys}))

    return change


DAMAGES: dict[str, tuple[Any, str]] = {
    "cut weights": (lambda folder: cut(folder / "model.safetensors"), "Model cannot be loaded"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), r"has no model\.safetensors"),
    "cut tokenizer": (lambda folder: cut(folder / "tokenizer.json"), "Tokenizer cannot be loaded"),
    "no tokenizer": (lambda folder: [file.unlink() for file in folder.glob("tokenizer*")], "okenizer"),
    "cut config": (lambda folder: cut(folder / "config.json"), "its config.json is broken"),
    "empty config": (lambda folder: (folder / "config.json").write_text("{}"), "names no model_type"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "the folder has no config.json"),
    "unknown architecture": (change_config(model_type="nosuch"), "nosuch"),
    "a layer is missing": (lose_a_layer, r"16 of its weights are missing .*encoder\.layer\.1\."),
    "another width": (change_config(intermediate_size=48), "have another shape than in config.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_one_line(damage: str, bert: Path, tmp_path: Path) -> None:
    change, said = DAMAGES[damage]
    folder = Path(shutil.copytree(bert, tmp_path / "model"))
    change(folder)
    with pytest.raises(InputError, match=said) as refused:
        embed.embed(TEXTS[:2], embed_params(folder))
    assert str(folder) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_model_without_a_pooler_is_whole(bert: Path, tmp_path: Path) -> None:
    """Models of masked words have none, and the mean of hidden states does not need it."""
    folder = Path(shutil.copytree(bert, tmp_path / "model"))
    lose_the_pooler(folder)
    whole, without = (embed.embed(TEXTS, embed_params(path)).rows for path in (bert, folder))
    assert (whole == without).all()


def test_half_precision_is_computed_in_single_precision(bert: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel

    AutoModel.from_pretrained(bert, dtype=torch.float16).save_pretrained(tmp_path)
    for file in bert.glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    single = embed.embed(TEXTS, embed_params(bert)).rows
    half = embed.embed(TEXTS, embed_params(tmp_path)).rows
    assert half.dtype == np.float32
    assert half == pytest.approx(single, abs=2e-3)
    assert (half.astype(np.float16) != half).any()  # not computed in half precision


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/nope", "no such folder"),
        ("./nope", "no such folder"),
        ("nope", r"neither a folder nor a hub id \(owner/name@revision\)"),
        ("models/nope", "the folder models here has no nope"),
        ("models/file", "a file; name the folder"),
        ("nobody/nothing@0123abc", "no folder of that name here, and the hub cannot be reached"),
        ("no body/no thing", "neither a folder"),
    ],
)
def test_a_model_that_is_not_there(name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at once, whether the cache of vectors or the model is asked first."""
    from stages.models.pretrained import identity

    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/file").touch()
    with pytest.raises(InputError, match=f"model {name}: .*{said}"):
        if identity(name) in (None, name):
            embed.embed(TEXTS[:1], embed_params(name))


def test_models_of_other_contents_are_refused(bert: Path, tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    from stages.modalities.audio import embed as audio
    from stages.modalities.image import embed as image

    ViTModel(ViTConfig(**SIZE, image_size=16, patch_size=8)).save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="reads pixel_values and no texts; choose a model of texts"):
        embed.embed(TEXTS[:1], embed_params(tmp_path))
    with pytest.raises(InputError, match=f"model {tmp_path}: .*that it is a model for this task"):
        learn.finetune(rows(), rows(), finetune_params(tmp_path), RECIPE, tmp_path)
    with pytest.raises(InputError, match="reads input_ids and no images; choose a model of images"):
        image.embed([b""], image.EmbedParams(model=str(bert), batch_size=2))
    with pytest.raises(InputError, match=f"model {bert}: its FeatureExtractor cannot be loaded"):
        audio.embed([b""], audio.EmbedParams(model=str(bert), batch_size=2, max_seconds=1.0))


def test_finetune_takes_no_encoder_decoder(tmp_path: Path) -> None:
    write_model(tmp_path, "t5", pad_token="<pad>", eos_token="</s>")
    with pytest.raises(InputError, match=r"an encoder-decoder \(t5\).*choose an encoder"):
        learn.finetune(rows(), rows(), finetune_params(tmp_path), RECIPE, tmp_path)


def test_a_damaged_head_is_one_line(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    learn.finetune(rows(), rows(), finetune_params(bert), RECIPE, tmp_path / "model")
    head = tmp_path / "model/head.safetensors"
    head.write_bytes(head.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"head\.safetensors: cannot be read .*run `dvc repro finetune`"):
        load_predictor(tmp_path / "model").predict(TEXTS[:1], 4)


def test_a_classifier_of_other_classes_gets_a_new_head(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForSequenceClassification

    monkeypatch.chdir(tmp_path)
    AutoModelForSequenceClassification.from_pretrained(bert, num_labels=5).save_pretrained(tmp_path / "five")
    for file in bert.glob("tokenizer*"):
        shutil.copy(file, tmp_path / "five")
    (tmp_path / "model").mkdir()
    learn.finetune(rows(), rows(), finetune_params(tmp_path / "five", pooling="model"), RECIPE, tmp_path / "model")
    assert load_predictor(tmp_path / "model").predict(TEXTS[:1], 4).predictions.shape == (1, 2)


@pytest.mark.parametrize("family", ["bert", "gpt2", "qwen2", "modernbert", "distilbert"])
def test_the_lower_layers_alone_can_be_saved_and_loaded(family: str, tmp_path: Path) -> None:
    """For tags."""
    import torch
    from transformers import AutoModel

    from stages.modalities.text.network.backbone import load_layers

    write_model(tmp_path / "whole", family, pad_token="<pad>", eos_token="</s>")
    lower = load_layers(str(tmp_path / "whole"), 1, "finetune.text.layers")
    lower.save_pretrained(tmp_path / "lower")
    again = AutoModel.from_pretrained(tmp_path / "lower").eval()
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        states = [model(ids, output_hidden_states=True).hidden_states for model in (lower, again)]
    assert len(states[1]) == 2
    assert torch.equal(states[0][1], states[1][1])
    assert embed.embed(TEXTS[:2], embed_params(tmp_path / "whole", token_layer=1)).tokens is not None


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_loss_that_is_no_number_stops(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "tiny", family, pad_token="<pad>", eos_token="</s>")
    (tmp_path / "model").mkdir()
    params = finetune_params(tmp_path / "tiny")
    params.lr = 1e30
    params.epochs = 2
    with pytest.raises(InputError, match=r"lr: the loss of training is nan after step \d.*give a lower lr"):
        learn.finetune(rows(), rows(), params, RECIPE, tmp_path / "model")
