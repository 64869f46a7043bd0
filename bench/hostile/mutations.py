"""Media files and random texts, through the cleaners: nothing raises, hangs or crashes, and what is kept stays.

The files are mutated ones, and those of the named inputs: stages decode them in a process that is not watched.

What is kept is cleaned a second time: it must be kept again, unchanged.
"""

import json
import random
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench.hostile import images, sounds
from bench.hostile.media import Made
from bench.hostile.params import base_params
from bench.hostile.process import CPU_SECONDS, in_a_process
from bench.hostile.random_texts import random_texts
from bench.hostile.workplace import Result, faults_of_process
from stages.contracts.clean import Cleaner, load_cleaner


@dataclass(frozen=True)
class Content:
    """A content for the cleaner of a modality, or a function that makes it; `params` are changes of its section."""

    group: str
    name: str
    modality: str
    content: bytes | Made
    params: Mapping[str, Any]


# --- mutated files ---


@cache
def seeds() -> dict[str, tuple[str, bytes]]:
    """(modality, bytes) of a small valid file of each format."""
    image, sound = images.saved, sounds.saved
    pictures = {
        "PNG": image("PNG"),
        "PNG with a palette": image("PNG", mode="P"),
        "PNG with transparency": image("PNG", mode="RGBA"),
        "JPEG": image("JPEG"),
        "progressive JPEG": image("JPEG", progressive=True),
        "JPEG in CMYK": image("JPEG", mode="CMYK"),
        "JPEG with EXIF": images.in_jpeg(images.exif(images.entry(274, 3, 1, 6))),
        "GIF": image("GIF"),
        "WEBP": image("WEBP"),
        "lossless WEBP": image("WEBP", lossless=True),
        "TIFF": image("TIFF"),
        "TIFF with LZW": image("TIFF", compression="tiff_lzw"),
        "TIFF with JPEG": image("TIFF", compression="jpeg"),
        "TIFF with deflate": image("TIFF", compression="tiff_adobe_deflate"),
        "BMP": image("BMP"),
        "BMP with a palette": image("BMP", mode="P"),
        "PPM": image("PPM"),
        "JPEG2000": image("JPEG2000"),
        "AVIF": image("AVIF"),
        "plain PPM": b"P3 8 8 255\n" + b"200 10 30 " * 64,
    }
    recordings = {
        "WAV": sound("WAV"),
        "WAV of floats": sound("WAV", subtype="FLOAT"),
        "WAV of ADPCM": sound("WAV", subtype="MS_ADPCM"),
        "WAV of IMA ADPCM": sound("WAV", subtype="IMA_ADPCM"),
        "WAV of GSM": sound("WAV", subtype="GSM610"),
        "extensible WAV": sound("WAVEX"),
        "W64": sound("W64"),
        "FLAC": sound("FLAC"),
        "OGG": sound("OGG"),
        "OGG of Opus": sound("OGG", subtype="OPUS"),
        "MP3": sound("MP3"),
        "AIFF": sound("AIFF"),
        "AU": sound("AU"),
        "CAF": sound("CAF"),
    }
    return {name: ("image", content) for name, content in pictures.items()} | {
        name: ("audio", content) for name, content in recordings.items()
    }


EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\x80")


def flip(content: bytearray, rng: random.Random) -> None:
    content[place(content, rng)] ^= 1 << rng.randrange(8)


def overwrite(content: bytearray, rng: random.Random) -> None:
    start = place(content, rng)
    content[start : start + rng.choice((1, 2, 4, 16))] = rng.randbytes(rng.choice((1, 2, 4, 16)))


def set_extreme(content: bytearray, rng: random.Random) -> None:
    """A number of a header becomes the smallest or the largest."""
    start, value = place(content, rng), rng.choice(EXTREMES)[: rng.choice((1, 2, 4))]
    content[start : start + len(value)] = value


def cut(content: bytearray, rng: random.Random) -> None:
    del content[place(content, rng) :]


def cut_out(content: bytearray, rng: random.Random) -> None:
    start = place(content, rng)
    del content[start : start + rng.choice((1, 4, 32, 200))]


def insert(content: bytearray, rng: random.Random) -> None:
    start = place(content, rng)
    content[start:start] = rng.randbytes(rng.choice((1, 4, 32)))


def repeat(content: bytearray, rng: random.Random) -> None:
    start = place(content, rng)
    content[start:start] = content[start : start + rng.choice((4, 32, 200))] * rng.choice((1, 10, 1_000))


def splice(content: bytearray, rng: random.Random) -> None:
    """The end becomes that of another file."""
    _, other = rng.choice(list(seeds().values()))
    start = place(content, rng)
    content[start:] = other[rng.randrange(len(other)) :]


MUTATIONS = (flip, flip, overwrite, set_extreme, set_extreme, cut, cut_out, insert, repeat, splice)


