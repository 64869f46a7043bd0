"""Pretrained models of images and sounds whose vectors would be random, or that read two kinds of content."""

from pathlib import Path

import numpy as np
import pytest

from stages.modalities.audio import embed as audio
from stages.modalities.image import embed as image
from tests import tiny
from tests.samples.variants import rows_of

SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
VISION = {**SIZE, "image_size": 16, "patch_size": 8}


def save_processor(folder: Path) -> None:
    from transformers import ViTImageProcessorPil

    ViTImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)


def vectors(folder: Path) -> np.ndarray:
    return image.embed(rows_of("image")[:4], image.EmbedParams(model=str(folder), batch_size=2)).rows


def test_a_classifier_without_a_pooler_gives_the_mean_of_its_hidden_states(tmp_path: Path) -> None:
    """As most vision models on the hub are: a pooler of random weights gave other vectors at every run."""
    from transformers import ViTConfig, ViTForImageClassification

    ViTForImageClassification(ViTConfig(**VISION)).save_pretrained(tmp_path)
    save_processor(tmp_path)
    assert (vectors(tmp_path) == vectors(tmp_path)).all()
    assert np.linalg.norm(vectors(tmp_path), axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_clip_reads_images(tmp_path: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig(text_config={**SIZE, "vocab_size": 50}, vision_config=VISION, projection_dim=8)
    CLIPModel(config).save_pretrained(tmp_path)
    save_processor(tmp_path)
    assert vectors(tmp_path).shape == (4, 16)
    assert (vectors(tmp_path) == vectors(tmp_path)).all()


def test_the_encoder_of_whisper_hears_sounds(tmp_path: Path) -> None:
    tiny.write_whisper(tmp_path)
    found = audio.embed(rows_of("audio")[:2], audio.EmbedParams(model=str(tmp_path), max_seconds=1, batch_size=2))
    assert found.rows.shape == (2, 16)
    assert np.isfinite(found.rows).all()


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2", "ast", "vit"])
def test_only_the_head_of_a_classifier_may_be_new(kind: str, tmp_path: Path) -> None:
    import transformers
    from safetensors.torch import load_file, save_file

    from stages.core.errors import InputError
    from stages.models.pretrained import load_weights

    tiny.write_audio_models(tmp_path)
    factory = transformers.AutoModelForAudioClassification
    if kind == "vit":
        factory = transformers.AutoModelForImageClassification
        transformers.ViTModel(transformers.ViTConfig(**VISION)).save_pretrained(tmp_path / kind)
    if kind == "whisper":
        tiny.write_whisper(tmp_path / kind)
    assert load_weights(factory, str(tmp_path / kind), num_labels=3).model.config.num_labels == 3
    file = tmp_path / kind / "model.safetensors"
    weights = load_file(file)
    lost = next(name for name in sorted(weights) if "layer" in name and "decoder" not in name)
    del weights[lost]
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(InputError, match="1 of its weights are missing"):
        load_weights(factory, str(tmp_path / kind), num_labels=3)
