"""Decides what is kept: of each row by itself, then of all rows together."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, tee
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.cleaning.contents import SafeCleaner
from stages.cleaning.ledger import Decision
from stages.cleaning.missing import is_missing, is_missing_content, without_missing_names
from stages.contracts.clean import Cleaned, Cleaner
from stages.contracts.label import CleanedLabel, Target
from stages.core import paths
from stages.core.errors import InputError, shown
from stages.core.tables import Content, Label
from stages.untrusted.worker import FAILURES, MachineError

Row = dict[str, Any]  # by column


@dataclass(frozen=True)
class JudgedRow:
    verdict: Row
    cleaned: Row | None  # None: the row is dropped


@dataclass(frozen=True)
class Together:
    """What follows from all rows together; arrays and sequences have one element per collected row."""

    measured: Mapping[str, npt.NDArray[np.float64]]  # each (n_rows,); NaN for rows without a value
    reasons: Sequence[str | None]  # the reason for which a row that was kept so far is dropped, if it is
    label_params: Any | None  # LabelParams that drop or merge the rare labels; None if no label is rare

    @property
    def changes_rows(self) -> bool:
        """Whether rows that were kept so far are dropped or have their labels cleaned again."""
        return self.label_params is not None or any(self.reasons)

    def measures_of(self, index: int) -> Row:
        values = {name: float(column[index]) for name, column in self.measured.items()}
        return {name: None if np.isnan(value) else value for name, value in values.items()}


@dataclass(frozen=True)
class Judge:
    """Cleans rows and decides which are kept, with the reason if one is dropped."""

    cleaner: Cleaner
    target: Target
    content_params: Any  # clean.<modality>
    label_params: Any  # clean.label
    missing: Collection[str]  # folded spellings of missing values
    decisions: Mapping[str, Decision]  # the ledger, by row id

    def judge_rows(self, rows: Iterable[Row], safe_cleaner: SafeCleaner) -> Iterator[JudgedRow]:
        """Decides about collected rows, about each without the others; rows are read ahead.

        Raises:
            InputError: this machine cannot decide about a row.
        """
        rows, rows_ahead = tee(rows)
        cleaned_contents = safe_cleaner.clean_all(row["content"] for row in rows_ahead)
        for row in rows:
            try:
                content = next(cleaned_contents)
            except MachineError as error:
                raise InputError(f"{row['source']}: {error}") from error
            if content.reason not in FAILURES and is_missing_content(row["content"], self.missing):
                content = Cleaned(None, "empty")
            yield self.judge_row(row, content)

    def judge_row(self, row: Row, content: Cleaned) -> JudgedRow:
        """Decides about a collected row and its cleaned content without the other rows."""
        decision = self.decisions.get(row["id"])
        label = self.clean_label(row, content.content, decision)
        reason = label.reason if label.reason == "ledger" else content.reason or label.reason
        verdict = {
            "id": row["id"],
            "keep": reason is None,
            "reason": reason,
            "source": row["source"],
            "given_label": row["label"],
            "repairs": [*content.repairs, *label.repairs],
            "reviewed": decision is not None,
            "note": None if decision is None else decision.note,
            "source_label": self.source_label(row["label"], content.content, decision, self.label_params),
            **content.measured,
        }
        if reason is not None:
            return JudgedRow(verdict, None)
        keys = {name: None if is_missing(row[name], self.missing) else row[name] for name in ("group", "time")}
        return JudgedRow(verdict, {**row, **keys, "content": content.content, "label": label.label})

    def clean_label(self, row: Row, content: Content | None, decision: Decision | None) -> CleanedLabel:
        """The label of the ledger, else the cleaned label of the source; `content` is None if the row has none.

        Raises:
            InputError: the label of the ledger cannot be used; a person's decision must not drop a row by accident.
        """
        if decision is None or decision.action == "keep":
            return self.target.clean_label(self.source_spelling(row["label"], decision), content, self.label_params)
        if decision.action == "drop":
            return CleanedLabel(None, "ledger")
        label = self.target.clean_label(decision.label, content, self.label_params)
        if label.label is None and content is not None:
            raise InputError(
                f"{paths.LEDGER}, line {decision.line}: the label {shown(decision.label)} of row {row['id']} cannot be "
                f"used ({label.reason}); write it as in {paths.COLLECTED}, and as clean.label allows"
            )
        return label

    def source_label(
        self, raw: str | None, content: Content | None, decision: Decision | None, label_params: Any
    ) -> Label | None:
        """The cleaned label of the source, of rows that people decided about; None of others, or if it is no label."""
        if decision is None:
            return None
        return self.target.clean_label(self.source_spelling(raw, decision), content, label_params).label

    def source_spelling(self, raw: str | None, decision: Decision | None) -> str | None:
        """The label of the source without missing names, unless a person keeps it and so says that it has none."""
        is_kept = decision is not None and decision.action == "keep"
        return raw if is_kept else without_missing_names(raw, self.missing)

    def clean_raw_label(self, raw: str | None) -> CleanedLabel:
        """The cleaned label of the source, where nobody decided about the row, and without its content."""
        return self.target.clean_label(self.source_spelling(raw, None), None, self.label_params)

    def judge_together(
        self, measures: Mapping[str, npt.NDArray[Any]], keep: Sequence[bool], labels: Iterable[Label]
    ) -> Together:
        """Decides what needs all rows: unusual sizes, rare labels.

        `measures` and `keep` have one element per collected row, `labels` one cleaned label per kept row.

        Raises:
            InputError: labels are rare, and `clean.label.on_rare` says that this is an error.
        """
        joint = self.cleaner.measure_together(measures, self.content_params)
        reasons: list[str | None] = [None] * len(keep)
        if joint is not None:
            reasons = [reason if kept else None for reason, kept in zip(joint.reasons, keep, strict=True)]
        is_left = [reason is None for reason in compress(reasons, keep)]
        label_params = self.target.without_rare_labels(compress(labels, is_left), self.label_params)
        return Together(joint.measured if joint else {}, reasons, label_params)

    def judge_again(self, judged: JudgedRow, index: int, together: Together) -> JudgedRow:
        """The decision about the row at `index`, after `judge_together`."""
        verdict = {**judged.verdict, **together.measures_of(index)}
        reason = together.reasons[index]
        if judged.cleaned is None:
            return JudgedRow(verdict, None)
        if reason is not None:
            return JudgedRow({**verdict, "keep": False, "reason": reason}, None)
        if together.label_params is None:
            return JudgedRow(verdict, judged.cleaned)
        given, content = verdict["given_label"], judged.cleaned["content"]
        decision = self.decisions.get(verdict["id"])
        label = self.clean_rare_label(judged.cleaned, given, decision, together.label_params)
        verdict |= {
            "source_label": self.source_label(given, content, decision, together.label_params),
            "keep": label.reason is None,
            "reason": label.reason,
            "repairs": [*verdict["repairs"], *label.repairs],
        }
        return JudgedRow(verdict, {**judged.cleaned, "label": label.label} if label.reason is None else None)

    def clean_rare_label(
        self, cleaned: Row, given_label: str | None, decision: Decision | None, label_params: Any
    ) -> CleanedLabel:
        """The label under params that drop or merge rare labels.

        They apply to labels of the ledger too: no model learns a class of a few rows, whoever labelled them.
        """
        raw = self.source_spelling(given_label, decision)
        if decision is not None and decision.action == "relabel":
            raw = decision.label
        label = self.target.clean_label(raw, cleaned["content"], label_params).label
        if label is None:
            return CleanedLabel(None, "rare_label")
        return CleanedLabel(label, repairs=() if label == cleaned["label"] else ("rare_label",))
