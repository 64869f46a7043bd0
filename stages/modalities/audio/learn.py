"""Fine-tunes an audio model: a pretrained one, or an architecture with random weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts._coverage import Coverage
from stages.contracts._network import Inputs
from stages.contracts.objective import Learnable
from stages.modalities.audio.network.frontend import n_frames
from stages.training.recipe import write_recipe
from stages.training.start import Start

MEASURED_ROWS = 1_000  # the training rows from which a new extractor takes the mean and standard deviation


class FinetuneParams(Start):
    max_seconds: float = Field(gt=0, description="seconds after which a recording is truncated")
    mels: int = Field(
        ge=8, le=256, description="mel bands of the spectrogram, with `config`; a pretrained model has its own"
    )
    config: dict[str, Any] | None = Field(
        description="null: `model` is pretrained; keys of a config: `model` is an architecture of transformers "
        "that starts from random weights, one for audio or one for images, which reads a spectrogram as a grey image"
    )


def finetune(
    towards: type[Learnable],
    train: pa.Table,
    validation: pa.Table,
    params: Any,
    recipe: Mapping[str, Any],
    folder: Path,
) -> dict[str, float | int]:
    """Meets contracts.learn.Task for any objective on whole recordings."""
    import torch
    from transformers import set_seed

    from stages.modalities.audio.network.frontend import stacked
    from stages.models.network import as_tensors
    from stages.training.outputs import tuned
    from stages.training.probe_head import start_head
    from stages.training.trainer import Examples, fine_tune, row_weights

    set_seed(params.seed)
    section = params.finetune.of("audio")
    objective = towards.of(train["label"].to_pylist(), section)
    train_contents = train["content"].to_pylist()
    rate = params.clean.of("audio").sample_rate
    model, frontend = first_model(params.model, section, objective, train_contents, rate)
    inputs = frontend.cached(train_contents[0])

    def encode(row: tuple[bytes, Any]) -> dict[str, Any]:
        content, target = row
        return {"inputs": inputs(content), "labels": target}

    def examples(rows: pa.Table) -> Examples:
        targets = objective.targets(rows["label"].to_pylist())
        pairs = list(zip(rows["content"].to_pylist(), targets, strict=True))
        return Examples(pairs, encode, weights=row_weights(rows))

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        labels = torch.tensor([row["labels"] for row in batch])
        return {**as_tensors(stacked([row["inputs"] for row in batch])), "labels": labels}

    def as_batch(contents: Sequence[bytes]) -> dict[str, Any]:
        return as_tensors(stacked([frontend.inputs(content) for content in contents]))

    if section.head_init == "probe":
        start_head(model, as_batch, train, params.batch_size, objective, section.probe_C)
    metrics = fine_tune(model, examples(train), examples(validation), collate, objective, params)
    objective = tuned(objective, model, frontend, validation, params.batch_size)
    model.save_pretrained(folder)
    frontend.extractor.save_pretrained(folder)
    more = {"max_seconds": section.max_seconds, "input": frontend.input, "gives_shares": frontend.gives_shares}
    write_recipe(folder, {**recipe, **objective.recipe(), **more})
    return metrics


def measure(contents: Sequence[bytes], params: Any) -> Coverage:
    """Meets contracts.learn.Task for any objective on whole recordings."""
    from stages.modalities.audio.encode.coverage import measure as measure_sounds
    from stages.modalities.audio.encode.sounds import model_seconds

    section = params.finetune.of("audio")
    limit = model_seconds(params.model) if section.config is None else None
    return measure_sounds(contents, section.max_seconds, limit, "finetune.audio.max_seconds", "model")


def first_model(
    name: str, section: FinetuneParams, objective: Learnable, contents: Sequence[bytes], rate: int
) -> tuple[Any, Any]:
    """The model with a new head, and its frontend; with a config, an architecture with random weights.

    Args:
        contents: of the training rows.
        rate: their sample rate, in Hz.
    """
    from stages.models import pretrained

    if section.config is None:
        return pretrained_model(name, section, objective)
    with pretrained.building(name, "finetune.audio.config"):
        return new_model(name, section.config, section, objective, contents, rate)


def pretrained_model(name: str, section: FinetuneParams, objective: Learnable) -> tuple[Any, Any]:
    """The pretrained model with a new head, and its frontend."""
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

    from stages.modalities.audio.encode.sounds import shorten
    from stages.modalities.audio.network.frontend import AudioFrontend
    from stages.modalities.audio.network.pooling import PooledSpeech
    from stages.models import pretrained
    from stages.models.layers import freeze

    config = pretrained.load(AutoConfig, name)
    factory, options = AutoModelForAudioClassification, objective.config()
    if config.model_type == "whisper":
        factory = PooledSpeech
        options["use_weighted_layer_sum"] = False  # it reads the last layer only
    if section.head_init == "probe" and hasattr(config, "classifier_proj_size"):
        options["classifier_proj_size"] = config.hidden_size
    loaded = pretrained.load_weights(factory, name, **options)
    model = loaded.model
    if section.head_init == "probe" and "projector.weight" in loaded.new:
        pass_through(model.projector)
    extractor = shorten(name, model, pretrained.load(AutoFeatureExtractor, name), section.max_seconds)
    backbone = model.get_encoder() if model.base_model is model else model.base_model  # Whisper has no base model
    freeze(backbone, section.frozen_layers, "finetune.audio.frozen_layers")
    return model, AudioFrontend.of(extractor, section.max_seconds, model)


def pass_through(layer: Any) -> None:
    """Makes a square linear layer the identity.

    Some classifiers have a projection before they average the hidden states. At random, it would lose what the probe
    can find in them.
    """
    import torch

    torch.nn.init.eye_(layer.weight)
    torch.nn.init.zeros_(layer.bias)


def new_model(
    name: str,
    config_keys: dict[str, Any],
    section: FinetuneParams,
    objective: Learnable,
    contents: Sequence[bytes],
    rate: int,
) -> tuple[Any, Any]:
    """A model with random weights, and its frontend."""
    import torch
    from transformers import AutoConfig, Wav2Vec2FeatureExtractor

    from stages.modalities.audio.network.frontend import AudioFrontend
    from stages.modalities.audio.network.pooling import classifier
    from stages.models import pretrained
    from stages.models.network import as_tensors

    known = AutoConfig.for_model(name).to_dict()
    frames = n_frames(section.max_seconds, rate)
    of_spectrogram = {"num_mel_bins": section.mels, "max_length": frames, "num_channels": 1}
    keys = {key: value for key, value in of_spectrogram.items() if key in known}
    config = pretrained.new_config(name, keys | config_keys, **objective.config())
    model = classifier(config).from_config(config)
    if model.main_input_name == "input_values" and "num_mel_bins" not in known:  # the model reads samples
        frontend = AudioFrontend.of(Wav2Vec2FeatureExtractor(sampling_rate=rate), section.max_seconds, model)
    else:
        frontend = spectrogram_frontend(model, section, contents, rate)
    with torch.inference_mode():  # layers with mismatched shapes fail only when they run
        model.eval()(**as_tensors(frontend.inputs(contents[0])))
    return model, frontend


def spectrogram_frontend(model: Any, section: FinetuneParams, contents: Sequence[bytes], rate: int) -> Any:
    """A frontend that normalises with the mean and standard deviation of the first training rows."""
    from transformers import ASTFeatureExtractor

    from stages.modalities.audio.network.frontend import AudioFrontend

    options = {
        "sampling_rate": rate,
        "num_mel_bins": section.mels,
        "max_length": n_frames(section.max_seconds, rate),
    }
    without_norm = AudioFrontend.of(ASTFeatureExtractor(**options, do_normalize=False), section.max_seconds, model)
    inputs = [without_norm.inputs(content) for content in contents[:MEASURED_ROWS]]
    mean, std = moments(inputs)
    return AudioFrontend.of(ASTFeatureExtractor(**options, mean=mean, std=std), section.max_seconds, model)


def moments(inputs: Sequence[Inputs]) -> tuple[float, float]:
    """The mean and standard deviation of spectrograms, without the padded frames, which are 0."""
    flat = []
    for row in inputs:
        flat += [values.reshape(-1) for values in row.values()]
    values = np.concatenate(flat).astype(np.float64)
    values = values[values != 0]
    return float(values.mean()), float(values.std(ddof=1))
