"""Cleaning of texts: precision and recall for the personal data of tests/pii.tsv, findings in real data, and speed."""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import PRESET, ROOT, copy_project, report, run_measured
from bench.million import synthetic_rows
from stages.core import paths
from stages.core.params import read_yaml
from stages.core.tables import iter_rows
from stages.modalities.text.clean.cleaner import CleanParams, clean
from stages.modalities.text.clean.privacy import KINDS
from tests import pii

TARGET = 0.95  # of precision and of recall
N_SYNTHETIC = 20_000
CHECKS: dict[str, dict[str, Any]] = {
    "default": {},
    "gibberish": {"max_symbol_ratio": 0.9, "max_repetition": 0.9},
    "languages": {"languages": ["en"]},
    "urls, mentions": {"urls": "replace", "mentions": "replace"},
    "redact": {"pii": "redact"},
}
EVERYTHING = {name: value for changes in CHECKS.values() for name, value in changes.items()}
Texts = Mapping[str, Sequence[bytes]]  # by data set


def clean_params(changes: Mapping[str, Any]) -> CleanParams:
    return CleanParams(**{**read_yaml(PRESET)["clean"]["text"], "min_chars": 1, **changes})


def rows_per_second(texts: Sequence[bytes], changes: Mapping[str, Any]) -> float:
    """Rows per CPU second, without what is loaded on first use."""
    params = clean_params(changes)
    clean(texts[0], params)
    started = time.process_time()
    for text in texts:
        clean(text, params)
    return len(texts) / (time.process_time() - started)


def real_texts() -> dict[str, list[bytes]]:
    """The raw contents of the text presets whose data exist in data/external."""
    texts = {}
    for preset in sorted((ROOT / "presets").glob("*.yaml")):
        values = read_yaml(preset)
        if values["modality"] == "text" and (ROOT / values["collect"]["source"]).exists():
            texts[preset.stem] = collected_texts(preset)
    return texts


def collected_texts(preset: Path) -> list[bytes]:
    external = ROOT / "data/external"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        if external.exists():
            (folder / "data/external").symlink_to(external)
        (folder / "params.yaml").write_bytes(preset.read_bytes())
        run_measured(["-m", "stages.collect"], folder)
        return [row["content"] for row in iter_rows(folder / paths.COLLECTED, ["content"])]


def findings(texts: Sequence[bytes]) -> Counter[str]:
    """The number of rows by reason and by kind of personal data, with every check on."""
    params, counts = clean_params(EVERYTHING), Counter[str]()
    for text in texts:
        cleaned = clean(text, params)
        counts.update([*cleaned.measured.get("pii", ()), *filter(None, [cleaned.reason])])
    return counts


def report_pii() -> None:
    score = pii.score()
    table = [(kind, score.right[kind], f"{score.precision(kind):.3f}", f"{score.recall(kind):.3f}") for kind in KINDS]
    precision, recall = score.precision(*KINDS), score.recall(*KINDS)
    summary = f"precision {precision:.3f}, recall {recall:.3f} (target: {TARGET} each)"
    result = {"precision": precision, "recall": recall, "target": TARGET}
    report("texts_pii", ("personal data", "found", "precision", "recall"), table, summary, result)


def report_findings(texts: Texts) -> None:
    counts = {name: findings(rows) for name, rows in texts.items()}
    columns = ("other_language", "gibberish", *KINDS)
    table = [(name, f"{len(texts[name]):,}", *(str(of[column]) for column in columns)) for name, of in counts.items()]
    summary = "rows dropped, and rows with personal data"
    report("texts_found", ("data", "rows", *columns), table, summary, {name: dict(of) for name, of in counts.items()})


def report_speed(texts: Texts) -> None:
    rates = {name: rates_by_check(rows) for name, rows in texts.items()}
    table = [(name, *(f"{rate:,.0f}" for rate in of_check.values())) for name, of_check in rates.items()]
    report("texts_speed", ("texts per CPU second", *CHECKS), table, "without reading and writing", rates)


def rates_by_check(texts: Sequence[bytes]) -> dict[str, float]:
    return {check: rows_per_second(texts, changes) for check, changes in CHECKS.items()}


def main(arguments: argparse.Namespace) -> None:
    report_pii()
    texts = {"synthetic": [text.encode() for text, _ in synthetic_rows(N_SYNTHETIC)], **real_texts()}
    report_findings(texts)
    report_speed(texts)
