"""Finds rows unlike everything else; writes data/verdicts/outliers. Labels play no part, so that no held-out label can.

The score is the cosine distance to the k-th nearest neighbour among the rows that dedupe keeps; the given share with the largest scores
are outliers (Ramaswamy, Rastogi & Shim 2000). Strange rows often come in small groups, such as ten reviews in another language: k must be
larger than such a group, or its members vouch for each other.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from stages import paths
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.tables import read_frame, read_vectors, verdict_schema, write_frame
from stages.threads import set_threads

VERDICT = verdict_schema(("score", pa.float64()), ("nearest", pa.string()))


class Section(Strict):
    neighbours: int = Field(ge=1, description="k: the score is the distance to the k-th nearest row; larger than any group of strange rows")
    contamination: float = Field(ge=0, lt=0.5, description="the share of rows that are called outliers")


class Params(Strict):
    threads: int = Field(ge=1)
    outliers: Section


def find_outliers(ids: pd.Series, vectors: np.ndarray, section: Section) -> pd.DataFrame:
    """The verdict on every row; equal scores fall by id, so the order of rows does not matter."""
    from sklearn.neighbors import NearestNeighbors

    neighbours = min(section.neighbours, len(ids) - 1)
    if neighbours < 1:
        return pd.DataFrame({"id": ids, "keep": True, "reason": None, "score": 0.0, "nearest": None})
    # Two points at length 1: the squared Euclidean distance is twice the cosine distance.
    distances, places = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(vectors).kneighbors()
    scores = distances[:, -1] ** 2 / 2
    worst = np.lexsort((ids.to_numpy(), -scores))[: round(len(ids) * section.contamination)]
    keep = np.ones(len(ids), dtype=bool)
    keep[worst] = False
    reasons = np.full(len(ids), None, dtype=object)
    reasons[worst] = "far_from_all"
    return pd.DataFrame({"id": ids, "keep": keep, "reason": reasons, "score": scores, "nearest": ids.to_numpy()[places[:, 0]]})


def main(params: Params) -> Counts:
    set_threads(params.threads)
    duplicates = read_frame(paths.DUPLICATE_VERDICTS, ["id", "keep"])
    ids = duplicates.loc[duplicates["keep"], "id"].reset_index(drop=True)
    verdicts = find_outliers(ids, read_vectors(paths.EMBEDDINGS, ids), params.outliers)
    write_frame(paths.OUTLIER_VERDICTS, verdicts, VERDICT)
    return Counts(len(verdicts), verdicts["reason"].value_counts().to_dict())


if __name__ == "__main__":
    run_stage("outliers", Params, main)
