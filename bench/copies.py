"""Copies of images: how many of each kind are near duplicates of their originals, and how many different images are, beside imagehash's pHash.

Copies are made of the source's own files and go through clean, as any row does. With up to 100,000 rows dedupe compares all pairs, so that a pair is
found if its similarity reaches the preset's threshold.
"""

import argparse
import io
import random
from collections.abc import Callable, Mapping, Sequence
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
DISTANCES = (4, 10)  # of the 64 bits of pHash; imagededup takes 10


def cropped(image: Image.Image) -> Image.Image:
    """A fortieth of each side less at each edge."""
    width, height = image.size
    return image.resize(
        (round(width * 0.95), round(height * 0.95)),
        Image.Resampling.BICUBIC,
        (width / 40, height / 40, width * 39 / 40, height * 39 / 40),
    )


def watermarked(image: Image.Image) -> Image.Image:
    width, height = image.size
    layer = Image.new("RGBA", image.size)
    ImageDraw.Draw(layer).text(
        (width / 2, height * 0.85), "(c) photo", fill=(255, 255, 255, 160), anchor="mm", font_size=max(4, height // 10)
    )
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def resized(image: Image.Image) -> Image.Image:
    """A photo to half its sides; what has only eight pixels to twice them."""
    factor = 0.5 if min(image.size) > 16 else 2
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


KINDS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": lambda image: Image.open(io.BytesIO(as_file(image, "JPEG", quality=60))).convert("RGB"),
    "resized": resized,
    "cropped 5%": cropped,
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
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
        help="holds images/*.jpg (default: %(default)s)",
    )


def as_file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **({"compress_level": 1} | options if format == "PNG" else options))
    return file.getvalue()


def digits() -> list[Image.Image]:
    return [
        Image.open(io.BytesIO(record.values["image"])).convert("RGB")
        for record in random.Random(0).sample(list(read_digits()), SAMPLE)
    ]


def photos(folder: Path) -> list[Image.Image]:
    files = sorted((folder / "images").glob("*.jpg"))
    if len(files) < SAMPLE:
        raise InputError(
            f"{folder}: expected at least {SAMPLE} photos in images/, got {len(files)}; name the folder with --clothing"
        )
    return [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in random.Random(0).sample(files, SAMPLE)]


def cleaned(images: Sequence[Image.Image], params: clean.CleanParams) -> list[bytes]:
    return [clean.clean(as_file(image), params).content for image in images]


def distances(contents: Mapping[str, list[bytes]]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """By pHash: (n, n) between originals, and by kind (n,) between each and its copy."""
    try:
        from imagehash import phash
    except ImportError as error:
        raise InputError(
            f"{error.name} is not installed: pip install -r bench/requirements.txt --constraint constraints.txt"
        ) from error
    bits = {
        kind: np.array([phash(decode(content)).hash.reshape(-1) for content in rows]) for kind, rows in contents.items()
    }
    originals = bits.pop("")
    return (originals[:, None] != originals).sum(axis=2), {
        kind: (originals != copies).sum(axis=1) for kind, copies in bits.items()
    }


def likenesses(contents: Mapping[str, list[bytes]]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """By our fingerprints: (n, n) between originals, and by kind (n,) between each and its copy."""
    prints = {kind: np.stack([compare.fingerprint(content) for content in rows]) for kind, rows in contents.items()}
    originals = prints.pop("")
    return originals @ originals.T, {kind: (originals * copies).sum(axis=1) for kind, copies in prints.items()}


def main(arguments: argparse.Namespace) -> None:
    table, facts = [], {}
    for name, images in (("digits", digits()), ("clothing", photos(arguments.clothing))):
        preset = read_yaml(ROOT / "presets" / f"{name}.yaml")
        params, threshold = clean.CleanParams(**preset["clean"]["image"]), preset["dedupe"]["near_threshold"]
        contents = {
            "": cleaned(images, params),
            **{kind: cleaned([change(image) for image in images], params) for kind, change in KINDS.items()},
        }
        alike, alike_copies = likenesses(contents)
        far, far_copies = distances(contents)
        found = {
            f"ours, {threshold}": (
                alike >= threshold,
                {kind: values >= threshold for kind, values in alike_copies.items()},
            )
        }
        found |= {
            f"pHash, {most}": (far <= most, {kind: values <= most for kind, values in far_copies.items()})
            for most in DISTANCES
        }
        for method, (between, copies) in found.items():
            false_pairs = int(np.triu(between, 1).sum())
            recalls = {kind: float(hits.mean()) for kind, hits in copies.items()}
            facts[f"{name} {method}"] = {"false_pairs": false_pairs, **recalls}
            table.append((name, method, *(f"{recall:.1%}" for recall in recalls.values()), false_pairs))
    summary = f"{SAMPLE} originals each; false pairs of {SAMPLE * (SAMPLE - 1) // 2:,}"
    report("copies", ("images", "method, threshold", *KINDS, "false pairs"), table, summary, facts)
