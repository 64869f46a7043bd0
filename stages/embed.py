"""Computes one vector per cleaned row with a frozen encoder; writes data/embeddings.

Columns: `id`, `vector`, and for tags `token_vectors`. They are computed once, for outliers, for the probe of
label_audit, which is also the baseline, and for the search of semantic duplicates. The vector of a row does not depend
on the other rows. So vectors that an earlier run computed are read from .cache: they have the same bits, and no model
needs to run.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts.embed import Embedder, load_embedder
from stages.core import paths
from stages.core.atomic import write_text
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, run_stage
from stages.core.tables import (
    PART_ROWS,
    Content,
    count_rows,
    iter_tables,
    read_schema,
    vector_column,
    vectors_column,
    write_tables,
)
from stages.core.words import counted
from stages.models.threads import set_threads
from stages.models.vector_cache import CACHE, VectorCache, digest


class Section(VariantSection):
    variant = ("modalities", "embed", "EmbedParams")


class Params(Strict):
    modality: str
    threads: int = Field(
        ge=1, description="number of threads of all computations; the bits of vectors and weights depend on it"
    )
    embed: Section


def embedded(embedder: Embedder, embed_params: Any, cache: VectorCache) -> Iterator[pa.Table]:
    """Tables of `id`, `vector` and, if params ask for them, `token_vectors` of all cleaned rows, a part at a time."""
    for rows in iter_tables(paths.CLEANED, ["id", "content"], PART_ROWS):
        vectors = cache.complete(rows["content"].to_pylist(), lambda missing: embedder.embed(missing, embed_params))
        columns = {"id": rows["id"], "vector": vector_column(vectors.rows)}
        if vectors.tokens is not None:
            columns["token_vectors"] = vectors_column(vectors.tokens)
        yield pa.table(columns)


def cleaned_contents() -> Iterator[Content]:
    for rows in iter_tables(paths.CLEANED, ["content"], PART_ROWS):
        yield from rows["content"].to_pylist()


def digest_of(table: Path) -> str:
    """A digest of the parts of a table, in hex."""
    digests = []
    for part in sorted(table.iterdir()):
        with part.open("rb") as file:
            digests.append(hashlib.file_digest(file, "blake2b").hexdigest())
    return digest(" ".join(digests).encode()).hex()


def in_words(n_rows: int, model: str, n_cached: int) -> str:
    dim = read_schema(paths.EMBEDDINGS).field("vector").type.list_size
    name = model.partition("@")[0]
    return (
        f"gave {counted(n_rows, 'row')} a vector of {dim:,} numbers each with {name}; {n_cached:,} from {CACHE.parent}"
    )


def main(params: Params) -> Counts:
    set_threads(params.threads)
    embed_params, n_rows = params.embed.of(params.modality), count_rows(paths.CLEANED)
    cache, embedder = VectorCache.of(params.modality, embed_params, params.threads), load_embedder(params.modality)
    write_tables(paths.EMBEDDINGS, embedded(embedder, embed_params, cache))
    write_text(paths.EMBEDDINGS_DIGEST, digest_of(paths.EMBEDDINGS) + "\n")
    coverage = embedder.measure(cleaned_contents(), embed_params)
    found = [in_words(n_rows, embed_params.model, cache.hits), *coverage.found(n_rows)]
    return Counts(n_rows, more=coverage.metrics, warnings=coverage.warnings, found=found)


if __name__ == "__main__":
    run_stage("embed", Params, main)
