"""What a model does not read of the contents is counted, and said where it is much."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stages import embed as embed_stage
from stages.modalities.audio import embed as audio
from stages.modalities.audio.content import encode
from stages.modalities.text import embed as text
from stages.modalities.text.encode.coverage import Reader, Vocabulary, measure
from stages.models.vector_cache import CACHE
from stages.tasks.audio_category import learn as audio_learn
from stages.tasks.text_category import learn as text_learn
from stages.tasks.text_tags import learn as tags_learn
from tests import tiny
from tests.rows import write_rows
from tests.sounds import RATE

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
RUSSIAN = ["Очень хороший магазин, быстрая доставка", "Пришлось долго ждать, вещь сломана"]
CHINESE = ["味道很好，送餐也快，下次还会再来", "等了两个小时，饭都凉了，差评"]
GERMAN = ["Ein sehr guter Laden mit schneller Lieferung", "Ich musste lange warten, und die Ware war kaputt"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT that knows whole words only and takes 64 tokens."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny.write_text_model(folder)
    return folder


def measured(model: Path | str, contents: list[str], max_length: int = 32) -> Any:
    given = {"model": str(model), "max_length": max_length, "batch_size": 4, "token_layer": None}
    return text.measure(contents, text.EmbedParams(**given))


def test_unknown_tokens_and_cut_rows_are_shares(model: Path) -> None:
    """Lengths count the two special tokens, other shares do not."""
    contents = ["apple fig", "apple xyzzy", "fig " * 10, "fig " * 6]
    found = measured(model, contents, max_length=8)
    assert found.metrics == pytest.approx(
        {
            "unknown_tokens": 1 / 20,
            "rows_with_unknown_tokens": 1 / 4,
            "single_letter_tokens": 0,
            "cut_rows": 1 / 4,
            "cut_tokens": 4 / 20,
        }
    )
    (warning,) = found.warnings
    assert warning.see == "embed.text.max_length"
    assert "25% of the rows are longer than 8 tokens and are cut, 20% of all tokens are not read; 12 would" in (
        warning.message
    )
    assert measured(model, contents, max_length=12).metrics["cut_rows"] == 0  # the advice is true


def test_a_text_beyond_the_model_needs_another_model(model: Path) -> None:
    long = ["fig " * 100] * 3
    (some,) = measured(model, long, max_length=32).warnings
    assert (some.see, "give 64, or choose" in some.message) == ("embed.text.max_length", True)
    (all_,) = measured(model, long, max_length=64).warnings
    assert all_.see == "embed.text.model"
    assert "at most 102, but the model takes 64 at most; choose a model that reads longer texts" in all_.message


def test_a_pair_is_one_row(model: Path) -> None:
    apart = measured(model, ["fig\nfig xyzzy", "apple\n" + "fig " * 9], max_length=8).metrics
    assert (apart["rows_with_unknown_tokens"], apart["cut_rows"], apart["cut_tokens"]) == pytest.approx(
        (1 / 2, 1 / 2, 3 / 13)
    )
    from transformers import AutoTokenizer

    reader = Reader(AutoTokenizer.from_pretrained(model), 8, "model", "finetune.text.max_length", together=True)
    joined = measure(["fig\nfig xyzzy", "fig fig fig\nfig fig fig"], reader, lambda: 64).metrics
    assert (joined["cut_rows"], joined["cut_tokens"]) == pytest.approx((1 / 2, 1 / 9))  # three special tokens


@pytest.mark.parametrize(
    ("contents", "said"),
    [(CHINESE, "of the tokens are unknown"), (RUSSIAN, "of the tokens are single letters"), (GERMAN, None)],
)
def test_an_english_encoder_says_that_it_cannot_read(contents: list[str], said: str | None) -> None:
    warnings = measured(MINILM, contents, max_length=128).warnings
    if said is None:
        assert not warnings
        return
    (warning,) = warnings
    assert said in warning.message
    assert "intfloat/multilingual-e5-small" in warning.message
    assert warning.see == "embed.text.model"


def test_parts_of_characters_are_unknown() -> None:
    """Byte-level tokenizers have no unknown token: they cut a character into its bytes."""
    from tests.modalities.test_pretrained_texts import byte_tokenizer

    tokenizer = byte_tokenizer(eos_token="</s>")
    reader = Reader(tokenizer, None, "model", "finetune.text.max_length")
    assert measure(["apple fig"], reader, lambda: None).metrics["unknown_tokens"] == 0
    found = measure(CHINESE, reader, lambda: None)
    assert found.metrics["unknown_tokens"] == 1
    assert found.warnings[0].see == "model"


def test_bytes_of_sentencepiece_are_unknown() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    pieces = [("<unk>", 0.0), ("▁apple", -1.0), *((f"<0x{number:02X}>", -9.0) for number in range(256))]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True)), unk_token="<unk>"
    )
    assert len(Vocabulary.of(tokenizer).unknown) == 257
    reader = Reader(tokenizer, None, "model", "finetune.text.max_length")
    assert measure(["▁apple", "好"], reader, lambda: None).metrics["unknown_tokens"] == 3 / 4


def test_a_model_of_letters_spells_by_design() -> None:
    """Such as those of proteins."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = Tokenizer(models.WordLevel({letter: number for number, letter in enumerate("?ACDEFG")}, unk_token="?"))
    letters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, unk_token="?")
    found = measure(["ACDEFG"], Reader(tokenizer, None, "model", "finetune.text.max_length"), lambda: None)
    assert not found.warnings


