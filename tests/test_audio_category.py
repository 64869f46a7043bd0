"""Recordings: what is broken, silent, clipped or too long leaves with its reason, copies are found, and a model hears what it was trained on."""

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import soundfile

from stages.collect import Params, Section, collect
from stages.contracts.learn import load_task
from stages.contracts.objective import load_objective
from stages.core.errors import InputError
from stages.label_audit import predict_with_probe
from stages.modalities.audio import augment as audio_augment
from stages.modalities.audio import compare, embed
from stages.modalities.audio import learn as audio_learn
from stages.modalities.audio.clean import cleaner as cleaner
from stages.modalities.audio.content import db, decode, encode, resample
from stages.modalities.audio.encode.sounds import run_model
from stages.sources.read import read_source
from stages.sources.records import FileFormat
from stages.targets.category import audit as category_audit
from tests.sounds import RATE, encoded, sound, tones

CLEAN: dict[str, Any] = {
    "sample_rate": RATE,
    "min_seconds": 0.1,
    "max_seconds": 5.0,
    "trim_db": 30.0,
    "level_db": -20.0,
    "min_peak_db": -50.0,
    "max_clipped": 0.02,
}


def clean(content: bytes, **changes: Any) -> Any:
    return cleaner.clean(content, cleaner.CleanParams(**CLEAN | changes))


def samples_of(content: bytes, **changes: Any) -> npt.NDArray[np.float32]:
    found = clean(content, **changes)
    assert found.reason is None
    return decode(found.content)[0]


# --- what is not what it says ---


def flac_that_promises(frames: int) -> bytes:
    """The last 36 bits of eight bytes of its header are the number of frames."""
    flac = bytearray(sound("up", "FLAC"))
    flac[18:26] = (int.from_bytes(flac[18:26], "big") >> 36 << 36 | frames).to_bytes(8, "big")
    return bytes(flac)


def wav_with(place: int, value: int, size: int) -> bytes:
    wav = bytearray(sound("up"))
    wav[place : place + size] = value.to_bytes(size, "little")
    return bytes(wav)


LYING_AND_BROKEN: dict[str, tuple[bytes, str | None]] = {
    "flac_of_ten_hours": (flac_that_promises(RATE * 36_000), "unreadable"),
    "flac_of_600_samples": (flac_that_promises(600), "too_short"),
    "riff_longer_than_the_file": (wav_with(4, 2**30, 4), "truncated"),
    "riff_from_a_pipe": (wav_with(4, 2**32 - 1, 4), None),  # by a program that could not know the length
    "rate_of_1": (wav_with(24, 1, 4), "implausible_header"),
    "rate_of_4e9": (wav_with(24, 4 * 10**9, 4), "unreadable"),
    "no_channel": (wav_with(22, 0, 2), "unreadable"),
    "999_channels": (wav_with(22, 999, 2), "implausible_header"),
    "mp3_cut_off": (sound("up", "MP3", seconds=2)[:-1_000], "truncated"),
    "ogg_cut_off": (sound("up", "OGG")[:40], "unreadable"),
    "mp3_of_zeros": (b"ID3\x03" + bytes(3_000), "unreadable"),
    "no_sound_at_all": (b"not a sound " * 50, "unreadable"),
    "au": (b".snd" + sound("up", "AU")[4:], "unreadable"),  # a format that libsndfile reads, and no one sends
    "nan": (encoded(np.array([0.1, np.nan] * 2_000), subtype="FLOAT"), "unreadable"),
    "huge_samples": (encoded(tones("up") * 1e5, subtype="FLOAT"), "unreadable"),
    "no_samples": (encoded(np.zeros(0)), "empty"),
}


