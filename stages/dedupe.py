"""Finds exact, near and semantic duplicates; writes data/verdicts/duplicates: which row of each cluster stays.

A row is dropped when it is similar to a row that stays, so chains of small differences do not swallow whole neighbourhoods. Rows are visited in an
order that decides which of them stay: those that the source itself holds out, those that a person has reviewed, then as `keep` says. Held-out rows
are never dropped for one of their own split, so that an official test set stays what it is; what repeats them elsewhere leaves, and is counted as a leak.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

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
from stages.duplicates.finders import Finder, Match, NearVectors, SameContent, SharedBuckets
from stages.duplicates.index import Traits, build_index, read_candidates
from stages.duplicates.neighbours import cosine

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
HELD_OUT_FIRST = {"test": 0, "validation": 1}


class Section(Strict):
    exact: bool = Field(
        description="whether rows that say the same are duplicates; if not, they are of the next kind that is looked for"
    )
    near: bool = Field(description="whether near duplicates are looked for")
    near_threshold: float = Field(
        gt=0,
        le=1,
        description="similarity from which two rows are near duplicates: Jaccard's of the character 5-grams of texts, the cosine of the low frequencies of "
        "images, the correlation of the spectrograms of sounds",
    )
    semantic: bool = Field(
        description="whether rows that mean the same are duplicates, by their embeddings: as good as the encoder is; holds all vectors in memory"
    )
    semantic_threshold: float = Field(gt=0, le=1, description="cosine from which two rows are semantic duplicates")
    keep: Literal["first", "longest", "best_label"] = Field(
        description="which row of a cluster stays: the first, the longest, or the first that has the label of most. Rows that the source holds out go before "
        "all others, then those that people reviewed"
    )
    on_label_conflict: Literal["review", "majority", "drop"] = Field(
        description="clusters whose labels differ, all of them flagged: one row stays; one with the label of more than half of them, or none; none stays. "
        "Rows that the source holds out or that people reviewed stay all the same"
    )


class Params(Strict):
    modality: str
    dedupe: Section


Order = npt.NDArray[np.intp]  # (n_rows,): rows in the order in which they are visited


@dataclass(frozen=True)
class Clusters:
    """What the visit of all rows came to."""

    cluster: npt.NDArray[np.intp]  # (n_rows,): the row that the cluster is named after, which stays
    matches: Mapping[int, Match]
    reasons: Mapping[int, str]  # of the rows that do not stay


class Search:
    """All that rows are compared by, read once."""

    def __init__(self, ids: pd.Series, comparer: Comparer, section: Section) -> None:
        self._comparer = comparer
        self._section = section
        self._index = build_index(
            comparer, section.near_threshold if section.near else None, section.keep == "longest", len(ids)
        )
        self._candidates = (
            read_candidates(self._index.near, [paths.CLEANED])
            if section.near and comparer.signatures is not None
            else {}
        )
        self._meaning = Traits(read_vectors(paths.EMBEDDINGS, ids), np.arange(len(ids))) if section.semantic else None

    @property
    def size(self) -> npt.NDArray[np.int64]:
        return self._index.size

    def finders(self, order: Order) -> list[Finder]:
        """For one visit of the rows; the surest kind first."""
        section, near = self._section, self._index.near
        kinds = [kind for kind in REASONS if getattr(section, kind)]
        found: list[Finder] = [SameContent(self._index.content, kinds[0])] if kinds else []
        if section.near and self._comparer.signatures is None:
            found.append(NearVectors(near, order, self._comparer.similarity, section.near_threshold, "near"))
        elif section.near:
            found.append(SharedBuckets(near, self._candidates, self._comparer, section.near_threshold))
        if self._meaning is not None:
            found.append(NearVectors(self._meaning, order, cosine, section.semantic_threshold, "semantic"))
        return found


def read_rows() -> pd.DataFrame:
    """The cleaned rows without content: `id`, `label`, `given_split`, `reviewed`, and `rank`: 0 and 1 are held out."""
    rows = read_frame(paths.CLEANED, ["id", "label", "given_split"])
    rows = rows.merge(read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"]), on="id", how="left")
    rank = rows["given_split"].map(HELD_OUT_FIRST).fillna(len(HELD_OUT_FIRST))
    # Labels are compared as text: lists cannot be counted.
    return rows.assign(reviewed=rows["reviewed"].astype(bool), rank=rank, label=rows["label"].map(str))


def visiting_order(rows: pd.DataFrame, size: npt.NDArray[np.int64], favoured: npt.NDArray[np.bool_]) -> Order:
    """By rank, then by review, then those that are favoured, then by size, then as they stand."""
    return np.lexsort((-size, ~favoured, ~rows["reviewed"].to_numpy(), rows["rank"].to_numpy()))


def find_clusters(rows: pd.DataFrame, order: Order, finders: Sequence[Finder]) -> Clusters:
    splits = rows["given_split"].tolist()
    cluster = np.arange(len(rows))
    matches: dict[int, Match] = {}
    reasons: dict[int, str] = {}
    for row in tqdm(order.tolist(), desc="dedupe: match", unit=" rows", disable=None):
        match = next(filter(None, (finder.match(row) for finder in finders)), None)
        if match is not None:
            matches[row] = match
            cluster[row] = cluster[match.row]
            reasons[row] = reason_to_drop(splits[row], splits[match.row], match)
        if not reasons.get(row):
            for finder in finders:
                finder.add(row)
    return Clusters(cluster, matches, {row: reason for row, reason in reasons.items() if reason})


def reason_to_drop(split: str | None, other: str | None, match: Match) -> str:
    """Empty for a row that the source holds out and that repeats a row of its own split."""
    if split == other and other in HELD_OUT_FIRST:
        return ""
    return LEAK if other in HELD_OUT_FIRST else REASONS[match.kind]


def has_label_of_most(labels: pd.Series, cluster: npt.NDArray[np.intp], order: Order) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether a row has the label that most rows of its cluster have; of equals, the one that is visited first."""
    rows = pd.DataFrame({"cluster": cluster[order], "label": labels.to_numpy()[order]})
    votes = rows.groupby(["cluster", "label"], sort=False).size().rename("votes").reset_index()
    winners = (
        votes.sort_values("votes", ascending=False, kind="stable")
        .drop_duplicates("cluster")
        .set_index("cluster")["label"]
    )
    return np.asarray(winners.reindex(cluster).to_numpy() == labels.to_numpy())


