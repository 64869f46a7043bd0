"""Which weights of a pretrained model are not trained."""

import pytest

from stages.core.errors import InputError
from stages.models.layers import freeze, layers_of

SWIN = {
    "embed_dim": 8,
    "depths": [1, 4, 1],
    "num_heads": [1, 2, 2],
    "image_size": 32,
    "patch_size": 2,
    "window_size": 4,
}
WAVES = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 8}
POSITIONS = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2}
CONVOLUTIONS = {"conv_dim": [8, 8], "conv_kernel": [10, 8], "conv_stride": [5, 4]}


def test_a_stage_of_a_hierarchical_model_is_one_layer() -> None:
    """The longest list is that of the blocks within its second stage."""
    from transformers import AutoModel, SwinConfig

    model = AutoModel.from_config(SwinConfig(**SWIN))
    assert len(layers_of(model)) == 3
    freeze(model, 1, "finetune.image.frozen_layers")
    trained = {name for name, weights in model.named_parameters() if weights.requires_grad}
    assert not any(name.startswith("embeddings.") for name in trained)
    assert all(any(name.startswith(f"encoder.layers.{number}.") for name in trained) for number in range(3))
    with pytest.raises(InputError, match="5, but the model has 3 layers and its embeddings; give at most 4"):
        freeze(model, 5, "finetune.image.frozen_layers")


def test_the_layers_of_speech_come_after_its_convolutions() -> None:
    from transformers import AutoModel, Wav2Vec2Config

    model = AutoModel.from_config(Wav2Vec2Config(**WAVES, **POSITIONS, **CONVOLUTIONS))
    assert len(layers_of(model)) == 3
