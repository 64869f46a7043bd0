"""Frozen encoders: rows per CPU second, of texts, photos and recordings, each as its preset embeds them."""

import argparse
import csv
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench import ROOT, report
from stages.contracts.clean import load_cleaner
from stages.contracts.embed import load_embedder
from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.core.tables import Content
from stages.models.threads import set_threads

N_ROWS = {"banking77": 2_000, "clothing": 256, "fsdd": 256}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument_group("embed").add_argument(
        "--fsdd",
        type=Path,
        default=Path("data/external/fsdd"),
        metavar="FOLDER",
        help="the folder with recordings/*.wav (default: %(default)s)",
    )


def texts(folder: Path) -> list[bytes]:
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        return [row["text"].encode() for row in islice(csv.DictReader(file), N_ROWS["banking77"])]


def photos(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in islice(sorted((folder / "images").glob("*.jpg")), N_ROWS["clothing"])]


def recordings(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in islice(sorted((folder / "recordings").glob("*.wav")), N_ROWS["fsdd"])]


def cleaned(preset: dict[str, Any], contents: Sequence[bytes]) -> list[Content]:
    """The contents that the preset's cleaning keeps."""
    cleaner = load_cleaner(preset["modality"])
    params = cleaner.CleanParams(**preset["clean"][preset["modality"]])
    cleaned_contents = [cleaner.clean(content, params).content for content in contents]
    return [content for content in cleaned_contents if content is not None]


def rows_per_second(preset: dict[str, Any], contents: Sequence[Content]) -> float:
    """Per CPU second of all threads, without the time in which the model is loaded."""
    embedder = load_embedder(preset["modality"])
    params = embedder.EmbedParams(**preset["embed"][preset["modality"]])
    first = contents[: params.batch_size]
    embedder.embed(first, params)  # libraries are loaded only once
    more_seconds = seconds(embedder, contents, params) - seconds(embedder, first, params)
    return (len(contents) - len(first)) / more_seconds


def seconds(embedder: Any, contents: Sequence[Content], params: Any) -> float:
    started = time.process_time()
    embedder.embed(contents, params)
    return time.process_time() - started


def main(arguments: argparse.Namespace) -> None:
    set_threads(1)
    folders = {"banking77": arguments.banking77, "clothing": arguments.clothing, "fsdd": arguments.fsdd}
    rates, table = {}, []
    for name, read in (("banking77", texts), ("clothing", photos), ("fsdd", recordings)):
        try:
            contents = read(folders[name])
        except OSError as error:
            raise InputError(f"{folders[name]}: {error.strerror}; set the folder with --{name}") from error
        if len(contents) < N_ROWS[name]:
            raise InputError(f"{folders[name]}: {len(contents)} rows, {N_ROWS[name]} are needed; set --{name}")
        preset = read_yaml(ROOT / "presets" / f"{name}.yaml")
        rates[name] = rows_per_second(preset, cleaned(preset, contents))
        table.append((name, preset["embed"][preset["modality"]]["model"], rates[name]))
    report("embed", ("rows", "encoder", "rows per CPU second"), table, "without cleaning and loading", rates)
