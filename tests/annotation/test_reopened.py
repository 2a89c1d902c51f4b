"""What a clip's page opens: a finished project of anybody's, as VIA can work with it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from avaflow.annotation.reopened import opened_project
from avaflow.annotation.via import parse_project, project
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS
from via_projects import ATTRIBUTES as SAVED_ACTIONS
from via_projects import IMAGE, SECONDS, saved_by_via

ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "<b>bow</b>"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit"]},
]
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 640, 360, "") for s in (2, 3)],
    columns=list(KEYFRAMES),
)
TRACK_TABLE = pd.DataFrame([(61, 1, 0.1, 0.2, 0.3, 0.6, 0.9)], columns=list(TRACKS))


def made(actions=ACTIONS, start=1.5) -> dict:
    attributes = attributes_from_config(actions)
    return project("c-1", KEYFRAME_TABLE, TRACK_TABLE, attributes, "../keyframes/c-1", start)


def opened(tmp_path: Path, content: object, actions=ACTIONS, fresh=None):
    path = tmp_path / "c-1_finish.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return opened_project(fresh or made(actions), path, attributes_from_config(actions))


def ticks(content: dict) -> dict:
    return {box.key: box.ticks for box in parse_project(content, Path("x")).boxes}


def test_without_a_finished_project_the_one_that_was_made():
    assert opened_project(made(), None, attributes_from_config(ACTIONS)) == (made(), "", "")


def test_what_was_finished_here_comes_back_as_it_was(tmp_path):
    content = made()
    content["metadata"]["1_p1"]["av"] |= {"1": "1,0", "2": ""}
    content["metadata"]["1_p1"]["xy"] = [2, 1, 2, -3.5, 4]
    result = opened(tmp_path, content)
    assert result.project == content
    assert (result.source, result.trouble) == (str(tmp_path / "c-1_finish.json"), "")


def test_a_project_of_another_tool_gets_our_images(tmp_path):
    keyframes = pd.DataFrame(
        [(s, 30 * s + 1, f"h-2_{s:06d}.jpg", *IMAGE, "") for s in SECONDS],
        columns=list(KEYFRAMES),
    )
    attributes = attributes_from_config(SAVED_ACTIONS)
    fresh = project("h-2", keyframes, TRACK_TABLE.iloc[:0], attributes, "../keyframes/h-2", 0)
    saved = saved_by_via()
    # Annotated elsewhere, the last image removed, and the views under other numbers.
    for part in ("file", "view"):
        saved[part] = {f"1{key}": value for key, value in saved[part].items() if key != "5"}
    for fid, view in zip(saved["file"], saved["view"].values(), strict=True):
        view["fid_list"] = [fid]
    saved["project"]["vid_list"] = list(saved["view"])
    boxes = {k: v | {"vid": f"1{v['vid']}"} for k, v in saved["metadata"].items() if k[0] != "5"}
    saved["metadata"] = boxes
    result = opened(tmp_path, saved, SAVED_ACTIONS, fresh)
    assert result.trouble == ""
    content = result.project
    assert content["metadata"] == boxes
    assert content["project"]["vid_list"] == ["11", "12", "13", "14"]
    assert content["file"]["12"] == {
        "fid": "12",
        "fname": "h-2_000001.jpg",
        "type": 2,
        "loc": 2,
        "src": "../keyframes/h-2/h-2_000001.jpg",
    }
    assert content["config"]["ui"]["spatial_region_label_attribute_id"] == "4"
    assert ticks(content) == ticks(saved)
    # Who made it is kept, and no start or size is claimed for it.
    assert content["project"]["creator"] == "another tool names=escaped"
    assert parse_project(content, Path("x")).start is None


def test_names_are_escaped_once_whoever_wrote_them(tmp_path):
    older = made()
    older["project"]["creator"] = "avaflow start=1.500000 picture=640x360"
    older["attribute"]["1"]["options"] = {"0": "talk", "1": "<b>bow</b>"}
    for content in (made(), older):
        content["metadata"]["1_p1"]["av"]["1"] = "1"
        result = opened(tmp_path, content)
        assert result.project["attribute"] == made()["attribute"]
        assert result.project["project"] == made()["project"]
        assert ticks(result.project) == {"1_p1": (("head", "<b>bow</b>"),)}


def test_what_the_config_gained_can_be_ticked(tmp_path):
    content = made()
    content["metadata"]["1_p1"]["av"] |= {"1": "0", "2": "1"}
    now = [
        {"attribute": "limbs", "options": ["catch"]},
        {"attribute": "body", "options": ["run", "rest", "stand"], "renamed": {"sit": "rest"}},
        ACTIONS[0],
    ]
    listed = opened(tmp_path, content, now).project["attribute"]
    assert {aid: entry["aname"] for aid, entry in listed.items()} == {
        **{"1": "head", "2": "body", "3": "person", "4": "limbs"}
    }
    # What was ticked keeps its number; "sit" is only called "rest" now.
    assert listed["2"]["options"] == {"0": "stand", "1": "sit", "2": "run"}
    assert (listed["2"]["type"], listed["4"]["type"]) == (2, 2)  # any number of options


def test_values_that_would_stop_or_steer_via_are_put_right(tmp_path):
    content = made()
    content["attribute"]["9"] = {"aname": "<i>", "type": 99, "options": ["x"], "desc": "<script>"}
    content["attribute"]["3"]["default_option_id"] = "7"
    content["file"]["1"] |= {"fname": "<img src=x>", "loc": 3, "type": 4}
    content["config"]["file"] = {"loc_prefix": {"2": "https://example.invalid/"}}
    content["config"]["ui"] = {"spatial_region_label_attribute_id": "2"}
    content["metadata"] = {
        "1_a": {"vid": 1, "xy": [2, 1, 2, 3, 4], "av": {"1": 0, "2": None, "3": 5}, "extra": "x"},
        "1_b": {"vid": "1", "xy": [2, 1, "2"], "z": [3], "flg": "x"},
        "1_c": "no box",
        "__proto__": {"vid": "1", "xy": [], "av": {}},
    }
    result = opened(tmp_path, content)
    assert result.trouble == ""
    assert result.project["metadata"] == {
        "1_a": {
            **{"vid": "1", "flg": 0, "z": [], "xy": [2, 1, 2, 3, 4]},
            "av": {"1": "0", "2": "", "3": "5"},
        },
        "1_b": {"vid": "1", "flg": 0, "z": [], "xy": [], "av": {}},
    }
    fresh = made()
    assert result.project["file"] == fresh["file"]
    assert result.project["config"] == fresh["config"]
    strange = result.project["attribute"]["9"]
    assert (strange["aname"], strange["type"], strange["desc"]) == ("&lt;i&gt;", 1, "")
    assert result.project["attribute"]["3"]["default_option_id"] == ""


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        (lambda c: "{", "found a file that is not JSON"),
        (lambda c: {"format": "x", "persons": []}, "annotated on annotate/c-1.html: go on there"),
        (lambda c: c | {"view": {}}, "expected images of clip c-1, found none"),
        (
            lambda c: json.dumps(c).replace("c-1_000091.jpg", "d-2_000091.jpg"),
            "expected images of clip c-1, found d-2_000091.jpg",
        ),
        (lambda c: made(start=2.5), "when the clip began at 2.5 s of its video; now it begins at"),
        (lambda c: json.dumps(c)[:-1] + ',"view":{}}', "'view' is there twice"),
    ],
)
def test_what_cannot_be_opened_leaves_the_project_as_made_and_says_why(tmp_path, change, trouble):
    result = opened(tmp_path, change(made()))
    assert result.project == made() and result.source == ""
    assert trouble in result.trouble and "c-1_finish.json: " in result.trouble


def test_a_start_is_told_by_a_box_too(tmp_path):
    content = made()
    content["project"]["creator"] = "x"
    content["metadata"]["1_p1"]["avaflow"]["start"] = 9.5
    assert "began at 9.5 s" in opened(tmp_path, content).trouble
