"""Vectors that were computed before, in .cache/vectors.sqlite: safe to delete, and shared with other runs and with experiments in temporary folders.

It stands outside of what DVC keeps and deletes. As a row's vector does not depend on the other rows, what comes from here has the bits that it would
have anew; so the key is all that these bits depend on.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

from stages.contracts.embed import Embedded
from stages.core.tables import Content, ragged
from stages.models import pretrained

CACHE = Path(".cache/vectors.sqlite")
WAIT = 60.0  # seconds for another run to end its writing
TABLE = "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, vector BLOB, tokens BLOB, n_tokens INTEGER, digest BLOB) WITHOUT ROWID"
# Libraries that decode contents and compute vectors: another version may give other bits.
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "soundfile", "soxr", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Entry:
    row: bytes  # float32
    tokens: bytes | None  # float16, (n_tokens, dim)
    n_tokens: int

    def digest(self) -> bytes:
        """By which damage on the disk is noticed."""
        return digest(self.row + (self.tokens or b"") + str(self.n_tokens).encode())


class VectorCache:
    def __init__(self, path: Path, settings: str, model: str) -> None:
        """
        Args:
            settings: all that vectors depend on but the content, the model and the libraries: params, threads, code.
            model: what params name.
        """
        self._path = path
        self._settings = settings
        self._model = model
        self._usable = True
        self.found = 0

    def complete(self, contents: Sequence[Content], embed: Callable[[list[Content]], Embedded]) -> Embedded:
        """The vectors of all contents; `embed` computes those that are not known."""
        encoder = self._encoder()
        keys = [self._key(content) for content in contents]
        known = self._read(encoder, set(keys)) if encoder else {}
        missing = {key: content for key, content in zip(keys, contents, strict=True) if key not in known}
        if missing:
            computed = dict(zip(missing, entries(embed(list(missing.values()))), strict=True))
            if known and self._encoder() != encoder:  # the hub had a newer revision: what was known is of the older
                return self.complete(contents, embed)
            self._write(self._encoder(), computed)
            known.update(computed)
        self.found += sum(key not in missing for key in keys)
        return as_embedded([known[key] for key in keys])

    def _encoder(self) -> bytes | None:
        """What the vectors come from; None while the model has not been downloaded."""
        identity = pretrained.identity(self._model)
        if identity is None:
            return None
        device = "" if identity == self._model else pretrained.device()  # what is built in needs no torch
        return digest(f"{self._settings}\n{identity}\n{device}\n{libraries()}".encode())

    def _key(self, content: Content) -> bytes:
        return digest(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)

    def _read(self, encoder: bytes, keys: set[bytes]) -> dict[bytes, Entry]:
        found: dict[bytes, Entry] = {}

        def read(database: sqlite3.Connection) -> None:
            for key in sorted(keys):
                row = database.execute(
                    "SELECT vector, tokens, n_tokens, digest FROM entries WHERE key = ?", [encoder + key]
                ).fetchone()
                if row and Entry(*row[:3]).digest() == row[3]:
                    found[key] = Entry(*row[:3])

        self._use(read)
        return found

    def _write(self, encoder: bytes | None, computed: Mapping[bytes, Entry]) -> None:
        if encoder is not None:
            rows = [
                (encoder + key, entry.row, entry.tokens, entry.n_tokens, entry.digest())
                for key, entry in computed.items()
            ]
            self._use(
                lambda database: database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", rows)
            )

    def _use(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        """What fails is left undone: the cache holds nothing that could not be computed."""
        if not self._usable:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=WAIT)) as database, database:
                database.execute(TABLE)
                work(database)
        except (OSError, sqlite3.OperationalError) as error:  # others write, nobody may, or it is no file
            print(f"embed: {self._path} cannot be used ({error}): its vectors are computed anew")
            self._usable = False
        except sqlite3.DatabaseError as error:
            print(f"embed: {self._path} is damaged ({error}): it is begun anew")
            self._path.unlink()


def entries(found: Embedded) -> Iterator[Entry]:
    tokens: Any = [None] * len(found.rows) if found.tokens is None else found.tokens
    for row, own in zip(found.rows, tokens, strict=True):
        yield Entry(row.tobytes(), None if own is None else own.tobytes(), 0 if own is None else len(own))


def as_embedded(known: Sequence[Entry]) -> Embedded:
    rows = np.stack([np.frombuffer(entry.row, dtype=np.float32) for entry in known])
    if known[0].tokens is None:
        return Embedded(rows)
    return Embedded(
        rows,
        ragged([np.frombuffer(entry.tokens or b"", dtype=np.float16).reshape(entry.n_tokens, -1) for entry in known]),
    )


def digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def libraries() -> str:
    return " ".join(
        sorted(f"{found.name}=={found.version}" for found in distributions() if found.name.lower() in LIBRARIES)
    )


def shared_root(folder: Path) -> Path:
    """The project itself, for an experiment that DVC runs in a copy below its .dvc/tmp."""
    return next(
        (parent for parent in reversed(folder.parents) if folder.is_relative_to(parent / ".dvc" / "tmp")), folder
    )
