"""Recordings: what is broken, silent, clipped or too long leaves with its reason, copies are found, and a model hears
what it was trained on.
"""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from stages.contracts.learn import load_task
from stages.contracts.objective import load_objective
from stages.core.errors import InputError
from stages.label_audit import predict_with_probe
from stages.modalities.audio import augment as audio_augment
from stages.modalities.audio import embed
from stages.modalities.audio import learn as audio_learn
from stages.modalities.audio.clean import cleaner
from stages.modalities.audio.content import db, decode, encode, resample
from stages.modalities.audio.network.frontend import AudioFrontend, stacked
from stages.models.batches import run
from stages.models.network import as_tensors, logits_of
from stages.serving.predictor import load_predictor
from stages.targets.category import audit as category_audit
from stages.training.recipe import read_recipe, write_recipe
from tests import tiny
from tests.samples.cleaned_sounds import clean, samples_of
from tests.sounds import RATE, sound

RECIPE = {"modality": "audio", "target": "category"}


def rows(seeds: range, kinds: tuple[str, ...] = ("up", "down")) -> pa.Table:
    contents = [
        (clean(sound(kind, seconds=0.3 + seed % 5 / 20, seed=seed)).content, kind) for seed in seeds for kind in kinds
    ]
    return pa.table(
        {
            "content": [content for content, _ in contents],
            "label": [kind for _, kind in contents],
            "copy": [0] * len(contents),
        }
    )


def params(model: str, config: dict[str, Any] | None, **changes: Any) -> Any:
    own = {"max_seconds": 0.6, "mels": 16, "label_smoothing": 0.0, "config": config}
    pretrained = {"head_init": "random", "probe_C": 10.0, "frozen_layers": 0}
    section = SimpleNamespace(**own | {key: changes.pop(key, value) for key, value in pretrained.items()})
    finetune = SimpleNamespace(weight_decay=0.01, warmup=0.1, patience=4, of=lambda modality: section)
    top = {"model": model, "lr": 5e-3, "epochs": 6, "batch_size": 8, "seed": 1, "finetune": finetune}
    return SimpleNamespace(
        **top | changes, clean=SimpleNamespace(of=lambda modality: SimpleNamespace(sample_rate=RATE))
    )


RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
AST = {**SMALL, "patch_size": 8, "frequency_stride": 8, "time_stride": 8}
CONVOLUTIONS = {
    "conv_dim": [8, 8],
    "conv_kernel": [10, 8],
    "conv_stride": [5, 8],
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}


