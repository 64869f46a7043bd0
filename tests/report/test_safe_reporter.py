"""Previews come from another process; one that cannot be made is a line that says so."""

from pathlib import Path

import pytest

from stages import report
from stages.contracts.report import load_reporter
from stages.core import paths
from stages.core.params import load_params
from stages.page import safe_reporter
from stages.page.safe_reporter import SafeReporter
from tests import misbehaving
from tests.line.changes import set_param
from tests.samples.variants import modalities, rows_of, samples_of
from tests.tools.test_trace import Tell, id_of, tell  # noqa: F401 - a fixture


@pytest.fixture
def contents_in_this_process() -> None:
    """Not here, where they hang."""


@modalities
def test_previews_are_those_of_the_modality(name: str) -> None:
    reporter, samples = load_reporter(name), samples_of(name, "modalities")
    raws = [*samples.contents, *samples.reasons.values()]
    with SafeReporter(name) as safe:
        assert safe.SIZES == reporter.SIZES
        assert list(safe.all_sizes(raws)) == [reporter.sizes(raw) for raw in raws]
        for content in [*raws[::4], rows_of(name)[0]]:
            assert safe.show(content) == reporter.show(content)
            assert safe.show_pair(content, raws[0]) == reporter.show_pair(content, raws[0])


def test_a_preview_that_takes_too_long_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_reporter, "call_reporter", misbehaving.hang_on_raw_content)
    monkeypatch.setattr(safe_reporter, "SECONDS", 1.0)
    with SafeReporter("text") as safe:
        cleaned, raw = safe.show_pair("a ripe fig", b"a  ripe fig")
    assert cleaned == load_reporter("text").show("a ripe fig")
    assert raw.line == "11 bytes, not shown: decoding it takes too long"


def test_the_page_and_the_trace_survive_a_reporter_that_crashes(
    copy_of_text_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    tell: Tell,  # noqa: F811
) -> None:
    monkeypatch.setattr(safe_reporter, "call_reporter", misbehaving.crash_on_raw_content)
    assert "bytes, not shown: decoding it fails" in tell(id_of("test.csv:3"))
    set_param("report.examples", 1)(copy_of_text_data)
    report.main(load_params(report.Params))
    assert "bytes, not shown: decoding it fails" in Path(paths.DATA_REPORT).read_text()
