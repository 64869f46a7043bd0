"""Hostile settings: every key of params.yaml with values of the wrong kind, and files that are no params at all."""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from bench import ROOT
from bench.hostile.workplace import Hostile
from stages.core.params import read_yaml

NOTES = "text,kind\na ripe apple on the table,fruit\na red car on the road,vehicle\n"
CONLL = "Ann\tB-person\nlives\tO\nin\tO\nParis\tB-place\n\nBob\tB-person\nsleeps\tO\n"
COLUMNS = {"content": "text", "label": "kind", "group": None, "time": None, "split": None}

PRESETS = {
    "text_category": "reviews",
    "text_categories": "goemotions",
    "text_number": "stsb",
    "text_pair": "stsb",
    "text_tags": "wnut17",
    "image_category": "digits",
    "audio_category": "fsdd",
}


@cache
def base_params(name: str) -> dict[str, Any]:
    """Params for a small source of each kind; inputs change little of them."""
    params = read_yaml(ROOT / "presets" / f"{PRESETS[name]}.yaml")
    collect, modality = params["collect"], params["modality"]
    collect |= {"source": "data/notes.csv", "splits": None, "columns": dict(COLUMNS), "header": True, "quoting": True}
    if name == "text_tags":
        collect |= {"source": "data/notes.conll", "columns": COLUMNS | {"content": "tokens", "label": "tags"}}
    if name == "text_pair":
        collect["columns"] = COLUMNS | {"content": ["one", "other"]}
    if modality != "text":
        collect |= {"source": "data/things", "columns": COLUMNS | {"content": "file", "label": "class"}}
        collect["file_names"] = None
    if modality == "text":
        params["clean"]["text"]["min_chars"] = 1
    if "aliases" in params["clean"]["label"]:
        params["clean"]["label"]["aliases"] = {}
    return params