@pytest.mark.parametrize(
    ("model", "config", "plain"),
    [
        ("resnet", RESNET, "AutoModelForImageClassification"),
        ("audio-spectrogram-transformer", AST, "AutoModelForAudioClassification"),
        ("wav2vec2", {**SMALL, **CONVOLUTIONS, "apply_spec_augment": False}, "AutoModelForAudioClassification"),
    ],
)
def test_the_saved_model_is_the_trained_one(
    model: str, config: dict[str, Any], plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It learns, loads with plain transformers, and says of cleaned contents what it said when it was trained."""
    import torch
    import transformers

    monkeypatch.chdir(tmp_path)
    seen: list[Any] = []
    monkeypatch.setattr(
        audio_learn, "first_model", lambda *given, made=audio_learn.first_model: seen.append(made(*given)) or seen[0]
    )
    train, held_out = rows(range(40)), rows(range(50, 60))
    (tmp_path / "model").mkdir()
    task = load_task("audio", "category")
    measured = task.finetune(train, held_out, params(model, config), RECIPE, tmp_path / "model")
    assert measured["train_loss"] < 1
    contents = held_out["content"].to_pylist()
    found = load_predictor(tmp_path / "model").predict(contents, 4)
    in_memory = load_objective("category").of(["down", "up"])
    network, frontend = seen[0]
    logits = np.stack(run(logits_of(network), frontend, contents, 4, "predict"))
    assert found.predictions.tobytes() == in_memory.outputs(logits).tobytes()
    if model == "resnet":
        assert np.mean(np.array(found.labels) == held_out["label"].to_pylist()) >= 0.9
    again = getattr(transformers, plain).from_pretrained(tmp_path / "model").eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(tmp_path / "model")
    if model != "wav2vec2":  # which pads to a length that its recipe says
        values = extractor(decode(contents[0])[0], sampling_rate=RATE, return_tensors="pt")["input_values"]
        with torch.inference_mode():
            served = again(values.unsqueeze(1) if model == "resnet" else values).logits
        assert served[0].numpy() == pytest.approx(logits[0], abs=1e-4)


def head_start(model: str, **changes: Any) -> tuple[Any, Any, pa.Table]:
    """A pretrained model whose head starts from a probe, its frontend, and the training rows."""
    from stages.training.probe_head import start_head

    train = rows(range(20))
    objective = load_objective("category").of(["down", "up"])
    section = params(model, None, head_init="probe", **changes).finetune.of("audio")
    network, frontend = audio_learn.first_model(model, section, objective, train["content"].to_pylist(), RATE)

    def as_batch(contents: Sequence[bytes]) -> dict[str, Any]:
        return as_tensors(stacked([frontend.inputs(content) for content in contents]))

    start_head(network, as_batch, train, 8, objective, section.probe_C)
    return network, frontend, train


def test_a_pretrained_model_starts_as_the_probe_of_its_mean_hidden_state(tmp_path: Path) -> None:
    """No random projection stands between the hidden states and the probe."""
    import torch

    tiny.write_audio_models(tmp_path)
    network, _, _ = head_start(str(tmp_path / "wav2vec2"))
    assert network.projector.weight.tolist() == np.eye(16).tolist()
    tiny.write_whisper(tmp_path / "whisper")
    network, frontend, train = head_start(str(tmp_path / "whisper"))
    vectors = []
    with torch.inference_mode():
        for content in train["content"].to_pylist():
            features = torch.from_numpy(frontend.inputs(content)["input_features"])
            n_real = -(-len(frontend.samples(content)) // 320)  # of 50 positions; the rest is padding
            vectors.append(network.encoder(features).last_hidden_state[0, :n_real].mean(0).numpy())
    length = np.linalg.norm(vectors, axis=1).mean()
    objective = load_objective("category").of(["down", "up"])
    weights, bias = objective.first_head(
        np.stack(vectors) / length, objective.targets(train["label"].to_pylist()), 10.0
    )
    logits = np.stack(run(logits_of(network), frontend, train["content"].to_pylist(), 8, "predict"))
    assert logits == pytest.approx(np.stack(vectors) / length @ weights.T + bias, abs=1e-4)


def test_a_fine_tuned_whisper_is_short_and_goes_on_from_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own files it hears one second; plain transformers says what predict says, if there is no padding.

    A weighted sum of all layers, which its config may ask for, is not taken.
    """
    import torch
    from transformers import AutoModel, WhisperFeatureExtractor, WhisperForAudioClassification

    monkeypatch.chdir(tmp_path)
    tiny.write_whisper(tmp_path / "whisper", seconds=3, use_weighted_layer_sum=True)
    train, held_out = rows(range(20)), rows(range(50, 54))
    task, folder = load_task("audio", "category"), tmp_path / "model"
    folder.mkdir()
    given = params(str(tmp_path / "whisper"), None, epochs=1, head_init="probe", frozen_layers=2)
    task.finetune(train, held_out, given, RECIPE, folder)
    saved = WhisperForAudioClassification.from_pretrained(folder).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    assert saved.config.max_source_positions == len(saved.encoder.embed_positions.weight) == 50
    content = clean(sound("up", seconds=1.2), trim_db=None).content
    features = extractor(resample(*decode(content), 16_000)[:16_000], sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        expected = saved(**features).logits.softmax(1).numpy()
    section = read_recipe(folder)
    write_recipe(folder, {**section, "max_seconds": 1.0})  # 0.6 leaves padding
    assert load_predictor(folder).predict([content], 4).predictions == pytest.approx(expected, abs=1e-5)
    before = AutoModel.from_pretrained(tmp_path / "whisper").encoder
    assert (saved.encoder.conv1.weight == before.conv1.weight).all()
    assert (saved.encoder.layers[0].fc1.weight == before.layers[0].fc1.weight).all()
    assert (saved.encoder.layers[1].fc1.weight != before.layers[1].fc1.weight).any()
    again, _, _ = head_start(str(folder))
    assert (again.projector.weight == saved.projector.weight).all()


def test_what_only_a_pretrained_model_has_needs_one() -> None:
    given = {"max_seconds": 1.0, "mels": 16, "label_smoothing": 0.0, "config": RESNET, "probe_C": 1.0}
    task = load_task("audio", "category")
    for key, value in (("head_init", "probe"), ("frozen_layers", 1)):
        with pytest.raises(ValueError, match=f"{key}: .*needs a pretrained model"):
            task.FinetuneParams(**{**given, "head_init": "random", "frozen_layers": 0, key: value})


def test_a_new_extractor_knows_the_mean_and_deviation_of_its_rows() -> None:
    train = rows(range(10))["content"].to_pylist()
    _, frontend = audio_learn.first_model(
        "resnet",
        params("resnet", RESNET).finetune.of("audio"),
        load_objective("category").of(["down", "up"]),
        train,
        RATE,
    )
    padding = -frontend.extractor.mean / (2 * frontend.extractor.std)
    values = np.concatenate([frontend.inputs(content)["pixel_values"].reshape(-1) for content in train])
    values = values[np.abs(values - padding) > 1e-5]
    assert (values.mean(), values.std()) == pytest.approx(
        (0, 0.5), abs=1e-3
    )  # AST's extractor divides by two deviations


def test_a_model_of_another_rate_hears_the_same_length() -> None:
    from transformers import Wav2Vec2FeatureExtractor

    content = clean(sound("up"), trim_db=None).content
    frontend = AudioFrontend(Wav2Vec2FeatureExtractor(sampling_rate=16_000), 0.4, "input_values")
    assert len(AudioFrontend(frontend.extractor, 10.0, "input_values").samples(content)) == 8_000
    assert len(frontend.samples(content)) == 6_400
    assert frontend.inputs(content)["input_values"].shape == (1, 6_400)


def test_a_config_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train = rows(range(2))
    objective = load_objective("category").of(["down", "up"])
    for model, config, said in (
        ("resnet", {"deep": 1}, "deep: unknown key; allowed are "),
        ("resnet", {"layer_type": "thick"}, "thick"),
        ("audio-spectrogram-transformer", {**AST, "patch_size": 99}, "finetune.audio.config"),
        ("no-such-thing", {}, "no-such-thing"),
    ):
        given = params(model, config).finetune.of("audio")
        with pytest.raises(InputError, match=said):
            audio_learn.first_model(model, given, objective, train["content"].to_pylist(), RATE)


def test_planted_label_errors_are_found() -> None:
    kinds = ("up", "down", "flat", "low")
    table = rows(range(25), kinds)
    truth = table["label"].to_pylist()
    planted = {10, 33, 57, 90}
    given = [kinds[(kinds.index(label) + 1) % 4] if row in planted else label for row, label in enumerate(truth)]
    vectors = embed.embed(
        table["content"].to_pylist(), embed.EmbedParams(model="logmel", max_seconds=1.0, batch_size=8)
    ).rows
    objective = load_objective("category").of(given)
    fold = np.arange(len(given)) // 4 % 5
    outputs = np.empty((len(given), 4))
    for part in range(5):
        inside = fold == part
        labels = [label for label, out in zip(given, inside, strict=True) if not out]
        outputs[inside] = predict_with_probe(objective, labels, vectors[~inside], vectors[inside], 10.0)
    judged = category_audit.audit(given, objective.conclude(outputs))
    assert set(np.flatnonzero(judged.is_label_issue)) == planted
    assert set(np.argsort(judged.label_quality)[:4]) == planted
    assert [judged.suggested[row] for row in sorted(planted)] == [truth[row] for row in sorted(planted)]


def test_changes_are_what_they_are_called() -> None:
    off: dict[str, Any] = {"speed": 0.0, "shift": 0.0, "gain": 0.0, "noise": None, "gap": 0.0, "band": 0.0}
    content = samples_of(sound("up"))

    def copies(**switch: Any) -> list[npt.NDArray[np.float32]]:
        return [
            audio_augment.changed(
                content, RATE, audio_augment.AugmentParams(**off | switch), np.random.default_rng(seed)
            )
            for seed in range(20)
        ]

    assert all(np.allclose(copy, content, atol=1e-6) for copy in copies())
    lengths = [len(copy) / len(content) for copy in copies(speed=0.25)]
    assert min(lengths) < 0.9
    assert max(lengths) > 1.1
    assert all((copy[: len(copy) - len(content)] == 0).all() for copy in copies(shift=0.1))
    loudness = [db(cleaner.rms(copy)) + 20 for copy in copies(gain=6.0)]
    assert -6.1 < min(loudness) < -3
    assert 3 < max(loudness) < 6.1
    assert all(np.abs(copy).max() <= 1 for copy in copies(gain=20.0))
    distance = [cleaner.rms(content) / cleaner.rms(copy - content) for copy in copies(noise=10.0)]
    assert all(9 < 20 * np.log10(ratio) < 41 for ratio in distance)
    assert 0.1 < max((copy == 0).mean() for copy in copies(gap=0.3)) <= 0.3
    before = np.abs(np.fft.rfft(content))
    assert 0.05 < max((np.abs(np.fft.rfft(copy)) < 1e-3 * before).mean() for copy in copies(band=0.3)) < 0.9
    assert len(decode(encode(content, RATE))[0]) == len(content)
