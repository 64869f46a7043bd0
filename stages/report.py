"""Writes metrics/report/data.html: warnings, what happened to the rows, distributions, examples of every finding.

The page needs neither a network nor a script. The data may be hostile: the template (stages/page/report.html) escapes
every value, and the page's Content-Security-Policy forbids all requests and every script but its own.
"""

from pydantic import Field

from stages.contracts.label import load_target
from stages.core import paths
from stages.core.atomic import write_text
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import iter_rows
from stages.core.words import counted
from stages.page.distributions import of_sizes, of_verdicts
from stages.page.example_cards import Card, as_card, describe_outcomes
from stages.page.example_rows import read_rows
from stages.page.examples import Kind, all_kinds
from stages.page.glossary import load_reasons
from stages.page.overview import class_table, count_outliers, label_changes
from stages.page.render import render
from stages.page.row_outcomes import funnel, read_outcomes
from stages.page.safe_reporter import SafeReporter
from stages.page.stage_warnings import read_warnings

MAX_ROWS = 200  # of a table on the page


class Section(Strict):
    examples: int = Field(ge=1, le=100, description="examples of each kind of finding on the page")


class Params(Strict):
    modality: str
    target: str
    report: Section


def main(params: Params) -> Counts:
    target = load_target(params.target)
    reasons = load_reasons(params.modality, params.target)
    outcomes = read_outcomes()
    kinds = all_kinds(outcomes, reasons, params.report.examples)
    rows = read_rows(kinds)
    ends = describe_outcomes(outcomes, (ref.id for ref in rows))

    with SafeReporter(params.modality) as reporter:

        def cards(kind: Kind) -> list[Card]:
            return [as_card(example, rows, ends, reporter, target) for example in kind.examples]

        page = render(
            params=params,
            warnings=read_warnings(),
            steps=funnel(outcomes),
            meanings=reasons.words,
            splits=outcomes["split"].value_counts().to_dict(),
            outliers=count_outliers(),
            suggestions=list(iter_rows(paths.SUGGESTIONS, ["key", "value", "rows", "proposal"])),
            classes=class_table(target, outcomes),
            label_changes=label_changes(target),
            max_rows=MAX_ROWS,
            charts=[*of_sizes(reporter), *of_verdicts()],
            kinds=[(kind, cards(kind)) for kind in kinds],
        )
    write_text(paths.DATA_REPORT, page)
    n_examples = sum(len(kind.examples) for kind in kinds)
    found = [f"wrote {paths.DATA_REPORT} with {counted(n_examples, 'example')} of findings: open it in a browser"]
    return Counts(len(outcomes), more={"examples": n_examples}, found=found)


if __name__ == "__main__":
    run_stage("report", Params, main)