def place(content: bytearray, rng: random.Random) -> int:
    """Half of the time in the header."""
    return rng.randrange(max(1, min(len(content), 64) if rng.random() < 0.5 else len(content)))


def mutated(number: int) -> Content:
    """The same file for the same number."""
    rng = random.Random(f"mutated {number}")
    format = list(seeds())[number % len(seeds())]
    modality, seed = seeds()[format]
    content, names = bytearray(seed), []
    for _ in range(rng.choice((1, 1, 2, 4))):
        if content:
            mutation = rng.choice(MUTATIONS)
            mutation(content, rng)
            names.append(mutation.__name__)
    name = f"mutated file {number} ({format}: {', '.join(names)})"
    return Content(f"mutated {modality}s", name, modality, bytes(content), {})


# --- random texts ---

TEXT_PARAMS: Sequence[Mapping[str, Any]] = (
    {},
    {"pii": "redact", "urls": "replace", "mentions": "replace"},
    {"html": "keep", "pii": "redact"},
    {"max_symbol_ratio": None, "max_repetition": None, "boilerplate": ["spam", "sent from my phone"]},
)


def texts(count: int) -> Iterator[Content]:
    for number, text in enumerate(random_texts(7, count)):
        params = TEXT_PARAMS[number % len(TEXT_PARAMS)]
        content = text.encode("utf-8", "surrogatepass")
        yield Content("random texts", f"random text {number} ({text[:40]!r})", "text", content, params)


# --- cleaning twice ---


@cache
def params_of(modality: str, changes: str) -> tuple[Cleaner, Any]:
    """The cleaner, and its params with changes (as JSON)."""
    cleaner = load_cleaner(modality)
    values = base_params(f"{modality}_category")["clean"][modality]
    return cleaner, cleaner.CleanParams(**{**values, **json.loads(changes)})


def cleaned_twice(content: Content) -> tuple[str, list[str]]:
    """(the reason of a drop or "", faults)."""
    cleaner, params = params_of(content.modality, json.dumps(dict(content.params)))
    raw = content.content if isinstance(content.content, bytes) else content.content()
    once = cleaner.clean(raw, params)
    if once.reason is not None:
        return once.reason, [] if once.reason in cleaner.REASONS else [f"an unknown reason: {once.reason}"]
    stored = once.content.encode() if isinstance(once.content, str) else once.content
    twice = cleaner.clean(stored, params)
    if twice.reason is not None:
        return "", [f"what was kept is dropped when it is cleaned again: {twice.reason}"]
    if twice.content != once.content:
        return "", [f"cleaning again changes it: {once.content!r:.80} becomes {twice.content!r:.80}"]
    return "", []


def try_all(contents: Sequence[Content], notes: Path) -> int:
    """Cleans each content, and notes what came of it before it starts with the next.

    What libraries write to stderr does not count: the stages run cleaners in a process whose stderr goes nowhere.
    """
    with notes.open("a") as file:
        for content in contents:
            started = time.process_time()
            resource.setrlimit(resource.RLIMIT_CPU, (int(started) + CPU_SECONDS, resource.RLIM_INFINITY))
            try:
                reason, faults = cleaned_twice(content)
            except Exception as error:
                reason, faults = "", [f"raises {type(error).__name__}: {str(error)[:150]}"]
            file.write(json.dumps([reason, faults, time.process_time() - started]) + "\n")
            file.flush()
    return 0


def try_batch(contents: Sequence[Content], workplace: Path) -> Iterator[Result]:
    """The result of each content; one that ends its process does not take the others with it."""
    workplace.mkdir(parents=True, exist_ok=True)
    (workplace.parent / "tmp").mkdir(exist_ok=True)
    while contents:
        notes = workplace / "notes"
        notes.write_text("")
        ran = in_a_process(workplace, "clean", partial(try_all, contents, notes), cpu_seconds=None)
        lines = [json.loads(line) for line in notes.read_text().splitlines()]
        for content, (reason, faults, seconds) in zip(contents, lines, strict=False):
            yield Result(
                content.name, content.group, False, int(bool(reason)), int(not reason), faults, seconds, 0.0, reason
            )
        done, contents = contents[: len(lines)], contents[len(lines) :]
        faults = [fault for fault in faults_of_process(ran) if not fault.startswith("noise")]
        faults += ["ended its process"] * bool(contents)
        if faults:
            culprit = contents[0] if contents else done[-1]
            yield Result(culprit.name, culprit.group, False, 0, 0, faults, ran.cpu_seconds, ran.peak_mb, ran.err[-500:])
            contents = contents[1:]


def all_contents(n_files: int, n_texts: int) -> Iterator[Content]:
    for number in range(n_files):
        yield mutated(number)
    for modality, media in (("image", images.MEDIA), ("audio", sounds.MEDIA)):
        files = media.odd | {name: made for name, (_, made) in media.reported.items()}
        for name, made in files.items():
            yield Content(f"decoded {media.group}", name, modality, made, {})
    yield from texts(n_texts)