def differs(labels: pd.Series, cluster: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether the rows of its cluster have more than one label."""
    return np.asarray(labels.groupby(cluster).transform("nunique") > 1)


def unresolved(rows: pd.DataFrame, cluster: npt.NDArray[np.intp], policy: str) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether the policy lets no row of the cluster stay, as its labels differ."""
    first = rows.iloc[cluster]
    binding = (first["rank"] < len(HELD_OUT_FIRST)).to_numpy() | first["reviewed"].to_numpy()
    open_to_policy = differs(rows["label"], cluster) & ~binding
    if policy == "majority":
        agrees = pd.Series(rows["label"].to_numpy() == first["label"].to_numpy())
        return np.asarray(open_to_policy & (agrees.groupby(cluster).transform("mean") <= 0.5))
    return np.asarray(open_to_policy & (policy == "drop"))


def as_verdicts(rows: pd.DataFrame, found: Clusters, policy: str) -> pd.DataFrame:
    ids = rows["id"].to_numpy()
    places = range(len(rows))
    matches = [found.matches.get(row) for row in places]
    reasons = pd.Series([found.reasons.get(row) for row in places], dtype=object)
    reasons = reasons.mask(unresolved(rows, found.cluster, policy), CONFLICT)
    return pd.DataFrame(
        {
            "id": ids,
            "keep": reasons.isna(),
            "reason": reasons,
            "cluster": ids[found.cluster],
            "duplicate_of": [match and ids[match.row] for match in matches],
            "similarity": [match and match.similarity for match in matches],
            "kind": [match and match.kind for match in matches],
            "label_conflict": differs(rows["label"], found.cluster),
        }
    )


def find_duplicates(rows: pd.DataFrame, search: Search, section: Section) -> pd.DataFrame:
    """The verdict on every row. Where labels vote, a first visit finds who votes together, and those who won go first in a second one."""
    order = visiting_order(rows, search.size, np.ones(len(rows), dtype=bool))
    found = find_clusters(rows, order, search.finders(order))
    if section.keep == "best_label" or section.on_label_conflict == "majority":
        favoured = has_label_of_most(rows["label"], found.cluster, order)
        if not favoured.all():
            order = visiting_order(rows, search.size, favoured)
            found = find_clusters(rows, order, search.finders(order))
    return as_verdicts(rows, found, section.on_label_conflict)


def count(verdicts: pd.DataFrame) -> Counts:
    sizes = verdicts["cluster"].value_counts()
    conflicts = verdicts.loc[verdicts["label_conflict"], "cluster"].nunique()
    leaks = verdicts.loc[verdicts["reason"] == LEAK, "kind"].value_counts()
    more = {"clusters": int((sizes > 1).sum()), "clusters_with_label_conflict": int(conflicts)}
    return Counts(
        len(verdicts),
        verdicts["reason"].value_counts().to_dict(),
        {**more, **{f"leaks_{kind}": int(leaks.get(kind, 0)) for kind in REASONS}},
    )


def main(params: Params) -> Counts:
    rows = read_rows()
    search = Search(rows["id"], load_comparer(params.modality), params.dedupe)
    verdicts = find_duplicates(rows, search, params.dedupe)
    if not verdicts["keep"].any():
        raise InputError(
            f"no row stays: each of the {len(rows)} says what another does that has another label; see dedupe.on_label_conflict"
        )
    write_frame(paths.DUPLICATE_VERDICTS, verdicts, VERDICT)
    return count(verdicts)


if __name__ == "__main__":
    run_stage("dedupe", Params, main)
