"""Loads pretrained models from a package, a local folder or the hub, in this order; checks configs of new models."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.core.errors import InputError, fails_anyhow
from stages.models.hub import cached, fetch, first_line, hub_model
from stages.models.model_folder import check_folder, check_weights
from stages.models.packaged import digest_of, packaged

# The names that models without a base model below them give their heads.
HEAD = re.compile(r"(^|\.)(classifier|projector|classification_head|score|head|fc)\.")
# Weights that may be missing: a pooler, which is read only if it is there, and what only masks inputs in pretraining.
NOT_NEEDED = re.compile(r"pooler|masked_spec_embed|mask_token")


def locate(model: str, weights: bool = False) -> Path:
    """The folder of a model, after downloading it from the hub if that is needed; it was checked.

    Args:
        weights: whether the weights are needed too.

    Raises:
        InputError: the folder holds no model or leads elsewhere, or the name is neither a folder nor a hub id that can
            be reached.
    """
    folder = local_folder(model)
    if folder is None:
        folder = fetch(hub_model(model), weights)
    check_folder(model, folder)
    if weights:
        check_weights(model, folder)
    return folder


def local_folder(model: str) -> Path | None:
    """The folder of a model; None if the name is a hub id.

    Raises:
        InputError: there is no such folder, and the name is no hub id.
    """
    folder = packaged(model) or Path(model)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise InputError(f"model {model}: a file; name the folder that holds config.json and the weights")
    if model.startswith((".", "/", "~")) or model.endswith("/"):
        raise InputError(f"model {model}: no such folder; name a folder written by save_pretrained, or a hub id")
    hub_id = Path(model.partition("@")[0])
    if len(hub_id.parts) != 2:
        raise InputError(f"model {model}: neither a folder nor a hub id (owner/name@revision); check the name")
    if hub_id.parent.is_dir():  # such as models/mine: a mistyped folder must not become a model of a stranger
        raise InputError(f"model {model}: the folder {hub_id.parent} here has no {hub_id.name}; check the name")
    return None


def identity(model: str) -> str | None:
    """A text that is different for every model and version: the digests of its files, or its revision on the hub.

    None if the model is on the hub and has not been downloaded yet.

    Raises:
        InputError: the name is a path, and there is no such folder.
    """
    if "/" not in model and not Path(model).is_dir():  # built in, such as `hog`
        return model
    folder = local_folder(model)
    if folder is None:
        version = hub_model(model)
        folder = cached(version)
        return f"{version.id}@{folder.name}" if folder else None
    check_folder(model, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return " ".join(f"{path.relative_to(folder)}={digest_of(path)}" for path in files)


def load(factory: Any, model: str, weights: bool = False, **arguments: Any) -> Any:
    """Calls `factory.from_pretrained` on a checked folder, without a network; code that comes with a model never runs.

    Args:
        weights: whether the factory reads weights.

    Raises:
        InputError: the model can be loaded neither from a local copy nor from the hub.
    """
    hide_bars()
    folder = str(locate(model, weights))
    try:
        with quiet():
            return factory.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **arguments)
    except Exception as error:  # damaged files: each parser has errors of its own, that of tokenizers a bare Exception
        if fails_anyhow(error):
            raise
        part = factory.__name__.removeprefix("Auto")
        raise InputError(
            f"model {model}: its {part} cannot be loaded ({first_line(error)}); "
            "check that its files are whole and that it is a model for this task"
        ) from error


@dataclass(frozen=True)
class Pretrained:
    """A model with its weights, in single precision."""

    model: Any
    has_pooler: bool  # False if the pooler would be random, as the files have no weights for it
    new: frozenset[str]  # the names of weights that are not in the files, such as those of a new head


def load_weights(factory: Any, model: str, unused: tuple[str, ...] = (), **arguments: Any) -> Pretrained:
    """A pretrained model; its head may be new, but the weights below it must all be in its files.

    Weights are loaded from safetensors only.

    Args:
        unused: the starts of the names of weights that are not needed, such as `decoder.`.

    Raises:
        InputError: the model cannot be loaded, has NaN or infinity as weights, or weights are missing or have other
            shapes, and so would be random.
    """
    import torch

    options = {"use_safetensors": True, "dtype": torch.float32, "ignore_mismatched_sizes": True, **arguments}
    network, info = load(factory, model, weights=True, output_loading_info=True, **options)
    new = frozenset({*info["missing_keys"], *(entry[0] for entry in info["mismatched_keys"])})
    absent = [name for name in below_head(network, new) if not name.startswith(unused)]
    random = [name for name in absent if not NOT_NEEDED.search(name)]
    if random:
        names = ", ".join(random[:3]) + (" ..." if len(random) > 3 else "")
        raise InputError(
            f"model {model}: {len(random)} of its weights are missing in its files or have another shape than in "
            f"config.json ({names}), so they would be random; choose a model that was saved whole"
        )
    broken = [name for name, values in network.named_parameters() if not values.isfinite().all()]
    if broken:
        names = ", ".join(broken[:3]) + (" ..." if len(broken) > 3 else "")
        raise InputError(
            f"model {model}: {len(broken)} of its weights have NaN or infinity ({names}), so it is damaged; "
            "download it again, or choose another model"
        )
    return Pretrained(network, has_pooler=not any("pooler" in name for name in absent), new=new)


def below_head(network: Any, names: Iterable[str]) -> list[str]:
    """The names of weights of the base model, without its prefix; sorted."""
    if network.base_model is network:  # it is a base model, or one with a head at the same level (Whisper, timm)
        return sorted(name for name in names if not HEAD.search(name))
    prefix = f"{network.base_model_prefix}."
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))


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
        if fails_anyhow(error):
            raise
        reason = " ".join(str(error).split())
        raise InputError(
            f"model {architecture} with {key}: {reason}; give an architecture of transformers and keys of its config"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without the remarks of transformers: they name weights and keys of the model as its files do, codes and all."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def hide_bars() -> None:
    """Switches off the progress bars of transformers if the output is not a terminal."""
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()


def device() -> str:
    """The device on which models run."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
