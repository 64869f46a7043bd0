"""README.md and docs/: their size, their links, and the numbers of the design choices."""

import re
import shlex
from pathlib import Path

import pytest

from stages.core.params import read_yaml
from tests import tiny

PAGES = [tiny.ROOT / "README.md", tiny.ROOT / "SECURITY.md", *sorted((tiny.ROOT / "docs").glob("*.md"))]


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


def test_the_readme_is_short() -> None:
    assert len((tiny.ROOT / "README.md").read_bytes()) <= 9_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.is_file(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [tiny.ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page not in reached:
            reached.add(page)
            waiting += [page.parent / name for name in re.findall(r"\]\(([\w./]+\.md)", page.read_text())]
    assert reached == {page.resolve() for page in PAGES}


def test_files_that_the_docs_name_exist() -> None:
    for page in PAGES:
        for path in re.findall(r"(?<![\w/])(?:stages|tests|tools|presets)/[\w/]+\.(?:py|yaml)", page.read_text()):
            if not re.search(r"[A-Z]{4}", path):  # NAME stands for any name
                assert (tiny.ROOT / path).exists(), f"{page.name}: {path}"


def test_design_choices_are_numbered() -> None:
    page = (tiny.ROOT / "docs/design.md").read_text()
    numbers = [int(number) for number in re.findall(r"^### (\d+)\. ", page, flags=re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    sections = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    for title, text in sections:
        own = re.findall(r"^### (\d+)\. ", text, flags=re.MULTILINE)
        if own:
            assert re.search(rf"\[{re.escape(title)}\]\(#[\w-]+\): {own[0]} to {own[-1]}\n", page), title


def test_the_quotes_that_experiments_need_are_right(tmp_path: Path) -> None:
    from dvc.utils.hydra import apply_overrides

    (setting,) = re.findall(
        "`dvc exp run -S ('collect.delimiter=.*?)`", (tiny.ROOT / "docs/experiments.md").read_text()
    )
    params = tmp_path / "params.yaml"
    params.write_text("collect:\n  delimiter: null\n")
    apply_overrides(params, shlex.split(setting))
    assert read_yaml(params) == {"collect": {"delimiter": ";"}}
