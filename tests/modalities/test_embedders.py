"""A row's vector has the same bits whatever rows are in its batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.contracts._network import Frontend, Inputs
from stages.contracts.embed import load_embedder
from tests import tiny
from tests.samples.checks import same_bits
from tests.samples.variants import cleaned, names, rows_of, samples_of
from tests.sounds import sound


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny encoders, `text`, `image`, `wav2vec2`, `ast` and `whisper`."""
    import torch
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    folder = tmp_path_factory.mktemp("models")
    tiny.write_text_model(folder / "text")
    torch.manual_seed(0)
    ResNetModel(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ).eval().save_pretrained(folder / "image")
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder / "image")
    tiny.write_audio_models(folder)
    tiny.write_whisper(folder / "whisper")
    return folder


EMBEDDERS = [
    (name, number) for name in names("modalities") for number in range(len(samples_of(name, "modalities").embedders))
]


@pytest.mark.parametrize(("name", "number"), EMBEDDERS)
def test_embed(name: str, number: int, models: Path) -> None:
    """Vectors of length 1, with the same bits whatever rows stand beside them."""
    embedder, rows = load_embedder(name), rows_of(name)
    given = samples_of(name, "modalities").embedders[number]
    params = embedder.EmbedParams(**{**given, "model": given["model"].format(folder=models)})
    found = embedder.embed(rows, params)
    assert found.rows.dtype == np.float32
    assert found.rows.shape == (len(rows), found.rows.shape[1])
    assert np.linalg.norm(found.rows, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    for some in ([*range(len(rows))][::-1], [*range(1, len(rows), 2)], *([row] for row in range(len(rows)))):
        again = embedder.embed([rows[row] for row in some], params)
        assert same_bits(again.rows, found.rows[some])
        assert (again.tokens is None) == (found.tokens is None)
        assert found.tokens is None or same_bits(again.tokens, found.tokens[some])


def test_encoders_run_batches_of_one_shape(models: Path) -> None:
    """Equal bits need it on machines where kernels choose their order of summation by shape; this one may not show
    it.
    """
    from transformers import AutoImageProcessor, AutoTokenizer

    from stages.modalities.audio.encode.sounds import AudioEncoder
    from stages.modalities.image.network.frontend import ImageFrontend
    from stages.modalities.text.network.frontend import TextFrontend
    from stages.models.batches import run

    def shapes(frontend: Frontend, contents: Sequence[Any]) -> list[tuple[int, ...]]:
        """Those of the main input, of all batches."""
        seen: list[tuple[int, ...]] = []

        def network(inputs: Inputs) -> Any:
            values = next(iter(inputs.values()))
            seen.append(values.shape)
            return np.zeros((len(values), 1), np.float32)

        assert len(run(network, frontend, contents, 4, "embed")) == len(contents)
        return sorted(seen)

    words = [" ".join(["apple"] * count) for count in (1, 2, 3, 4, 5, 9, 10, 30)]
    tokenizer = AutoTokenizer.from_pretrained(models / "text")
    assert shapes(TextFrontend(tokenizer, 20), words) == [(4, 8), (4, 8), (4, 16), (4, 20)]
    pairs = [f"{text}\n{' '.join(['fig'] * 9)}" for text in words]
    assert shapes(TextFrontend(tokenizer, 20), pairs) == [(4, 2, 16), (4, 2, 16), (4, 2, 20)]
    processor = AutoImageProcessor.from_pretrained(models / "image", backend="pil")
    assert shapes(ImageFrontend(processor), rows_of("image")[:6]) == [(4, 3, 24, 24), (4, 3, 24, 24)]
    seconds = (1.5, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0)
    sounds = cleaned("audio", [sound("up", seconds=length) for length in seconds])
    for name, expected in (
        ("wav2vec2", [(4, 2_000), (4, 4_000), (4, 4_000), (4, 6_000)]),
        ("ast", [(4, 40, 16), (4, 40, 16)]),
        ("whisper", [(4, 16, 100), (4, 16, 100)]),
    ):
        assert shapes(AudioEncoder.load(str(models / name), 0.75).frontend, sounds) == expected
