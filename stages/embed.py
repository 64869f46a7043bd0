"""Turns every cleaned row into one vector with a frozen encoder; writes data/embeddings (`id`, `vector`, and for tags `token_vectors`).

Computed once, used by outliers, label_audit and the baseline. A row's vector does not depend on the other rows.
"""

from collections.abc import Iterator

import pyarrow as pa
from pydantic import Field

from stages import paths
from stages.contracts import Embedder, load_embedder
from stages.params import Strict, VariantSection
from stages.run import Counts, run_stage
from stages.tables import PART_ROWS, count_rows, iter_tables, vector_column, vectors_column, write_tables
from stages.threads import set_threads


class Section(VariantSection):
    variant = ("embedder", "EmbedParams")


class Params(Strict):
    modality: str
    threads: int = Field(ge=1, description="threads of all that computes; the bits of vectors and weights depend on it")
    embed: Section


def embedded(embedder: Embedder, params: Params) -> Iterator[pa.Table]:
    """`id`, `vector` and, where params ask for them, `token_vectors` of all cleaned rows, a part at a time."""
    for rows in iter_tables(paths.CLEANED, ["id", "content"], PART_ROWS):
        found = embedder.embed(rows["content"].to_pylist(), params.embed.of(params.modality))
        columns = {"id": rows["id"], "vector": vector_column(found.rows)}
        if found.tokens is not None:
            columns["token_vectors"] = vectors_column(found.tokens)
        yield pa.table(columns)


def main(params: Params) -> Counts:
    set_threads(params.threads)
    write_tables(paths.EMBEDDINGS, embedded(load_embedder(params.modality), params))
    return Counts(count_rows(paths.CLEANED))


if __name__ == "__main__":
    run_stage("embed", Params, main)
