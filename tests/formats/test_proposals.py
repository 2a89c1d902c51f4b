"""The proposals pickle: content by hand, bytes that older numpy loads, and hostile pickles."""

import pickle
import pickletools
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from avaflow.errors import UserError
from avaflow.formats.proposals import (
    NEW_MODULE,
    OLD_MODULE,
    best_map,
    build,
    check_entry,
    detections_of,
    dumps,
    key_of,
    proposals_of_splits,
    read_proposals,
    split_key,
    tidy,
    write_proposals,
)

TWO = {
    "b,0903": np.array([[0.1, 0.2, 0.3, 0.4, 0.9], [0.0, 0.0, 1.0, 1.0, 0.5]]),
    "a,1002": np.array([[0.25, 0.5, 0.75, 1.0, 0.625]]),
}


def same(left, right):
    return set(left) == set(right) and all(np.array_equal(left[key], right[key]) for key in left)


def keyframes(seconds, fps=30):
    return pd.DataFrame({"second": seconds, "frame": [fps * second + 1 for second in seconds]})


def detections(rows):
    return pd.DataFrame(rows, columns=["clip", "frame", "x1", "y1", "x2", "y2", "score"])


def test_keys_are_padded_to_four_digits():
    assert key_of("a", 2) == "a,0002"
    assert key_of("a-1", 1798) == "a-1,1798"
    assert split_key("a-1,0902") == ("a-1", 902)


def test_tidy_clamps_sorts_and_drops_boxes_without_area():
    boxes = np.array(
        [
            [0.5, 0.5, 0.6, 0.6, 0.3],
            [-0.1, 0.2, 1.2, 0.9, 0.8],
            [1.1, 0.2, 1.2, 0.9, 0.99],
            [0.6, 0.5, 0.5, 0.6, 0.95],
        ]
    )
    assert tidy(boxes).tolist() == [[0.0, 0.2, 1.0, 0.9, 0.8], [0.5, 0.5, 0.6, 0.6, 0.3]]
    assert tidy(boxes[:0]).shape == (0, 5)


def test_equal_scores_do_not_depend_on_the_order_of_the_input():
    boxes = np.array([[0.5, 0.5, 0.6, 0.6, 0.3], [0.1, 0.5, 0.6, 0.6, 0.3]])
    assert np.array_equal(tidy(boxes), tidy(boxes[::-1]))


def test_build_takes_keyframes_of_the_splits_clips_and_names_the_empty_ones():
    first = detections(
        [
            ("a", 61, 0.1, 0.1, 0.2, 0.2, 0.4),
            ("a", 61, 0.5, 0.1, 0.8, 1.01, 0.9),
            ("a", 66, 0.1, 0.1, 0.2, 0.2, 0.9),  # between keyframes
            ("other", 61, 0.1, 0.1, 0.2, 0.2, 0.9),
        ]
    )
    second = detections([("b", 91, 0.3, 0.1, 0.4, 0.2, 0.7), ("b", 61, 0.3, 0.1, 0.3, 0.2, 0.7)])
    found, empty = build(
        ["a", "b"], [keyframes([2, 3]), keyframes([2, 3])], [first, second], 900, 30
    )
    assert {key: boxes.tolist() for key, boxes in found.items()} == {
        "a,0902": [[0.5, 0.1, 0.8, 1.0, 0.9], [0.1, 0.1, 0.2, 0.2, 0.4]],
        "b,0903": [[0.3, 0.1, 0.4, 0.2, 0.7]],
    }
    assert empty == [("a", 3), ("b", 2)]


def test_build_refuses_keyframes_of_another_rate_and_boxes_that_are_not_numbers():
    with pytest.raises(UserError, match="clip a: keyframe of second 2 should be frame 51 at 25"):
        build(["a"], [keyframes([2])], [], 900, 25)
    broken = detections([("a", 61, 0.1, float("nan"), 0.2, 0.2, 0.4)])
    with pytest.raises(UserError, match="clip a, frame 61: a detection is not finite"):
        build(["a"], [keyframes([2])], [broken], 900, 30)


