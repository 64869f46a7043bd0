"""Vectors that were computed before, in .cache/vectors.sqlite: safe to delete, and shared with other runs and with experiments in temporary folders.

It stands outside of what DVC keeps and deletes. As a row's vector does not depend on the other rows, what comes from here has the bits that it would
have anew; so the key is all that these bits depend on.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

from stages import pretrained
from stages.contracts import Content, Embedded
from stages.tables import ragged

CACHE = Path(".cache/vectors.sqlite")
WAIT = 60.0  # seconds for another run to end its writing
# Libraries that decode contents and compute vectors: another version may give other bits.
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "soundfile", "soxr", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Entry:
    row: bytes  # float32
    tokens: bytes | None  # float16, (n_tokens, dim)
    n_tokens: int


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
        with self._open() as database:
            rows = ((key, database.execute("SELECT vector, tokens, n_tokens FROM vectors WHERE key = ?", [encoder + key]).fetchone()) for key in sorted(keys))
            return {key: Entry(*row) for key, row in rows if row}

    def _write(self, encoder: bytes | None, computed: Mapping[bytes, Entry]) -> None:
        if encoder is not None:
            with self._open() as database, database:
                rows = [(encoder + key, entry.row, entry.tokens, entry.n_tokens) for key, entry in computed.items()]
                database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            database = connect(self._path)
        except sqlite3.DatabaseError:  # not whole: it holds nothing that could not be computed
            self._path.unlink()
            database = connect(self._path)
        with closing(database):
            yield database


def connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=WAIT)
    database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, tokens BLOB, n_tokens INTEGER) WITHOUT ROWID")
    return database


def entries(found: Embedded) -> Iterator[Entry]:
    tokens: Any = [None] * len(found.rows) if found.tokens is None else found.tokens
    for row, own in zip(found.rows, tokens, strict=True):
        yield Entry(row.tobytes(), None if own is None else own.tobytes(), 0 if own is None else len(own))


def as_embedded(known: Sequence[Entry]) -> Embedded:
    rows = np.stack([np.frombuffer(entry.row, dtype=np.float32) for entry in known])
    if known[0].tokens is None:
        return Embedded(rows)
    return Embedded(rows, ragged([np.frombuffer(entry.tokens or b"", dtype=np.float16).reshape(entry.n_tokens, -1) for entry in known]))


def digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def libraries() -> str:
    return " ".join(sorted(f"{found.name}=={found.version}" for found in distributions() if found.name.lower() in LIBRARIES))


def shared_root(folder: Path) -> Path:
    """The project itself, for an experiment that DVC runs in a copy below its .dvc/tmp."""
    return next((parent for parent in reversed(folder.parents) if folder.is_relative_to(parent / ".dvc" / "tmp")), folder)
