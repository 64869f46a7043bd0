"""Folders and hub models of strangers: nothing outside of a model's folder is read, and no pickle is opened."""

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from logging.handlers import BufferingHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from stages.core.errors import InputError
from stages.modalities.text import embed
from stages.models import hub, pretrained
from stages.models.model_folder import check_folder, check_weights
from tests import tiny

COMMIT, OLDER = "a" * 40, "b" * 40
TEXT = "a small apple"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is as it should be; not to be changed."""
    folder = tmp_path_factory.mktemp("models") / "whole"
    tiny.write_text_model(folder)
    return folder


@pytest.fixture
def model(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy beside `secret.txt`, from where the test runs."""
    monkeypatch.chdir(tmp_path)
    Path("secret.txt").write_text("secret\n[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    return Path(shutil.copytree(whole, "model"))


def set_keys(folder: Path, file: str, **keys: Any) -> None:
    path = folder / file
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**settings, **keys}))


def with_keys(file: str, **keys: Any) -> Callable[[Path], None]:
    return partial(set_keys, file=file, **keys)


def with_index(name: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "part.safetensors")
        (folder / "weights.bin").write_bytes(b"")
        index = {"metadata": {}, "weight_map": {"pooler.dense.bias": "part.safetensors", "pooler.dense.weight": name}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return change


def with_link(name: str, target: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def with_pipe(folder: Path) -> None:
    (folder / "vocab.txt").unlink(missing_ok=True)
    os.mkfifo(folder / "vocab.txt")


def as_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


INDEX = r"its model\.safetensors\.index\.json names '{}' as a file of weights; only \.safetensors files beside it"
ESCAPES: dict[str, tuple[Callable[[Path], None], str]] = {
    "index of a pickle": (with_index("weights.bin"), INDEX.format(r"weights\.bin")),
    "index of a folder above": (with_index("../other.safetensors"), INDEX.format(r"\.\./other\.safetensors")),
    "index of an absolute path": (with_index("/tmp/other.safetensors"), INDEX.format(r"/tmp/other\.safetensors")),
    "index of a number": (with_index(3), "names 3 as a file of weights"),
    "index without names": (with_keys("model.safetensors.index.json", weight_map=[]), "has no weight_map"),
    "other weights": (with_keys("config.json", transformers_weights="adapter_model.bin"), "another file of weights"),
    "link to weights": (with_link("model.safetensors", "../other"), r"model\.safetensors is a link to .*/other"),
    "link to a vocabulary": (with_link("vocab.txt", "../secret.txt"), r"vocab\.txt is a link to .*secret\.txt"),
    "link to a folder": (with_link("more", ".."), "more is a link to .*outside of its folder"),
    "link to nothing": (with_link("vocab.txt", "nothing"), r"vocab\.txt is no file that can be read; remove it"),
    "link to itself": (with_link("vocab.txt", "vocab.txt"), r"vocab\.txt is no file that can be read"),
    "pipe": (with_pipe, r"vocab\.txt is no file that can be read; remove it"),
    "vocabulary": (with_keys("tokenizer_config.json", vocab="secret.txt"), r"vocab in its .*names secret\.txt, a file"),
    "vocabulary from the folder": (with_keys("tokenizer_config.json", vocab="../secret.txt"), "a file outside"),
    "vocabulary in a list": (with_keys("tokenizer_config.json", init_inputs=["secret.txt"]), "init_inputs in its"),
    "vocabulary that is a device": (with_keys("tokenizer_config.json", vocab="/dev/null"), "names /dev/null, a file"),
    "adapter": (with_keys("adapter_config.json", base_model_name_or_path="/"), "has an adapter .*merge the two"),
    "kernel": (with_keys("config.json", attn_implementation="stranger/code"), "code on the hub, stranger/code"),
    "kernel below": (
        with_keys("config.json", text_config={"_attn_implementation": "stranger/code"}),
        "code on the hub",
    ),
    "backbone": (with_keys("config.json", backbone="stranger/model"), "names another model, stranger/model"),
    "classes": (with_keys("preprocessor_config.json", repo_path="/", class_info_file="secret"), "repo_path in its"),
    "quantised": (with_keys("config.json", quantization_config={"quant_method": "hqq"}), "weights that are quantised"),
    "deep": (lambda folder: (folder / "config.json").write_text("[" * 100_000), r"config\.json is broken"),
    "pickle only": (as_pickle, r"has no model\.safetensors, and weights are read from safetensors only"),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_a_model_that_leads_out_of_its_folder_is_refused(name: str, model: Path) -> None:
    change, said = ESCAPES[name]
    change(model)
    with pytest.raises(InputError, match=f"^model {model}: .*{said}") as refused:
        check_folder(str(model), model)
        check_weights(str(model), model)
    assert "\n" not in str(refused.value)


def params(model: Any) -> embed.EmbedParams:
    return embed.EmbedParams(model=str(model), max_length=16, batch_size=2, token_layer=None)


@pytest.mark.parametrize(
    "ask", [lambda model: embed.embed([TEXT], params(model)), lambda m: pretrained.identity(str(m))]
)
def test_every_reader_of_a_model_checks_its_folder(ask: Callable[[Path], Any], model: Path) -> None:
    set_keys(model, "tokenizer_config.json", vocab="secret.txt")
    with pytest.raises(InputError, match=r"secret\.txt, a file outside of its folder"):
        ask(model)


# What is no way out: names that transformers does not read, its own links, and the copies of DVC and the hub.
WHOLE: dict[str, Callable[[Path], None]] = {
    "names of the past": with_keys(
        "tokenizer_config.json", name_or_path="secret.txt", special_tokens_map_file=__file__
    ),
    "a file that is nowhere": with_keys("tokenizer_config.json", tokenizer_file="/root/.cache/0a1b/tokenizer.json"),
    "a token like a path": with_keys("tokenizer_config.json", extra_special_tokens=["/", "..", "a" * 5_000, "\0"]),
    "its own backbone": with_keys("config.json", backbone="resnet50", backbone_config={"model_type": "resnet"}),
    "its own attention": with_keys("config.json", attn_implementation="eager"),
    "pickles that nobody reads": lambda folder: (folder / "pytorch_model.bin").write_bytes(b"no pickle"),
    "a link inside": with_link("more.txt", "config.json"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_model_passes(name: str, model: Path) -> None:
    WHOLE[name](model)
    check_folder(str(model), model)
    check_weights(str(model), model)


def test_links_into_the_cache_of_dvc_pass(model: Path) -> None:
    stored = Path("cache/files/md5/0a") / ("1" * 30)
    stored.parent.mkdir(parents=True)
    (model / "model.safetensors").rename(stored)
    (model / "model.safetensors").symlink_to(stored.resolve())
    check_folder(str(model), model)
    check_weights(str(model), model)


OPENED: list[str] = []
WATCHED: list[bool] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook; it stays for the life of the process, but notes nothing unless it is asked to."""
    if WATCHED and event in ("open", "import", "pickle.find_class", "subprocess.Popen", "socket.connect"):
        OPENED.append(f"{event} {arguments[0]}")


def test_a_load_opens_no_pickle_no_code_and_no_connection(model: Path) -> None:
    decoys = ("pytorch_model.bin", "training_args.bin", "adapter_model.bin", "more.pt", "more.pkl", "stranger.py")
    for name in decoys:
        (model / name).write_bytes(b"\x80\x04N.")
    classes = {"AutoModel": "stranger.Model", "AutoConfig": "stranger.Config", "AutoTokenizer": ["stranger.One", None]}
    for file in ("config.json", "tokenizer_config.json"):
        set_keys(model, file, auto_map=classes)
    sys.addaudithook(watch)
    WATCHED.append(True)
    try:
        assert embed.embed([TEXT], params(model)).rows.shape == (1, 32)
    finally:
        WATCHED.clear()
    assert any(line.endswith("tokenizer_config.json") for line in OPENED)  # the hook sees what is opened
    assert not [line for line in OPENED if line.endswith((".bin", ".pt", ".pkl")) or "stranger" in line]
    assert not [line for line in OPENED if not line.startswith(("open ", "import "))]


def test_remarks_about_a_model_do_not_reach_the_terminal(model: Path) -> None:
    handler = BufferingHandler(1_000)
    logging.getLogger("transformers").addHandler(handler)
    weights = load_file(model / "model.safetensors") | {"\x1b[31mred": torch.zeros(1)}
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    set_keys(model, "config.json", rope_parameters={"rope_type": "\x1b[31mred", "factor": 2})
    embed.embed([TEXT], params(model))
    logging.getLogger("transformers").removeHandler(handler)
    assert not [record.getMessage() for record in handler.buffer]


def test_code_of_an_unknown_architecture_is_not_run(model: Path) -> None:
    set_keys(model, "config.json", model_type="stranger", auto_map={"AutoConfig": "stranger.Config"})
    (model / "stranger.py").write_text("from pathlib import Path\n\nPath('ran').touch()\n")
    with pytest.raises(InputError, match="contains custom code"):
        embed.embed([TEXT], params(model))
    assert not Path("ran").exists()


# --- the hub ---


class Hub(BaseHTTPRequestHandler):
    """Serves the files of `root` as the model some/model, in two commits."""

    root: Path
    asked: list[str]

    def do_HEAD(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(f"{self.command} {path}")
        if not path.startswith(("/some/model/", "/api/models/some/model/")):
            return self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        revision = path.removeprefix("/api/models").split("/")[4]
        if revision not in (COMMIT, OLDER, "v1"):
            return self.answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        commit = COMMIT if revision == "v1" else revision
        files = {file.name: file for file in self.root.iterdir()}
        if "/tree/" in path:
            tree = [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": name} for name, file in files.items()
            ]
            return self.answer(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
        if "/revision/" in path:
            return self.answer(200, json.dumps({"id": "some/model", "sha": commit}).encode(), {})
        name = path.rpartition("/")[2]
        if name not in files:
            return self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        return self.answer(200, files[name].read_bytes(), {"X-Repo-Commit": commit, "ETag": f'"{name}"'})

    do_GET = do_HEAD

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hub is on this machine, and has the model; yields what it was asked for."""
    from huggingface_hub import constants

    asked: list[str] = []
    handler = type("Handler", (Hub,), {"root": model, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    for name, value in {
        "ENDPOINT": address,
        "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": False,
    }.items():
        monkeypatch.setattr(constants, name, value)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    hub.is_reachable.cache_clear()
    hub.download.cache_clear()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()
    hub.is_reachable.cache_clear()
    hub.download.cache_clear()


def test_a_model_of_the_hub_gives_the_vectors_of_its_files(model: Path, served: list[str]) -> None:
    (model / "pytorch_model.bin").write_bytes(b"no pickle")
    (model / "stranger.py").write_text("raise SystemExit\n")
    local = embed.embed([TEXT], params(model)).rows
    assert (embed.embed([TEXT], params(f"some/model@{COMMIT}")).rows == local).all()
    assert pretrained.identity(f"some/model@{COMMIT}") == f"some/model@{COMMIT}"
    assert not [line for line in served if ".bin" in line or ".py" in line]


def test_a_tag_is_known_by_its_commit(served: list[str]) -> None:
    assert pretrained.identity("some/model@v1") is None
    pretrained.locate("some/model@v1")
    assert pretrained.identity("some/model@v1") == f"some/model@{COMMIT}"


def test_settings_alone_download_no_weights(served: list[str]) -> None:
    assert not (pretrained.locate(f"some/model@{COMMIT}") / "model.safetensors").exists()
    assert (pretrained.locate(f"some/model@{COMMIT}", weights=True) / "model.safetensors").exists()


@pytest.mark.parametrize("name", ["index of a pickle", "index of a folder above", "vocabulary", "adapter", "kernel"])
def test_a_model_of_the_hub_that_leads_elsewhere_is_refused(name: str, model: Path, served: list[str]) -> None:
    """Before its weights are downloaded."""
    change, said = ESCAPES[name]
    change(model)
    with pytest.raises(InputError, match=f"^model some/model@{COMMIT}: .*{said}"):
        embed.embed([TEXT], params(f"some/model@{COMMIT}"))
    assert not [line for line in served if line.endswith((".safetensors", ".bin"))]


def test_without_the_hub_the_copy_of_the_same_revision_is_used(
    served: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = embed.embed([TEXT], params(f"some/model@{COMMIT}")).rows
    hub.is_reachable.cache_clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert (embed.embed([TEXT], params(f"some/model@{COMMIT}")).rows == vectors).all()
    with pytest.raises(InputError, match=f"model some/model@{OLDER}: no folder of that name.*cannot be reached"):
        embed.embed([TEXT], params(f"some/model@{OLDER}"))


def test_the_hub_is_not_asked_twice_about_a_commit(served: list[str]) -> None:
    for model, asks_again in ((f"some/model@{COMMIT}", False), ("some/model@v1", True)):
        embed.embed([TEXT], params(model))
        served.clear()
        hub.is_reachable.cache_clear()
        hub.download.cache_clear()
        embed.embed([TEXT], params(model))
        assert bool(served) == asks_again


def test_weights_that_were_not_downloaded_and_no_network(served: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pretrained.locate(f"some/model@{COMMIT}")
    hub.is_reachable.cache_clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert pretrained.locate(f"some/model@{COMMIT}").name == COMMIT
    with pytest.raises(InputError, match="its weights have not been downloaded yet, and the hub cannot be reached"):
        pretrained.locate(f"some/model@{COMMIT}", weights=True)


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(28, "No space left on device"), RuntimeError("DefaultCPUAllocator: out of memory")]
)
def test_a_machine_that_fails_is_no_fault_of_the_model(error: Exception, model: Path) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    with pytest.raises(type(error)):
        pretrained.load(SimpleNamespace(__name__="AutoModel", from_pretrained=fail), str(model))
    with pytest.raises(type(error)), pretrained.building("bert", "finetune.text.config"):
        fail()


def test_an_unknown_revision_is_one_line(served: list[str]) -> None:
    with pytest.raises(InputError, match=r"model some/model@v9: the hub has some/model, but not its revision v9; its"):
        pretrained.locate("some/model@v9")
    with pytest.raises(InputError, match=r"model some/other@v9: neither a folder here nor a model on the hub"):
        pretrained.locate("some/other@v9")


@pytest.mark.parametrize("revision", ["", "@", "@main", "@master", "@refs/pr/1"])
@pytest.mark.parametrize("ask", [pretrained.locate, pretrained.identity])
def test_a_model_of_the_hub_names_its_revision(
    ask: Callable[[str], Any], revision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a data set does; nothing is asked of the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    what = f"the revision '{revision[1:]}' is a branch" if len(revision) > 1 else "the revision is missing"
    said = f"^model some/model{revision}: {what}; write some/model@COMMIT with a commit of the model, so that it cannot"
    with pytest.raises(InputError, match=rf"{said} change; its commits stand at https://huggingface\.co/some/model/"):
        ask(f"some/model{revision}")


def test_a_missing_revision_is_found_in_the_copy_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--some--model/snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "models--some--model/refs").mkdir()
    (tmp_path / "models--some--model/refs/main").write_text(COMMIT)
    with pytest.raises(InputError, match=f"the copy on this machine is some/model@{COMMIT}"):
        pretrained.locate("some/model")


def test_the_packaged_encoder_needs_no_revision() -> None:
    name = "sentence-transformers/all-MiniLM-L6-v2"
    assert pretrained.locate(name, weights=True).name == "model"