def people(columns, *rows):
    return pd.DataFrame(rows, columns=columns)


BOXES = ["second", "x1", "y1", "x2", "y2"]
TICKS = ["second", "person_id", "x1", "y1", "x2", "y2", "action_id"]


def test_persons_without_a_tick_are_not_proposed_but_deleted_boxes_are():
    found = detections(
        [
            ("a", 61, 0.1, 0.1, 0.3, 0.5, 0.9),  # ticked
            ("a", 61, 0.5, 0.1, 0.7, 0.5, 0.8),  # kept, not ticked
            ("a", 61, 0.5, 0.1, 0.7, 0.25, 0.7),  # overlaps it by less than half
            ("a", 61, 0.0, 0.8, 0.1, 0.9, 0.6),  # deleted: the detector's mistake
            ("a", 91, 0.5, 0.1, 0.7, 0.5, 0.8),  # kept, not ticked, and alone
            ("b", 61, 0.5, 0.1, 0.7, 0.5, 0.8),  # nobody annotated this clip
        ]
    )
    ticked = people(TICKS, (2, 1, 0.1, 0.1, 0.3, 0.5, 1), (2, 1, 0.1, 0.1, 0.3, 0.5, 2))
    unticked = people(BOXES, (2, 0.5, 0.1, 0.7, 0.5), (3, 0.5, 0.12, 0.7, 0.5))
    frames = [keyframes([2, 3]), keyframes([2])]
    proposals, empty = build(["a", "b"], frames, [found], 900, 30, {"a": (ticked, unticked)})
    assert {key: boxes[:, 4].tolist() for key, boxes in proposals.items()} == {
        "a,0902": [0.9, 0.7, 0.6],
        "b,0902": [0.8],
    }
    assert empty == [("a", 3)]


def test_a_proposal_shows_the_person_that_it_overlaps_most():
    """Two persons stand close: that one has no tick must not cost the other her proposal."""
    found = detections([("a", 61, 0.1, 0.1, 0.3, 0.5, 0.9), ("a", 61, 0.15, 0.1, 0.35, 0.5, 0.8)])
    ticked = people(TICKS, (2, 1, 0.1, 0.1, 0.3, 0.5, 1))
    unticked = people(BOXES, (2, 0.15, 0.1, 0.35, 0.5))
    annotated = {"a": (ticked, unticked)}
    proposals, _ = build(["a"], [keyframes([2])], [found], 900, 30, annotated)
    assert proposals["a,0902"][:, 4].tolist() == [0.9]


def test_the_best_map_is_the_share_of_persons_that_are_proposed():
    labels = people(
        TICKS,
        (2, 1, 0.1, 0.1, 0.3, 0.5, 1),
        (2, 1, 0.1, 0.1, 0.3, 0.5, 2),
        (2, 2, 0.6, 0.1, 0.8, 0.5, 1),  # no proposal
        (3, 1, 0.1, 0.1, 0.3, 0.5, 1),  # proposed weakly, and nothing better is there
        (4, 1, 0.1, 0.1, 0.3, 0.5, 3),  # proposed weakly beside a sure one elsewhere
    )
    person, elsewhere = [0.1, 0.1, 0.3, 0.5], [0.8, 0.8, 1.0, 1.0]
    proposals = {
        "a,0902": np.array([[*person, 0.9], [*elsewhere, 0.5]]),
        "a,0903": np.array([[*person, 0.35]]),
        "a,0904": np.array([[*elsewhere, 0.5], [*person, 0.35]]),
    }
    bound, missed, proposed = best_map({"a": labels}, proposals, 900)
    assert (missed, proposed) == (2, 2)
    assert bound == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert best_map({"a": labels.iloc[:0]}, {}, 900) == (1.0, 0, 0)


def test_round_trip(tmp_path):
    path = tmp_path / "dense_proposals_val.pkl"
    write_proposals(path, TWO)
    assert same(read_proposals(path), TWO)
    with open(path, "rb") as stream:  # as mmaction2 reads it
        plain = pickle.load(stream)
    assert same(plain, TWO)
    assert {boxes.dtype for boxes in plain.values()} == {np.dtype("float64")}
    assert same(proposals_of_splits([path], ["val"])["val"], TWO)


