"""The page about the data in headless Chromium: at desktop and phone width, in light and dark, with JavaScript and
without.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stages.core import paths
from tests.data_line import FILE, HOSTILE
from tests.report.visit import Visit

DATA = ["text_data", "image_data", "audio_data"]
WIDTHS = {"desktop": 1280, "phone": 390}
# The lowest contrast of a text with what is behind it (WCAG 2): of every element that has a text of its own.
CONTRAST = """() => {
  const rgba = (colour) => [...colour.matchAll(/[\\d.]+/g)].map(Number);
  const light = (colour) => {
    const [r, g, b] = rgba(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    if (rgba(colour)[3] !== 0) return colour;
    return element.parentElement ? behind(element.parentElement) : "rgb(255, 255, 255)";
  };
  const texts = [...document.body.querySelectorAll("*")].filter((element) =>
    element.tagName !== "SCRIPT" && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return Math.min(...texts.map((element) => {
    const [ink, ground] = [light(getComputedStyle(element).color), light(behind(element))];
    const [low, high] = [Math.min(ink, ground), Math.max(ink, ground)];
    return (high + 0.05) / (low + 0.05);
  }));
}"""

SECONDS = """(player) => new Promise((done) => {
  player.onloadedmetadata = () => done(player.duration);
  player.onerror = () => done(0);
  player.load();
})"""


class Report(Visit):
    """The data report of a line."""

    def __init__(self, browser: Any, folder: Path, width: int = 1280, **settings: Any) -> None:
        viewport = {"width": width, "height": 900}
        super().__init__(browser, folder / paths.DATA_REPORT, viewport=viewport, **settings)

    def opened(self) -> "Report":
        """With all examples in sight."""
        self.page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        return self


@pytest.fixture(params=DATA)
def data(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_nothing_is_wider_than_the_window(browser: Any, data: Path, width: int) -> None:
    page = Report(browser, data, width).opened().page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = "[...document.querySelectorAll('.card, figure, p, h2, h3')]"
    assert (
        page.evaluate(f"{boxes}.filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).length") == 0
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(browser: Any, text_data: Path, scheme: str) -> None:
    page = Report(browser, text_data, color_scheme=scheme).opened().page
    assert page.evaluate(CONTRAST) >= 4.5
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_no_request_leaves_the_page(browser: Any, data: Path) -> None:
    visit = Report(browser, data).opened()
    visit.page.wait_for_load_state("networkidle")
    assert [url for url in visit.requests if not url.startswith("data:")] == [
        (data / paths.DATA_REPORT).resolve().as_uri()
    ]
    assert visit.complaints == []
    images = "[...document.images].map((image) => image.complete && image.naturalWidth > 0)"
    assert all(visit.page.evaluate(images))
    for player in visit.page.query_selector_all("audio"):
        assert player.evaluate(SECONDS) > 0.1


def test_hostile_data_does_nothing(browser: Any, text_data: Path) -> None:
    visit = Report(browser, text_data).opened()
    visit.page.evaluate("() => { window.hacked = () => { window.wasHacked = true } }")
    shown = visit.page.locator(".content", has_text=HOSTILE.split(" {{")[0]).first
    assert shown.inner_text().startswith(HOSTILE[:80])
    for element in visit.page.query_selector_all(".content, .label, .side h4, tbody th"):
        element.dispatch_event("click")
        element.dispatch_event("mouseover")
    assert visit.page.evaluate("window.wasHacked") is None
    assert visit.page.locator("x-evil, i, article article, .card script").count() == 0
    assert visit.page.locator(".side h4", has_text=FILE).count() > 0
    assert visit.complaints == []


def test_no_other_script_would_run(browser: Any, text_data: Path, tmp_path: Path) -> None:
    """Even if a template forgot to escape something: the page's own policy forbids it."""
    (tmp_path / paths.DATA_REPORT).parent.mkdir(parents=True)
    page = (text_data / paths.DATA_REPORT).read_text()
    evil = (
        "<script>window.wasHacked = true</script>"
        '<img src="https://example.org/x.png" onerror="window.wasHacked = true">'
    )
    (tmp_path / paths.DATA_REPORT).write_text(page.replace("<main>", f"<main>{evil}"))
    visit = Report(browser, tmp_path)
    assert visit.page.evaluate("window.wasHacked") is None
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)


def test_it_can_be_read_without_a_script(browser: Any, data: Path) -> None:
    with_script, without = Report(browser, data), Report(browser, data, java_script_enabled=False)
    for part in ("h1", "h2", "h3", "article", "svg", "img", "audio", "table", "td"):
        assert without.page.locator(part).count() == with_script.page.locator(part).count(), part
    assert without.page.locator("button").count() == 0
    assert without.page.locator("details article").first.is_visible()
    for summary in without.page.locator("details:not([open]) summary").element_handles():
        summary.click()
    assert all(article.is_visible() for article in without.page.locator("article").element_handles())


def test_a_link_to_a_finding_opens_it(browser: Any, text_data: Path) -> None:
    page = Report(browser, text_data, java_script_enabled=False).page
    link = page.locator(".found a").last
    example = page.locator("details").last.locator("article").first
    assert not example.is_visible()
    link.click()
    assert example.is_visible()


def test_tables_are_sorted_by_a_click(browser: Any, text_data: Path) -> None:
    page = Report(browser, text_data).page
    table = page.locator("#classes table").first
    head = table.locator("th", has_text="cleaned")
    column = head.evaluate("(cell) => cell.cellIndex")
    for order in ("descending", "ascending"):
        head.locator("button").click()
        numbers = [
            int(number.replace(",", ""))
            for number in table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
        ]
        assert numbers == sorted(set(numbers), reverse=order == "descending")  # no two are equal
        assert head.get_attribute("aria-sort") == order
    table.locator("th", has_text="class").locator("button").click()
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names)
    assert head.get_attribute("aria-sort") is None


def test_its_parts_have_names_for_those_who_do_not_see(browser: Any, data: Path) -> None:
    page = Report(browser, data).page
    levels = [
        int(tag[1])
        for tag in page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => one.tagName)")
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("img:not([alt]), svg:not([aria-label]), audio:not([aria-label])").count() == 0
    assert page.locator("html[lang]").count() == 1
