"""Models on the hub: their names, `owner/name@revision`, and the folder into which their files are downloaded."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stages.core import paths
from stages.core.atomic import write_text
from stages.core.errors import InputError, fails_anyhow
from stages.models.model_folder import CONFIG, check_folder, shards

TIMEOUT = 10.0  # seconds
LONGEST_LINE = 200  # characters of the message of a library
COMMIT = re.compile(r"[0-9a-f]{40}")
BRANCH = re.compile(r"main|master|refs/.+")  # what moves; a tag cannot be told from a branch of another name
# Files of settings and vocabularies. Weights are downloaded when their names are known; code and pickles never are.
SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "*.spm", "*.tiktoken", "*.codes", "*.tokenizer")


@dataclass(frozen=True)
class HubModel:
    """A version of a model on the hub."""

    id: str  # owner/name
    revision: str

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}"


def hub_model(name: str) -> HubModel:
    """The model that `owner/name@revision` means.

    Raises:
        InputError: this is no name of a model, or the revision is missing or a branch, whose files can change.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    model = HubModel(*name.partition("@")[::2])
    try:
        validate_repo_id(model.id)
    except HFValidationError as error:
        raise InputError(
            f"model {name}: neither a folder nor a hub id (owner/name@revision); check the name"
        ) from error
    if model.revision and not BRANCH.fullmatch(model.revision):
        return model
    what = f"the revision {model.revision!r} is a branch" if model.revision else "the revision is missing"
    known = cached(HubModel(model.id, model.revision or "main"))
    which = (
        f"the copy on this machine is {model.id}@{known.name}"
        if known
        else f"its commits stand at https://huggingface.co/{model.id}/commits/main"
    )
    raise InputError(
        f"model {name}: {what}; write {model.id}@COMMIT with a commit of the model, so that it cannot change; {which}"
    )


def cached(model: HubModel) -> Path | None:
    """The folder of a downloaded model, whose name is the commit; None if it has not been downloaded."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(model.id, CONFIG, revision=model.revision)
    return Path(config).parent if isinstance(config, str) else None


@cache
def is_reachable(model: HubModel) -> bool:
    """Whether the hub has the model and can be reached; False if it cannot, but the model was downloaded before.

    Asked once and without retries: the library would try for a minute.

    Raises:
        InputError: the hub has no such model, or it cannot be reached.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        get_hf_file_metadata(hf_hub_url(model.id, CONFIG, revision=model.revision), timeout=TIMEOUT)
    except GatedRepoError as error:
        raise InputError(
            f"model {model}: its owner asks for a login; accept the terms on the hub and set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise InputError(f"model {model}: neither a folder here nor a model on the hub; check the name") from error
    except RevisionNotFoundError as error:
        raise InputError(
            f"model {model}: the hub has {model.id}, but not its revision {model.revision}; "
            f"its commits stand at https://huggingface.co/{model.id}/commits/main"
        ) from error
    except EntryNotFoundError as error:
        raise InputError(
            f"model {model}: has no config.json on the hub, so it is no model of transformers; choose another"
        ) from error
    except Exception as error:  # no network: each version of the HTTP library has errors of its own
        if cached(model):
            return False
        reason = first_line(error)
        raise InputError(
            f"model {model}: no folder of that name here, and the hub cannot be reached ({reason}); "
            "check the name and the network"
        ) from error
    return True


def fetch(model: HubModel, weights: bool) -> Path:
    """The folder of the model's files, after downloading what is missing; checked before weights are.

    The hub is not asked about a commit that was downloaded for this project before.

    Args:
        weights: whether the weights are needed too.

    Raises:
        InputError: the files cannot be downloaded, or lead to others.
    """
    here, whole = cached(model), paths.MODELS / str(model).replace("/", "--")
    if here and whole.exists() and (not weights or has_weights(model, here)):
        return here
    if not is_reachable(model):
        if here is None:
            raise InputError(f"model {model}: its copy on this machine was deleted; run the stage again")
        if weights and not has_weights(model, here):
            raise InputError(
                f"model {model}: its weights have not been downloaded yet, and the hub cannot be reached; "
                "check the network, and run the stage again"
            )
        return here
    folder = download(model, SMALL_FILES)
    if weights:
        download(model, tuple(check_folder(str(model), folder)))
        if COMMIT.fullmatch(model.revision):  # what else it may be, can become another
            write_text(whole, "")
    return folder


def has_weights(model: HubModel, folder: Path) -> bool:
    """Whether a folder has all files of weights."""
    return all((folder / name).exists() for name in shards(str(model), folder))


@cache
def download(model: HubModel, patterns: tuple[str, ...]) -> Path:
    """The folder with those files of the model that match the patterns, none of them in a subfolder."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        folder = snapshot_download(
            model.id, revision=model.revision, allow_patterns=list(patterns), ignore_patterns=["*/*"]
        )
    except Exception as error:  # as above
        if fails_anyhow(error):
            raise
        raise InputError(
            f"model {model}: cannot be downloaded ({first_line(error)}); check the network, and run the stage again"
        ) from error
    return Path(folder)


def first_line(error: BaseException) -> str:
    """The start of an error's first line, after its type if the message alone says little."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else ""
    line = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."  # some list all models there are
    return line if isinstance(error, OSError | ValueError) and line else f"{type(error).__name__}: {line}"
