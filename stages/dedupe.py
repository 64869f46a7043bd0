"""Finds exact, near and semantic duplicates; writes data/verdicts/duplicates: clusters, and which row of each is kept.

A row is dropped if it is similar to a row that is kept. So a chain of small differences does not merge many different
rows into one cluster. Rows are visited one by one, and those that come first are kept: rows that the source holds out,
rows that a person has reviewed, then in the order of `keep`. A held-out row is never dropped as a duplicate of a row of
its own split, so an official test set stays complete. Its duplicates in earlier splits are dropped and counted as
leaks.

Similar rows with different labels are two things: equal contents contradict each other, but in "turn the light on" and
"turn the light off" the one word that differs is what the label is about. So similar contents with different labels
stay unless the params say otherwise. They share a cluster, which split puts into one split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages.contracts.compare import Comparer, load_comparer, load_label_comparer
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import UNUSUAL_DROP, Counts, DataWarning, run_stage
from stages.core.tables import Label, read_frame, read_vectors, verdict_schema, write_frame
from stages.core.words import by_reason, counted
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
# The key of params.yaml that decides about a reason.
SEE = {
    "exact_duplicate": "dedupe.exact",
    "near_duplicate": "dedupe.near_threshold",
    "semantic_duplicate": "dedupe.semantic_threshold",
    LEAK: "collect.splits",
    CONFLICT: "dedupe.on_label_conflict",
}
# A reason after a number of rows.
WORDS = {
    "exact_duplicate": "exact",
    "near_duplicate": "near",
    "semantic_duplicate": "semantic",
    LEAK: "repeating held-out rows",
    CONFLICT: "with other labels than their duplicates",
}
UNUSUAL_NEAR = 0.2  # a larger share of rows that leave as near or semantic duplicates is worth a warning
UNUSUAL_CONFLICTS = 0.2  # so is a larger share of clusters whose labels differ,
FEW_ROWS = 5  # if they do not have fewer rows than this


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
    semantic: bool = Field(
        description="whether rows of the same meaning, by their embeddings, are duplicates; as good as the encoder "
        "is; holds all vectors in memory; if false, dedupe does not wait for embed"
    )
    semantic_threshold: float = Field(gt=0, le=1, description="the smallest cosine of semantic duplicates")
    keep: Literal["first", "longest", "best_label"] = Field(
        description="which row of a cluster is kept: the first, the longest, or the first with the most frequent "
        "label. Rows that the source holds out come before all others, then rows that people reviewed"
    )
    on_label_conflict: Literal["review", "majority", "drop"] = Field(
        description="what happens to clusters whose labels differ; all of them are flagged. review: of equal contents "
        "one row is kept, of similar ones one row per label; majority: one row with the label of more than half of "
        "the cluster is kept, or none if there is no such label; drop: no row is kept. If the kept row is one that "
        "the source holds out or that people reviewed, it is kept in any case"
    )


class Params(Strict):
    modality: str
    target: str
    dedupe: Section


Agreement = Callable[[Label, Label], bool]  # whether two labels agree
Order = npt.NDArray[np.intp]  # (n_rows,): rows in the order in which they are visited


@dataclass(frozen=True)
class Clusters:
    """The result of one pass over all rows."""

    cluster: npt.NDArray[np.intp]  # (n_rows,): the row of its cluster that was visited first
    matches: Mapping[int, Match]  # of each row that has similar rows: the reason to drop it, or the most similar row
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
        if section.semantic:
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
    """The cleaned rows without content: `id`, `label`, `label_text`, `given_split`, `reviewed` and `rank`.

    The rank of test rows is 0, of validation rows 1, of all others 2.
    """
    rows = read_frame(paths.CLEANED, ["id", "label", "given_split"])
    rows = rows.merge(read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"]), on="id", how="left")
    rank = rows["given_split"].map(HELD_OUT_RANK).fillna(len(HELD_OUT_RANK))
    # Labels are counted as text, because lists cannot be counted.
    return rows.assign(reviewed=rows["reviewed"].astype(bool), rank=rank, label_text=rows["label"].map(str))


def visiting_order(rows: pd.DataFrame, size: npt.NDArray[np.int64], preferred: npt.NDArray[np.bool_]) -> Order:
    """Rows by rank, then reviewed ones first, then preferred ones, then long ones, then in the order of the table."""
    return np.lexsort((-size, ~preferred, ~rows["reviewed"].to_numpy(), rows["rank"].to_numpy()))


class Decider:
    """Says which rows are dropped for which of their matches."""

    def __init__(self, rows: pd.DataFrame, agree: Agreement, policy: str) -> None:
        self._splits = rows["given_split"].tolist()
        self._labels = rows["label"].tolist()
        self._agree = agree
        self._policy = policy

    def reason(self, row: int, match: Match) -> str | None:
        """The reason to drop a row for this match; None if both stay.

        A held-out row that repeats its own split stays.
        """
        split, kept_split = self._splits[row], self._splits[match.row]
        if kept_split in HELD_OUT_RANK:
            return None if split == kept_split else LEAK
        return None if self.contradicts(row, match) else REASONS[match.kind]

    def contradicts(self, row: int, match: Match) -> bool:
        """Whether the contents are similar but not equal, and their labels differ, so that both rows stay."""
        may_stay = self._policy == "review" and not match.is_equal
        return may_stay and not self._agree(self._labels[row], self._labels[match.row])

    def decide(self, row: int, finders: Sequence[Finder]) -> tuple[str | None, list[Match]]:
        """(the reason to drop the row or None, its matches): if it is dropped, the one match for which it is."""
        similar: list[Match] = []
        for finder in finders:
            for match in finder.matches(row):
                if reason := self.reason(row, match):
                    return reason, [match]
                similar.append(match)
        return None, similar


def find_clusters(rows: pd.DataFrame, order: Order, finders: Sequence[Finder], decider: Decider) -> Clusters:
    """One pass over the rows: each is matched with the rows that were kept before it."""
    ties: list[tuple[int, int]] = []
    matches: dict[int, Match] = {}
    reasons: dict[int, str] = {}
    for row in tqdm(order.tolist(), desc="dedupe: match", unit=" rows", disable=None):
        reason, similar = decider.decide(row, finders)
        if similar:
            matches[row] = similar[0]
        # A row that stays may be similar to several that stay. All of them are tied, or split could divide them.
        ties += [(row, match.row) for match in similar if match is similar[0] or decider.contradicts(row, match)]
        if reason is None:
            for finder in finders:
                finder.add(row)
        else:
            reasons[row] = reason
    return Clusters(connected(ties, order), matches, reasons)


def connected(ties: Sequence[tuple[int, int]], order: Order) -> npt.NDArray[np.intp]:
    """The cluster of each row, (n_rows,): of all rows that are tied, the one that was visited first."""
    from scipy.cluster.hierarchy import DisjointSet  # slow to import, and every stage imports this module

    clusters = DisjointSet({row for tie in ties for row in tie})
    for row, other in ties:
        clusters.merge(row, other)
    position = np.argsort(order)
    cluster = np.arange(len(order))
    for subset in clusters.subsets():
        members = sorted(subset)
        cluster[members] = members[int(np.argmin(position[members]))]
    return cluster


def has_majority_label(labels: pd.Series, cluster: npt.NDArray[np.intp], order: Order) -> npt.NDArray[np.bool_]:
    """Whether a row has the most frequent label of its cluster, (n_rows,); of equal ones, the first visited."""
    rows = pd.DataFrame({"cluster": cluster[order], "label": labels.to_numpy()[order]})
    votes = rows.groupby(["cluster", "label"], sort=False).size().rename("votes").reset_index()
    votes = votes.sort_values("votes", ascending=False, kind="stable")
    winners = votes.drop_duplicates("cluster").set_index("cluster")["label"]
    return np.asarray(winners.reindex(cluster).to_numpy() == labels.to_numpy())


def has_label_conflict(labels: pd.Series, cluster: npt.NDArray[np.intp], agree: Agreement) -> npt.NDArray[np.bool_]:
    """Whether a row of a row's cluster has another label than the row that was visited first, (n_rows,)."""
    names = labels.to_numpy()[cluster]
    differs = [not agree(label, other) for label, other in zip(labels, names, strict=True)]
    return np.asarray(pd.Series(differs).groupby(cluster).transform("any"))


