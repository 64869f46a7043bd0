"""Writes metrics/report/data.html: what became of the rows, what they are like, and the examples that a person had better see.

One page that needs no network and no script, built from report.html beside this file. What it shows of the data is hostile: the template
escapes all of it, and the page's own policy forbids every script but its own and every request.
"""

from pydantic import Field

from stages.contracts.label import load_target
from stages.contracts.report import load_reporter
from stages.core import paths
from stages.core.atomic import write_text
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import iter_rows
from stages.page.cards import as_card, say_fates
from stages.page.distributions import of_sizes, of_verdicts
from stages.page.examples import all_kinds
from stages.page.glossary import REASONS
from stages.page.outcomes import funnel, read_fates
from stages.page.overview import class_table, count_outliers, label_changes
from stages.page.render import render
from stages.page.rows import read_rows

MOST = 200  # rows of a table


class Section(Strict):
    examples: int = Field(ge=1, le=100, description="examples of each kind of finding on the page")


class Params(Strict):
    modality: str
    target: str
    report: Section


def main(params: Params) -> Counts:
    reporter, target = load_reporter(params.modality), load_target(params.target)
    fates = read_fates()
    kinds = all_kinds(fates, params.report.examples)
    rows = read_rows(kinds)
    said = say_fates(fates, (ref.id for ref in rows))
    page = render(
        params=params,
        steps=funnel(fates),
        meanings=REASONS,
        splits=fates["split"].value_counts().to_dict(),
        outliers=count_outliers(),
        suggestions=list(iter_rows(paths.SUGGESTIONS)),
        classes=class_table(target, fates),
        label_changes=label_changes(target),
        most=MOST,
        charts=[*of_sizes(reporter), *of_verdicts()],
        kinds=[(kind, [as_card(example, rows, said, reporter, target) for example in kind.examples]) for kind in kinds],
    )
    write_text(paths.DATA_REPORT, page)
    return Counts(len(fates), more={"examples": sum(len(kind.examples) for kind in kinds)})


if __name__ == "__main__":
    run_stage("report", Params, main)
