"""Checks of photos: how well faults that are planted in real photos are told from those photos, how many of these are lost, beside CleanVision; and speed."""

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

GOOD, EACH = 600, 60  # photos as they are, and of each fault
CLEANVISION = """
import sys
from cleanvision import Imagelab
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues({name: {} for name in sys.argv[3:]}, n_jobs=1, verbose=False)
lab.issues.rename(index=lambda path: path.split("/")[-1]).to_csv(sys.argv[2], index_label="name")
"""
PEER = ("dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "odd_size")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("photos")
    group.add_argument(
        "--cleanvision",
        metavar="PYTHON",
        help="an interpreter that has cleanvision, in an environment of its own; else it is left out",
    )


def planted(files: Sequence[Path]) -> dict[str, list[bytes]]:
    """Photos by their fault, "" for none; each is encoded once more, with a fault or without."""
    faults = ["", *FAULTS]
    chosen = random.Random(0).sample(files, GOOD + EACH * len(FAULTS))
    images: dict[str, list[bytes]] = {fault: [] for fault in faults}
    for number, path in enumerate(chosen):
        fault = "" if number < GOOD else faults[1 + (number - GOOD) // EACH]
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        images[fault].append(as_jpeg(FAULTS[fault](image) if fault else image))
    return images


def ours(images: Sequence[bytes]) -> dict[str, np.ndarray]:
    """By check (n_images,)."""
    decoded = [Image.open(io.BytesIO(image)) for image in images]
    scores = [checks.scores(image) for image in decoded]
    sizes = np.array([math.sqrt(image.width * image.height) for image in decoded])
    return {
        **{name: np.array([one[name] for one in scores]) for name in checks.SCORES},
        "odd_size": checks.odd_sizes(sizes),
    }


def theirs(images: Sequence[bytes], python: str) -> list[dict[str, str]]:
    """CleanVision's issues, in the order of the images."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, found = Path(temporary) / "images", Path(temporary) / "issues.csv"
        folder.mkdir()
        for number, image in enumerate(images):
            (folder / f"{number:05d}.jpg").write_bytes(image)
        done = subprocess.run([python, "-c", CLEANVISION, folder, found, *PEER], capture_output=True, text=True)
        if done.returncode:
            raise InputError(f"--cleanvision {python}: {done.stderr[-500:]}")
        with found.open(newline="") as file:
            return sorted(csv.DictReader(file), key=lambda row: row["name"])


def images_per_second(images: Sequence[bytes], params: clean.CleanParams) -> float:
    started = time.process_time()
    for image in images:
        clean.clean(image, params)
    return len(images) / (time.process_time() - started)


def scoring_seconds(images: Sequence[bytes]) -> float:
    """What the checks alone take for an image."""
    decoded = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    started = time.process_time()
    for image in decoded:
        checks.scores(image)
    return (time.process_time() - started) / len(images)


def precision(fault: str, faults: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of the lowest scores, among photos with this fault or none."""
    among = (faults == fault) | (faults == "")
    return float(average_precision_score(faults[among] == fault, -scores[among]))


def shares(fault: str, faults: np.ndarray, flagged: np.ndarray) -> str:
    return f"{flagged[faults == fault].mean():.0%} | {flagged[faults == ''].sum()}"


def main(arguments: argparse.Namespace) -> None:
    files = sorted((arguments.clothing / "images").glob("*.jpg"))
    if len(files) < GOOD + EACH * len(FAULTS):
        raise InputError(
            f"{arguments.clothing}: expected at least {GOOD + EACH * len(FAULTS)} photos in images/, got {len(files)}; see --clothing"
        )
    params = clean.CleanParams(**read_yaml(ROOT / "presets/clothing.yaml")["clean"]["image"])
    by_fault = planted(files)
    images = [image for some in by_fault.values() for image in some]
    faults = np.array([fault for fault, some in by_fault.items() for _ in some])
    scores = ours(images)
    peer = theirs(images, arguments.cleanvision) if arguments.cleanvision else []
    table, facts = [], {}
    for fault in FAULTS:
        lowest = getattr(params.lowest, fault, None)
        row = [
            f"{precision(fault, faults, scores[fault]):.3f}",
            "" if lowest is None else shares(fault, faults, scores[fault] < lowest),
        ]
        if peer and fault in PEER:
            row += [
                f"{precision(fault, faults, column(peer, fault)):.3f}",
                shares(fault, faults, np.array([one[f"is_{fault}_issue"] == "True" for one in peer])),
            ]
        table.append((fault, *row, *[""] * (4 - len(row))))
        facts[fault] = precision(fault, faults, scores[fault])
    header = ("fault", "average precision", "found | good lost", "CleanVision", "found | good lost")
    whole, checked = images_per_second(by_fault[""], params), scoring_seconds(by_fault[""])
    speed = f"clean: {whole:.0f} images per CPU second, of which the checks take {checked * whole:.0%}"
    report(
        "photos",
        header,
        table,
        f"{GOOD} photos, {EACH} more of each fault; {speed}",
        {**facts, "images_per_second": whole},
    )


def column(rows: Sequence[Mapping[str, str]], fault: str) -> np.ndarray:
    return np.array([float(row[f"{fault}_score"]) for row in rows])
