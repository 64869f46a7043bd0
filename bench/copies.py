"""Near duplicates of images: the share of altered copies that are found, and false pairs, beside imagehash's pHash.

Copies are made from the files of the source and are cleaned like any row. With up to 100,000 rows dedupe compares all
pairs, so a pair is found if its similarity reaches the preset's threshold.
"""

import argparse
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from bench import ROOT, report
from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.modalities.image import compare
from stages.modalities.image.clean import cleaner as clean
from stages.modalities.image.content import decode
from stages.sources.descriptors import read_digits

SAMPLE = 500
DISTANCES = (4, 10)  # of the 64 bits of pHash; imagededup uses 10
ORIGINAL = ""  # the kind of an unaltered image


@dataclass(frozen=True)
class Matches:
    """The pairs that a method calls duplicates."""

    between: np.ndarray  # (n, n) bool: of originals
    of_copies: Mapping[str, np.ndarray]  # (n,) bool: of each original and its copy, by kind of copy


def cropped(image: Image.Image) -> Image.Image:
    """Without a fortieth of the width and height at each edge."""
    width, height = image.size
    size = (round(width * 0.95), round(height * 0.95))
    box = (width / 40, height / 40, width * 39 / 40, height * 39 / 40)
    return image.resize(size, Image.Resampling.BICUBIC, box)


def watermarked(image: Image.Image) -> Image.Image:
    width, height = image.size
    layer = Image.new("RGBA", image.size)
    position, white, font_size = (width / 2, height * 0.85), (255, 255, 255, 160), max(4, height // 10)
    ImageDraw.Draw(layer).text(position, "(c) photo", fill=white, anchor="mm", font_size=font_size)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def resized(image: Image.Image) -> Image.Image:
    """Half the width and height; twice for images of eight pixels."""
    factor = 0.5 if min(image.size) > 16 else 2
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def reencoded(image: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(as_file(image, "JPEG", quality=60))).convert("RGB")


def brightened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.25)


KINDS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": reencoded,
    "resized": resized,
    "cropped 5%": cropped,
    "brightened": brightened,
    "watermarked": watermarked,
    "flipped": ImageOps.mirror,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("copies")
    group.add_argument(
        "--clothing",
        type=Path,
        default=Path("data/external/clothing"),
        metavar="FOLDER",
        help="the folder with images/*.jpg (default: %(default)s)",
    )


def as_file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    if format == "PNG":
        options = {"compress_level": 1} | options
    image.save(file, format, **options)
    return file.getvalue()


def digits() -> list[Image.Image]:
    records = random.Random(0).sample(list(read_digits()), SAMPLE)
    return [Image.open(io.BytesIO(record.values["image"])).convert("RGB") for record in records]


def photos(folder: Path) -> list[Image.Image]:
    files = sorted((folder / "images").glob("*.jpg"))
    if len(files) < SAMPLE:
        raise InputError(
            f"{folder}: expected at least {SAMPLE} photos in images/, got {len(files)}; set the folder with --clothing"
        )
    return [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in random.Random(0).sample(files, SAMPLE)]


def cleaned(images: Sequence[Image.Image], params: clean.CleanParams) -> list[bytes]:
    return [clean.clean(as_file(image), params).content for image in images]


def cleaned_by_kind(images: Sequence[Image.Image], params: clean.CleanParams) -> dict[str, list[bytes]]:
    contents = {ORIGINAL: cleaned(images, params)}
    for kind, alter in KINDS.items():
        contents[kind] = cleaned(list(map(alter, images)), params)
    return contents


def matches_of_ours(contents: Mapping[str, list[bytes]], threshold: float) -> Matches:
    prints = {kind: np.stack([compare.fingerprint(content) for content in rows]) for kind, rows in contents.items()}
    originals = prints.pop(ORIGINAL)
    of_copies = {kind: (originals * copies).sum(axis=1) >= threshold for kind, copies in prints.items()}
    return Matches(originals @ originals.T >= threshold, of_copies)


def hashes(contents: Mapping[str, list[bytes]]) -> dict[str, np.ndarray]:
    """The pHash of each image, by kind: (n, 64) bool."""
    try:
        from imagehash import phash
    except ImportError as error:
        raise InputError(
            f"{error.name} is not installed: pip install -r bench/requirements.txt --constraint constraints.txt"
        ) from error
    return {
        kind: np.array([phash(decode(content)).hash.reshape(-1) for content in rows]) for kind, rows in contents.items()
    }


def matches_of_phash(bits: Mapping[str, np.ndarray], max_distance: int) -> Matches:
    originals = bits[ORIGINAL]
    between = (originals[:, None] != originals).sum(axis=2)
    of_copies = {kind: (originals != bits[kind]).sum(axis=1) <= max_distance for kind in KINDS}
    return Matches(between <= max_distance, of_copies)


def main(arguments: argparse.Namespace) -> None:
    table, result = [], {}
    for name, images in (("digits", digits()), ("clothing", photos(arguments.clothing))):
        preset = read_yaml(ROOT / "presets" / f"{name}.yaml")
        threshold = preset["dedupe"]["near_threshold"]
        contents = cleaned_by_kind(images, clean.CleanParams(**preset["clean"]["image"]))
        bits = hashes(contents)
        methods = {f"ours, {threshold}": matches_of_ours(contents, threshold)}
        methods |= {f"pHash, {distance}": matches_of_phash(bits, distance) for distance in DISTANCES}
        for method, matches in methods.items():
            false_pairs = int(np.triu(matches.between, 1).sum())
            recalls = {kind: float(is_found.mean()) for kind, is_found in matches.of_copies.items()}
            result[f"{name} {method}"] = {"false_pairs": false_pairs, **recalls}
            table.append((name, method, *(f"{recall:.1%}" for recall in recalls.values()), false_pairs))
    summary = f"{SAMPLE} originals each; false pairs of {SAMPLE * (SAMPLE - 1) // 2:,}"
    report("copies", ("images", "method, threshold", *KINDS, "false pairs"), table, summary, result)
