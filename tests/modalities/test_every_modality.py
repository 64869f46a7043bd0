"""Every modality, found by its file name, does what its Protocols promise."""

import re
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from stages.contracts.compare import load_comparer
from stages.contracts.content import load_modality
from stages.contracts.report import load_reporter
from tests.samples.variants import cleaned, modalities, names, raw, rows_of, samples_of


@modalities
def test_contents_can_be_shown_whatever_they_are(name: str) -> None:
    """Raw and cleaned, useless and broken; of a bounded size, in the same bytes every time, on a page that makes no
    request.
    """
    reporter, samples = load_reporter(name), samples_of(name, "modalities")
    raws = [
        *samples.contents,
        *samples.reasons.values(),
        *(content[: len(content) // 2] for content in samples.contents),
        b"",
        b"\x00\xff" * 9,
    ]
    for content in [*raws, *rows_of(name)]:
        shown = reporter.show(content)
        assert shown == reporter.show(content)
        assert "\n" not in shown.line
        assert sum(map(len, (shown.line, shown.image, shown.sound, *(piece.text for piece in shown.text)))) < 60_000
        assert all(not uri or re.match(r"data:(image|audio)/[a-z]+;base64,", uri) for uri in (shown.image, shown.sound))
        assert not any(piece.changed for side in reporter.show_pair(content, content) for piece in side.text)
    assert all(len(reporter.sizes(raw)) in (0, len(reporter.SIZES)) for raw in raws)
    assert all(len(reporter.sizes(raw)) == len(reporter.SIZES) for raw in samples.contents)
    assert all(
        shown.text or shown.image or shown.sound for shown in map(reporter.show, [*samples.contents, *rows_of(name)])
    )


@modalities
def test_cleaned_content_can_be_stored_and_stays_clean(name: str) -> None:
    modality, rows = load_modality(name), rows_of(name)
    assert pa.array(rows, modality.CONTENT).to_pylist() == rows
    assert cleaned(name, [raw(row) for row in rows]) == rows


@modalities
def test_exact_key(name: str) -> None:
    comparer, rows = load_comparer(name), rows_of(name)
    keys = [comparer.exact_key(row) for row in rows]
    assert all(isinstance(key, bytes) and len(key) == 16 for key in keys)
    assert len(set(keys)) == len(rows)
    assert keys == [comparer.exact_key(row) for row in rows_of(name)]
    for pair in samples_of(name, "modalities").same:
        one, other = cleaned(name, pair)
        assert comparer.exact_key(one) == comparer.exact_key(other)


@pytest.mark.parametrize("name", [name for name in names("modalities") if load_comparer(name).signatures])
def test_signatures(name: str) -> None:
    comparer, samples, rows = load_comparer(name), samples_of(name, "modalities"), rows_of(name)
    assert comparer.signatures
    signatures = comparer.signatures(rows, samples.threshold)
    assert signatures.dtype == np.uint64
    assert signatures.shape == (len(rows), signatures.shape[1])
    assert (comparer.signatures(rows[::-1], samples.threshold) == signatures[::-1]).all()
    for row, signature in zip(rows, signatures, strict=True):  # each on its own
        assert (comparer.signatures([row], samples.threshold) == signature).all()
    for pair in samples.near:
        one, other = comparer.signatures(cleaned(name, pair), samples.threshold)
        assert (one == other).any()


@pytest.mark.parametrize("name", [name for name in names("modalities") if not load_comparer(name).signatures])
def test_fingerprints_that_are_vectors(name: str) -> None:
    """Without signatures the nearest are searched for: fingerprints have length 1, and `similarity` is their cosine."""
    comparer = load_comparer(name)
    prints = np.stack([comparer.fingerprint(row) for row in rows_of(name)])
    assert prints.dtype == np.float32
    assert np.linalg.norm(prints, axis=1) == pytest.approx(np.ones(len(prints)), abs=1e-5)
    found = [[comparer.similarity(one, other) for other in prints] for one in prints]
    assert np.array(found) == pytest.approx(np.clip(prints @ prints.T, 0, 1), abs=1e-5)


@modalities
def test_size(name: str) -> None:
    comparer, rows = load_comparer(name), rows_of(name)
    sizes = [comparer.size(row) for row in rows]
    assert all(isinstance(size, int) and size > 0 for size in sizes)
    assert len(set(sizes)) > 1


@modalities
def test_similarity(name: str) -> None:
    comparer, samples, rows = load_comparer(name), samples_of(name, "modalities"), rows_of(name)
    prints = [comparer.fingerprint(row) for row in rows]
    for number, one in enumerate(prints):
        assert comparer.similarity(one, one) == pytest.approx(1, abs=1e-6), f"row {number} with itself"
    for one, other in combinations([*prints, *map(comparer.fingerprint, rows)], 2):
        assert 0 <= comparer.similarity(one, other) <= 1
        assert comparer.similarity(one, other) == comparer.similarity(other, one)
    for pair in samples.near:
        one, other = map(comparer.fingerprint, cleaned(name, pair))
        assert samples.threshold <= comparer.similarity(one, other) < 1
    assert comparer.similarity(prints[0], prints[2]) < samples.threshold


@modalities
def test_preview(name: str) -> None:
    modality = load_modality(name)
    for row in rows_of(name):
        preview = modality.preview(row)
        assert isinstance(preview, str)
        assert preview
        assert len(preview) <= 120
        assert preview == " ".join(preview.split())
