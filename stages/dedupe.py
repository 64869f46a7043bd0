"""Finds exact, near and semantic duplicates; writes data/verdicts/duplicates: clusters, and which row of each is kept.

A row is dropped if it is similar to a row that is kept. So a chain of small differences does not merge many different
rows into one cluster. Rows are visited one by one, and those that come first are kept: rows that the source holds out,
rows that a person has reviewed, then in the order of `keep`. A held-out row is never dropped as a duplicate of a row of
its own split, so an official test set stays complete. Its duplicates in earlier splits are dropped and counted as
leaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages.contracts.compare import Comparer, load_comparer
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import read_frame, read_vectors, verdict_schema, write_frame
from stages.duplicates.exact_duplicates import ExactFinder, Finder, Match
from stages.duplicates.index import Signatures, build_index, read_candidates
from stages.duplicates.near_duplicates import BucketFinder, VectorFinder
from stages.duplicates.vector_index import cosine

VERDICT = verdict_schema(
    ("cluster", pa.string()),
    ("duplicate_of", pa.string()),
    ("similarity", pa.float64()),
    ("kind", pa.string()),
    ("label_conflict", pa.bool_()),
)
REASONS = {"exact": "exact_duplicate", "near": "near_duplicate", "semantic": "semantic_duplicate"}
LEAK = "duplicate_of_held_out"
CONFLICT = "label_conflict"
HELD_OUT_RANK = {"test": 0, "validation": 1}  # test rows are visited first


class Section(Strict):
    exact: bool = Field(
        description="whether rows of equal content count as exact duplicates; if false, they count as near or "
        "semantic ones, if these are searched for"
    )
    near: bool = Field(description="whether near duplicates are searched for")
    near_threshold: float = Field(
        gt=0,
        le=1,
        description="the smallest similarity of near duplicates: of texts, the Jaccard coefficient of their character "
        "5-grams; of images, the cosine of their low frequencies; of sounds, the correlation of their spectrograms",
    )
    semantic: Literal["none", "embeddings"] = Field(
        description="embeddings: rows of the same meaning, by their embeddings, are duplicates; as good as the encoder "
        "is; holds all vectors in memory. none: they are not searched for, and dedupe does not wait for embed"
    )
    semantic_threshold: float = Field(gt=0, le=1, description="the smallest cosine of semantic duplicates")
    keep: Literal["first", "longest", "best_label"] = Field(
        description="which row of a cluster is kept: the first, the longest, or the first with the most frequent "
        "label. Rows that the source holds out come before all others, then rows that people reviewed"
    )
    on_label_conflict: Literal["review", "majority", "drop"] = Field(
        description="what happens to clusters whose labels differ; all of them are flagged. review: one row is kept; "
        "majority: one row with the label of more than half of the cluster is kept, or none if there is no such "
        "label; drop: no row is kept. If the kept row is one that the source holds out or that people reviewed, it is "
        "kept in any case"
    )


class Params(Strict):
    modality: str
    dedupe: Section


Order = npt.NDArray[np.intp]  # (n_rows,): rows in the order in which they are visited


@dataclass(frozen=True)
class Clusters:
    """The result of one pass over all rows."""

    cluster: npt.NDArray[np.intp]  # (n_rows,): the kept row that the cluster is named after
    matches: Mapping[int, Match]  # the matches of the rows that have one
    reasons: Mapping[int, str]  # the reasons of the rows that are dropped


class Search:
    """Everything by which rows are compared, read once for all passes."""

    def __init__(self, ids: pd.Series, comparer: Comparer, section: Section) -> None:
        self._comparer = comparer
        self._section = section
        near_threshold = section.near_threshold if section.near else None
        self._index = build_index(comparer, near_threshold, section.keep == "longest", len(ids))
        self._contents: dict[int, Any] = {}
        if section.near and comparer.signatures is not None:
            self._contents = read_candidates(self._index.near, [paths.CLEANED])
        self._embeddings: Signatures | None = None
        if section.semantic == "embeddings":
            self._embeddings = Signatures(read_vectors(paths.EMBEDDINGS, ids), np.arange(len(ids)))

    @property
    def size(self) -> npt.NDArray[np.int64]:
        """The length of each row, (n_rows,); 0 if `keep` does not need it."""
        return self._index.size

    def finders(self, order: Order) -> list[Finder]:
        """New finders for one pass over the rows; the strictest kind first."""
        section, near = self._section, self._index.near
        wanted = {"exact": section.exact, "near": section.near, "semantic": self._embeddings is not None}
        kinds = [kind for kind in REASONS if wanted[kind]]
        finders: list[Finder] = []
        if kinds:  # equal content is found by its key even if `exact` is off: then it is of the next kind
            finders.append(ExactFinder(self._index.content, kinds[0]))
        if section.near and self._comparer.signatures is None:
            finders.append(VectorFinder(near, order, self._comparer.similarity, section.near_threshold, "near"))
        elif section.near:
            finders.append(BucketFinder(near, self._contents, self._comparer, section.near_threshold))
        if self._embeddings is not None:
            finders.append(VectorFinder(self._embeddings, order, cosine, section.semantic_threshold, "semantic"))
        return finders


def read_rows() -> pd.DataFrame:
    """The cleaned rows without content: `id`, `label` as text, `given_split`, `reviewed` and `rank`.

    The rank of test rows is 0, of validation rows 1, of all others 2.
    """
    rows = read_frame(paths.CLEANED, ["id", "label", "given_split"])
    rows = rows.merge(read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"]), on="id", how="left")
    rank = rows["given_split"].map(HELD_OUT_RANK).fillna(len(HELD_OUT_RANK))
    # Labels are compared as text, because lists cannot be counted.
    return rows.assign(reviewed=rows["reviewed"].astype(bool), rank=rank, label=rows["label"].map(str))


def visiting_order(rows: pd.DataFrame, size: npt.NDArray[np.int64], preferred: npt.NDArray[np.bool_]) -> Order:
    """Rows by rank, then reviewed ones first, then preferred ones, then long ones, then in the order of the table."""
    return np.lexsort((-size, ~preferred, ~rows["reviewed"].to_numpy(), rows["rank"].to_numpy()))


def find_clusters(rows: pd.DataFrame, order: Order, finders: Sequence[Finder]) -> Clusters:
    """One pass over the rows: each is matched with the rows that were kept before it."""
    splits = rows["given_split"].tolist()
    cluster = np.arange(len(rows))
    matches: dict[int, Match] = {}
    reasons: dict[int, str] = {}
    for row in tqdm(order.tolist(), desc="dedupe: match", unit=" rows", disable=None):
        match = next(filter(None, (finder.match(row) for finder in finders)), None)
        reason = None
        if match is not None:
            matches[row] = match
            cluster[row] = cluster[match.row]
            reason = reason_to_drop(splits[row], splits[match.row], match)
        if reason is None:
            for finder in finders:
                finder.add(row)
        else:
            reasons[row] = reason
    return Clusters(cluster, matches, reasons)


def reason_to_drop(split: str | None, kept_split: str | None, match: Match) -> str | None:
    """The reason to drop a row whose match is in `kept_split`; None for a held-out row that repeats its own split."""
    if split == kept_split and kept_split in HELD_OUT_RANK:
        return None
    return LEAK if kept_split in HELD_OUT_RANK else REASONS[match.kind]


def has_majority_label(labels: pd.Series, cluster: npt.NDArray[np.intp], order: Order) -> npt.NDArray[np.bool_]:
    """Whether a row has the most frequent label of its cluster, (n_rows,); of equal ones, the first visited."""
    rows = pd.DataFrame({"cluster": cluster[order], "label": labels.to_numpy()[order]})
    votes = rows.groupby(["cluster", "label"], sort=False).size().rename("votes").reset_index()
    votes = votes.sort_values("votes", ascending=False, kind="stable")
    winners = votes.drop_duplicates("cluster").set_index("cluster")["label"]
    return np.asarray(winners.reindex(cluster).to_numpy() == labels.to_numpy())


def has_label_conflict(labels: pd.Series, cluster: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether the rows of a row's cluster have more than one label, (n_rows,)."""
    return np.asarray(labels.groupby(cluster).transform("nunique") > 1)


