"""The path of every artifact. Paths are written here and in dvc.yaml, nowhere else."""

from pathlib import Path

PARAMS = Path("params.yaml")
DVC_YAML = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")
RUN_LOCKS = Path(".cache/locks")
# An empty file for each model of the hub that was downloaded for this project, and a folder for each converted model.
MODELS = Path(".cache/models")
LEDGER = Path("data/ledger.csv")

COLLECTED = Path("data/collected")
CLEANED = Path("data/cleaned")
SUGGESTIONS = Path("data/suggestions")
EMBEDDINGS = Path("data/embeddings")
EMBEDDINGS_DIGEST = Path("data/embeddings.true")  # what dedupe.semantic: true waits for

VERDICTS = Path("data/verdicts")
COLLECT_VERDICTS = VERDICTS / "collect"
CLEAN_VERDICTS = VERDICTS / "clean"
DUPLICATE_VERDICTS = VERDICTS / "duplicates"
OUTLIER_VERDICTS = VERDICTS / "outliers"
SPLIT_VERDICTS = VERDICTS / "split"
LABEL_VERDICTS = VERDICTS / "labels"
LEAKS = VERDICTS / "leaks"
REVIEW_QUEUE = Path("data/review_queue")
# By stage, in the order of the pipeline.
VERDICTS_OF = {
    "collect": COLLECT_VERDICTS,
    "clean": CLEAN_VERDICTS,
    "dedupe": DUPLICATE_VERDICTS,
    "outliers": OUTLIER_VERDICTS,
    "split": SPLIT_VERDICTS,
    "label_audit": LABEL_VERDICTS,
}

TRAIN = Path("data/train")
VALIDATION = Path("data/validation")
TEST = Path("data/test")
HELD_OUT = {"validation": VALIDATION, "test": TEST}
PREDICTIONS = Path("data/predictions")

MODEL = Path("models/finetuned")

METRICS = Path("metrics")
WARNINGS = METRICS / "warnings"
RAN_WITH = METRICS / "params"  # the params and files that each stage ran with
VERDICT = METRICS / "verdict.txt"
PLOTS = METRICS / "plots"
LEARNING_CURVES = PLOTS / "learning_curves.csv"
DATA_REPORT = METRICS / "report" / "data.html"


def shared_root(folder: Path) -> Path:
    """The project folder: `folder` itself, or if it is a copy below .dvc/tmp (a DVC experiment), the original."""
    for parent in reversed(folder.parents):
        if folder.is_relative_to(parent / ".dvc" / "tmp"):
            return parent
    return folder
