"""What the words of the verdicts mean, for people who read the page or the story of a row."""

from collections.abc import Mapping

# Reasons for which a row leaves, each as the end of "it was dropped, because...".
OF_SOURCE = {
    "unreadable_row": "its line cannot be read as a row of the table",
    "missing_column": "it has no such column as collect.columns names",
    "missing_file": "the file that it names is not there",
    "unknown_split": "its split is none that collect.splits lists",
    "unusable_content": "its content is neither a text nor a file",
    "unusable_label": "its label is not of the form that collect.label_format names",
    "unusable_group": "its group is more than one value",
    "unusable_time": "its time is more than one value",
}
OF_CONTENTS = {
    "empty": "there is nothing in it",
    "too_short": "it is shorter than params allow",
    "too_long": "it is longer than params allow",
    "gibberish": "it is mostly signs, says the same over and over, or is in no language",
    "other_language": "it is surely in a language that params do not list",
    "pii": "it holds personal data",
    "unreadable": "it cannot be decoded",
    "too_many_pixels": "it has more pixels than params allow",
    "unknown_range": "its pixels are numbers that may mean any brightness",
    "too_small": "it is smaller than params allow",
    "dark": "even its brightest pixels are dark",
    "light": "even its darkest pixels are light",
    "odd_aspect_ratio": "it is far longer on one side than on the other",
    "low_information": "it is nearly of one colour",
    "blurry": "it has no sharp edge",
    "grayscale": "it is grey, and most are in colour",
    "odd_size": "it is far larger or smaller than most",
    "implausible_header": "what it says of its length, rate or channels cannot be",
    "truncated": "its end is missing",
    "clipped": "it was recorded too loud",
    "silent": "nothing is heard",
}
OF_LABELS = {
    "missing_label": "it has no label",
    "unwanted_label": "its label is one that clean.label.drop lists",
    "rare_label": "too few rows have its label",
    "not_a_number": "its label is no number",
    "out_of_range": "its label is smaller or larger than params allow",
    "not_a_list": "its label is no list of names",
    "unaligned_tags": "it has not one tag for each of its words",
    "invalid_tags": "its tags are not in an order that the scheme allows",
}
OF_ROWS = {
    "ledger": "a person left it out in data/ledger.csv",
    "exact_duplicate": "it says the same as a row that stays (of texts, but for case and punctuation)",
    "near_duplicate": "it is as like a row that stays as dedupe.near_threshold says, or more",
    "semantic_duplicate": "it means the same as a row that stays",
    "duplicate_of_held_out": "it repeats a validation or test row of the source",
    "label_conflict": "rows that say the same have other labels",
    "duplicate": "it repeats a row that stays",
    "far_from_all": "it is unlike all other rows",
    "outlier": "it is unlike all other rows, and a training row",
    "gap": "it is too close in time to the rows that are held out",
    "group_of_held_out": "others of its group are held out",
    "label_issue": "a linear model of the embeddings, fitted on other rows, finds its label unlikely",
}
REASONS: Mapping[str, str] = {**OF_SOURCE, **OF_CONTENTS, **OF_LABELS, **OF_ROWS}

# What stages measure of a row.
MEASURES: Mapping[str, str] = {
    "repairs": "What was mended.",
    "pii": "Personal data that were found.",
    "language": "The likeliest language, as its ISO 639 code.",
    "language_probability": "How sure the language is.",
    "symbol_ratio": "Share of the characters that are no letter, digit or emoji.",
    "repetition": "Share of the text that says the same over and over.",
    "dark": "Brightness of the brightest pixels. The lower, the darker.",
    "light": "Darkness of the darkest pixels. The lower, the lighter.",
    "odd_aspect_ratio": "The shorter side by the longer.",
    "low_information": "How much the brightness varies. The lower, the emptier.",
    "blurry": "How much of the edges blurring takes away. The lower, the more blurred.",
    "grayscale": "How colourful it is. The lower, the greyer.",
    "border": "Share of the image that is no frame. The lower, the wider the frame.",
    "watermark": "The lower, the more marks like letters stand in one line.",
    "size": "Root of the area, in pixels.",
    "odd_size": "How usual the size is among the others.",
    "seconds": "Length.",
    "peak_db": "Loudest sample, in dB below full scale.",
    "rms_db": "Loudness, in dB below full scale.",
    "clipped": "Share of the samples at full scale.",
    "similarity": "Of duplicates to the row that they repeat: 1 is the same.",
    "score": "Distance from the nearest rows, in deviations from the median. The higher, the stranger.",
    "class_score": "The same among rows with its label.",
    "label_quality": "How well the label agrees with a linear model of the embeddings that was fitted on other rows. The lower, the more doubtful.",
}

# What clean mended.
REPAIRS: Mapping[str, str] = {
    "html": "Tags were left out, and entities such as &amp; became what they stand for.",
    "encoding": "Letters that a wrong encoding had spoilt are right again; curly quotes are straight.",
    "invisible": "Characters that nobody sees were left out.",
    "spaces": "Runs of spaces and line ends became one space.",
    "boilerplate": "Lines that clean.text.boilerplate lists were left out.",
    "urls": "Web addresses became [URL].",
    "mentions": "Names of users became [USER].",
    "orientation": "Photos that lie on their side were turned upright.",
    "colour_mode": "Images became RGB.",
    "size": "Images were made smaller, to clean.image.max_side.",
    "mixed_down": "Channels became one.",
    "offset": "A constant was taken off.",
    "resampled": "The rate became clean.audio.sample_rate.",
    "trimmed": "Silence at the ends was cut off.",
    "level": "The loudness became clean.audio.level_db.",
    "invalid_tags": "Tags that the scheme does not allow were mended.",
    "rare_label": "Labels of too few rows became clean.label.merge_into.",
}