def unresolved(rows: pd.DataFrame, cluster: npt.NDArray[np.intp], policy: str) -> npt.NDArray[np.bool_]:
    """Whether the policy keeps no row of a row's cluster, because its labels differ, (n_rows,)."""
    kept = rows.iloc[cluster]  # the kept row of each row's cluster
    always_kept = (kept["rank"] < len(HELD_OUT_RANK)).to_numpy() | kept["reviewed"].to_numpy()
    in_conflict = has_label_conflict(rows["label"], cluster) & ~always_kept
    if policy == "majority":
        agrees = pd.Series(rows["label"].to_numpy() == kept["label"].to_numpy())
        return np.asarray(in_conflict & (agrees.groupby(cluster).transform("mean") <= 0.5))
    return np.asarray(in_conflict & (policy == "drop"))


def as_verdicts(rows: pd.DataFrame, clusters: Clusters, policy: str) -> pd.DataFrame:
    """The verdict of every row, in the columns of VERDICT."""
    ids = rows["id"].to_numpy()
    numbers = range(len(rows))
    matches = [clusters.matches.get(row) for row in numbers]
    reasons = pd.Series([clusters.reasons.get(row) for row in numbers], dtype=object)
    reasons = reasons.mask(unresolved(rows, clusters.cluster, policy), CONFLICT)
    return pd.DataFrame(
        {
            "id": ids,
            "keep": reasons.isna(),
            "reason": reasons,
            "cluster": ids[clusters.cluster],
            "duplicate_of": [match and ids[match.row] for match in matches],
            "similarity": [match and match.similarity for match in matches],
            "kind": [match and match.kind for match in matches],
            "label_conflict": has_label_conflict(rows["label"], clusters.cluster),
        }
    )