def unresolved(
    rows: pd.DataFrame, cluster: npt.NDArray[np.intp], in_conflict: npt.NDArray[np.bool_], policy: str
) -> npt.NDArray[np.bool_]:
    """Whether the policy keeps no row of a row's cluster, because its labels differ, (n_rows,)."""
    kept = rows.iloc[cluster]  # the kept row of each row's cluster
    always_kept = (kept["rank"] < len(HELD_OUT_RANK)).to_numpy() | kept["reviewed"].to_numpy()
    in_conflict = in_conflict & ~always_kept
    if policy == "majority":
        agrees = pd.Series(rows["label_text"].to_numpy() == kept["label_text"].to_numpy())
        return np.asarray(in_conflict & (agrees.groupby(cluster).transform("mean") <= 0.5))
    return np.asarray(in_conflict & (policy == "drop"))


def first_rows(rows: pd.DataFrame, cluster: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The row whose id names each row's cluster, (n_rows,): of held-out rows, else of all, the first of the table.

    It may be dropped. A decision of a person changes which row is kept, but not this name, from which split draws.
    """
    order = np.argsort(rows["rank"].to_numpy(), kind="stable")
    return np.asarray(order[pd.Series(np.argsort(order)).groupby(cluster).transform("min")])


def as_verdicts(rows: pd.DataFrame, clusters: Clusters, agree: Agreement, policy: str) -> pd.DataFrame:
    """The verdict of every row, in the columns of VERDICT."""
    in_conflict = has_label_conflict(rows["label"], clusters.cluster, agree)
    ids = rows["id"].to_numpy()
    numbers = range(len(rows))
    matches = [clusters.matches.get(row) for row in numbers]
    reasons = pd.Series([clusters.reasons.get(row) for row in numbers], dtype=object)
    reasons = reasons.mask(unresolved(rows, clusters.cluster, in_conflict, policy), CONFLICT)
    return pd.DataFrame(
        {
            "id": ids,
            "keep": reasons.isna(),
            "reason": reasons,
            "cluster": ids[first_rows(rows, clusters.cluster)],
            "duplicate_of": [match and ids[match.row] for match in matches],
            "similarity": [match and match.similarity for match in matches],
            "kind": [match and match.kind for match in matches],
            "label_conflict": in_conflict,
        }
    )


def find_duplicates(rows: pd.DataFrame, search: Search, agree: Agreement, section: Section) -> pd.DataFrame:
    """The verdict of every row.

    If labels decide which row is kept, there are two passes: the first finds the clusters, whose rows vote on a label;
    in the second, rows with the majority label are visited first.
    """
    decider = Decider(rows, agree, section.on_label_conflict)
    order = visiting_order(rows, search.size, np.ones(len(rows), dtype=bool))
    clusters = find_clusters(rows, order, search.finders(order), decider)
    if section.keep == "best_label" or section.on_label_conflict == "majority":
        preferred = has_majority_label(rows["label_text"], clusters.cluster, order)
        if not preferred.all():
            order = visiting_order(rows, search.size, preferred)
            clusters = find_clusters(rows, order, search.finders(order), decider)
    return as_verdicts(rows, clusters, agree, section.on_label_conflict)


def count(verdicts: pd.DataFrame) -> Counts:
    sizes = verdicts["cluster"].value_counts()
    conflicts = verdicts.loc[verdicts["label_conflict"], "cluster"].nunique()
    leaks = verdicts.loc[verdicts["reason"] == LEAK, "kind"].value_counts()
    more = {"clusters": int((sizes > 1).sum()), "clusters_with_label_conflict": int(conflicts)}
    more |= {f"leaks_{kind}": int(leaks.get(kind, 0)) for kind in REASONS}
    dropped = verdicts["reason"].value_counts().to_dict()
    return Counts(len(verdicts), dropped, more, warnings(verdicts), SEE, [in_words(dropped, more)])


def in_words(dropped: Mapping[str, int], more: Mapping[str, int]) -> str:
    words = f"found {counted(more['clusters'], 'cluster')} of duplicates"
    if conflicts := more["clusters_with_label_conflict"]:
        words += f" ({conflicts:,} with different labels)"
    if dropped:
        words += f", dropped {counted(sum(dropped.values()), 'row')}: {by_reason(dropped, WORDS)}"
    return words


def warnings(verdicts: pd.DataFrame) -> list[DataWarning]:
    """Warnings about many similar rows that leave, and about many clusters whose labels differ."""
    found = []
    for kind in ("near", "semantic"):
        n_dropped = int((verdicts["reason"] == REASONS[kind]).sum())
        if UNUSUAL_NEAR < n_dropped / len(verdicts) < UNUSUAL_DROP:  # above, there is another warning
            message = (
                f"{n_dropped:,} rows ({n_dropped / len(verdicts):.0%}) are dropped as {kind} duplicates; if they "
                "differ in what matters, raise the threshold"
            )
            found.append(DataWarning(message, SEE[REASONS[kind]]))
    clusters = verdicts[verdicts.groupby("cluster")["id"].transform("size") > 1]
    n_clusters = clusters["cluster"].nunique()
    disputed = clusters[clusters["label_conflict"]]
    n_disputed = disputed["cluster"].nunique()
    if n_disputed > UNUSUAL_CONFLICTS * n_clusters and len(disputed) >= FEW_ROWS:
        are_equal = (disputed["kind"].dropna() == "exact").mean() > 0.5
        message = f"in {n_disputed:,} of {n_clusters:,} clusters of duplicates the labels differ"
        found.append(DataWarning(message, "dedupe.on_label_conflict" if are_equal else "dedupe.near_threshold"))
    return found


def main(params: Params) -> Counts:
    rows = read_rows()
    search = Search(rows["id"], load_comparer(params.modality), params.dedupe)
    agree = load_label_comparer(params.target).agreement(rows["label"].tolist())
    verdicts = find_duplicates(rows, search, agree, params.dedupe)
    if not verdicts["keep"].any():
        raise InputError(
            f"no row is kept: each of the {len(rows)} rows is a duplicate of a row with another label; "
            "see dedupe.on_label_conflict"
        )
    write_frame(paths.DUPLICATE_VERDICTS, verdicts, VERDICT)
    return count(verdicts)


if __name__ == "__main__":
    run_stage("dedupe", Params, main)
