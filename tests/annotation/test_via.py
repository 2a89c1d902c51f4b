"""VIA 3 projects: what VIA asks of the file, what it saves, and what a reader survives."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from avaflow.annotation.via import Origin, project, read_project, write_project
from avaflow.errors import UserError
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS
from via_projects import saved_by_via

SHARED = Path(__file__).parents[3] / "shared"

ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]
ATTRIBUTES = attributes_from_config(ACTIONS)

KEYFRAME_TABLE = pd.DataFrame(
    [
        (2, 61, "c-1_000061.jpg", 1000, 500, "aa"),
        (3, 91, "c-1_000091.jpg", 1000, 500, "bb"),
    ],
    columns=list(KEYFRAMES),
)
TRACK_TABLE = pd.DataFrame(
    [
        (61, 1, 0.1, 0.2, 0.3, 0.6, 0.9),
        (61, 12, 0.5, 0.5, 0.5123456, 0.75, 0.8),
        (66, 1, 0.1, 0.2, 0.3, 0.6, 0.9),
        (91, 1, 0.15, 0.2, 0.35, 0.6, 0.9),
    ],
    columns=list(TRACKS),
)


def made() -> dict:
    return project("c-1", KEYFRAME_TABLE, TRACK_TABLE, ATTRIBUTES, "../keyframes/c-1", 1.5)


def saved(tmp_path: Path, content: object, text: str = "") -> Path:
    path = tmp_path / "c-1_finish.json"
    path.write_text(text or json.dumps(content), encoding="utf-8")
    return path


# ------------------------------------------------------------- what is written


def test_images_load_by_themselves():
    content = made()
    assert content["project"]["vid_list"] == ["1", "2"]
    assert content["view"] == {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}}
    assert content["file"]["2"] == {
        "fid": "2",
        "fname": "c-1_000091.jpg",
        "type": 2,
        "loc": 2,
        "src": "../keyframes/c-1/c-1_000091.jpg",
    }
    assert content["config"]["file"]["loc_prefix"] == {"1": "", "2": "", "3": "", "4": ""}


def test_attributes_follow_the_config_and_person_comes_last():
    attributes = made()["attribute"]
    assert [a["aname"] for a in attributes.values()] == ["head", "body", "person"]
    assert [a["type"] for a in attributes.values()] == [2, 3, 1]
    assert attributes["2"]["options"] == {"0": "stand", "1": "sit", "2": "walk"}
    assert {a["anchor_id"] for a in attributes.values()} == {"FILE1_Z0_XY1"}


def test_nothing_is_ticked_and_the_label_is_the_person():
    content = made()
    assert {a["default_option_id"] for a in content["attribute"].values()} == {""}
    assert [entry["av"] for entry in content["metadata"].values()] == [
        {"3": "1"},
        {"3": "12"},
        {"3": "1"},
    ]
    assert content["config"]["ui"]["spatial_region_label_attribute_id"] == "3"
    assert content["config"]["ui"]["spatial_metadata_editor_visible"] is True


def test_boxes_on_keyframes_only_in_pixels():
    metadata = made()["metadata"]
    assert list(metadata) == ["1_p1", "1_p12", "2_p1"]
    assert metadata["1_p1"]["xy"] == [2, 100.0, 100.0, 200.0, 200.0]
    assert metadata["1_p12"]["xy"] == [2, 500.0, 250.0, 12.346, 125.0]
    assert all(entry["z"] == [] and entry["flg"] == 0 for entry in metadata.values())
    assert metadata["2_p1"]["vid"] == "2"
    assert metadata["2_p1"]["avaflow"] == {
        "track": 1,
        "box": [150.0, 100.0, 200.0, 200.0],
        "picture": [1000, 500],
        "sha256": "bb",
        "start": 1.5,
    }


@pytest.mark.parametrize(
    ("name", "src", "fname"),
    [
        ("a#b_000061.jpg", "../k/a%23b_000061.jpg", "a#b_000061.jpg"),
        ("a?b_000061.jpg", "../k/a%3Fb_000061.jpg", "a?b_000061.jpg"),
        ("a%b_000061.jpg", "../k/a%25b_000061.jpg", "a%25b_000061.jpg"),
        ("a b_000061.jpg", "../k/a%20b_000061.jpg", "a b_000061.jpg"),
    ],
)
def test_names_that_addresses_cannot_hold(tmp_path, name, src, fname):
    keyframes = KEYFRAME_TABLE.iloc[:1].assign(file=name)
    content = project("c-1", keyframes, TRACK_TABLE, ATTRIBUTES, "../k", 1.5)
    assert (content["file"]["1"]["src"], content["file"]["1"]["fname"]) == (src, fname)
    assert read_project(saved(tmp_path, content)).images == (name,)


def test_same_input_same_bytes_and_one_line(tmp_path):
    shuffled = project(
        "c-1", KEYFRAME_TABLE[::-1], TRACK_TABLE[::-1], ATTRIBUTES, "../keyframes/c-1", 1.5
    )
    write_project(tmp_path / "a.json", made())
    write_project(tmp_path / "b.json", shuffled)
    content = (tmp_path / "a.json").read_bytes()
    assert content == (tmp_path / "b.json").read_bytes()
    assert content.count(b"\n") == 1 and content.isascii()


def test_two_boxes_of_a_person_on_a_keyframe_are_refused():
    double = pd.concat([TRACK_TABLE, TRACK_TABLE.iloc[:1]])
    with pytest.raises(ValueError, match="person 1 has two boxes on frame 61"):
        project("c-1", KEYFRAME_TABLE, double, ATTRIBUTES, "", 0)


NAMES = ["<img src=x onerror=alert(1)>", "a & b", "&lt;b&gt;", "it's", "&amp;amp;", "5 > 3 < 4"]


def test_names_are_text_to_via_and_come_back_as_they_were(tmp_path):
    attributes = attributes_from_config([{"attribute": "<b>body</b>", "options": NAMES}])
    content = project("c-1", KEYFRAME_TABLE, TRACK_TABLE, attributes, "", 1.5)
    shown = content["attribute"]["1"]
    assert not re.search("[<>\"']", "".join([shown["aname"], *shown["options"].values()]))
    assert shown["options"]["2"] == "&amp;lt;b&amp;gt;"  # VIA shows &lt;b&gt;
    assert read_project(saved(tmp_path, content)).options["<b>body</b>"] == tuple(NAMES)


def test_names_of_projects_made_before_stand_for_themselves(tmp_path):
    content = made()
    for creator in ("avaflow start=1.500000 picture=1000x500", "another tool", None):
        content["project"]["creator"] = creator
        content["attribute"]["1"]["options"] = {"0": "&lt;b&gt;", "1": "a & b"}
        assert read_project(saved(tmp_path, content)).options["head"] == ("&lt;b&gt;", "a & b")


# ------------------------------------------------------------- what is read


def test_round_trip(tmp_path):
    write_project(tmp_path / "c.json", made())
    read = read_project(tmp_path / "c.json")
    assert read.name == "c-1"
    assert read.options == {"head": ("talk", "bow"), "body": ("stand", "sit", "walk"), "person": ()}
    assert read.images == ("c-1_000061.jpg", "c-1_000091.jpg")
    assert [box.key for box in read.boxes] == ["1_p1", "1_p12", "2_p1"]
    box = read.boxes[2]
    assert (box.image, box.box_px, box.ticks, box.person) == (
        "c-1_000091.jpg",
        (150.0, 100.0, 200.0, 200.0),
        (),
        "1",
    )
    assert box.origin == Origin(1, (150.0, 100.0, 200.0, 200.0), (1000, 500), "bb", 1.5)
    assert not read.problems and not read.remarks


def test_project_saved_by_via(tmp_path):
    read = read_project(saved(tmp_path, saved_by_via()))
    assert read.name == "h-2"
    assert read.images == tuple(f"h-2_{number:06d}.jpg" for number in range(5))
    boxes = {box.key: box for box in read.boxes}
    assert len(boxes) == 16
    assert boxes["1_p1"].ticks == (("head", "talk"), ("body", "stand"))
    # Clicked: walk, then catch, then hand up.
    assert boxes["1_p2"].ticks == (("body", "walk"), ("limbs", "catch"), ("limbs", "hand up"))
    assert boxes["2_p1"].ticks == (("head", "bow"),)
    assert boxes["3_p2"].ticks == () and boxes["3_p2"].person == "2"
    drawn = boxes["1_Qm3xW_d8"]
    assert drawn.box_px == (720.40816, 181.22449, 74.5102, 203.26531)
    assert (drawn.person, drawn.ticks, drawn.origin) == ("7", (("body", "stand"),), None)
    assert "1_p3" not in boxes  # deleted
    assert boxes["2_p3"].box_px == (1002, -60.2449, 62, 148.25)
    assert sum(bool(box.ticks) for box in read.boxes) == 4
    assert (read.start, read.image_size) == (None, None)
    assert not read.problems and not read.remarks


def test_project_saved_by_the_real_via():
    path = SHARED / "via" / "finished_real.json"
    if not path.exists():
        pytest.skip("the project saved by the real VIA lies outside the repository")
    read = read_project(path)
    assert read.name == "c1"
    assert read.images == tuple(f"c1_{number:06d}.jpg" for number in range(7))
    boxes = {box.key: box for box in read.boxes}
    assert len(boxes) == 25
    assert boxes["1_p1"].ticks == (("head", "talk"), ("body", "stand"))
    # Clicked: walk, then catch, then hand up.
    assert boxes["1_p2"].ticks == (("body", "walk"), ("limbs", "catch"), ("limbs", "hand up"))
    assert boxes["2_p1"].ticks == (("head", "bow"),)
    assert boxes["1_p4"].ticks == () and boxes["1_p4"].person == "4"
    drawn = boxes["1_NPjjtEe0"]
    assert drawn.box_px == (500.332, 159.953, 60.142, 165.071)
    assert (drawn.person, drawn.ticks, drawn.origin) == ("5", (("body", "stand"),), None)
    assert "1_p3" not in boxes  # deleted
    assert sum(bool(box.ticks) for box in read.boxes) == 4
    assert not read.problems and not read.remarks


def test_ticks_come_in_click_order_each_once(tmp_path):
    content = made()
    content["metadata"]["1_p1"]["av"] |= {"1": "1,0,1", "2": ""}
    assert read_project(saved(tmp_path, content)).boxes[0].ticks == (
        ("head", "bow"),
        ("head", "talk"),
    )


def test_byte_order_mark_and_pretty_print(tmp_path):
    path = tmp_path / "c.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(made(), indent=2).encode())
    assert len(read_project(path).boxes) == 3


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"xy": []}, "entry '1_p1': it has no rectangle"),
        ({"xy": [7, 1, 2, 3, 4, 5, 6]}, "entry '1_p1': it has no rectangle"),
        ({"xy": [2, 1, 2, None, 4]}, "entry '1_p1': it has no rectangle"),
        ({"vid": "99"}, "entry '1_p1': its image is no longer in the project"),
    ],
)
def test_entries_without_a_box_are_remarked_but_their_ticks_are_problems(tmp_path, change, remark):
    content = made()
    content["metadata"]["1_p1"] |= change
    read = read_project(saved(tmp_path, content))
    assert len(read.boxes) == 2 and not read.problems
    assert read.remarks[0].startswith(remark)
    content["metadata"]["1_p1"]["av"]["1"] = "0"
    read = read_project(saved(tmp_path, content))
    assert not read.remarks
    assert "box '1_p1' has 1 tick(s), but" in read.problems[0]


def test_what_else_a_saved_project_can_be(tmp_path):
    content = made()
    del content["metadata"]["1_p1"]["av"]
    del content["metadata"]["1_p1"]["avaflow"]
    content["metadata"]["1_p12"]["xy"] = [2, 100, 100, -50, -20.5]
    content["metadata"]["1_p12"]["vid"] = 1
    content["metadata"]["1_p12"]["av"]["3"] = 12
    content["metadata"]["2_p1"]["avaflow"] = {"track": "x"}
    content["project"]["vid_list"] = ["2"]  # a list that lost an image
    read = read_project(saved(tmp_path, content))
    first, second, third = read.boxes
    assert (first.ticks, first.person, first.origin) == ((), "", None)
    assert (second.box_px, second.person) == ((100.0, 100.0, -50.0, -20.5), "12")
    assert third.origin is None
    assert set(read.images) == {"c-1_000061.jpg", "c-1_000091.jpg"}


def test_removed_image(tmp_path):
    content = made()
    content["project"]["vid_list"] = ["1"]
    for part in ("file", "view"):
        del content[part]["2"]
    del content["metadata"]["2_p1"]
    read = read_project(saved(tmp_path, content))
    assert read.images == ("c-1_000061.jpg",)
    assert len(read.boxes) == 2


def test_ticks_that_name_nothing_are_problems(tmp_path):
    content = made()
    content["metadata"]["1_p1"]["av"] |= {"1": "0,7", "9": "0"}
    read = read_project(saved(tmp_path, content))
    assert read.boxes[0].ticks == (("head", "talk"),)
    assert read.problems == (
        "box '1_p1': option '7' of attribute 'head' is ticked but not listed",
        "box '1_p1': value '0' belongs to attribute '9', which the file does not list",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip,second\n", "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "JSON without 'project', 'attribute', 'file', 'view', 'metadata'"),
        ('{"project": {}, "metadata": []}', "JSON without 'attribute', 'file', 'view', 'metadata'"),
        ('{"_via_settings": {}}', "one of VIA 2"),
    ],
)
def test_what_is_not_via(tmp_path, text, expected):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_project(path)
    assert str(path) in str(error.value) and expected in str(error.value)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "c.json"
    path.write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(UserError, match="not JSON"):
        read_project(path)


def test_numbers_beyond_floating_point_are_no_traceback(tmp_path):
    content = made()
    content["metadata"]["1_p1"]["xy"][1] = 10**400
    content["metadata"]["1_p1"]["avaflow"]["start"] = 10**400
    read = read_project(saved(tmp_path, content))
    assert len(read.boxes) == 2 and len(read.remarks) == 1


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('"av":{"3":"1"}', '"av":{"1":"0","3":"1","1":""}', "1"),
        ('"1_p12":', '"1_p1":', "1_p1"),
        ('"metadata":', '"metadata":{},"metadata":', "metadata"),
    ],
)
def test_an_entry_that_is_there_twice_is_refused(tmp_path, before, after, key):
    """One of the two would win in silence, and with it a tick be lost."""
    text = json.dumps(made(), separators=(",", ":"))
    assert before in text
    path = saved(tmp_path, None, text.replace(before, after, 1))
    with pytest.raises(UserError, match=f"{path}: the entry '{key}' is there twice"):
        read_project(path)


def test_a_file_beyond_any_project_is_not_read(tmp_path, monkeypatch):
    path = saved(tmp_path, made())
    size_mb = path.stat().st_size / 1e6
    assert read_project(path, size_mb).name == "c-1"
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    with pytest.raises(UserError, match="at most 0.0005 MB, found 0.0 MB.*via.max_project_mb"):
        read_project(path, 0.0005)