def keys(section: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted keys of all values, and of all sections."""
    for name, value in section.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict) and value and f"{prefix}{name}" != "clean.label.aliases":
            yield from keys(value, f"{prefix}{name}.")


# What every key is set to in turn; a key that may have the value is left alone.
VALUES: dict[str, Any] = {
    "a list in a list": [[1, [2]]],
    "infinity": math.inf,
    "not a number": math.nan,
    "a number of 400 digits": 10**400,
    "a terminal code": "\x1b[31mred\x1b]0;title\x07",
    "a mapping of itself": {"": {"": None}},
}


def every_key() -> Iterator[Hostile]:
    """Each key once, with the values in turn: all values of one kind would try the same code."""
    names = list(VALUES)
    for number, key in enumerate(keys(base_params("text_category"))):
        value = names[number % len(names)]
        yield Hostile(
            "params", f"{key} is {value}", {"notes.csv": NOTES}, {key: VALUES[value]}, stages=("collect", "clean")
        )
    for base in ("image_category", "audio_category"):
        modality = base.split("_")[0]
        params = base_params(base)
        for number, key in enumerate(f"clean.{modality}.{key}" for key in keys(params["clean"][modality])):
            value = names[(number + 1) % len(names)]
            yield Hostile("params", f"{key} is {value}", two_files(base), {key: VALUES[value]}, base)


def two_files(base: str) -> dict[str, Any]:
    """A folder of two classes with a good picture or recording each."""
    from bench.hostile.images import good_image
    from bench.hostile.sounds import good_sound

    suffix, good = (".png", good_image) if base == "image_category" else (".wav", good_sound)
    return {f"things/{name}/1{suffix}": good(seed) for seed, name in enumerate("ab")}


def replaced(old: str, new: str) -> Any:
    def edit(text: str) -> str:
        if old not in text:
            raise RuntimeError(f"bench/hostile/params.py: params.yaml has no {old!r}")
        return text.replace(old, new, 1)

    return edit


def laughs(depth: int) -> str:
    """Lists of lists of lists: little text, and an endless value once it is written out."""
    lines = ["l0: &l0 [lol]"]
    lines += [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]" for level in range(1, depth)]
    return "\n".join(lines) + "\n"


def merged(levels: int) -> str:
    """Merge keys that double with every level."""
    lines = ["m0: &m0 {a: 1, b: 2, c: 3, d: 4}"]
    lines += [f"m{level}: &m{level} {{<<: [*m{level - 1}, *m{level - 1}]}}" for level in range(1, levels)]
    return "\n".join(lines) + "\n"


def utf16(text: str) -> bytes:
    return text.encode("utf-16")


FILES: dict[str, tuple[Any, str]] = {
    "params.yaml that is empty": (lambda text: "", ""),
    "params.yaml of blank lines": (lambda text: "\n \n\t\n", ""),
    "params.yaml of one word": (lambda text: "yes", ""),
    "params.yaml that is a list": (lambda text: "- lr\n- epochs\n", ""),
    "params.yaml that is JSON": (lambda text: '{"lr": 1, "epochs": 2}', ""),
    "params.yaml that is a picture": (lambda text: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ""),
    "params.yaml in UTF-16": (utf16, ""),
    "params.yaml with a byte order mark": (lambda text: "\ufeff" + text, ""),
    "params.yaml with Windows line ends": (lambda text: text.replace("\n", "\r\n"), ""),
    "params.yaml with a NUL": (lambda text: text + "\0", ""),
    "params.yaml that ends in the middle": (lambda text: text[: len(text) // 2], ""),
    "params.yaml twice in one file": (lambda text: text + "---\n" + text, "treeverse/dvc#4664"),
    "params.yaml with a key twice": (lambda text: text + "lr: 1\n", "treeverse/dvc#4664"),
    "params.yaml with NaN as a key twice": (lambda text: text + ".nan: 1\n.nan: 2\n", "eemeli/yaml#546"),
    "params.yaml indented by tabs": (replaced("\n  source:", "\n\tsource:"), ""),
    "params.yaml with an anchor and an alias": (
        lambda text: text.replace("lr: 0.0001", "lr: &x 0.0001") + "copy: *x\n",
        "treeverse/dvc#10984",
    ),
    "params.yaml with an alias of nothing": (replaced("lr: ", "lr: *nothing # "), ""),
    "params.yaml with a value that contains itself": (lambda text: text + "loop: &loop [*loop]\n", ""),
    "params.yaml with a mapping that contains itself": (lambda text: text + "loop: &loop {a: *loop}\n", ""),
    "clean.missing that contains itself": (replaced("missing: []", "missing: &loop [*loop]"), ""),
    "params.yaml with aliases that grow to a billion": (lambda text: text + laughs(10), "yaml/pyyaml#235"),
    "clean.missing that grows to a billion": (
        lambda text: text.replace("missing: []", "missing: *l9").join([laughs(10), ""]),
        "nodeca/js-yaml#738",
    ),
    "params.yaml with merge keys that double 20 times": (lambda text: text + merged(20), "yaml/pyyaml#897"),
    "params.yaml of 5,000 brackets": (
        lambda text: text + "deep: " + "[" * 5_000 + "]" * 5_000 + "\n",
        "yaml/pyyaml#604",
    ),
    "params.yaml of 500 indented keys": (
        lambda text: text + "".join(f"{' ' * depth}k{depth}:\n" for depth in range(500)),
        "nodeca/js-yaml#739",
    ),
    "params.yaml with a list as a key": (lambda text: text + "? [a, b]\n: 1\n", ""),
    "params.yaml with a mapping as a key": (lambda text: text + "? {a: b}\n: 1\n", ""),
    "params.yaml with a number as a key": (lambda text: text + "1: 2\n", ""),
    "params.yaml with null as a key": (lambda text: text + "null: 2\n", ""),
    "params.yaml with a date as a key": (lambda text: text + "2024-02-30: 2\n", ""),
    "params.yaml that calls Python": (replaced("lr: ", "lr: !!python/object/apply:os.system ['touch x'] # "), ""),
    "params.yaml with an unknown tag": (replaced("lr: ", "lr: !secret "), ""),
    "params.yaml with a binary": (replaced("lr: ", "lr: !!binary aGVsbG8= # "), ""),
    "params.yaml with a set": (replaced("missing: []", "missing: !!set {a, b}"), ""),
    "params.yaml with an ordered map": (replaced("missing: []", "missing: !!omap [a: 1]"), ""),
    "params.yaml with a directive of YAML 1.1": (lambda text: "%YAML 1.1\n---\n" + text, "treeverse/dvc#5971"),
    "params.yaml with a directive of YAML 9": (lambda text: "%YAML 9.9\n---\n" + text, ""),
    "lr that is 1e400": (replaced("lr: ", "lr: 1e400 # "), ""),
    "lr that is 1e-400": (replaced("lr: ", "lr: 1e-400 # "), ""),
    "lr that is .nan": (replaced("lr: ", "lr: .nan # "), "ros2/rcl#555"),
    "lr in sixties, 1:30": (replaced("lr: ", "lr: 1:30 # "), ""),
    "lr with underscores": (replaced("lr: ", "lr: 1_0e-4 # "), ""),
    "lr in Arabic digits": (replaced("lr: ", "lr: ٠.٠٠١ # "), ""),
    "seed that is octal": (replaced("seed: ", "seed: 0o52 # "), ""),
    "seed of 5,000 digits": (replaced("seed: ", "seed: " + "9" * 5_000 + " # "), "python/cpython#95778"),
    "seed of 100,000 hexadecimal digits": (replaced("seed: ", "seed: 0x" + "f" * 100_000 + " # "), ""),
    "seed that is a date that does not exist": (replaced("seed: ", "seed: 2024-13-45 # "), ""),
    "seed that is a time with an impossible zone": (replaced("seed: ", "seed: 2001-12-14t21:59:43.10-99:99 # "), ""),
    "seed that is a quoted number": (replaced("seed: ", "seed: '42' # "), ""),
    "epochs that is yes": (replaced("epochs: ", "epochs: yes # "), "treeverse/dvc#5971"),
    "epochs that is an empty text": (replaced("epochs: ", "epochs: '' # "), ""),
    "a key with a terminal code": (lambda text: text + '"\\e[31mred": 1\n', ""),
    "a key with a line break": (lambda text: text + '"two\\nlines": 1\n', ""),
    "a key of 100,000 characters": (lambda text: text + "k" * 100_000 + ": 1\n", ""),
    "a value of 1 MB": (replaced("lr: ", "lr: " + "x" * 2**20 + " # "), ""),
    "10,000 unknown keys": (lambda text: text + "".join(f"key{number}: {number}\n" for number in range(10_000)), ""),
    "a modality that leads out of its folder": (replaced("modality: text", "modality: ../../outside"), ""),
    "a modality that is a module of Python": (replaced("modality: text", "modality: os.path"), ""),
    "a modality of private code": (replaced("modality: text", "modality: __pycache__"), ""),
    "a target that is shared code": (replaced("target: category", "target: _probe.py"), ""),
    "a target with a NUL": (replaced("target: category", 'target: "cat\\0egory"'), ""),
    "a target with a terminal code": (replaced("target: category", 'target: "\\e[31mcategory"'), ""),
    "a modality in a mapping": (replaced("modality: text", "modality: {text: text}"), ""),
    "a combination that no task has": (replaced("modality: text", "modality: audio"), ""),
}
# Values that a key may have by its type, and that no data can meet.
SETTINGS: dict[str, dict[str, Any]] = {
    "a source with a NUL": {"collect.source": "data/no\0tes.csv"},
    "a source with a line break": {"collect.source": "data/no\ntes.csv"},
    "a source with a terminal code": {"collect.source": "data/\x1b[31mnotes.csv"},
    "a source with a lone half of a surrogate pair": {"collect.source": "data/\ud800.csv"},
    "a source of 5,000 characters": {"collect.source": "data/" + "x" * 5_000 + ".csv"},
    "a source that is blank": {"collect.source": " "},
    "a source that is the root folder": {"collect.source": "/"},
    "a source that is the folder itself": {"collect.source": "."},
    "a source that is an address": {"collect.source": "https://example.org/notes.csv"},
    "a source in a bucket": {"collect.source": "s3://bucket/notes.csv"},
    "a source in the home folder": {"collect.source": "~/notes.csv"},
    "a source that is a pattern": {"collect.source": "data/*.csv"},
    "a source that is a device without an end": {"collect.source": "/dev/zero"},
    "a source that is standard input": {"collect.source": "/dev/stdin"},
    "a source that is the memory of the process": {"collect.source": "/proc/self/mem"},
    "a table that leads out": {"collect.source": "data/lists", "collect.table": "../../../outside/secret.csv"},
    "a table with an absolute path": {"collect.source": "data/lists", "collect.table": "/etc/passwd"},
    "a split that leads out": {
        "collect.source": "data/lists",
        "collect.splits": {"train": "../../../outside/secret.csv"},
    },
    "two splits that are one file": {
        "collect.source": "data/lists",
        "collect.splits": {"train": "notes.csv", "test": "./notes.csv"},
    },
    "an encoding that is no text": {"collect.encoding": "base64"},
    "an encoding that runs code": {"collect.encoding": "unicode_escape"},
    "an encoding that was made for e-mails": {"collect.encoding": "utf-7"},
    "an encoding of host names": {"collect.encoding": "idna"},
    "an encoding that is undefined": {"collect.encoding": "undefined"},
    "an encoding with a NUL": {"collect.encoding": "utf\0-8"},
    "an encoding with a path": {"collect.encoding": "../../outside"},
    "a delimiter that is a line break": {"collect.delimiter": "\n"},
    "a delimiter that is a carriage return": {"collect.delimiter": "\r"},
    "a delimiter that is a quotation mark": {"collect.delimiter": '"'},
    "a delimiter that is a NUL": {"collect.delimiter": "\0"},
    "a delimiter that is a letter of the header": {"collect.delimiter": "t"},
    "a delimiter that is an emoji": {"collect.delimiter": "\U0001f600"},
    "a delimiter that is a lone half of a surrogate pair": {"collect.delimiter": "\ud800"},
    "a delimiter that is a space": {"collect.delimiter": " "},
    "an escape that is a line break": {"collect.escape": "\n"},
    "an escape that is a comma": {"collect.escape": ","},
    "an escape that is a letter of the texts": {"collect.escape": "a"},
    "a column name that is empty": {"collect.columns.content": ""},
    "a column name with a terminal code": {"collect.columns.content": "\x1b[31mtext"},
    "a column name with a NUL": {"collect.columns.label": "ki\0nd"},
    "the label column is the content column": {"collect.columns.label": "text"},
    "the group column is the label column": {"collect.columns.group": "kind"},
    "1,000 label columns": {
        "collect.columns.label": [f"c{number}" for number in range(1_000)],
        "collect.label_format": "list",
        "target": "categories",
    },
    "a pattern of split values that is exponential": {
        "collect.columns.split": "kind",
        "collect.splits": {"train": "*a" * 30 + "b", "test": "*"},
    },
    "a pattern of split values that never closes": {
        "collect.columns.split": "kind",
        "collect.splits": {"train": "[", "test": "[!"},
    },
    "a label delimiter of 1,000 characters": {"collect.label_delimiter": "," * 1_000},
    "token_column of 20 digits": {"collect.token_column": 10**19},
    "an alias of itself": {"clean.label.aliases": {"fruit": "fruit"}},
    "aliases in a circle": {"clean.label.aliases": {"fruit": "vehicle", "vehicle": "fruit"}},
    "an alias of nothing": {"clean.label.aliases": {"fruit": ""}},
    "an alias with a terminal code": {"clean.label.aliases": {"fruit": "\x1b[31mred\x1b[0m"}},
    "an alias that is a script": {"clean.label.aliases": {"fruit": "<script>alert(1)</script>"}},
    "two aliases that look alike": {"clean.label.aliases": {"fruit": "a", "fruit\u200b": "b"}},
    "20,000 aliases": {"clean.label.aliases": {f"name {number}": "fruit" for number in range(20_000)}},
    "an alias of 100,000 characters": {"clean.label.aliases": {"fruit": "x" * 100_000}},
    "all labels dropped": {"clean.label.drop": ["fruit", "vehicle"]},
    "a dropped label that is blank": {"clean.label.drop": [""]},
    "min_rows larger than the data": {"clean.label.min_rows": 10**9, "clean.label.on_rare": "drop"},
    "rare labels merged into invisible characters": {
        "clean.label.min_rows": 5,
        "clean.label.on_rare": "merge",
        "clean.label.merge_into": "\u200b",
    },
    "a spelling of missing values that is all texts": {"clean.missing": ["a ripe apple on the table"]},
    "20,000 spellings of missing values": {"clean.missing": [f"n{number}" for number in range(20_000)]},
    "a spelling of missing values of 1 MB": {"clean.missing": ["x" * 2**20]},
    "boilerplate of 20,000 lines": {"clean.text.boilerplate": [f"line {number}" for number in range(20_000)]},
    "boilerplate that is the whole text": {"clean.text.boilerplate": ["a ripe apple on the table"]},
    "boilerplate of regular expressions": {"clean.text.boilerplate": ["(a+)+$", "[", "\\"]},
    "max_chars of 18 digits": {"clean.text.max_chars": 10**18},
    "min_chars of 30 digits": {"clean.text.min_chars": 10**29, "clean.text.max_chars": 10**30},
    "a language that does not exist": {"clean.text.languages": ["zz"]},
    "1,000 languages": {"clean.text.languages": ["en"] * 1_000},
    "a batch of 20 digits": {"batch_size": 10**19},
    "epochs of 20 digits": {"epochs": 10**19},
    "threads of 20 digits": {"threads": 10**19},
    "lr of the smallest number": {"lr": 5e-324},
    "a model with a terminal code": {"model": "\x1b[31mmodel"},
    "a model that leads out": {"model": "../outside"},
}


def raw_params() -> Iterator[Hostile]:
    for name, (edit, known) in FILES.items():
        yield Hostile("params", name, {"notes.csv": NOTES}, edit=edit, known=known)
    for name, changes in SETTINGS.items():
        yield Hostile("params", name, {"notes.csv": NOTES, "lists/notes.csv": NOTES}, changes)
    for name, changes in {
        "max_pixels of 20 digits": {"clean.image.max_pixels": 10**19},
        "min_side of 20 digits": {"clean.image.min_side": 10**18, "clean.image.max_side": 10**19},
        "max_side of one pixel": {"clean.image.min_side": 1, "clean.image.max_side": 1},
    }.items():
        yield Hostile("params", name, two_files("image_category"), changes, "image_category", rows=2)
    for name, changes in {
        "a longest recording of an hour": {"clean.audio.max_seconds": 3_600.0},
        "a shortest recording of no time": {"clean.audio.min_seconds": 5e-324},
        "recordings that are trimmed by nothing": {"clean.audio.trim_db": 5e-324},
        "a loudness of minus a million dB": {"clean.audio.level_db": -1e6},
        "a loudness of minus 1e308 dB": {"clean.audio.level_db": -1e308, "clean.audio.min_peak_db": -1e308},
    }.items():
        yield Hostile("params", name, two_files("audio_category"), changes, "audio_category", rows=2)


def inputs() -> Iterator[Hostile]:
    for base in ("text_category", "text_categories", "text_number"):
        label = {"text_number": "3"}.get(base, "fruit")
        files = {"notes.csv": f"text,kind\na ripe apple on the table,{label}\na red car,{label}\n"}
        yield Hostile("params", f"harmless params of {base}", files, base=base, rows=2, good=True)
    yield Hostile("params", "harmless params of text_tags", {"notes.conll": CONLL}, base="text_tags", rows=2, good=True)
    yield from every_key()
    yield from raw_params()
