"""Cleaning of texts: how well personal data are found in tests/pii.tsv, what is found in real data, and what each check costs."""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
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

BAR = 0.95
N_SYNTHETIC = 20_000
CHECKS: dict[str, dict[str, Any]] = {
    "default": {},
    "gibberish": {"max_symbol_ratio": 0.9, "max_repetition": 0.9},
    "languages": {"languages": ["en"]},
    "urls, mentions": {"urls": "replace", "mentions": "replace"},
    "redact": {"pii": "redact"},
}
EVERYTHING = {name: value for check in CHECKS.values() for name, value in check.items()}


def params(changes: dict[str, Any]) -> CleanParams:
    return CleanParams(**read_yaml(PRESET)["clean"]["text"] | {"min_chars": 1} | changes)


def rows_per_second(texts: Sequence[bytes], changes: dict[str, Any]) -> float:
    """In CPU seconds, once what is loaded on first use is there."""
    chosen = params(changes)
    clean(texts[0], chosen)
    started = time.process_time()
    for text in texts:
        clean(text, chosen)
    return len(texts) / (time.process_time() - started)


def real_texts() -> dict[str, list[bytes]]:
    """The raw contents of the presets' data, as far as they are in data/external."""
    found = {}
    for preset in sorted((ROOT / "presets").glob("*.yaml")):
        values = read_yaml(preset)
        if values["modality"] == "text" and (ROOT / values["collect"]["source"]).exists():
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / "project"
                copy_project(folder)
                if (ROOT / "data/external").exists():
                    (folder / "data/external").symlink_to(ROOT / "data/external")
                (folder / "params.yaml").write_bytes(preset.read_bytes())
                run_measured(["-m", "stages.collect"], folder)
                found[preset.stem] = [row["content"] for row in iter_rows(folder / paths.COLLECTED, ["content"])]
    return found


def what_is_found(texts: Sequence[bytes]) -> Counter[str]:
    """Rows by reason and what was found in them, with every check on."""
    chosen, found = params(EVERYTHING), Counter[str]()
    for text in texts:
        cleaned = clean(text, chosen)
        found.update([*cleaned.measured.get("pii", ()), *filter(None, [cleaned.reason])])
    return found


def main(arguments: argparse.Namespace) -> None:
    score = pii.score()
    scored = [(kind, score.right[kind], f"{score.precision(kind):.3f}", f"{score.recall(kind):.3f}") for kind in KINDS]
    precision, recall = score.precision(*KINDS), score.recall(*KINDS)
    summary = f"precision {precision:.3f}, recall {recall:.3f} (bar: {BAR} each)"
    report(
        "texts_pii",
        ("personal data", "found", "precision", "recall"),
        scored,
        summary,
        {"precision": precision, "recall": recall, "bar": BAR},
    )

    texts = {"synthetic": [text.encode() for text, _ in synthetic_rows(N_SYNTHETIC)], **real_texts()}
    found = {name: what_is_found(rows) for name, rows in texts.items()}
    named = ("other_language", "gibberish", *KINDS)
    table = [(name, f"{len(texts[name]):,}", *(str(counts[what]) for what in named)) for name, counts in found.items()]
    report(
        "texts_found",
        ("data", "rows", *named),
        table,
        "rows dropped, and personal data in all rows",
        {name: dict(counts) for name, counts in found.items()},
    )

    speed = {
        name: {check: rows_per_second(rows, changes) for check, changes in CHECKS.items()}
        for name, rows in texts.items()
    }
    rates = [(name, *(f"{rate:,.0f}" for rate in checks.values())) for name, checks in speed.items()]
    report("texts_speed", ("texts per CPU second", *CHECKS), rates, "without reading and writing", speed)
