"""A head on the disk and in use: the same after a round trip, clear words for other files."""

import numpy as np
import pytest

from avaflow.baseline.head import (
    EACH,
    LENGTH,
    ONE,
    STANDARD,
    Block,
    Head,
    load_head,
    scores,
    write_head,
)
from avaflow.errors import UserError

BODY = Block(
    "body",
    (2, 3),
    ONE,
    LENGTH,
    0.1,
    np.array([[0, 1, 0], [0, 0, 1]], np.float32),
    np.array([0, 0, 0], np.float32),
)
HEAD = Block(
    "head", (1,), EACH, STANDARD, 1.0, np.array([[2], [0]], np.float32), np.array([-1], np.float32)
)
WHOLE = Head(("talk", "stand", "sit"), 2, (HEAD, BODY), (0.5, 0.25, 1.0))


def test_scores_by_hand():
    found = scores(WHOLE, np.array([[3.0, 4.0]], np.float32))
    e = np.exp
    shares = np.array([1, e(0.6), e(0.8)]) / (1 + e(0.6) + e(0.8))
    np.testing.assert_allclose(found, [[1 / (1 + e(-5)), *shares[1:]]], rtol=1e-6)


def test_large_logits_and_no_feature_at_all_are_numbers():
    found = scores(WHOLE, np.array([[1e5, -1e5], [-1e5, 1e5], [0, 0]], np.float32))
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
    assert found[2, 0] == pytest.approx(1 / (1 + np.exp(1)))


def test_a_round_trip_keeps_every_number_and_equal_heads_are_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_head(tmp_path / name, WHOLE, {"persons": 3})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load_head(tmp_path / "a.npz")
    assert (back.names, back.dimensions, back.thresholds) == (WHOLE.names, 2, WHOLE.thresholds)
    vectors = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    assert (scores(back, vectors) == scores(WHOLE, vectors)).all()


def test_features_of_another_length_are_told():
    with pytest.raises(UserError, match="trained on features of 2 numbers, and these are 1 x 3"):
        scores(WHOLE, np.zeros((1, 3), np.float32))


def other_version(path):
    with np.load(path) as arrays:
        kept = dict(arrays)
    text = kept["about"].tobytes().replace(b'"version": 1', b'"version": 9')
    np.savez(path, **(kept | {"about": np.frombuffer(text, np.uint8)}))


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-30])


def one_byte_else(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"NUMPY") + 100] ^= 255
    path.write_bytes(content)


def infinite(path):
    with np.load(path) as arrays:
        kept = dict(arrays)
    kept["bias_0"] = np.array([np.inf], np.float32)
    np.savez(path, **kept)


def pickled(path):
    np.savez(path, about=np.array([{"version": 1}], object))


def lacking(path):
    with np.load(path) as arrays:
        kept = dict(arrays)
    kept.pop("weights_1")
    np.savez(path, **kept)


def text(path):
    path.write_text("no head")


@pytest.mark.parametrize(
    "harm", [other_version, cut_short, one_byte_else, infinite, pickled, lacking, text]
)
def test_another_file_is_no_head(tmp_path, harm):
    path = tmp_path / "head.npz"
    write_head(path, WHOLE, {})
    harm(path)
    with pytest.raises(UserError, match="expected a head as `snakemake baseline` writes it"):
        load_head(path)
