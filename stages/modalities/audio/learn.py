"""Fine-tunes an audio model on recordings, pretrained or from a config."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts.objective import Conclusion, Learnable
from stages.core.params import Strict
from stages.modalities.audio.encode.sounds import n_frames
from stages.training.recipe import read_recipe, write_recipe

MEASURED_ROWS = 1_000  # from which a new extractor takes the mean and deviation of spectrograms


class FinetuneParams(Strict):
    max_seconds: float = Field(gt=0, description="seconds after which a recording is cut off")
    mels: int = Field(ge=8, le=256, description="bands of the spectrogram; a pretrained model has its own")
    config: dict[str, Any] | None = Field(
        description="with a config, `model` names an architecture of transformers, for sound or for images (a spectrogram is a grey one), "
        "that starts from random weights; null: pretrained"
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

    from stages.modalities.audio.encode.sounds import run_model, stacked
    from stages.training.trainer import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("audio")
    objective = towards.of(train["label"].to_pylist(), own)
    contents = train["content"].to_pylist()
    model, frontend = first_model(params.model, own, objective, contents, params.clean.of("audio").sample_rate)
    inputs = frontend.cached(contents[0])

    def examples(rows: pa.Table) -> Examples:
        targets = objective.targets(rows["label"].to_pylist())
        return Examples(
            list(zip(rows["content"].to_pylist(), targets, strict=True)),
            lambda row: {"inputs": inputs(row[0]), "labels": row[1]},
        )

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        return {**stacked([row["inputs"] for row in batch]), "labels": torch.tensor([row["labels"] for row in batch])}

    measured = fine_tune(model, examples(train), examples(validation), collate, objective, params)
    if objective.tunable:
        logits = run_model(model, frontend, validation["content"].to_pylist(), params.batch_size)
        objective = objective.tuned(validation["label"].to_pylist(), objective.outputs(logits))
    model.save_pretrained(folder)
    frontend.extractor.save_pretrained(folder)
    write_recipe(folder, {**recipe, **objective.recipe(), "max_seconds": own.max_seconds})
    return measured


def first_model(
    name: str, own: FinetuneParams, objective: Learnable, contents: Sequence[bytes], rate: int
) -> tuple[Any, Any]:
    """The model and what stands before it: pretrained; or, with a config, of that architecture with random weights."""
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    from stages.modalities.audio.encode.sounds import Frontend
    from stages.models import pretrained

    if own.config is None:
        labels = {**objective.config(), "ignore_mismatched_sizes": True}
        model = pretrained.load(AutoModelForAudioClassification, name, use_safetensors=True, **labels)
        return model, Frontend.of(pretrained.load(AutoFeatureExtractor, name), own.max_seconds, model)
    with pretrained.building(name, "finetune.audio.config"):
        return new_model(name, own.config, own, objective, contents, rate)


def new_model(
    name: str, given: dict[str, Any], own: FinetuneParams, objective: Learnable, contents: Sequence[bytes], rate: int
) -> tuple[Any, Any]:
    """Random weights, and an extractor that takes the mean and deviation from the first of the training rows."""
    import torch
    from transformers import ASTFeatureExtractor, AutoConfig, Wav2Vec2FeatureExtractor

    from stages.modalities.audio.encode.sounds import Frontend, stacked
    from stages.models import pretrained

    known = AutoConfig.for_model(name).to_dict()
    frames = n_frames(own.max_seconds, rate)
    shape = {"num_mel_bins": own.mels, "max_length": frames, "num_channels": 1}
    config = pretrained.new_config(
        name, {key: value for key, value in shape.items() if key in known} | given, **objective.config()
    )
    model = classifier(config).from_config(config)
    if model.main_input_name == "input_values" and "num_mel_bins" not in known:
        frontend = Frontend.of(Wav2Vec2FeatureExtractor(sampling_rate=rate), own.max_seconds, model)
    else:
        spectra = ASTFeatureExtractor(sampling_rate=rate, num_mel_bins=own.mels, max_length=frames, do_normalize=False)
        mean, deviation = moments(
            [Frontend.of(spectra, own.max_seconds, model).inputs(content)[0] for content in contents[:MEASURED_ROWS]]
        )
        extractor = ASTFeatureExtractor(
            sampling_rate=rate, num_mel_bins=own.mels, max_length=frames, mean=mean, std=deviation
        )
        frontend = Frontend.of(extractor, own.max_seconds, model)
    with torch.inference_mode():  # layers that do not fit together show when they run
        model.eval()(**stacked([frontend.inputs(contents[0])[0]]))
    return model, frontend


def moments(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """The mean and the standard deviation of spectrograms, without the frames that are padding."""
    import torch

    values = torch.cat([value.reshape(-1) for row in rows for value in row.values()]).double()
    values = values[values != 0]
    return float(values.mean()), float(values.std())


def classifier(config: Any) -> Any:
    """The class that loads such a model for classification."""
    from transformers import AutoModelForAudioClassification, AutoModelForImageClassification
    from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES

    return (
        AutoModelForAudioClassification
        if config.model_type in MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES
        else AutoModelForImageClassification
    )


def predict(towards: type[Learnable], folder: Path, contents: Sequence[bytes], batch_size: int) -> Conclusion:
    from transformers import AutoConfig, AutoFeatureExtractor

    from stages.modalities.audio.encode.sounds import Frontend, run_model
    from stages.models import pretrained

    recipe = read_recipe(folder)
    model = pretrained.load(classifier(pretrained.load(AutoConfig, str(folder))), str(folder), use_safetensors=True)
    model.to(pretrained.device())
    frontend = Frontend.of(pretrained.load(AutoFeatureExtractor, str(folder)), recipe["max_seconds"], model)
    objective = towards.from_recipe(recipe)
    return objective.conclude(objective.outputs(run_model(model, frontend, contents, batch_size)))