def test_bytes_are_deterministic_and_name_only_old_modules():
    once = dumps(TWO)
    turned = {key: np.asfortranarray(TWO[key]) for key in reversed(TWO)}
    assert dumps(turned) == once
    opcodes = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(once)]
    assert opcodes[0] == ("PROTO", 2)
    modules = {argument.split(" ")[0] for name, argument in opcodes if name == "GLOBAL"}
    assert modules == {OLD_MODULE, "numpy", "_codecs"}


def test_a_key_that_looks_like_a_module_is_left_alone(tmp_path):
    # What a replacement of bytes would spoil: the length of the text would no longer fit.
    named = {f"{NEW_MODULE},0902": TWO["a,1002"]}
    path = tmp_path / "p.pkl"
    path.write_bytes(dumps(named))
    assert list(pickle.loads(path.read_bytes())) == [f"{NEW_MODULE},0902"]


@pytest.mark.parametrize(
    ("key", "boxes"),
    [
        ("a,902", TWO["a,1002"]),
        ("a0902", TWO["a,1002"]),
        ("a,b,0902", TWO["a,1002"]),
        ("a,0902", np.zeros((0, 5))),
        ("a,0902", np.zeros((1, 4))),
        ("a,0902", np.array([[0, 0, 1.0001, 1, 0.5]])),
        ("a,0902", np.array([[0, 0, np.nan, 1, 0.5]])),
        ("a,0902", np.array([[0, 0, 1, 1, 0.5], [0, 0, 1, 1, 0.6]])),
    ],
)
def test_entries_that_readers_misread_are_refused(key, boxes):
    with pytest.raises(UserError, match="proposals"):
        check_entry(key, boxes)
    with pytest.raises(UserError, match="proposals"):
        dumps({key: boxes})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["float64", "float32", ">f8"])
def test_others_pickles_are_read_in_every_protocol(tmp_path, protocol, dtype):
    path = tmp_path / "theirs.pkl"
    path.write_bytes(pickle.dumps({key: TWO[key].astype(dtype) for key in TWO}, protocol))
    found = read_proposals(path)
    assert all(np.allclose(found[key], TWO[key]) for key in TWO)
    assert all(boxes.dtype.isnative for boxes in found.values())


def test_a_fortran_ordered_array_keeps_its_rows(tmp_path):
    path = tmp_path / "theirs.pkl"
    path.write_bytes(pickle.dumps({"a,0902": np.asfortranarray(TWO["b,0903"])}))
    assert np.array_equal(read_proposals(path)["a,0902"], TWO["b,0903"])


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_with_a_program_is_not_run(tmp_path, protocol):
    sprung = tmp_path / "sprung"
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps({"a,0902": Trap(sprung)}, protocol))
    with pytest.raises(UserError, match="can run any program"):
        read_proposals(path)
    assert not sprung.exists()
    pickle.loads(path.read_bytes())  # the trap is real
    assert sprung.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a,0902": np.array([Trap("x")], dtype=object)}, "arrays only"),
        ({"a,0902": np.array(["text"])}, "arrays only"),
        ({"a,0902": [[0, 0, 1, 1, 0.5]]}, "expected an array at 'a,0902', found list"),
        ({("a", 902): TWO["a,1002"]}, "expected keys like"),
        ({"a,0902": np.zeros(5)}, r"expected shape \(N, 5\)"),
        ([1, 2], "expected a dict, found list"),
    ],
)
def test_other_content_is_refused(tmp_path, content, said):
    path = tmp_path / "theirs.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=said):
        read_proposals(path)


@pytest.mark.parametrize("content", [b"", b"not a pickle", dumps(TWO)[:-40]])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "theirs.pkl"
    path.write_bytes(content)
    with pytest.raises(UserError, match="theirs.pkl: not a proposals pickle, or cut short"):
        read_proposals(path)


