"""Image checks: how well they separate photos with planted faults from good photos, beside CleanVision; and speed."""

import argparse
import csv
import io
import math
import random
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from sklearn.metrics import average_precision_score

from bench import ROOT, report
from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.modalities.image.clean import checks
from stages.modalities.image.clean import cleaner as clean
from tests.photos import FAULTS, as_jpeg

N_GOOD, N_FAULTY = 600, 60  # photos without a fault, and with each fault
GOOD = ""  # the fault of a good photo
CLEANVISION = """
import sys
from cleanvision import Imagelab
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues({name: {} for name in sys.argv[3:]}, n_jobs=1, verbose=False)
lab.issues.rename(index=lambda path: path.split("/")[-1]).to_csv(sys.argv[2], index_label="name")
"""
# The checks that CleanVision has too.
PEER = ("dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "odd_size")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("photos")
    group.add_argument(
        "--cleanvision",
        metavar="PYTHON",
        help="the interpreter of an environment that has cleanvision (default: no comparison)",
    )


def plant(files: Sequence[Path]) -> dict[str, list[bytes]]:
    """JPEG files by fault; good photos are encoded again too."""
    faults = [GOOD] * N_GOOD + [fault for fault in FAULTS for _ in range(N_FAULTY)]
    images: dict[str, list[bytes]] = {fault: [] for fault in (GOOD, *FAULTS)}
    for fault, path in zip(faults, random.Random(0).sample(files, len(faults)), strict=True):
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        images[fault].append(as_jpeg(FAULTS[fault](image) if fault else image))
    return images


def our_scores(images: Sequence[bytes]) -> dict[str, np.ndarray]:
    """(n_images,) by check."""
    decoded = [Image.open(io.BytesIO(image)) for image in images]
    scores = [checks.scores(image) for image in decoded]
    sizes = np.array([math.sqrt(image.width * image.height) for image in decoded])
    by_check = {name: np.array([of_image[name] for of_image in scores]) for name in checks.SCORES}
    return {**by_check, "odd_size": checks.odd_sizes(sizes)}


def cleanvision_issues(images: Sequence[bytes], python: str) -> list[dict[str, str]]:
    """The issues that CleanVision finds, in the order of the images."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, issues = Path(temporary) / "images", Path(temporary) / "issues.csv"
        folder.mkdir()
        for number, image in enumerate(images):
            (folder / f"{number:05d}.jpg").write_bytes(image)
        command = [python, "-c", CLEANVISION, folder, issues, *PEER]
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode:
            raise InputError(f"--cleanvision {python}: {process.stderr[-500:]}")
        with issues.open(newline="") as file:
            return sorted(csv.DictReader(file), key=lambda row: row["name"])


def images_per_second(images: Sequence[bytes], params: clean.CleanParams) -> float:
    started = time.process_time()
    for image in images:
        clean.clean(image, params)
    return len(images) / (time.process_time() - started)


def scoring_seconds(images: Sequence[bytes]) -> float:
    """The CPU seconds of the checks alone, per image."""
    decoded = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    started = time.process_time()
    for image in decoded:
        checks.scores(image)
    return (time.process_time() - started) / len(images)


def precision(fault: str, faults: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of the lowest scores, among good photos and those with this fault."""
    is_compared = (faults == fault) | (faults == GOOD)
    return float(average_precision_score(faults[is_compared] == fault, -scores[is_compared]))


def shares(fault: str, faults: np.ndarray, is_flagged: np.ndarray) -> str:
    """The share of faulty photos that are flagged, and the number of good ones."""
    return f"{is_flagged[faults == fault].mean():.0%} | {is_flagged[faults == GOOD].sum()}"


def our_cells(fault: str, faults: np.ndarray, scores: np.ndarray, lowest: float | None) -> tuple[str, str]:
    flagged = "" if lowest is None else shares(fault, faults, scores < lowest)
    return f"{precision(fault, faults, scores):.3f}", flagged


def peer_cells(fault: str, faults: np.ndarray, issues: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    if not issues or fault not in PEER:
        return "", ""
    scores = np.array([float(row[f"{fault}_score"]) for row in issues])
    is_flagged = np.array([row[f"is_{fault}_issue"] == "True" for row in issues])
    return f"{precision(fault, faults, scores):.3f}", shares(fault, faults, is_flagged)


def main(arguments: argparse.Namespace) -> None:
    files = sorted((arguments.clothing / "images").glob("*.jpg"))
    n_needed = N_GOOD + N_FAULTY * len(FAULTS)
    if len(files) < n_needed:
        raise InputError(
            f"{arguments.clothing}: expected at least {n_needed} photos in images/, got {len(files)}; "
            "set the folder with --clothing"
        )
    params = clean.CleanParams(**read_yaml(ROOT / "presets/clothing.yaml")["clean"]["image"])
    by_fault = plant(files)
    images = [image for group in by_fault.values() for image in group]
    faults = np.array([fault for fault, group in by_fault.items() for _ in group])
    scores = our_scores(images)
    issues = cleanvision_issues(images, arguments.cleanvision) if arguments.cleanvision else []
    table = []
    for fault in FAULTS:
        lowest = getattr(params.lowest, fault, None)
        ours = our_cells(fault, faults, scores[fault], lowest)
        table.append((fault, *ours, *peer_cells(fault, faults, issues)))
    rate, check_seconds = images_per_second(by_fault[GOOD], params), scoring_seconds(by_fault[GOOD])
    speed = f"clean: {rate:.0f} images per CPU second, of which the checks take {check_seconds * rate:.0%}"
    summary = f"{N_GOOD} good photos, {N_FAULTY} of each fault; {speed}"
    header = ("fault", "average precision", "found | good lost", "CleanVision", "found | good lost")
    precisions = {fault: precision(fault, faults, scores[fault]) for fault in FAULTS}
    report("photos", header, table, summary, {**precisions, "images_per_second": rate})
