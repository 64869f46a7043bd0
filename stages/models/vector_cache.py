"""A cache of vectors in .cache/vectors.sqlite. It is safe to delete.

Other runs share it, also experiments in temporary folders. DVC neither tracks nor deletes it. The vector of a row does
not depend on the other rows, so a cached vector has the same bits as a newly computed one. For that, the key of an
entry covers everything that these bits depend on.
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
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import Content, ragged
from stages.models import pretrained

CACHE = Path(".cache/vectors.sqlite")
WAIT = 60.0  # seconds to wait while another run writes
TABLE = (
    "CREATE TABLE IF NOT EXISTS entries "
    "(key BLOB PRIMARY KEY, vector BLOB, tokens BLOB, n_tokens INTEGER, digest BLOB) WITHOUT ROWID"
)
# SQLite keeps whatever is given: a damaged entry may have other types.
COLUMNS = "CAST(vector AS BLOB), CAST(tokens AS BLOB), CAST(n_tokens AS INTEGER), digest"
# Libraries that decode contents and compute vectors: other versions may give other bits.
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "soundfile", "soxr", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Entry:
    """The vectors of one content, as bytes."""

    row: bytes  # float32, (dim,)
    tokens: bytes | None  # float16, (n_tokens, dim)
    n_tokens: int

    def digest(self) -> bytes:
        """Shows whether the entry was damaged on the disk."""
        return digest(self.row + (self.tokens or b"") + str(self.n_tokens).encode())


class VectorCache:
    """The cached vectors of one encoder with its settings."""

    def __init__(self, path: Path, settings: str, model: str) -> None:
        """
        Args:
            settings: params, threads and code that vectors depend on, besides the content, the model and the libraries.
            model: the name of the model in params.
        """
        self._path = path
        self._settings = settings
        self._model = model
        self._usable = True
        self.hits = 0  # contents whose vectors were in the cache

    @classmethod
    def of(cls, modality: str, embed_params: Any, threads: int) -> "VectorCache":
        """The project's cache, keyed by everything in params and code that the vectors depend on."""
        stages = Path(__file__).parents[1]
        modality_folder = stages / "modalities" / modality
        code = [
            stages / "models/batches.py",
            stages / "models/layers.py",
            stages / "models/network.py",
            modality_folder / "content.py",
            modality_folder / "embed.py",
            *sorted((modality_folder / "network").glob("*.py")),
            *sorted((modality_folder / "encode").glob("*.py")),
        ]
        code_digest = digest(b"".join(path.read_bytes() for path in code)).hex()
        settings = f"{modality} {embed_params.model_dump_json()} {threads} {code_digest}"
        return cls(paths.shared_root(Path.cwd()) / CACHE, settings, embed_params.model)

    def complete(self, contents: Sequence[Content], embed: Callable[[list[Content]], Embedded]) -> Embedded:
        """The vectors of all contents; `embed` computes those that are not in the cache, each content once.

        Raises:
            InputError: `embed` gives NaN or infinity, which the cache does not keep.
        """
        encoder = self._encoder()
        keys = [self._key(content) for content in contents]
        known = self._read(encoder, set(keys)) if encoder else {}
        missing = {key: content for key, content in zip(keys, contents, strict=True) if key not in known}
        if missing:
            vectors = embed(list(missing.values()))
            check_numbers(vectors, self._model)
            computed = dict(zip(missing, as_entries(vectors), strict=True))
            # `embed` downloaded the model, and the hub had a newer revision than that of the known vectors.
            if known and self._encoder() != encoder:
                return self.complete(contents, embed)
            self._write(self._encoder(), computed)
            known.update(computed)
        self.hits += sum(key not in missing for key in keys)
        return as_embedded([known[key] for key in keys])

    def _encoder(self) -> bytes | None:
        """A digest of all that vectors depend on except the content; None if the model has not been downloaded yet."""
        identity = pretrained.identity(self._model)
        if identity is None:
            return None
        device = "" if identity == self._model else pretrained.device()  # built-in encoders do not need torch
        return digest(f"{self._settings}\n{identity}\n{device}\n{libraries()}".encode())

    def _key(self, content: Content) -> bytes:
        return digest(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)

    def _read(self, encoder: bytes, keys: set[bytes]) -> dict[bytes, Entry]:
        """The undamaged entries of these keys."""
        entries: dict[bytes, Entry] = {}

        def read(database: sqlite3.Connection) -> None:
            for key in sorted(keys):
                query = f"SELECT {COLUMNS} FROM entries WHERE key = ?"  # noqa: S608 - no value in it
                row = database.execute(query, [encoder + key]).fetchone()
                if row and Entry(*row[:3]).digest() == row[3]:
                    entries[key] = Entry(*row[:3])

        self._use(read)
        return entries

    def _write(self, encoder: bytes | None, computed: Mapping[bytes, Entry]) -> None:
        if encoder is None:
            return
        rows = [
            (encoder + key, entry.row, entry.tokens, entry.n_tokens, entry.digest()) for key, entry in computed.items()
        ]
        self._use(lambda database: database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", rows))

    def _use(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        """Runs `work` on the database. Errors stop nothing: all vectors can be computed again."""
        if not self._usable:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=WAIT)) as database, database:
                database.execute(TABLE)
                work(database)
        except (OSError, sqlite3.OperationalError) as error:  # another run writes, no permission, or it is not a file
            print(f"{self._path} cannot be used ({error}); this run continues without it")
            self._usable = False
        except sqlite3.DatabaseError as error:
            print(f"{self._path} is damaged ({error}); it is deleted and built again")
            self._path.unlink()


def check_numbers(vectors: Embedded, model: str) -> None:
    """
    Raises:
        InputError: the encoder returned NaN or infinity.
    """
    n_broken = int((~np.isfinite(vectors.rows)).any(axis=1).sum())
    if vectors.tokens is not None:
        n_broken += sum(not np.isfinite(tokens).all() for tokens in vectors.tokens)
    if n_broken:
        raise InputError(
            f"model {model}: it returned NaN or infinity as vectors ({n_broken:,} of {len(vectors.rows):,} rows), "
            "so its weights are damaged; choose another model"
        )


def as_entries(embedded: Embedded) -> Iterator[Entry]:
    """One entry per row."""
    if embedded.tokens is None:
        for vector in embedded.rows:
            yield Entry(vector.tobytes(), None, 0)
        return
    for vector, tokens in zip(embedded.rows, embedded.tokens, strict=True):
        yield Entry(vector.tobytes(), tokens.tobytes(), len(tokens))


def as_embedded(entries: Sequence[Entry]) -> Embedded:
    """The vectors of entries, at least one; either all of them have tokens or none."""
    rows = np.stack([np.frombuffer(entry.row, dtype=np.float32) for entry in entries])
    if entries[0].tokens is None:
        return Embedded(rows)
    tokens = [np.frombuffer(entry.tokens or b"", dtype=np.float16).reshape(entry.n_tokens, -1) for entry in entries]
    return Embedded(rows, ragged(tokens))


def digest(content: bytes) -> bytes:
    """A digest of 16 bytes."""
    return blake2b(content, digest_size=16).digest()


def libraries() -> str:
    """The installed versions of LIBRARIES."""
    installed = (package for package in distributions() if package.name.lower() in LIBRARIES)
    return " ".join(sorted(f"{package.name}=={package.version}" for package in installed))