def find_duplicates(rows: pd.DataFrame, search: Search, section: Section) -> pd.DataFrame:
    """The verdict of every row.

    If labels decide which row is kept, there are two passes: the first finds the clusters, whose rows vote on a label;
    in the second, rows with the majority label are visited first.
    """
    order = visiting_order(rows, search.size, np.ones(len(rows), dtype=bool))
    clusters = find_clusters(rows, order, search.finders(order))
    if section.keep == "best_label" or section.on_label_conflict == "majority":
        preferred = has_majority_label(rows["label"], clusters.cluster, order)
        if not preferred.all():
            order = visiting_order(rows, search.size, preferred)
            clusters = find_clusters(rows, order, search.finders(order))
    return as_verdicts(rows, clusters, section.on_label_conflict)


def count(verdicts: pd.DataFrame) -> Counts:
    sizes = verdicts["cluster"].value_counts()
    conflicts = verdicts.loc[verdicts["label_conflict"], "cluster"].nunique()
    leaks = verdicts.loc[verdicts["reason"] == LEAK, "kind"].value_counts()
    more = {"clusters": int((sizes > 1).sum()), "clusters_with_label_conflict": int(conflicts)}
    more |= {f"leaks_{kind}": int(leaks.get(kind, 0)) for kind in REASONS}
    return Counts(len(verdicts), verdicts["reason"].value_counts().to_dict(), more)


def main(params: Params) -> Counts:
    rows = read_rows()
    search = Search(rows["id"], load_comparer(params.modality), params.dedupe)
    verdicts = find_duplicates(rows, search, params.dedupe)
    if not verdicts["keep"].any():
        raise InputError(
            f"no row is kept: each of the {len(rows)} rows is a duplicate of a row with another label; "
            "see dedupe.on_label_conflict"
        )
    write_frame(paths.DUPLICATE_VERDICTS, verdicts, VERDICT)
    return count(verdicts)


if __name__ == "__main__":
    run_stage("dedupe", Params, main)
