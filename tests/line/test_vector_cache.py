"""Vectors that are known are not computed again, and nobody can tell from the bytes."""

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stages import embed
from stages.contracts.embed import Embedded
from stages.core import paths
from stages.core.tables import read_table, vectors_of
from stages.modalities.text import embed as embedder
from stages.modalities.text.learn import EMBED_BATCH, frozen_vectors
from stages.models.vector_cache import CACHE, VectorCache
from tests import tiny
from tests.machine.damages import as_folder, as_link_to_nothing, half, of, remove
from tests.rows import write_rows

TEXTS = [text for text, _ in tiny.texts(40, seed=1)]


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny.write_text_model(folder)
    return folder


pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the model was asked for, from now on."""
    asked: list[str] = []
    real = embedder.embed

    def spy(contents: Sequence[str], params: Any) -> Embedded:
        asked.extend(contents)
        return real(contents, params)

    monkeypatch.setattr(embedder, "embed", spy)
    return asked


def embedded(model: Path, texts: Sequence[str], **more: Any) -> bytes:
    """The bytes of data/embeddings of rows with these texts."""
    write_rows(["fruit"] * len(texts), texts)
    own = embedder.EmbedParams.model_validate(
        {"model": str(model), "max_length": 32, "batch_size": 8, "token_layer": None, **more}
    )
    # type: ignore[arg-type]
    embed.main(embed.Params.model_construct(modality="text", threads=1, embed=SimpleNamespace(of=lambda _: own)))
    return b"".join(path.read_bytes() for path in sorted(paths.EMBEDDINGS.glob("*.parquet")))


@pytest.mark.parametrize("token_layer", [None, 1])
def test_only_new_rows_are_computed_and_the_bytes_are_those_of_a_cold_run(
    model: Path, computed: list[str], token_layer: int | None
) -> None:
    embedded(model, TEXTS[:30], token_layer=token_layer)
    del computed[:]
    warm = embedded(model, TEXTS[5:32][::-1] + TEXTS[:1] * 2, token_layer=token_layer)
    assert computed == TEXTS[30:32][::-1]
    CACHE.unlink()
    assert embedded(model, TEXTS[5:32][::-1] + TEXTS[:1] * 2, token_layer=token_layer) == warm
    assert len(computed) == 2 + 28  # a text that stands twice is computed once


def test_other_settings_and_other_weights_have_other_vectors(model: Path, computed: list[str]) -> None:
    import torch
    from transformers import AutoModel

    embedded(model, TEXTS[:4])
    embedded(model, TEXTS[:4], max_length=16)
    backbone = AutoModel.from_pretrained(model)
    with torch.no_grad():
        backbone.embeddings.word_embeddings.weight.add_(0.1)
    backbone.save_pretrained(model)
    embedded(model, TEXTS[:4])
    assert computed == TEXTS[:4] * 3
    embedded(model, TEXTS[:4])
    assert len(computed) == 12


def test_a_head_starts_from_the_vectors_that_embed_computed(model: Path, computed: list[str]) -> None:
    embedded(model, TEXTS[:8], batch_size=EMBED_BATCH)
    del computed[:]
    vectors = frozen_vectors(TEXTS[2:8], str(model), max_length=32, threads=1)
    assert computed == []
    assert vectors.tobytes() == vectors_of(read_table(paths.EMBEDDINGS, ["vector"])["vector"])[2:8].tobytes()
    frozen_vectors(TEXTS[:8], str(model), max_length=16, threads=1)
    assert computed == TEXTS[:8]


def in_database(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            for statement in statements:
                database.execute(statement)

    return change


RANDOM = random.Random(0).randbytes(100_000)
CACHES: dict[str, Callable[[Path], object]] = {
    "random bytes": of(RANDOM[:20_000]),
    "half of it": half,
    "its first 100 bytes": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "zero bytes": of(b""),
    "random pages": lambda path: path.write_bytes(path.read_bytes()[:4_096] + RANDOM[4_096 : path.stat().st_size]),
    "missing": remove,
    "a folder": as_folder,
    "a link to nothing": as_link_to_nothing,
    "another table": in_database("DROP TABLE entries", "CREATE TABLE entries (name TEXT)"),
    "other vectors": in_database("UPDATE entries SET vector = zeroblob(length(vector))"),
    "other types": in_database("UPDATE entries SET vector = 3, n_tokens = 'many'"),
}
LEFT_ALONE = ("a folder", "a link to nothing", "another table")


@pytest.mark.parametrize("change", CACHES)
def test_what_the_cache_has_become_changes_no_vector(change: str, model: Path, computed: list[str]) -> None:
    """All are computed again, and then kept, unless the cache is not ours to replace."""
    cold = embedded(model, TEXTS)
    CACHES[change](CACHE)
    assert embedded(model, TEXTS) == cold
    assert computed == TEXTS * 2
    assert embedded(model, TEXTS) == cold
    assert computed == TEXTS * (3 if change in LEFT_ALONE else 2)


def test_a_cache_that_others_write_is_left_to_them(
    model: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = embedded(model, TEXTS[:4])
    file = CACHE.stat().st_ino
    monkeypatch.setattr("stages.models.vector_cache.WAIT", 0.01)
    with closing(sqlite3.connect(CACHE)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert embedded(model, TEXTS[:4]) == cold
    assert computed == TEXTS[:4] * 2
    embedded(model, TEXTS[:4])
    assert len(computed) == 8
    assert CACHE.stat().st_ino == file


def test_a_newer_revision_on_the_hub_forgets_the_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The revision is known only after the model was loaded for what is missing."""
    revision = ["old"]
    monkeypatch.setattr("stages.models.pretrained.identity", lambda model: revision[0])
    cache = VectorCache(tmp_path / "cache.sqlite", "settings", "some/model")

    def run(contents: list[str]) -> Embedded:
        return Embedded(np.full((len(contents), 2), 1.0 if revision[0] == "old" else 2.0, dtype=np.float32))

    def run_and_update(contents: list[str]) -> Embedded:
        revision[0] = "new"
        return run(contents)

    assert cache.complete(["a"], run).rows.tolist() == [[1, 1]]
    assert cache.complete(["a", "b"], run_and_update).rows.tolist() == [[2, 2], [2, 2]]


def test_experiments_in_temporary_folders_share_the_cache() -> None:
    project = Path("/home/ann/project")
    assert paths.shared_root(project) == project
    assert paths.shared_root(project / ".dvc/tmp/exps/standalone/abc") == project
