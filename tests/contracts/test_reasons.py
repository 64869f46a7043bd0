"""Reasons form a closed list, and each of them is explained to people."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from stages import dedupe
from stages.contracts.clean import load_cleaner
from stages.page import glossary
from stages.untrusted.worker import FAILURES
from tests.samples.variants import check_reasons, modalities, names, samples_of, targets, whole_target

STAGES = Path(__file__).parents[2] / "stages"


def given_reasons(path: Path, result: str) -> Iterator[str]:
    """The reasons that the code of `path` gives to `result`, read from the source."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == result:
            reasons = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "reason")]
            for reason in reasons:
                assert isinstance(reason, ast.Constant), (
                    f"{path.name}, line {node.lineno}: a reason is a word that stands in REASONS"
                )
                yield reason.value


@modalities
def test_reasons_of_clean_are_closed(name: str) -> None:
    cleaner, samples = load_cleaner(name), samples_of(name, "modalities")
    assert set(given_reasons(STAGES / f"modalities/{name}/clean/cleaner.py", "Cleaned")) == set(cleaner.REASONS)
    params = cleaner.CleanParams(**{**samples.clean, **samples.clean_reasons})
    assert {reason: cleaner.clean(content, params).reason for reason, content in samples.reasons.items()} == {
        reason: reason for reason in cleaner.REASONS
    }
    assert all(cleaner.clean(content, params).content is None for content in samples.reasons.values())
    assert set(cleaner.SEE) == {*cleaner.REASONS, *cleaner.REASONS_TOGETHER}


@targets
def test_reasons_of_clean_label_are_closed(name: str) -> None:
    target, samples = whole_target(name), samples_of(name, "targets")
    assert set(given_reasons(STAGES / f"targets/{name}/label.py", "CleanedLabel")) == set(target.REASONS)
    params = target.LabelParams(**samples.params)
    found = {reason: target.clean_label(label, samples.content, params) for reason, label in samples.reasons.items()}
    assert {reason: cleaned.reason for reason, cleaned in found.items()} == {
        reason: reason for reason in target.REASONS
    }
    assert all(cleaned.label is None for cleaned in found.values())
    assert set(target.SEE) == set(target.REASONS)


def test_every_reason_has_words() -> None:
    """Reasons of a stage in stages/page/glossary.py, those of a modality or a target in its REASONS."""
    check_reasons(glossary.OF_STAGES)
    bad_rows = re.findall(r'BadRow\("(\w+)"', (STAGES / "collect.py").read_text(encoding="utf-8"))
    of_split = re.findall(r'reasons\[.*\] = "(\w+)"', (STAGES / "split.py").read_text(encoding="utf-8"))
    assert set(glossary.OF_COLLECT) >= set(bad_rows)
    assert set(glossary.OF_CLEAN) == {"ledger", "rare_label", *FAILURES}
    assert set(glossary.OF_DEDUPE) == {*dedupe.REASONS.values(), dedupe.LEAK, dedupe.CONFLICT}
    assert set(glossary.OF_OUTLIERS) == {"far_from_all"}
    assert set(glossary.OF_SPLIT) == set(of_split)
    assert set(glossary.OF_LABEL_AUDIT) == {"label_issue"}
    for modality, target in (name.split("_", 1) for name in names("tasks")):
        cleaner, labels = load_cleaner(modality), whole_target(target)
        parts = [glossary.OF_STAGES, cleaner.REASONS, cleaner.REASONS_TOGETHER, labels.REASONS]
        reasons = glossary.load_reasons(modality, target)
        assert set(reasons.words) == {reason for part in parts for reason in part}
        assert len(reasons.words) == sum(map(len, parts)), "one reason with two meanings"
        assert reasons.of_labels == {*labels.REASONS, "rare_label"}


def test_every_measure_has_words() -> None:
    """Whoever adds a measure says in stages/page/glossary.py what it means."""
    measures = {name for modality in names("modalities") for name in load_cleaner(modality).MEASURES}
    assert set(glossary.MEASURES) == measures | {
        "repairs",
        "similarity",
        "score",
        "class_score",
        "label_quality",
        "weight",
        "spared",
    }
