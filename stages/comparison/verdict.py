"""How the model compares with its baselines, in a sentence.

A baseline is compared by the paired bootstrap over test rows, because scores on the same rows go up and down together:
the difference may be certain where the intervals of both scores overlap.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.comparison.lexical import LEXICAL
from stages.contracts.objective import Conclusion
from stages.contracts.score import RowSums, Scorer, quoted
from stages.core.run import DataWarning
from stages.targets._bootstrap import interval, resampled

FEW_ROWS = 30  # fewer test rows tell no model from another
NAMED = 3  # classes that a sentence names

# The key to look at if this baseline is better than the model.
SEE = {"probe": "lr", LEXICAL: "model"}


@dataclass(frozen=True)
class Contenders:
    """The predictions of the model and of the baselines for the same test rows."""

    given: Sequence[Any]
    model: Conclusion
    baselines: Mapping[str, Conclusion]  # by the prefix of their metrics


@dataclass(frozen=True)
class Verdict:
    """How the model compares with the baselines, and what it cannot do."""

    sentences: Sequence[str]
    warnings: Sequence[DataWarning]  # the sentences that are bad news

    def good_news(self) -> list[str]:
        """The other sentences."""
        bad = {warning.message for warning in self.warnings}
        return [sentence for sentence in self.sentences if sentence not in bad]


@dataclass(frozen=True)
class Gain:
    """By how much the model is better than a baseline, with the 95% interval of a paired bootstrap over test rows."""

    baseline: str
    value: float  # of the baseline
    gain: float
    low: float
    high: float

    def difference(self) -> str:
        if self.low == self.high:  # the rows that a sample repeats make no difference either
            return "and no test row tells them apart"
        return f"difference {self.gain:+.3f} (95% interval {self.low:+.3f} to {self.high:+.3f})"


def judge(contenders: Contenders, scorer: Scorer) -> Verdict:
    """Compares the model with each baseline, by the metric that the target names for these rows."""
    model = scorer.judged_by(contenders.given, contenders.model)
    gains = gains_over(contenders, model, scorer)
    sameness = scorer.sameness(contenders.given, contenders.model)
    first = main_sentence(model, gains, scorer.CONSTANT, sameness, len(contenders.given))
    warnings = [DataWarning(first.sentence, first.see)] if first.see else []
    sentences = [first.sentence]
    never_right = scorer.never_right(contenders.given, contenders.model)
    if never_right and not sameness:
        sentence = f"The model is never right about {listed(never_right)}"
        sentences.append(sentence)
        warnings.append(DataWarning(sentence, "augment.balance"))
    return Verdict(sentences, warnings)


def gains_over(contenders: Contenders, model: RowSums, scorer: Scorer) -> list[Gain]:
    """The gains over all baselines, that over the best baseline first."""
    samples = resampled(model)
    gains = []
    for name, baseline in contenders.baselines.items():
        sums = scorer.judged_by(contenders.given, baseline)
        low, high = interval(samples - resampled(sums)).tolist()
        gains.append(Gain(name, sums.value(), model.value() - sums.value(), low, high))
    return sorted(gains, key=lambda gain: -gain.value)


@dataclass(frozen=True)
class MainSentence:
    sentence: str
    see: str = ""  # the key to look at; empty if the verdict is no reason to worry


def main_sentence(model: RowSums, gains: Sequence[Gain], constant: str, sameness: str, n_rows: int) -> MainSentence:
    """Whether the model is better than the baselines; `gains` has the best baseline first."""
    metric, best = model.name, gains[0]
    over_constant = next(gain for gain in gains if gain.baseline == constant)
    better = [gain for gain in gains if gain.high < 0]
    unbeaten = [gain for gain in gains if gain.low <= 0]
    if sameness and over_constant.low <= 0:
        is_best = best.value <= over_constant.value
        others = "" if is_best else f"; {title(best.baseline)} has {metric} {best.value:.3f}"
        return MainSentence(f"The model is no better than {title(constant)}: it {sameness}{others}", "lr")
    scores = f"{metric} {model.value():.3f} against {{:.3f}}".format
    if n_rows < FEW_ROWS:
        return MainSentence(
            f"The test set has {n_rows} {'row' if n_rows == 1 else 'rows'}, "
            f"too few to compare the model with {title(best.baseline)}: "
            f"{scores(best.value)}",
            "split.test",
        )
    if not all(math.isfinite(gain.low) and math.isfinite(gain.high) for gain in gains):
        return MainSentence(
            f"The model cannot be compared with {title(best.baseline)}: {metric} is no finite number", "lr"
        )
    if better:
        sentence = f"{title(better[0].baseline)} is better than the model: "
        sentence += f"{metric} {better[0].value:.3f} against {model.value():.3f}, {better[0].difference()}"
        return MainSentence(sentence[0].upper() + sentence[1:], SEE.get(better[0].baseline, "lr"))
    if over_constant.low <= 0:
        return MainSentence(
            f"The model is no better than {title(constant)}: {scores(over_constant.value)}, "
            f"{over_constant.difference()}",
            "lr",
        )
    if unbeaten:
        return MainSentence(
            f"The model cannot be told from {title(unbeaten[0].baseline)}: {scores(unbeaten[0].value)}, "
            f"{unbeaten[0].difference()}"
        )
    return MainSentence(
        f"The model is better than every baseline: {scores(best.value)} of the best one, {title(best.baseline)}, "
        f"{best.difference()}"
    )


def title(baseline: str) -> str:
    return "the lexical baseline" if baseline == LEXICAL else f"the {baseline}"


def listed(rows_by_class: Mapping[str, int]) -> str:
    """The largest classes with their number of rows."""
    largest = sorted(rows_by_class.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{quoted(name)} ({count:,})" for name, count in largest[:NAMED]]
    if len(largest) > NAMED:
        words.append(f"{len(largest) - NAMED} more")
    return ", ".join(words)
