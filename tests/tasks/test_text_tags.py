"""A tag for each token of a text: sub-words, training, serving and augmentation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.core.errors import InputError
from stages.serving.predictor import load_predictor
from stages.targets.tags import label as tags_label
from stages.targets.tags.objective import NOT_LEARNED, Objective
from stages.tasks.text_tags import augment as text_tags_augment
from stages.tasks.text_tags import learn as text_tags_learn
from stages.training.recipe import write_recipe
from tests import tiny
from tests.samples.token_tags import COLUMNS, is_valid

# --- tokens and sub-words ---


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that spells: each letter is a sub-word."""
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "letters"
    tiny.write_text_model(folder)
    letters = [chr(number) for number in range(ord("a"), ord("a") + 17)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "letters.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(vocab=str(folder / "letters.txt"), do_lower_case=True).save_pretrained(folder)
    return folder


LONG = " ".join(
    ["fig", "a", "face", "Hide", "\ufffd", "ill", "abcdefghijklmnop", "?", "badge", "cabbage", "deaf", "kid"] * 2
)


def test_every_token_has_its_own_first_sub_word(model_folder: Path) -> None:
    """Over windows, among them some that begin or end inside a word, and with a word that is longer than a window."""
    from stages.modalities.text.network.words import encode_words, load_word_tokenizer

    tokenizer = load_word_tokenizer(str(model_folder))
    words = LONG.split(" ")
    for longest in (8, 11, 16, 24, 64):
        (found,) = encode_words(tokenizer, [LONG], longest)
        assert (len(found.windows) > 1) == (longest < 64) or longest == 64
        for word, (window, position) in zip(words, found.places, strict=True):
            if word == "\ufffd":  # the tokenizer makes nothing of it
                assert (window, position) == (-1, -1)
                continue
            (token,) = tokenizer.convert_ids_to_tokens([found.windows[window]["input_ids"][position]])
            assert token == ("[UNK]" if word == "?" else word[0].lower())
        places = [tuple(place) for place in found.places if place[0] >= 0]
        assert len(set(places)) == len(places)


def test_a_token_is_taken_where_most_stands_around_it() -> None:
    from stages.modalities.text.network.words import word_places

    windows = [[None, 0, 1, 1, 2, 3, None], [None, 2, 3, 4, 4, 5, None], [None, 4, 5, 6, None]]
    assert word_places(windows, 8).tolist() == [[0, 1], [0, 2], [0, 4], [1, 2], [1, 3], [2, 2], [2, 3], [-1, -1]]


def test_vectors_are_those_of_the_model_itself(model_folder: Path) -> None:
    import torch
    import torch.nn.functional as F
    from transformers import AutoModel

    from stages.modalities.text.network.backbone import load_layers
    from stages.modalities.text.network.tagger import word_vectors
    from stages.modalities.text.network.words import N_SHAPES, encode_words, load_word_tokenizer, shape_features

    tokenizer, whole = load_word_tokenizer(str(model_folder)), AutoModel.from_pretrained(model_folder).eval()
    contents = [LONG, "fig", "\ufffd", "a cabbage"]
    for layers in ([1], [1, 2]):
        cut = load_layers(str(model_folder), max(layers), "layers")
        found = list(word_vectors(cut, layers, tokenizer, contents, 16, 4, "embed"))
        for content, vectors, words in zip(contents, found, encode_words(tokenizer, contents, 16), strict=True):
            assert vectors.dtype == np.float32
            assert vectors.shape == (len(content.split(" ")), 32 + N_SHAPES)
            assert (vectors[:, 32:] == shape_features(content.split(" "))).all()
            for vector, (window, position) in zip(vectors, words.places, strict=True):
                if window < 0:
                    assert not vector[:32].any()
                    continue
                features = {name: torch.tensor([values]) for name, values in words.windows[window].items()}
                with torch.inference_mode():
                    states = whole(**features, output_hidden_states=True).hidden_states
                expected = F.normalize(torch.stack([states[layer][0, position] for layer in layers]).mean(0), dim=0)
                assert vector[:32] == pytest.approx(expected.numpy(), abs=1e-5)


def test_vectors_of_tokens_are_kept_where_params_say_so(model_folder: Path, tmp_path: Path) -> None:
    """In half precision; the vectors of rows are the same with and without."""
    import pandas as pd

    from stages.core.tables import read_vectors, vector_column, vectors_column, write_tables
    from stages.modalities.text import embed

    given = {"model": str(model_folder), "max_length": 16, "batch_size": 4}
    plain, found = (embed.embed([LONG, "fig"], embed.EmbedParams(**given, token_layer=layer)) for layer in (None, 1))
    assert plain.tokens is None
    assert found.tokens is not None
    assert plain.rows.tobytes() == found.rows.tobytes()
    table = pa.table(
        {"id": ["a", "b"], "vector": vector_column(found.rows), "token_vectors": vectors_column(found.tokens)}
    )
    write_tables(tmp_path / "with", [table])
    write_tables(tmp_path / "without", [table.drop_columns("token_vectors")])
    ids = pd.Series(["b", "a"])
    (one, other) = read_vectors(tmp_path / "with", ids, "token_vectors")
    assert (one.dtype, len(one), len(other)) == (np.float16, 1, len(LONG.split(" ")))
    assert (other == found.tokens[0]).all()
    with pytest.raises(InputError, match=r"without: it has no column token_vectors; set embed\.text\.token_layer"):
        read_vectors(tmp_path / "without", ids, "token_vectors")


def test_layers_that_are_not_there(model_folder: Path) -> None:
    from stages.modalities.text import embed
    from stages.modalities.text.network.backbone import load_layers

    with pytest.raises(InputError, match=r"finetune\.text\.layers: 3, but the model has 2 layers; give at most 2"):
        text_tags_learn.first_model(str(model_folder), finetune_params(layers=[1, 3]), Objective(COLUMNS))
    params = embed.EmbedParams(model=str(model_folder), max_length=16, batch_size=4, token_layer=3)
    with pytest.raises(InputError, match=r"embed\.text\.token_layer: 3, but the model has 2 layers"):
        embed.embed(["fig"], params)
    with pytest.raises(ValueError, match="layers are counted from 1"):
        finetune_params(layers=[0])
    assert load_layers(str(model_folder), 1, "layers").config.num_hidden_layers == 1


SPELLINGS = {
    "lower": ["fig", "it's", "naïve", "ﬁg"],
    "title": ["Fig", "Éclair"],
    "upper": ["FIG", "U.S."],
    "letter": ["I", "A."],
    "mixed": ["iPad", "McIntosh"],
    "digits": ["7", "3.5", "1,000"],
    "letters and digits": ["mp3", "4th"],
    "sign": ["?", "...", "\ufffd", "@", "#", "🍏"],
    "user": ["@fig", "@7"],
    "hashtag": ["#fig", "#1"],
    "link": ["http://fig.org", "www.fig.org", "HTTPS://X"],
    "other": ["無花果", "تين"],
}


def test_shapes_of_words() -> None:
    from stages.modalities.text.network.words import SHAPES, shape

    assert {name: {shape(word) for word in words} for name, words in SPELLINGS.items()} == {
        name: {name} for name in SPELLINGS
    }
    assert {*SPELLINGS, "outside"} == set(SHAPES)


# --- learning ---


def finetune_params(**changes: Any) -> text_tags_learn.FinetuneParams:
    values = {
        "max_length": 16,
        "layers": [1, 2],
        "head_init": "probe",
        "probe_C": 1.0,
        "frozen_layers": 0,
        "dropout": 0.0,
        "label_smoothing": 0.0,
    }
    return text_tags_learn.FinetuneParams(**{**values, **changes})


def tagged_rows(count: int) -> pa.Table:
    texts = [text for text, _ in tiny.texts(count, seed=7)]
    return pa.table({"content": texts, "label": [tiny.tags_of(text) for text in texts], "copy": [0] * count})


def test_each_token_is_learned_once(model_folder: Path) -> None:
    from stages.modalities.text.network.words import load_word_tokenizer

    tokenizer = load_word_tokenizer(str(model_folder))
    content = LONG.replace("\ufffd", "a")
    labels = tags_label.as_valid([COLUMNS[number % 5] for number in range(len(content.split(" ")))])
    windows = text_tags_learn.examples(
        tokenizer, pa.table({"content": [content], "label": [labels]}), Objective(COLUMNS), 16
    )
    assert len(windows) > 3
    batch = text_tags_learn.collator(tokenizer)([windows[place] for place in range(len(windows))])
    learned = batch["labels"] != NOT_LEARNED
    assert sorted(batch["labels"][learned].tolist()) == sorted(COLUMNS.index(tag) for tag in labels)
    assert (batch["shapes"].abs().sum(-1) > 0).equal(learned)


def test_the_head_starts_as_the_probe_and_serves_as_it_was_trained(model_folder: Path, tmp_path: Path) -> None:
    """Logits of a batch as the Trainer makes it, of the probe that the head starts from, and of the folder that is
    saved.
    """
    import torch
    from scipy.special import softmax

    from stages.modalities.text.network.tagger import word_vectors
    from stages.modalities.text.network.words import load_word_tokenizer
    from stages.targets._probe import fit_probe

    rows, own = tagged_rows(20), finetune_params()
    objective, tokenizer = Objective.of(rows["label"].to_pylist()), load_word_tokenizer(str(model_folder))
    model = text_tags_learn.first_model(str(model_folder), own, objective).eval()
    text_tags_learn.start_head(model, tokenizer, rows, objective, own, 4)
    windows = text_tags_learn.examples(tokenizer, rows, objective, own.max_length)
    batch = text_tags_learn.collator(tokenizer)([windows[place] for place in range(len(windows))])
    with torch.inference_mode():
        logits = model(**batch).logits
    contents = rows["content"].to_pylist()
    vectors = list(word_vectors(model.backbone, own.layers, tokenizer, contents, own.max_length, 4, "embed"))
    numbers = np.concatenate([np.array(row) for row in objective.targets(rows["label"].to_pylist())])
    words = np.concatenate(vectors)
    probe = fit_probe(words, numbers, 5, own.probe_C)
    expected = softmax(words @ probe.weights.T + probe.bias, axis=1)
    model.save(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    task = {"modality": "text", "target": "tags"}
    more = {"layers": own.layers, "max_length": own.max_length}
    write_recipe(tmp_path, {**task, **objective.recipe(), **more})
    served = load_predictor(tmp_path).predict(contents, 4)
    assert np.concatenate(served.predictions) == pytest.approx(expected, abs=1e-4)
    of_batch = logits[batch["labels"] != NOT_LEARNED].softmax(-1).numpy()  # in the order of windows
    assert np.sort(of_batch, axis=0) == pytest.approx(np.sort(expected, axis=0), abs=1e-4)


def test_the_model_loads_with_plain_transformers(model_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModel

    model = text_tags_learn.first_model(str(model_folder), finetune_params(layers=[1]), Objective(COLUMNS))
    assert len(model.backbone.encoder.layer) == 1
    model.save(tmp_path)
    plain = AutoModel.from_pretrained(tmp_path)
    assert plain.config.num_hidden_layers == len(plain.encoder.layer) == 1
    assert set(load_file(tmp_path / "head.safetensors")) == {"weight", "bias"}


def test_a_tokenizer_that_knows_no_words_is_refused(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import BertTokenizerFast

    from stages.modalities.text.network.words import load_word_tokenizer

    monkeypatch.setattr(BertTokenizerFast, "is_fast", False)
    with pytest.raises(InputError, match="its tokenizer cannot map tokens to words"):
        load_word_tokenizer(str(model_folder))


# --- augmentation ---

TRAIN = [
    ("I ate a Granny Smith today", ["O", "O", "O", "B-fruit", "I-fruit", "O"]),
    ("fig and plum", ["B-fruit", "O", "B-fruit"]),
    ("a claw hammer hit a fig", ["O", "B-tool", "I-tool", "O", "O", "B-fruit"]),
    ("nothing of use here", ["O"] * 4),
]


def mentions_in(content: str, labels: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (" ".join(span.tokens), span.type) for span in text_tags_augment.spans(content.split(" "), labels) if span.type
    ]


def copies(count: int = 60, **params: float) -> list[list[tuple[str, list[str]]]]:
    """Many copies of each training row."""
    changed = text_tags_augment.augmenter(
        text_tags_augment.AugmentParams(**{"swap": 0.0, "delete": 0.0, "typo": 0.0, **params}), lambda: iter(TRAIN)
    )
    return [
        [(content, list(labels)) for content, labels in (changed(*row, seed) for seed in range(count))] for row in TRAIN
    ]


def test_spans_are_entities_and_what_stands_between() -> None:
    found = text_tags_augment.spans("a b c d e f".split(), "O O B-x B-y I-y O".split())  # noqa: SIM905
    assert [(" ".join(span.tokens), span.type) for span in found] == [("a b", ""), ("c", "x"), ("d e", "y"), ("f", "")]


@pytest.mark.parametrize(
    "params",
    [
        {"swap": 1.0},
        {"swap": 0.5, "delete": 0.3, "typo": 0.3},
        {"delete": 1.0},
        {"swap": 1.0, "delete": 1.0, "typo": 1.0},
    ],
)
def test_copies_keep_their_entities_valid(params: dict[str, float]) -> None:
    known = {mention for row in TRAIN for mention in mentions_in(*row)}
    for row, made in zip(TRAIN, copies(**params), strict=True):
        for content, labels in made:
            assert len(content.split(" ")) == len(labels) > 0
            assert all(content.split(" "))
            assert is_valid(labels)
            assert set(mentions_in(content, labels)) <= known
            assert [kind for _, kind in mentions_in(content, labels)] == [kind for _, kind in mentions_in(*row)]


def test_every_entity_of_the_type_is_drawn() -> None:
    first, *_ = copies(200, swap=1.0)
    assert {content for content, _ in first} == {f"I ate a {fruit} today" for fruit in ("Granny Smith", "fig", "plum")}


def test_noise_leaves_entities_alone() -> None:
    for row, made in zip(TRAIN, copies(delete=0.5, typo=0.5), strict=True):
        assert all(mentions_in(*copy) == mentions_in(*row) for copy in made)
        assert len({content for content, _ in made}) > 3
    assert all(copy == (row[0], row[1]) for row, made in zip(TRAIN, copies(), strict=True) for copy in made)


def test_another_row_changes_few_copies() -> None:
    many = [(f"word{number}", ["B-fruit"]) for number in range(100)]
    before, after = (text_tags_augment.mentions(rows)["fruit"] for rows in (many, [*many, ("another", ["B-fruit"])]))
    changed = sum(
        before.draw(np.random.default_rng(seed)) != after.draw(np.random.default_rng(seed)) for seed in range(300)
    )
    assert changed < 30
