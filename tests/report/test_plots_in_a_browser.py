"""The page of `dvc plots` in headless Chromium without a network: it draws, and labels are text in it."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import vl_convert
import yaml

from stages.core.inert import inert, write_csv
from tests import tiny
from tests.report.visit import Visit
from tools import plots_page as plots

CHARTS = ("learning_curves", "predicted_against_given", "reliability", "class_balance")
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>window.wasHacked = true</script>",
    "</plaintext></template><img src='https://example.org/x.png' onerror='window.wasHacked = true'>",
    '<meta http-equiv="refresh" content="0;url=https://example.org">',
    "</title><!--<script>",
    "};window.wasHacked=true;//",
    "<DVC_METRIC_X>",
    "\u202etxet",
)
TABLES: dict[str, list[tuple[Any, ...]]] = {
    "learning_curves": [("curve", "step", "value"), *(("loss", step, 1 / step) for step in range(1, 9))],
    "confusion": [("actual", "predicted"), *((label, "fruit") for label in HOSTILE), ("fruit", HOSTILE[0])],
    "reliability": [("confidence", "accuracy", "rows"), (0.6, 0.5, 3), (0.9, 0.8, 4)],
    "class_balance": [("stage", "label", "rows"), *(("1 collected", label, 7) for label in HOSTILE)],
}
MARKS = "[...document.querySelectorAll('figure')].map((one) => one.querySelectorAll('.role-mark path').length)"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, plots_page: Path) -> Path:
    """The page of `dvc plots diff`: the last commit has the labels themselves, the workspace what is written now."""
    folder = tmp_path_factory.mktemp("plots")
    shutil.copytree(tiny.ROOT / ".dvc/plots", folder / ".dvc/plots")
    shutil.copyfile(tiny.ROOT / ".dvc/config", folder / ".dvc/config")
    (folder / ".dvc/tmp").mkdir()
    (folder / "build").mkdir()
    shutil.copyfile(plots_page, folder / plots.PAGE)
    text = (tiny.ROOT / "dvc.yaml").read_text(encoding="utf-8").replace("${target}", "category")
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"plots": yaml.safe_load(text)["plots"]}))
    (folder / "metrics/plots").mkdir(parents=True)
    for name, (head, *rows) in TABLES.items():
        with (folder / f"metrics/plots/{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    tiny.commit(folder, "as they were")
    for name, (head, *rows) in TABLES.items():
        write_csv(folder / f"metrics/plots/{name}.csv", pd.DataFrame(rows, columns=list(head)))
    tiny.dvc(folder, "plots", "diff", "--out", "drawn")
    return folder / "drawn/index.html"


class Drawing(Visit):
    """The page of the charts, without a network."""

    def __init__(self, browser: Any, path: Path) -> None:
        super().__init__(browser, path, "networkidle", offline=True)

    def texts(self) -> list[str]:
        """Those of the charts."""
        return [str(text) for text in self.page.locator("svg text").all_text_contents()]


def filled(page: str, charts: str, folder: Path) -> Path:
    """The page as DVC fills it."""
    path = folder / "page.html"
    path.write_text(page.replace("{plot_divs}", charts), encoding="utf-8")
    return path


def test_all_charts_are_drawn_without_a_network(browser: Any, drawn: Path) -> None:
    visit = Drawing(browser, drawn)
    assert visit.page.locator("svg.marks").count() == len(CHARTS)
    assert all(n_marks >= 2 for n_marks in visit.page.evaluate(MARKS))
    assert {"workspace", "HEAD", "Learning curves", "Reliability on test"} <= set(visit.texts())
    assert visit.requests == [drawn.resolve().as_uri()]
    assert visit.complaints == []


def test_labels_of_all_revisions_are_text(browser: Any, drawn: Path) -> None:
    visit = Drawing(browser, drawn)
    texts = set(visit.texts())
    assert all(label in texts and inert(label) in texts for label in HOSTILE if len(label) < 30)
    assert visit.page.evaluate("window.wasHacked") is None
    assert visit.page.locator("script, main img, main meta").count() == 2  # the two of the page
    assert visit.page.url == drawn.resolve().as_uri()


def test_the_menu_only_saves(browser: Any, drawn: Path) -> None:
    visit = Drawing(browser, drawn)
    assert set(visit.page.locator(".vega-actions a").all_text_contents()) == {"Save as SVG", "Save as PNG"}


def test_no_other_script_would_run(browser: Any, plots_page: Path, tmp_path: Path) -> None:
    page = plots_page.read_text(encoding="utf-8")
    evil = (
        "<main><script>window.wasHacked = true</script><img src='https://example.org/x.png' onerror='wasHacked = true'>"
    )
    visit = Drawing(browser, filled(page.replace("<main>", evil), "", tmp_path))
    assert visit.page.evaluate("window.wasHacked") is None
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)
    policy = visit.page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy and "base-uri 'none'" in policy and "form-action 'none'" in policy
    assert "unsafe" not in policy.split("script-src")[1]


def test_what_cannot_be_drawn_is_said(browser: Any, plots_page: Path, tmp_path: Path) -> None:
    page = plots_page.read_text(encoding="utf-8")
    visit = Drawing(browser, filled(page, "", tmp_path))
    assert "There is nothing to draw" in visit.page.inner_text("main")
    visit = Drawing(browser, filled(page, '  var spec = {"a": NaN};\n', tmp_path))
    assert "A chart that cannot be drawn" in visit.page.inner_text("main")


def test_a_script_does_not_end_within_its_strings(browser: Any, tmp_path: Path) -> None:
    page = plots.page("window.texts = ['</script><b>', '<!--<script>'];")
    visit = Drawing(browser, filled(page, "", tmp_path))
    assert visit.page.evaluate("window.texts") == ["</script><b>", "<!--<script>"]
    assert visit.page.locator("b").count() == 0


def test_dvc_fills_one_place(plots_page: Path) -> None:
    page = plots_page.read_text(encoding="utf-8")
    assert page.count("{plot_divs}") == 1
    assert "{scripts}" not in page  # of DVC's own page, which loads Vega from the network
    assert page.endswith("<plaintext>{plot_divs}\n")


def test_vega_has_no_known_hole() -> None:
    """CVE-2025-59840: expressions could call what they must not, up to 6.1."""
    assert tuple(map(int, vl_convert.get_vega_version().split("."))) >= (6, 2, 0)
