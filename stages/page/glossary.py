"""The words for people of each reason, measure and repair in the verdicts: for the report and the trace."""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.contracts.clean import load_cleaner
from stages.contracts.label import load_target
from stages.untrusted.worker import FAILURES

# The reasons that the stages themselves give, each as the end of "the row was dropped because ...".
# The reasons of a modality or a target stand in its REASONS, beside the code that gives them.
OF_COLLECT: Mapping[str, str] = {
    "unreadable_row": "its line cannot be read as a row of the table",
    "missing_column": "it lacks a column that collect.columns names",
    "missing_file": "the file that it names does not exist",
    "unusable_file": "its file is hidden, a link that cannot be followed, no regular file, or cannot be read",
    "unknown_split": "its split is not listed in collect.splits",
    "unusable_content": "its content is neither a text nor a file",
    "unusable_label": "its label does not have the form that collect.label_format names",
    "unusable_group": "its group is more than one value",
    "unusable_time": "its time is more than one value, or not in collect.time_format",
    "unusable_split": "its split is more than one value",
}
OF_CLEAN: Mapping[str, str] = {
    "ledger": "a person dropped it in data/ledger.csv",
    "rare_label": "too few rows have its label",
    **FAILURES,
}
OF_DEDUPE: Mapping[str, str] = {
    "exact_duplicate": "its content equals that of a row that stays (for texts, apart from case and punctuation)",
    "near_duplicate": "its similarity to a row that stays is at least dedupe.near_threshold",
    "semantic_duplicate": "its meaning is that of a row that stays: their embeddings are close",
    "duplicate_of_held_out": "it repeats a validation or test row of the source",
    "label_conflict": "its duplicates have other labels",
}
OF_OUTLIERS: Mapping[str, str] = {"far_from_all": "it is unlike all other rows"}
OF_SPLIT: Mapping[str, str] = {
    "duplicate": "it repeats a row that stays",
    "outlier": "it is a training row and unlike all other rows",
    "gap": "it is too close in time to the held-out rows",
    "group_of_held_out": "other rows of its group are held out",
}
OF_LABEL_AUDIT: Mapping[str, str] = {
    "label_issue": "other rows tell that its label is unlikely",
}
OF_STAGES: Mapping[str, str] = {
    **OF_COLLECT,
    **OF_CLEAN,
    **OF_DEDUPE,
    **OF_OUTLIERS,
    **OF_SPLIT,
    **OF_LABEL_AUDIT,
}


@dataclass(frozen=True)
class Reasons:
    """Every reason that a stage can give for one modality and target."""

    words: Mapping[str, str]
    of_labels: frozenset[str]  # the reasons of clean that concern the label, not the content

    def as_sentence(self, reason: str) -> str:
        """The words for a reason, with a capital and a full stop; empty for an unknown reason."""
        words = self.words.get(reason, "")
        return f"{words[0].upper()}{words[1:]}." if words else ""


def load_reasons(modality: str, target: str) -> Reasons:
    cleaner, label_reasons = load_cleaner(modality), load_target(target).REASONS
    words = {**OF_STAGES, **cleaner.REASONS, **cleaner.REASONS_TOGETHER, **label_reasons}
    return Reasons(words, frozenset({*label_reasons, "rare_label"}))


MEASURES: Mapping[str, str] = {
    "repairs": "The repairs that clean made.",
    "pii": "The kinds of personal data in the content.",
    "addresses": "Web addresses and names of users in the content.",
    "language": "The most likely language, as an ISO 639 code.",
    "language_probability": "The probability of that language.",
    "symbol_ratio": "Share of the characters that are not letters, digits or emoji.",
    "repetition": "Share of the text that repeats itself.",
    "format": "The format of the file.",
    "dark": "Brightness of the brightest pixels. The lower, the darker.",
    "light": "Darkness of the darkest pixels. The lower, the lighter.",
    "odd_aspect_ratio": "The shorter side divided by the longer.",
    "low_information": "Variation of the brightness. The lower, the emptier.",
    "blurry": "Share of the edges that blurring removes. The lower, the more blurred.",
    "grayscale": "Colourfulness. The lower, the greyer.",
    "border": "Share of the image inside its frame. The lower, the wider the frame.",
    "watermark": "The lower, the more letter-like marks stand in one line.",
    "size": "Square root of the area, in pixels.",
    "odd_size": "How usual the size is in this data set. The lower, the more unusual.",
    "seconds": "Duration, in seconds.",
    "peak_db": "Loudest sample, in dB relative to full scale.",
    "rms_db": "Loudness (RMS), in dB relative to full scale.",
    "clipped": "Share of the samples at full scale.",
    "similarity": "Similarity of duplicates to the row that they repeat; 1: the same.",
    "score": "Distance to the nearest rows, in deviations from the median. The higher, the more unusual.",
    "class_score": "The same distance, to rows with the same label.",
    "label_quality": (
        "How well the label fits to what other rows tell, by a linear model; with method noise_matrix also by a "
        "discriminant and the nearest rows. "
        "It ranks labels, the lower the more doubtful, and is no probability."
    ),
    "weight": "Weight of the row in the loss of the training.",
    "spared": "Why the policy of label_audit does not apply to a doubtful label.",
}

REPAIRS: Mapping[str, str] = {
    "html": "Tags were removed, and entities such as &amp; decoded.",
    "encoding": "Letters garbled by a wrong encoding were restored, curly quotes made straight.",
    "marks": "Letters with more than 30 accents kept 30 of them.",
    "invisible": "Invisible characters were removed.",
    "spaces": "Each run of spaces and line ends became one space.",
    "boilerplate": "Lines listed in clean.text.boilerplate were removed.",
    "urls": "Web addresses became [URL].",
    "mentions": "User names became [USER].",
    "orientation": "Photos that lay on their side were turned upright.",
    "first_frame": "Of animations and files with several pages, the first was taken.",
    "colour_mode": "Images were converted to RGB; transparent ones were laid on white, or on black if they are white.",
    "size": "Images were scaled down to clean.image.max_side.",
    "full_scale": "Recordings whose samples, as floats, exceed full scale were scaled to a peak of full scale.",
    "mixed_down": "Channels were mixed down to one.",
    "one_channel": "The loudest channel was taken, as the channels cancel each other out.",
    "offset": "A constant offset was removed.",
    "resampled": "Recordings were resampled to clean.audio.sample_rate.",
    "trimmed": "Silence at both ends was cut off.",
    "level": "The loudness was set to clean.audio.level_db.",
    "invalid_tags": "Tags that the scheme does not allow were corrected.",
    "rare_label": "Labels of too few rows became clean.label.merge_into.",
}
