"""Files of mmaction2, PySlowFast and AlphAction, by their exact columns, and what they are not."""

import pickle

import numpy as np
import pandas as pd
import pytest

from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.prediction.clips import boxes_and_scores, check_rows
from avaflow.prediction.toolboxes import clips_in, read_detections
from avaflow.tables import TRACKS

MMACTION2 = """\
walk-1,902,0.1000,0.2000,0.3000,0.8000,1,0.9134
walk-1,902,0.1000,0.2000,0.3000,0.8000,3,0.0412
"""
PYSLOWFAST = """\
walk-1,0902,0.100,0.200,0.300,0.800,1,0.9134
walk-1,0902,0.100,0.200,0.300,0.800,3,0.0412
"""
# csv.writer ends lines so.
ALPHACTION = (
    "walk-1,0902,0.10000,0.20000,0.30000,0.80000,1,0.91340\r\n"
    "walk-1,0902,0.10000,0.20000,0.30000,0.80000,3,0.04120\r\n"
)
EXPECTED = [
    ("walk-1", 902, (0.1, 0.2, 0.3, 0.8), 1, 0.9134),
    ("walk-1", 902, (0.1, 0.2, 0.3, 0.8), 3, 0.0412),
]


def read(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_detections(path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (MMACTION2, "mmaction2's result.csv"),
        (PYSLOWFAST, "PySlowFast's detections"),
        (ALPHACTION, "AlphAction's result.csv"),
    ],
)
def test_each_toolboxs_csv_is_told_by_its_content(tmp_path, content, kind):
    found, rows = read(tmp_path, content)
    assert found == kind
    assert [tuple(row) for row in rows] == EXPECTED


def sample(array, **changed):
    boxes = array(np.array([[0.1, 0.2, 0.3, 0.8], [0.5, 0.2, 0.7, 0.8]], np.float32))
    # Column 0 is the background, which says nothing.
    scores = array(np.array([[0.99, 0.9, 0.0, 0.25], [0.98, 0.5, 0.75, 0.0]], np.float32))
    found = {
        "video_id": "walk-1",
        "timestamp": 902,
        "pred_instances": {"bboxes": boxes, "scores": scores},
        "img_key": "walk-1,0902",
    }
    return found | changed


def of_torch(array):
    torch = pytest.importorskip("torch")
    return torch.from_numpy(array)


@pytest.mark.parametrize("array", [np.array, of_torch])
@pytest.mark.parametrize("protocol", [2, 4])
def test_mmaction2s_pickle_has_a_column_for_the_background(tmp_path, array, protocol):
    content = pickle.dumps([sample(array)], protocol=protocol)
    kind, rows = read(tmp_path, content, "predictions.pkl")
    assert kind == "mmaction2's predictions.pkl" and len(rows) == 6
    assert [(row.action_id, row.score) for row in rows] == [
        *[(1, pytest.approx(0.9)), (2, 0.0), (3, 0.25)],
        *[(1, 0.5), (2, 0.75), (3, 0.0)],
    ]
    assert rows[3].box == pytest.approx((0.5, 0.2, 0.7, 0.8))
    assert {(row.clip, row.timestamp) for row in rows} == {("walk-1", 902)}


def test_a_part_of_a_larger_tensor_is_read_as_it_is(tmp_path):
    torch = pytest.importorskip("torch")
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 24
    cut = sample(np.array)
    cut["pred_instances"] = {"bboxes": whole[1:3, 1:5] * 0.5, "scores": whole.T[:2, 1:4]}
    _, rows = read(tmp_path, pickle.dumps([cut]), "predictions.pkl")
    assert rows[0].box == pytest.approx(tuple((np.arange(7, 11) / 48).tolist()))
    assert [row.score for row in rows[:2]] == pytest.approx([12 / 24, 18 / 24])


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_a_pickle_that_asks_for_more_is_not_run(tmp_path):
    with pytest.raises(UserError, match=r"a\.pkl: expected a pickle of arrays only, found"):
        read(tmp_path, pickle.dumps([sample(np.array, img_key=Bomb())]), "a.pkl")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "found an empty file"),
        ("walk-1,902,0.1,0.2,0.3,0.8,1\n", "line 1: no score in the 8th column: labels"),
        ("a,b\n", "line 1: 2 columns: 'a,b'"),
        (MMACTION2 + "walk-1,902,10,20,30,80,1,0.5\n", "line 3: a box that is not in 0..1"),
        ("walk-1,902.5,0.1,0.2,0.3,0.8,1,0.5\n", "line 1: a timestamp or an action id that is not"),
        ("walk-1,902,0.1,0.2,nan,0.8,1,0.5\n", "line 1: a number that is none"),
        (b"\xff\xfe\x00abc", "found a file that is no text"),
        (b"PK\x03\x04 and so on", "found a file of torch.save, as AlphAction's predictions.pth"),
        (pickle.dumps({"a": 1}), "found a pickle of a dict"),
        (pickle.dumps([[np.zeros((2, 5))]]), r"mmaction2 0.x's result.pkl does not say"),
        (pickle.dumps([sample(np.array)])[:-20], "cut short"),
    ],
)
def test_other_files_are_refused_with_what_was_found(tmp_path, content, found):
    with pytest.raises(UserError) as told:
        read(tmp_path, content)
    assert found in str(told.value) and "a.csv" in str(told.value)
    if "cut short" not in found:
        assert "PySlowFast (detections_latest.csv)" in str(told.value)


def test_names_that_are_no_clips_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(MMACTION2 + MMACTION2.replace("walk-1", "run-7"))
    assert clips_in([path], {"walk-1", "run-7", "sit-2"}) == ["run-7", "walk-1"]
    with pytest.raises(UserError, match="names of this project's clips.*found run-7. Clips here "):
        clips_in([path], {"walk-1", "sit-2"})


def test_timestamps_of_another_offset_are_told(tmp_path):
    facts = ClipManifest("walk-1", "v.mp4", 0.0, 30, 300, 640, 360, "", 0)
    _, rows = read(tmp_path, MMACTION2)
    check_rows("a.csv", rows, facts, 900)
    with pytest.raises(UserError, match=r"timestamps 0 to 10 \(timestamp_offset 0\), found 902"):
        check_rows("a.csv", rows, facts, 0)


def test_rounded_boxes_are_the_persons_on_whose_tracks_they_lie(tmp_path):
    tracks = pd.DataFrame(
        [(61, 4, 0.1004, 0.2, 0.2996, 0.8, 0.9), (61, 7, 0.5, 0.2, 0.7, 0.8, 0.9)],
        columns=list(TRACKS),
    )
    far = "walk-1,0902,0.800,0.200,0.900,0.800,2,0.5000\n"
    eighty = "walk-1,0902,0.100,0.200,0.300,0.800,80,0.5000\n"
    _, rows = read(tmp_path, PYSLOWFAST + far + eighty)
    boxes, scores, unknown = boxes_and_scores(rows, tracks, 3, 30, 900)
    assert boxes[["second", "person_id"]].to_numpy().tolist() == [[2, 4], [2, 0]]
    np.testing.assert_array_equal(scores, [[0.9134, np.nan, 0.0412], [np.nan, 0.5, np.nan]])
    assert unknown == 1