def test_finetune_and_tags_count_too(model: Path) -> None:
    contents = ["apple xyzzy", "fig " * 40]
    section = SimpleNamespace(max_length=16, pooling="mean")
    params = SimpleNamespace(model=str(model), finetune=SimpleNamespace(of=lambda _: section))
    found = text_learn.measure(contents, params)
    assert found.metrics["cut_rows"] == 1 / 2
    assert [warning.see for warning in found.warnings] == ["finetune.text.max_length"]
    tags = tags_learn.measure(["apple xyzzy", ("fig " * 40).strip()], params).metrics
    assert (tags["rows_with_unknown_tokens"], tags["cut_rows"]) == (1 / 2, 0)  # long texts are read in windows


@pytest.mark.usefixtures("workplace")
def test_cached_vectors_change_no_count(model: Path) -> None:
    write_rows(["fruit"] * 3, ["apple xyzzy", "fig " * 40, "fig"])
    own = text.EmbedParams(model=str(model), max_length=16, batch_size=4, token_layer=None)
    params: Any = embed_stage.Params.model_construct(
        modality="text", threads=1, embed=SimpleNamespace(of=lambda _: own)
    )
    cold = embed_stage.main(params)
    assert CACHE.exists()
    warm = embed_stage.main(params)
    assert (warm.metrics(), warm.warnings) == (cold.metrics(), cold.warnings)
    assert [counts.found[0].rpartition("; ")[2] for counts in (cold, warm)] == ["0 from .cache", "3 from .cache"]
    assert cold.metrics()["cut_rows"] == 1 / 3
    assert len(cold.warnings) == 1


@pytest.mark.usefixtures("workplace")
def test_vectors_of_nan_stop_the_stage(tmp_path: Path, model: Path) -> None:
    import shutil

    import torch
    from transformers import AutoModel

    from stages.core.errors import InputError

    broken = Path(shutil.copytree(model, tmp_path / "broken"))
    network = AutoModel.from_pretrained(model)
    with torch.no_grad():
        for layer in network.encoder.layer:  # weights that are numbers, but too large to compute with
            layer.output.LayerNorm.weight.fill_(1e30)
    network.save_pretrained(broken)
    write_rows(["fruit"] * 2, ["apple", "fig"])
    for layer in (None, 1):
        own = text.EmbedParams(model=str(broken), max_length=16, batch_size=4, token_layer=layer)
        params: Any = embed_stage.Params.model_construct(
            modality="text", threads=1, embed=SimpleNamespace(of=lambda _, own=own: own)
        )
        with pytest.raises(InputError, match=f"model {broken}: it returned NaN or infinity"):
            embed_stage.main(params)


# --- sounds ---


def sounds(*seconds: float) -> list[bytes]:
    return [encode(np.zeros(round(RATE * length), dtype=np.float32), RATE) for length in seconds]


def test_cut_seconds_are_counted() -> None:
    contents = sounds(1, 1, 3, 5)
    given = audio.EmbedParams(model="logmel", max_seconds=2, batch_size=4)
    found = audio.measure(contents, given)
    assert found.metrics == pytest.approx({"cut_rows": 1 / 2, "cut_seconds": 4 / 10})
    (warning,) = found.warnings
    assert warning.see == "embed.audio.max_seconds"
    assert "longer than 2 seconds and are cut, 40% of all seconds are not heard; 5 would hold 95%" in warning.message
    assert not audio.measure(contents, given.model_copy(update={"max_seconds": 5.0})).warnings
    section = SimpleNamespace(max_seconds=2, config={})
    params = SimpleNamespace(model="resnet", finetune=SimpleNamespace(of=lambda _: section))
    assert audio_learn.measure(contents, params).metrics == found.metrics


def test_a_model_that_computes_mostly_silence_is_named(tmp_path: Path) -> None:
    """Whisper's extractor pads to its length; that of wav2vec2 does not."""
    from transformers import WhisperConfig, WhisperFeatureExtractor

    tiny.write_audio_models(tmp_path)
    WhisperConfig().save_pretrained(tmp_path / "whisper")
    WhisperFeatureExtractor(sampling_rate=8_000, chunk_length=30).save_pretrained(tmp_path / "whisper")
    for name, see in (("whisper", ["embed.audio.max_seconds"]), ("wav2vec2", [])):
        given = audio.EmbedParams(model=str(tmp_path / name), max_seconds=30, batch_size=4)
        assert [warning.see for warning in audio.measure(sounds(0.5, 1.25), given).warnings] == see
        assert not audio.measure(sounds(0.5, 6.5), given).warnings
    message = "the longest recording has 1.2 seconds, and the model computes 30 for each; 1.3 would hold all of them"
    given = audio.EmbedParams(model=str(tmp_path / "whisper"), max_seconds=30, batch_size=4)
    assert message in audio.measure(sounds(0.5, 1.25), given).warnings[0].message


def test_an_extractor_may_hear_less_than_the_params_say(tmp_path: Path) -> None:
    """AST's has a number of frames, Whisper's a number of seconds."""
    from transformers import WhisperConfig, WhisperFeatureExtractor

    tiny.write_audio_models(tmp_path)  # AST: 40 frames of 160 samples at 8 kHz are 0.85 s
    WhisperConfig().save_pretrained(tmp_path / "whisper")
    WhisperFeatureExtractor(sampling_rate=8_000, chunk_length=2).save_pretrained(tmp_path / "whisper")
    for name, limit in (("ast", 0.849875), ("whisper", 2.0), ("wav2vec2", None)):
        given = audio.EmbedParams(model=str(tmp_path / name), max_seconds=9, batch_size=4)
        found = audio.measure(sounds(0.5, 3, 3), given)
        expected = 0.0 if limit is None else 2 * (3 - limit) / 6.5
        assert found.metrics["cut_seconds"] == pytest.approx(expected)
        assert [warning.see for warning in found.warnings] == ([] if limit is None else ["embed.audio.model"])