def test_an_array_with_too_few_bytes_is_refused(tmp_path):
    path = tmp_path / "theirs.pkl"
    path.write_bytes(dumps(TWO).replace(b"K\x02K\x05\x86", b"K\x09K\x05\x86"))
    with pytest.raises(UserError, match="a damaged array at 'b,0903'"):
        read_proposals(path)


def python_with_numpy(version, program, folder):
    """Run a program under an older numpy; skips the test where it cannot be had."""
    if not shutil.which("uv"):
        pytest.skip("uv is not installed")
    python = ["uv", "run", "--no-project", "--python", "3.11", "--with", f"numpy=={version}"]
    shown = "import numpy; print(numpy.__version__)"
    found = [
        subprocess.run(
            [*python, "python", "-c", text], capture_output=True, text=True, cwd=folder, timeout=300
        )
        for text in (shown, program)
    ]
    if found[0].returncode:
        reason = found[0].stderr.strip().splitlines()[-1]
        pytest.skip(f"numpy {version} cannot be had: {reason}")
    assert found[0].stdout.strip() == version
    return found[1]


LOAD = """
import pickle
found = pickle.load(open("dense_proposals_train.pkl", "rb"))
print({key: (str(found[key].dtype), found[key].tolist()) for key in found})
"""


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.26.4", "1.24.4"])
def test_older_numpy_loads_it(tmp_path, version):
    """The versions that mmaction2 users have."""
    write_proposals(tmp_path / "dense_proposals_train.pkl", TWO)
    run = python_with_numpy(version, LOAD, tmp_path)
    assert run.returncode == 0, run.stderr
    expected = {key: ("float64", TWO[key].tolist()) for key in sorted(TWO)}
    assert run.stdout.strip() == str(expected)


@pytest.mark.slow
def test_older_numpy_does_not_load_what_numpy_2_writes(tmp_path):
    """Else the test above would show nothing. (1.26.4 knows a little of the new name.)"""
    plain = dumps(TWO).replace(OLD_MODULE.encode(), NEW_MODULE.encode())
    (tmp_path / "dense_proposals_train.pkl").write_bytes(plain)
    run = python_with_numpy("1.24.4", LOAD, tmp_path)
    assert "No module named 'numpy._core'" in run.stderr


# ------------------------------------------------------------------ in place of the detector's


def pickled(path, content):
    path.write_bytes(pickle.dumps(content))


def test_proposals_of_others_by_id_and_by_another_name(tmp_path):
    """FAIR's keys are YouTube ids, of which some are no clip ids."""
    boxes = np.array([[0.1, 0.2, 0.3, 0.4, 0.9], [0.5, 0.5, 1.01, 0.9, 0.8]])
    pickled(tmp_path / "a.pkl", {"_x-1,0902": boxes, "b,0903": boxes[:1]})
    pickled(tmp_path / "b.pkl", {"b,0904": boxes[:1, :4], "other,0902": boxes})
    files = [tmp_path / "a.pkl", tmp_path / "b.pkl"]
    table = detections_of(files, {"_x-1": "ava-x-1", "b": "b"}, offset=900, fps=30)
    assert table[["clip", "frame", "score"]].to_numpy().tolist() == [
        ["ava-x-1", 61, 0.9],
        ["ava-x-1", 61, 0.8],
        ["b", 91, 0.9],
        ["b", 121, 1.0],
    ]
    with pytest.raises(UserError, match="no key in .*a.pkl is of any clip of this split"):
        detections_of(files[:1], {"c": "c"}, 900, 30)
    with pytest.raises(UserError, match=r"'b,0903' is also in .*a.pkl"):
        pickled(tmp_path / "b.pkl", {"b,0903": boxes[:1]})
        detections_of(files, {"b": "b"}, 900, 30)
    pickled(tmp_path / "b.pkl", {"b,0903": boxes[:1] * 100})
    with pytest.raises(UserError, match="expected boxes in parts of the image"):
        detections_of(files[1:], {"b": "b"}, 900, 30)
