"""What all tasks on recordings share: augmentation, and a fine-tuned audio model or a small one that starts from a config."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts import Conclusion, Content, Label, Learnable
from stages.modalities.audio.content import Samples, decode, encode, resample
from stages.modalities.audio.encoder import n_frames
from stages.model_folder import read_recipe, write_recipe
from stages.params import Strict

LOWEST = 100.0  # Hz: where the octaves of `band` begin
MEASURED_ROWS = 1_000  # from which a new extractor takes the mean and deviation of spectrograms


class AugmentParams(Strict):
    speed: float = Field(ge=0, le=0.5, description="the largest change of speed, and of pitch with it, as a share; 0: none")
    shift: float = Field(ge=0, le=10, description="the longest silence that is put before the sound, in seconds; 0: none")
    gain: float = Field(ge=0, le=20, description="the largest change of loudness, in dB; 0: none")
    noise: float | None = Field(ge=0, le=40, description="the loudest noise: the smallest distance of the sound from it, in dB (the largest is 40); null: none")
    gap: float = Field(ge=0, lt=1, description="the longest gap of silence, as a share of the sound; 0: none")
    band: float = Field(ge=0, lt=1, description="the widest band of frequencies that is left out, as a share of the octaves above 100 Hz; 0: none")


class FinetuneParams(Strict):
    max_seconds: float = Field(gt=0, description="seconds after which a recording is cut off")
    mels: int = Field(ge=8, le=256, description="bands of the spectrogram; a pretrained model has its own")
    config: dict[str, Any] | None = Field(
        description="with a config, `model` names an architecture of transformers, for sound or for images (a spectrogram is a grey one), "
        "that starts from random weights; null: pretrained"
    )


def augmenter(params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Copies changed by every switch that is on."""

    def augment(content: bytes, label: Label, seed: int) -> tuple[bytes, Label]:
        samples, rate = decode(content)
        return encode(changed(samples, rate, params, np.random.default_rng(seed)), rate), label

    return augment


def changed(samples: Samples, rate: int, params: AugmentParams, rng: np.random.Generator) -> Samples:
    """Gaps in time and in frequency are those of SpecAugment (Park et al. 2019), cut into the sound itself, so that data/train holds what is learned from."""
    speed, gain = 1 + rng.uniform(-params.speed, params.speed), rng.uniform(-params.gain, params.gain)
    samples = resample(samples, rate, rate / speed)
    level = float(np.sqrt(np.mean(samples**2)))
    samples = with_gap(samples, params.gap, rng)
    if params.band:
        samples = without_band(samples, rate, params.band, rng)
    samples = np.pad(samples, (round(rng.uniform(0, params.shift) * rate), 0))
    if params.noise is not None:
        samples += (rng.normal(size=len(samples)) * level * 10 ** (-rng.uniform(params.noise, 40) / 20)).astype(np.float32)
    highest = float(np.abs(samples).max())
    return np.asarray(samples * min(10 ** (gain / 20), 1 / max(highest, 1e-9)), dtype=np.float32)  # louder, but never clipped


def with_gap(samples: Samples, longest: float, rng: np.random.Generator) -> Samples:
    length = int(rng.uniform(0, longest) * len(samples))
    start = int(rng.integers(len(samples) - length + 1))
    return np.concatenate([samples[:start], np.zeros(length, np.float32), samples[start + length :]])


def without_band(samples: Samples, rate: int, widest: float, rng: np.random.Generator) -> Samples:
    octaves = np.log2(rate / 2 / LOWEST)
    width = rng.uniform(0, widest) * octaves
    low = LOWEST * 2 ** rng.uniform(0, octaves - width)
    spectrum, frequencies = np.fft.rfft(samples), np.fft.rfftfreq(len(samples), 1 / rate)
    spectrum[(frequencies >= low) & (frequencies < low * 2**width)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), dtype=np.float32)


def finetune(objective: Learnable, train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    """As contracts.Task says, towards any objective on whole recordings."""
    import torch
    from transformers import set_seed

    from stages.modalities.audio.encoder import run_model, stacked
    from stages.training import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("audio")
    contents = train["content"].to_pylist()
    model, frontend = first_model(params.model, own, objective, contents, params.clean.of("audio").sample_rate)
    inputs = frontend.cached(contents[0])

    def examples(rows: pa.Table) -> Examples:
        targets = objective.targets(rows["label"].to_pylist())
        return Examples(list(zip(rows["content"].to_pylist(), targets, strict=True)), lambda row: {"inputs": inputs(row[0]), "labels": row[1]})

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


def first_model(name: str, own: FinetuneParams, objective: Learnable, contents: Sequence[bytes], rate: int) -> tuple[Any, Any]:
    """The model and what stands before it: pretrained; or, with a config, of that architecture with random weights."""
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    from stages import pretrained
    from stages.modalities.audio.encoder import Frontend

    if own.config is None:
        labels = {**objective.config(), "ignore_mismatched_sizes": True}
        model = pretrained.load(AutoModelForAudioClassification, name, use_safetensors=True, **labels)
        return model, Frontend.of(pretrained.load(AutoFeatureExtractor, name), own.max_seconds, model)
    with pretrained.building(name, "finetune.audio.config"):
        return new_model(name, own.config, own, objective, contents, rate)


def new_model(name: str, given: dict[str, Any], own: FinetuneParams, objective: Learnable, contents: Sequence[bytes], rate: int) -> tuple[Any, Any]:
    """Random weights, and an extractor that takes the mean and deviation from the first of the training rows."""
    import torch
    from transformers import ASTFeatureExtractor, AutoConfig, Wav2Vec2FeatureExtractor

    from stages import pretrained
    from stages.modalities.audio.encoder import Frontend, stacked

    known = AutoConfig.for_model(name).to_dict()
    frames = n_frames(own.max_seconds, rate)
    shape = {"num_mel_bins": own.mels, "max_length": frames, "num_channels": 1}
    config = pretrained.new_config(name, {key: value for key, value in shape.items() if key in known} | given, **objective.config())
    model = classifier(config).from_config(config)
    if model.main_input_name == "input_values" and "num_mel_bins" not in known:
        frontend = Frontend.of(Wav2Vec2FeatureExtractor(sampling_rate=rate), own.max_seconds, model)
    else:
        spectra = ASTFeatureExtractor(sampling_rate=rate, num_mel_bins=own.mels, max_length=frames, do_normalize=False)
        mean, deviation = moments([Frontend.of(spectra, own.max_seconds, model).inputs(content)[0] for content in contents[:MEASURED_ROWS]])
        extractor = ASTFeatureExtractor(sampling_rate=rate, num_mel_bins=own.mels, max_length=frames, mean=mean, std=deviation)
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

    return AutoModelForAudioClassification if config.model_type in MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES else AutoModelForImageClassification


def predict(objective: type[Learnable], folder: Path, contents: Sequence[bytes], batch_size: int) -> Conclusion:
    from transformers import AutoConfig, AutoFeatureExtractor

    from stages import pretrained
    from stages.modalities.audio.encoder import Frontend, run_model

    recipe = read_recipe(folder)
    model = pretrained.load(classifier(pretrained.load(AutoConfig, str(folder))), str(folder), use_safetensors=True)
    model.to(pretrained.device())
    frontend = Frontend.of(pretrained.load(AutoFeatureExtractor, str(folder)), recipe["max_seconds"], model)
    towards = objective.from_recipe(recipe)
    return towards.conclude(towards.outputs(run_model(model, frontend, contents, batch_size)))
