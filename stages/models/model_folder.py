"""Checks a model's folder before transformers reads it: no file outside of it is read, and no pickle is opened.

transformers follows what a folder's JSON files say: an index names files of weights anywhere on the disk, also pickles,
and a tokenizer's settings name vocabularies. So a model of a stranger could read a file of this machine, and put its
lines into the vocabulary that is saved with the fine-tuned model.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.core.errors import InputError

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
# The JSON files of settings that transformers reads. Those of a vocabulary (tokenizer.json, vocab.json) name no files.
SETTINGS = (
    CONFIG,
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
)
# Keys of settings that make transformers read something else -> what that is.
ELSEWHERE = {
    "class_info_file": "a file of another place",
    "quantization_config": "weights that are quantised; they are needed whole",
    "repo_path": "a file of another place",
    "transformers_weights": "another file of weights",
}
IMPLEMENTATION = re.compile(r"_?(attn|experts)_implementation")
# Paths that older versions of transformers have left, and that it does not read any more.
UNREAD = {"_name_or_path", "name_or_path", "special_tokens_map_file"}
DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")  # DVC links to its cache if `cache.type` says so


def check_folder(model: str, folder: Path) -> list[str]:
    """Checks that a folder has a config of transformers, and that nothing in it leads elsewhere.

    Returns the names of the files that hold the weights.

    Args:
        model: the name of the model, for messages.

    Raises:
        InputError: it has none, or something does.
    """
    check_links(model, folder)
    check_config(model, folder)
    if (folder / "adapter_config.json").exists():
        raise InputError(
            f"model {model}: has an adapter (adapter_config.json), which names another model; "
            "merge the two (merge_and_unload of peft), save the result with save_pretrained, and name that folder"
        )
    for name in SETTINGS:
        if (folder / name).exists():
            for key, what in elsewhere(read_json(model, folder / name), folder):
                raise InputError(
                    f"model {model}: {key} in its {name} names {what}; "
                    "remove the key if you trust the model, or choose another model"
                )
    return shards(model, folder)


def check_links(model: str, folder: Path) -> None:
    """
    Raises:
        InputError: the folder has a link that leads out of it, or something that is neither file nor folder.
    """
    inside = Path(os.path.realpath(folder))
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            target = Path(os.path.realpath(path))
            in_hub_cache = target.parent == inside.parents[1] / "blobs" if len(inside.parents) > 1 else False
            if not (target.is_relative_to(inside) or in_hub_cache or DVC_OBJECT.search(target.as_posix())):
                raise InputError(
                    f"model {model}: {path.relative_to(folder)} is a link to {target}, outside of its folder; "
                    "put a copy of that file in its place if it belongs to the model"
                )
        if not path.is_dir() and not path.is_file():
            raise InputError(f"model {model}: {path.relative_to(folder)} is no file that can be read; remove it")


def check_config(model: str, folder: Path) -> None:
    """Checks that config.json is readable and names an architecture.

    Raises:
        InputError: it does not.
    """
    if not (folder / CONFIG).exists():
        raise InputError(f"model {model}: the folder has no config.json; name a folder written by save_pretrained")
    config = read_json(model, folder / CONFIG)
    if not isinstance(config, dict) or not (config.get("model_type") or config.get("architectures")):
        raise InputError(
            f"model {model}: its config.json names no model_type; name a folder of a model of transformers"
        )


def read_json(model: str, path: Path) -> Any:
    """
    Raises:
        InputError: it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"model {model}: its {path.name} is broken ({error}); copy or download it again") from error


def elsewhere(settings: Any, folder: Path) -> Iterator[tuple[str, str]]:
    """(key, what) of each setting that makes transformers read something outside of the folder."""
    for mapping in mappings(settings):
        for key, value in mapping.items():
            if key in ELSEWHERE and value:
                yield key, ELSEWHERE[key]
            elif key == "backbone" and isinstance(value, str) and not mapping.get("backbone_config"):
                yield key, f"another model, {value}"
            elif key not in UNREAD:
                yield from ((key, what) for text in texts(value) if (what := read_by(key, text, folder)))


def read_by(key: str, value: str, folder: Path) -> str:
    """What transformers would read for a text in the settings; empty if nothing."""
    if IMPLEMENTATION.fullmatch(key) and "/" in value:
        return f"code on the hub, {value}"
    inside = Path(os.path.realpath(folder))
    for path in (Path(value), folder / value):
        try:
            is_outside = path.exists() and not path.is_dir() and not path.resolve().is_relative_to(inside)
        except (OSError, RuntimeError, ValueError):  # too long for a path, a loop of links, or with a zero byte
            continue
        if is_outside:
            return f"{value}, a file outside of its folder"
    return ""


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """All mappings in a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for element in value.values() if isinstance(value, dict) else value:
            yield from mappings(element)


def texts(value: Any) -> Iterator[str]:
    """A text, or the texts in a list; those in mappings have keys of their own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from texts(element)


def shards(model: str, folder: Path) -> list[str]:
    """The names of the files that hold the weights, by the index; only `model.safetensors` if there is no index.

    Raises:
        InputError: the index names something other than safetensors files beside it.
    """
    if not (folder / INDEX).exists():
        return [WEIGHTS]
    index = read_json(model, folder / INDEX)
    names = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(names, dict) or not names:
        raise InputError(f"model {model}: its {INDEX} has no weight_map; copy or download it again")
    for name in names.values():
        if not (isinstance(name, str) and re.fullmatch(r"[^/\\]+\.safetensors", name)):
            raise InputError(
                f"model {model}: its {INDEX} names {name!r} as a file of weights; only .safetensors files beside it "
                "are read, as others can run code or lie anywhere; choose a model that was saved as safetensors"
            )
    return sorted(set(names.values()))


def check_weights(model: str, folder: Path) -> None:
    """
    Raises:
        InputError: the folder has no weights as safetensors.
    """
    if (folder / WEIGHTS).is_file():
        return
    for name in shards(model, folder):
        if not (folder / name).is_file():
            raise InputError(
                f"model {model}: has no {name}, and weights are read from safetensors only, as other files can run "
                "code; if you trust the model, load it with transformers and write it with save_pretrained"
            )
