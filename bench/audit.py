"""Wrong labels: how well label_audit ranks them, what dropping the worst does to a model, and what judging costs.

Wrong labels by people are those of noisy_agnews, as it is and with classes of other sizes. In banking77 and digits a
tenth of the labels is replaced, by any other class or by the most similar one. The true labels are used for scores
alone.
"""

import argparse
import csv
import hashlib
import resource
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from bench import BYTES_PER_RSS_UNIT, ROOT, report
from stages import embed, label_audit
from stages.contracts.clean import load_cleaner
from stages.contracts.embed import load_embedder
from stages.core.errors import InputError
from stages.core.params import load_params, read_yaml
from stages.core.tables import Vectors
from stages.label_audit import TargetParts, Trained, predict_with_probe
from stages.models.threads import set_threads
from stages.models.vector_cache import VectorCache
from stages.sources.descriptors import read_digits

WORST = 444  # rows whose share of wrong labels is measured
FLIPPED = 0.1  # of the labels
SIZES = (2_500, 1_500, 700, 400)  # of the classes of unbalanced data
SHARES = (0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25)  # of the training rows that are dropped
N_SPEED, N_CLASSES, DIM, LATENT = 100_000, 20, 384, 32
SEED = 42
KIND = TargetParts.load("category")
Names = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Rows:
    """Rows in random order, as those of ids are."""

    vectors: Vectors  # (n_rows, dim)
    given: Names  # (n_rows,)
    true: Names  # (n_rows,)

    @property
    def is_wrong(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.given != self.true, dtype=bool)

    def where(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Rows":
        return Rows(self.vectors[chosen], self.given[chosen], self.true[chosen])


# --- data ---


def read_table(path: Path, names: Sequence[str] | None = None) -> pd.DataFrame:
    """A CSV file with a header; with `names`, a tab-separated file without one."""
    if not path.exists():
        raise InputError(f"{path}: no such file; set the folder of data sets with --external")
    if names is None:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    return pd.read_csv(path, sep="\t", names=names, quoting=csv.QUOTE_NONE, dtype=str, keep_default_na=False)


def as_rows(preset: str, contents: Sequence[bytes], given: Sequence[str], true: Sequence[str]) -> Rows:
    """The rows that the preset's cleaning keeps, as its encoder sees them; vectors stay in .cache for later runs."""
    path = ROOT / "presets" / f"{preset}.yaml"
    params = load_params(embed.Params, path).model_copy(update={"threads": 1})
    cleaner, embedder = load_cleaner(params.modality), load_embedder(params.modality)
    clean_params = cleaner.CleanParams(**read_yaml(path)["clean"][params.modality])
    embed_params = params.embed.of(params.modality)
    cache = VectorCache.of(params.modality, embed_params, params.threads)
    cleaned = [cleaner.clean(content, clean_params).content for content in contents]
    kept = np.array([content is not None for content in cleaned])
    texts = [content for content in cleaned if content is not None]
    vectors = cache.complete(texts, lambda missing: embedder.embed(missing, embed_params)).rows
    rows = Rows(vectors, np.array(given, dtype=object)[kept], np.array(true, dtype=object)[kept])
    return rows.where(np.random.default_rng(SEED).permutation(len(vectors)))


def read_texts(preset: str, path: Path, columns: Sequence[str], names: Sequence[str] | None = None) -> Rows:
    """
    Args:
        columns: those of the text, the given and the true label.
        names: of all columns, if the file has no header.
    """
    table = read_table(path, names)
    text, given, true = columns
    contents = [content.encode() for content in table[text]]
    return as_rows(preset, contents, table[given].tolist(), table[true].tolist())


@cache
def news(external: Path, part: str) -> Rows:
    return read_texts("noisy_agnews", external / "noisy_agnews" / f"{part}.csv", ("text", "label", "gt"))


@cache
def intents(external: Path, part: str) -> Rows:
    return read_texts("banking77", external / "banking77" / f"{part}.csv", ("text", "category", "category"))


@cache
def messages(external: Path) -> Rows:
    return read_texts("sms_spam", external / "sms_spam" / "sms.tsv", ("text", "label", "label"), ("label", "text"))


def digits() -> Rows:
    records = list(read_digits())
    labels = [record.values["digit"] for record in records]
    return as_rows("digits", [record.values["image"] for record in records], labels, labels)


def unbalanced(rows: Rows, sizes: Sequence[int]) -> Rows:
    """As many rows of each true class."""
    chosen = [np.flatnonzero(rows.true == name)[:size] for name, size in zip(np.unique(rows.true), sizes, strict=True)]
    return rows.where(np.sort(np.concatenate(chosen)))


def flipped(rows: Rows, *, similar: bool) -> Rows:
    """A tenth of the labels becomes that of the most similar class, by the means of vectors, or of any other one."""
    rng = np.random.default_rng(SEED)
    names, classes = np.unique(rows.true, return_inverse=True)
    chosen = rng.permutation(len(classes))[: round(FLIPPED * len(classes))]
    means = np.stack([rows.vectors[classes == number].mean(axis=0) for number in range(len(names))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = means @ means.T - 2 * np.eye(len(names))
    others = (classes + rng.integers(1, len(names), len(classes))) % len(names)
    given = classes.copy()
    given[chosen] = cosines.argmax(axis=1)[classes[chosen]] if similar else others[chosen]
    return Rows(rows.vectors, names[given].astype(object), rows.true)


# --- the audit ---


def audited(preset: str, rows: Rows, descriptions: Mapping[str, str] | None = None) -> Trained:
    """The training rows as label_audit judges them: noise_matrix, drop, auto, and the rest as the preset says."""
    params = load_params(label_audit.Params, ROOT / "presets" / f"{preset}.yaml")
    changes = {"method": "noise_matrix", "policy": "drop", "budget": "auto", "descriptions": dict(descriptions or {})}
    section = params.label_audit.model_copy(update=changes)
    params = params.model_copy(update={"threads": 1, "seed": SEED, "label_audit": section})
    return label_audit.audit_training(training_table(rows.given), rows.vectors, KIND, params)


def training_table(given: Names) -> pd.DataFrame:
    ids = [f"{number:08d}" for number in range(len(given))]
    unreviewed = {
        "reviewed": False,
        "collected_label": given,
        "has_source_label": True,
        "was_wrong": False,
        "note": None,
    }
    return pd.DataFrame({"id": ids, "label": given, "split": "train", "unit": ids, **unreviewed})


def qualities(preset: str, rows: Rows, descriptions: Mapping[str, str]) -> dict[str, npt.NDArray[np.float64]]:
    """The label quality of each row, by method."""
    trained = audited(preset, rows)
    by_probe = KIND.audit.audit(rows.given.tolist(), trained.doubts.concluded)
    by_method = {"probe": by_probe.label_quality, "noise_matrix": trained.rows["label_quality"].to_numpy()}
    if descriptions:
        described = audited(preset, rows, descriptions)
        by_method["with descriptions"] = described.rows["label_quality"].to_numpy()
    return by_method


def ranking(quality: npt.NDArray[np.float64], is_wrong: npt.NDArray[np.bool_]) -> dict[str, float]:
    worst = np.argsort(quality, kind="stable")[: min(WORST, int(is_wrong.sum()))]
    return {
        "average precision": float(average_precision_score(is_wrong, -quality)),
        "AUROC": float(roc_auc_score(is_wrong, -quality)),
        "wrong among worst": float(is_wrong[worst].mean()),
    }


def report_rankings(external: Path) -> None:
    train, banking = news(external, "train"), intents(external, "train")
    of_news = load_params(label_audit.Params, ROOT / "presets" / "noisy_agnews.yaml").label_audit.descriptions
    of_intents = {name: name.replace("_", " ") for name in set(banking.true)}
    cases = {
        "noisy_agnews": ("noisy_agnews", train, of_news),
        "noisy_agnews, unbalanced": ("noisy_agnews", unbalanced(train, SIZES), of_news),
        "noisy_agnews, the other way": ("noisy_agnews", unbalanced(train, SIZES[::-1]), of_news),
        "banking77, any class": ("banking77", flipped(banking, similar=False), of_intents),
        "banking77, similar class": ("banking77", flipped(banking, similar=True), of_intents),
        "digits, any class": ("digits", flipped(digits(), similar=False), {}),
    }
    table, result = [], {}
    for name, (preset, rows, descriptions) in cases.items():
        for method, quality in qualities(preset, rows, descriptions).items():
            scores = ranking(quality, rows.is_wrong)
            result[f"{name}, {method}"] = scores
            table.append((name, method, int(rows.is_wrong.sum()), *(f"{score:.3f}" for score in scores.values())))
    header = ("rows", "method", "wrong", "average precision", "AUROC", "wrong among the worst")
    report("audit_rankings", header, table, f"the worst are {WORST} rows, or as many as are wrong if fewer", result)


# --- the budget ---


def report_budgets(external: Path) -> None:
    train, test = news(external, "train"), news(external, "test")
    texts = messages(external)
    is_held_out = np.arange(len(texts.given)) < len(texts.given) // 4
    cases = {
        "noisy_agnews": ("noisy_agnews", train, test),
        "noisy_agnews, true labels": ("noisy_agnews", Rows(train.vectors, train.true, train.true), test),
        "banking77": ("banking77", intents(external, "train"), intents(external, "test")),
        "sms_spam": ("sms_spam", texts.where(~is_held_out), texts.where(is_held_out)),
    }
    table, result = [], {}
    for name, (preset, rows, held_out) in cases.items():
        for budget, scores in budgets(preset, rows, held_out).items():
            result[f"{name}, {budget}"] = scores
            table.append((name, budget, *(f"{score:.2%}" for score in scores.values())))
    header = ("rows", "budget", "share", "accuracy if dropped", "if relabelled", "if the labels were true")
    report("audit_budgets", header, table, "accuracy of a linear probe on clean test rows", result)


def budgets(preset: str, rows: Rows, test: Rows) -> dict[str, dict[str, float]]:
    """The share of rows that leave, and accuracies without them, with other labels and with true ones, by budget."""
    trained = audited(preset, rows)
    quality, kept = trained.rows["label_quality"].to_numpy(), trained.rows["keep"].to_numpy()
    ranks = np.argsort(np.argsort(quality, kind="stable"), kind="stable") / len(quality)
    is_kept = {f"{share:.1%}": ranks >= share for share in (SHARES if rows.is_wrong.any() else SHARES[:1])}
    C = load_params(label_audit.Params, ROOT / "presets" / f"{preset}.yaml").label_audit.C
    suggested = trained.rows["suggested_label"].to_numpy(dtype=object)
    return {
        budget: {
            "share": float((~stays).mean()),
            "dropped": accuracy(rows.where(stays), test, C),
            "relabelled": accuracy(replace(rows, given=np.where(stays, rows.given, suggested)), test, C),
            "true": accuracy(replace(rows, given=rows.true), test, C),
        }
        for budget, stays in {**is_kept, "auto": kept}.items()
    }


def accuracy(train: Rows, test: Rows, C: float) -> float:
    """Of a linear probe that is trained on given labels, on true ones."""
    labels = train.given.tolist()
    objective = KIND.objective.of(labels)
    outputs = predict_with_probe(objective, labels, train.vectors, test.vectors, C)
    return float((np.array(objective.conclude(outputs).labels, dtype=object) == test.true).mean())


# --- the cost ---


def synthetic(n_rows: int) -> Rows:
    """Rows of eight groups in each class, in a space of few dimensions, and a tenth of the labels wrong."""
    rng = np.random.default_rng(SEED)
    classes = rng.integers(0, N_CLASSES, n_rows)
    centres = rng.normal(0, 1, (N_CLASSES, 1, LATENT)) + rng.normal(0, 0.75, (N_CLASSES, 8, LATENT))
    spread = rng.normal(0, 1, (LATENT, DIM)).astype(np.float32)
    vectors = np.empty((n_rows, DIM), dtype=np.float32)
    for start in range(0, n_rows, 10_000):  # no large copies: the peak is that of the audit
        batch = classes[start : start + 10_000]
        latent = centres[batch, rng.integers(0, 8, len(batch))] + rng.normal(0, 1.5, (len(batch), LATENT))
        vectors[start : start + 10_000] = latent.astype(np.float32) @ spread
        vectors[start : start + 10_000] += rng.standard_normal((len(batch), DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    is_wrong = rng.random(n_rows) < FLIPPED
    given = np.where(is_wrong, (classes + rng.integers(1, N_CLASSES, n_rows)) % N_CLASSES, classes)
    names = np.array([f"class {number:02d}" for number in range(N_CLASSES)], dtype=object)
    return Rows(vectors, names[given], names[classes])


@dataclass(frozen=True)
class Cost:
    cpu_seconds: float
    more_mb: float  # at the peak, beside the vectors and the libraries
    precision: float  # average precision
    digest: str  # of all label qualities


def judge_synthetic(n_rows: int) -> Cost:
    """The cost of judging rows, in a process that has done nothing else."""
    set_threads(1)
    audited("digits", synthetic(2_000))  # libraries are loaded only once
    rows = synthetic(n_rows)
    before, started = peak_mb(), time.process_time()
    quality = audited("digits", rows).rows["label_quality"].to_numpy()
    seconds, digest = time.process_time() - started, hashlib.sha256(quality.tobytes()).hexdigest()
    return Cost(seconds, peak_mb() - before, float(average_precision_score(rows.is_wrong, -quality)), digest)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_PER_RSS_UNIT / 2**20


def report_costs() -> None:
    costs = []
    for _ in range(2):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            costs.append(pool.submit(judge_synthetic, N_SPEED).result())
    table = [
        (f"run {number}", cost.cpu_seconds, cost.more_mb, f"{cost.precision:.3f}") for number, cost in enumerate(costs)
    ]
    same_bits = costs[0].digest == costs[1].digest
    bits = "the same bits" if same_bits else "OTHER BITS"
    summary = f"{N_SPEED:,} rows of {N_CLASSES} classes, {DIM} numbers each; {bits} in two runs"
    header = ("label_audit", "CPU seconds", "MB beside the vectors", "average precision")
    report("audit_costs", header, table, summary, {"runs": [vars(cost) for cost in costs], "same_bits": same_bits})


def main(arguments: argparse.Namespace) -> None:
    report_costs()  # first: the peak of a process begins with the memory of the one that starts it
    set_threads(1)
    report_rankings(arguments.external)
    report_budgets(arguments.external)
