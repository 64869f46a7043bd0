"""Turns every cleaned row into one vector with a frozen encoder; writes data/embeddings (`id`, `vector`, and for tags `token_vectors`).

Computed once, used by outliers, label_audit and the baseline. A row's vector does not depend on the other rows, so those of rows that were there before
come from .cache: with the same bits, and no model needs to run.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from stages.contracts.embed import Embedder, load_embedder
from stages.core import paths
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, run_stage
from stages.core.tables import PART_ROWS, count_rows, iter_tables, vector_column, vectors_column, write_tables
from stages.models.threads import set_threads
from stages.models.vector_cache import CACHE, VectorCache, digest, shared_root


class Section(VariantSection):
    variant = ("modalities", "embed", "EmbedParams")


class Params(Strict):
    modality: str
    threads: int = Field(ge=1, description="threads of all that computes; the bits of vectors and weights depend on it")
    embed: Section


def open_cache(params: Params) -> VectorCache:
    own = params.embed.of(params.modality)
    folder = Path(__file__).parent
    own_code = folder / "modalities" / params.modality
    code = [
        folder / "models/batches.py",
        own_code / "content.py",
        own_code / "embed.py",
        *sorted((own_code / "encode").glob("*.py")),
    ]
    settings = f"{params.modality} {own.model_dump_json()} {params.threads} {digest(b''.join(path.read_bytes() for path in code)).hex()}"
    return VectorCache(shared_root(Path.cwd()) / CACHE, settings, own.model)


def embedded(embedder: Embedder, params: Params, cache: VectorCache) -> Iterator[pa.Table]:
    """`id`, `vector` and, where params ask for them, `token_vectors` of all cleaned rows, a part at a time."""
    for rows in iter_tables(paths.CLEANED, ["id", "content"], PART_ROWS):
        found = cache.complete(
            rows["content"].to_pylist(), lambda contents: embedder.embed(contents, params.embed.of(params.modality))
        )
        columns = {"id": rows["id"], "vector": vector_column(found.rows)}
        if found.tokens is not None:
            columns["token_vectors"] = vectors_column(found.tokens)
        yield pa.table(columns)


def main(params: Params) -> Counts:
    set_threads(params.threads)
    cache, n_rows = open_cache(params), count_rows(paths.CLEANED)
    write_tables(paths.EMBEDDINGS, embedded(load_embedder(params.modality), params, cache))
    print(f"embed: {cache.found:,} of {n_rows:,} vectors were in {CACHE}")
    return Counts(n_rows)


if __name__ == "__main__":
    run_stage("embed", Params, main)