@pytest.mark.parametrize(("content", "reason"), LYING_AND_BROKEN.values(), ids=LYING_AND_BROKEN.keys())
def test_lying_and_broken_files(content: bytes, reason: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    found = clean(content)
    assert (found.reason, found.content is None) == (reason, reason is not None)
    assert capfd.readouterr().err == ""


def test_a_bomb_is_not_decoded() -> None:
    """Two hours of silence in 160 kB."""
    bomb = encoded(np.zeros(RATE * 7_200), "FLAC")
    assert len(bomb) < 200_000
    tracemalloc.start()
    assert clean(bomb).reason == "too_long"
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_no_bytes_crash_the_decoder(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    rng, whole = np.random.default_rng(0), sound("up", format)
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(0, len(broken), 20):
            broken[place] = rng.integers(256)
        found = clean(bytes(broken[: rng.integers(1, len(broken) + 1)]))
        assert (found.content is None) == (found.reason is not None)
    assert capfd.readouterr().err == ""


# --- repairs ---


def test_silence_and_clipping_are_measured() -> None:
    quiet = clean(encoded(tones("up") * 1e-3, "FLAC", subtype="PCM_24"))
    assert quiet.reason == "silent"
    assert quiet.measured["peak_db"] == pytest.approx(db(1e-3 * np.abs(tones("up")).max()), abs=0.2)
    assert clean(encoded(np.full(RATE, 0.5))).reason == "silent"  # a constant is no sound
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    clipped = clean(encoded(np.clip(wave * 4, -1, 1)))
    assert clipped.reason == "clipped"
    assert clipped.measured["clipped"] == pytest.approx(2 / 3, abs=0.02)  # |sin| > 1/2
    fine = clean(encoded(wave))
    assert fine.measured["pii"] == []
    levels = {name: value for name, value in fine.measured.items() if name != "pii"}
    assert levels == pytest.approx({"seconds": 1.0, "peak_db": -6.02, "rms_db": -9.03, "clipped": 0.0}, abs=0.01)
    assert set(fine.measured) == set(cleaner.MEASURES)


def test_sounds_are_brought_to_one_form() -> None:
    stereo = encoded(
        np.pad(np.stack([tones("up", 1.0, 44_100)] * 2, axis=1), ((22_050, 22_050), (0, 0))), "FLAC", 44_100
    )
    found = clean(stereo)
    assert found.repairs == ("mixed_down", "resampled", "trimmed", "level")
    samples, rate = decode(found.content)
    assert rate == RATE
    assert samples.ndim == 1
    assert 0.7 < len(samples) / rate < 1.0
    assert db(cleaner.rms(samples)) == pytest.approx(-20, abs=0.1)
    assert soundfile.info(io.BytesIO(found.content)).subtype == "PCM_16"
    plain = clean(sound("up"), trim_db=None, level_db=None)
    assert plain.repairs == ()
    assert len(decode(plain.content)[0]) == 4_000


def test_a_level_that_would_clip_is_not_reached() -> None:
    click = np.zeros(4_000)
    click[2_000:2_010], click[2_010:2_020] = 0.1, 0.05
    samples = samples_of(encoded(click), trim_db=None)
    assert np.abs(samples).max() == pytest.approx(1, abs=1e-3)
    assert samples[2_015] == pytest.approx(0.5, abs=1e-2)  # as far from the peak as before
    assert db(cleaner.rms(samples)) < -20


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_a_constant_is_no_sound(rate: int) -> None:
    assert clean(encoded(np.full(rate, 0.5), rate=rate)).reason == "silent"
    moved = clean(encoded(tones("up", rate=rate) + 0.3, rate=rate))
    assert "offset" in moved.repairs
    assert (
        np.abs(decode(moved.content)[0] - decode(clean(encoded(tones("up", rate=rate), rate=rate)).content)[0]).max()
        < 0.01
    )


def test_nothing_is_shorter_than_the_shortest_or_longer_than_the_longest() -> None:
    assert [clean(sound("flat", seconds=seconds), trim_db=None).reason for seconds in (0.09, 0.1, 5.0, 5.01)] == [
        "too_short",
        None,
        None,
        "too_long",
    ]
    with pytest.raises(ValueError, match="min_seconds is larger than max_seconds"):
        cleaner.CleanParams(**CLEAN | {"min_seconds": 6.0})


# --- duplicates ---


COPIES: dict[str, Callable[[npt.NDArray[np.float32]], bytes]] = {
    "mp3": lambda samples: encoded(samples, "MP3"),
    "ogg": lambda samples: encoded(samples, "OGG"),
    "quieter": lambda samples: encoded(samples * 0.2),
    "noisy": lambda samples: encoded(samples + np.random.default_rng(0).normal(0, 0.002, len(samples))),
    "resampled": lambda samples: encoded(resample(samples, RATE, 16_000), "FLAC", 16_000),
    "shifted": lambda samples: encoded(np.pad(samples, (70, 0))[:-70]),
    "padded": lambda samples: encoded(np.pad(samples, (400, 300))),
}


def test_a_long_sound_is_no_copy_of_a_short_one() -> None:
    dot, dash = (compare.fingerprint(clean(sound("flat", seconds=seconds)).content) for seconds in (0.15, 0.45))
    assert compare.similarity(dot, dash) < 0.92
    assert compare.similarity(dot, dot) == pytest.approx(1)


@pytest.mark.parametrize("change", COPIES)
@pytest.mark.parametrize("trim_db", [None, 30.0])
def test_a_changed_copy_is_a_near_duplicate(change: str, trim_db: float | None) -> None:
    for kind in ("up", "down") if change == "mp3" else ("up", "down", "noise"):  # MP3 makes another noise of a noise
        one, other = (
            clean(content, trim_db=trim_db).content
            for content in (sound(kind, seed=5), COPIES[change](tones(kind, seed=5)))
        )
        assert compare.similarity(compare.fingerprint(one), compare.fingerprint(other)) >= 0.96


def test_different_sounds_are_not() -> None:
    prints = [
        compare.fingerprint(clean(sound(kind, seed=seed)).content) for kind in ("up", "down") for seed in range(3)
    ]
    prints += [compare.fingerprint(clean(sound("noise", seed=seed)).content) for seed in range(4)]
    alike = np.array([[compare.similarity(one, other) for other in prints] for one in prints])
    assert alike[:3, 3:].max() < 0.9
    assert alike[3:6, 6:].max() < 0.9


# --- learning ---


def rows(seeds: range, kinds: tuple[str, ...] = ("up", "down")) -> pa.Table:
    contents = [
        (clean(sound(kind, seconds=0.3 + seed % 5 / 20, seed=seed)).content, kind) for seed in seeds for kind in kinds
    ]
    return pa.table({"content": [content for content, _ in contents], "label": [kind for _, kind in contents]})


def params(model: str, config: dict[str, Any] | None, **changes: Any) -> Any:
    own = {"max_seconds": 0.6, "mels": 16, "label_smoothing": 0.0, "config": config}
    section = SimpleNamespace(**own)
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
    measured = task.finetune(train, held_out, params(model, config), {"modality": "audio"}, tmp_path / "model")
    assert measured["train_loss"] < 1
    contents = held_out["content"].to_pylist()
    found = task.predict(tmp_path / "model", contents, 4)
    in_memory = load_objective("category").of(["down", "up"])
    logits = run_model(*seen[0], contents, 4)
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
    values = np.concatenate([frontend.inputs(content)[0]["pixel_values"].numpy().reshape(-1) for content in train])
    values = values[np.abs(values - padding) > 1e-5]
    assert (values.mean(), values.std()) == pytest.approx(
        (0, 0.5), abs=1e-3
    )  # AST's extractor divides by two deviations


def test_a_model_of_another_rate_hears_the_same_length() -> None:
    from transformers import Wav2Vec2FeatureExtractor

    from stages.modalities.audio.encode.sounds import Frontend

    content = clean(sound("up"), trim_db=None).content
    frontend = Frontend(Wav2Vec2FeatureExtractor(sampling_rate=16_000), 0.4, "input_values")
    assert len(Frontend(frontend.extractor, 10.0, "input_values").samples(content)) == 8_000
    assert len(frontend.samples(content)) == 6_400
    assert frontend.inputs(content)[0]["input_values"].shape == (1, 6_400)


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


# --- a folder of files whose names say what they are ---


def collected(folder: Path, **changes: Any) -> Section:
    columns = {"content": "file", "label": "digit", "group": None, "time": None, "split": "take"}
    given = {
        "source": str(folder),
        "table": None,
        "splits": {"test": "[0-4]", "train": "*"},
        "columns": columns,
        "files": None,
    }
    given |= {
        "file_names": "{digit}_{speaker}_{take}.wav",
        "label_format": "one",
        "label_delimiter": None,
        "delimiter": None,
    }
    return Params(collect=Section(**given | {"header": True, "quoting": True, "on_bad_row": "error"} | changes)).collect


def test_names_of_files_are_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("7_theo_4.wav", "7_theo_14.wav", "0_jan_2.wav", "0_van_berg_2.wav", ".hidden", "readme.txt"):
        (folder / name).write_bytes(name.encode())
    records = list(read_source(folder, FileFormat(None, True, True, "{digit}_{speaker}_{take}.wav")))
    assert [record.source for record in records] == [
        "0_jan_2.wav:1",
        "0_van_berg_2.wav:1",
        "7_theo_14.wav:1",
        "7_theo_4.wav:1",
        "readme.txt:1",
    ]
    assert records[2].values == {"file": b"7_theo_14.wav", "digit": "7", "speaker": "theo", "take": "14"}
    assert "'speaker': 'van', 'take': 'berg_2'} and as {'digit': '0_van', 'speaker': 'berg', " in str(
        records[1].problem
    )
    assert "not of the form {digit}_{speaker}_{take}.wav" in str(records[4].problem)
    with pytest.raises(InputError, match=r"0_van_berg_2\.wav:1: its name can be read as"):
        collect(collected(folder))
    assert collect(collected(folder, on_bad_row="drop")).dropped == {"unreadable_row": 2}
    assert collected_splits() == {"0_jan_2.wav:1": "test", "7_theo_14.wav:1": "train", "7_theo_4.wav:1": "test"}
    for name in ("readme.txt", "0_van_berg_2.wav"):
        (folder / name).unlink()
    with pytest.raises(InputError, match=r"the split '14'; collect\.splits knows \[0-4\]"):
        collect(collected(folder, splits={"test": "[0-4]"}))


def collected_splits() -> dict[str, str]:
    from stages.core import paths
    from stages.core.tables import read_frame

    frame = read_frame(paths.COLLECTED, ["source", "given_split"])
    return dict(zip(frame["source"], frame["given_split"], strict=True))


@pytest.mark.parametrize("pattern", ["take.wav", "{a}_{a}.wav", "{}.wav", "{file}.wav", "{1}_{2}.wav"])
def test_patterns_of_names_are_checked(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"collect\.file_names: .*it must have named parts, each once"):
        list(read_source(tmp_path, FileFormat(None, True, True, pattern)))
