"""What a project's section `features` may ask for, and the message for what it may not."""

import pandas as pd
import pytest
import yaml

from avaflow.errors import UserError
from avaflow.features.files import MANIFEST
from avaflow.features.plan import plan_features
from avaflow.features.video_list import read_video_list
from avaflow.project.config import check_config, load_schema
from avaflow.tables import write_table
from avaflow.workflow.records import Sources
from workflow_runs import ROOT


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Plans with the default settings and a list of two videos, one of them there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pyth").write_text("weights")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").write_text("a")
    (tmp_path / "v" / "list.csv").write_text("b\na\n")
    defaults = yaml.safe_load((ROOT / "config.yaml").read_text())["features"]
    defaults |= {"weights": "w.pyth", "video_list": "v/list.csv"}
    return lambda clips=(), **changed: plan_features(defaults | changed, clips, 2, "results")


def test_a_list(plan, tmp_path):
    made = plan()
    assert made.paths == {"a": "v/a.mp4", "b": "v/b.mp4"}
    assert sorted(name for names in made.batches.values() for name in names) == ["a", "b"]
    (warning,) = made.warnings
    assert warning.endswith("of 2 entries 1 have no video, and are passed over: v/b.mp4")
    batch = next(batch for batch, names in made.batches.items() if "b" in names)
    sources = Sources("results")
    assert "v/b.mp4" not in made.existing_files(batch)
    assert sources.content(made.paths["b"]) == "missing"
    (tmp_path / "v" / "b.mp4").write_text("b")
    assert "v/b.mp4" in made.existing_files(batch)
    assert sources.content(made.paths["b"]) != "missing"
    assert plan().warnings == []


def test_one_image_changes_the_content_of_its_folder(plan, tmp_path):
    (tmp_path / "v" / "a").mkdir()
    (tmp_path / "v" / "a" / "1.jpg").write_text("one")
    made = plan(inputs="frames", frame_pattern="{}.jpg")
    assert made.paths["a"] == "v/a"
    sources = Sources("results")
    before = sources.content(made.paths["a"])
    assert sources.content(made.paths["a"]) == before
    (tmp_path / "v" / "a" / "1.jpg").write_text("another")
    assert sources.content(made.paths["a"]) != before


def test_clips(plan):
    made = plan(["c", "d"], video_list="", persons=True)
    assert made.paths == {} and made.persons
    assert sorted(name for names in made.batches.values() for name in names) == ["c", "d"]


def test_windows_that_a_network_was_not_trained_with_are_told(plan):
    """The defaults are SlowFast's; Slow 4x16 saw every 16th of 30 frames a second."""
    asked = {"architecture": "slow_r50_4x16", "video_list": ""}
    (warning,) = plan(["c"], **asked).warnings
    assert warning.startswith(
        "features.num_frames: slow_r50_4x16 was trained with 4 frames, 1.875 of them a second "
        "(out_fps), found 32 frames, 15 a second."
    )
    assert plan(["c"], **asked, num_frames=4, out_fps=1.875).warnings == []
    assert plan(["c"], video_list="", num_frames=64).warnings == []


def test_nothing_asked_for(plan):
    assert plan(["c"], weights="", video_list="") is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"weights": ""}, "features.weights: SlowFast features need trained weights"),
        ({"weights": "none.pyth"}, "features.weights: none.pyth is missing. Download one"),
        ({"num_frames": 30}, "num_frames: expected a multiple of 4 for slowfast_r50_8x8, found 30"),
        ({"in_fps": 30, "out_fps": 20}, "found 30 and 20: a window takes every"),
        ({"in_fps": 10, "out_fps": 20}, "found 10 and 20: a window takes every"),
        ({"precision": "float16"}, "float16 works on a GPU only"),
        (
            {"inputs": "frames", "frame_pattern": "f.jpg"},
            "such as frame_{:010d}.jpg, found 'f.jpg'",
        ),
        ({"persons": True}, "boxes of persons are known of the project's clips only"),
        ({"video_list": ""}, "video_list: there is no clips table either"),
        ({"video_list": "no.csv"}, "features.video_list: no.csv cannot be read"),
        ({"weights": "v"}, "features.weights: v is a folder: name the file in it"),
        ({"video_suffix": ".MP4"}, "no video of v/list.csv is there: expected v/a.MP4, v/b.MP4"),
        ({"inputs": "frames"}, "no folder of frames of v/list.csv is there: expected v/a, v/b"),
        ({"root": "elsewhere"}, "expected elsewhere/a.mp4"),
    ],
)
def test_settings_that_are_refused(plan, changed, expected):
    with pytest.raises(UserError) as told:
        plan(**changed)
    assert expected in str(told.value)


def test_a_list_with_extensions(plan, tmp_path):
    (tmp_path / "v" / "list.csv").write_text("a.mp4\n")
    with pytest.raises(UserError, match=r"paths without extension, .*: write a, not a\.mp4\.$"):
        plan()
    (tmp_path / "v" / "c.mp4").write_text("c")
    (tmp_path / "v" / "list.csv").write_text("a.mp4\nc\n")
    assert plan().warnings[0].endswith("write a, not a.mp4.")


@pytest.mark.parametrize(
    ("source", "persons"),
    [
        ({}, False),
        ({"clips": ["a"], "video_list": ""}, False),
        ({"clips": ["a"], "video_list": ""}, True),
    ],
)
def test_another_num_frames_after_a_finished_run(plan, tmp_path, source, persons):
    """What was made with 32 is whole, whatever is asked for now."""
    for manifests, folder in (
        ("feature_batches", "features"),
        ("person_feature_batches", "person_features"),
    ):
        array = tmp_path / "results" / folder / "a_32.npy"
        array.parent.mkdir(parents=True)
        array.write_bytes(b"1234")
        array.with_suffix(".json").write_text("{}")
        row = ("a", "made", "a_32.npy", 1, 4, "s", 0, "")
        for batch in "01":
            write_table(
                tmp_path / "results" / manifests / f"{batch}.csv",
                pd.DataFrame([row], columns=list(MANIFEST)),
                MANIFEST,
            )
    for number in (32, 64):
        assert plan(**source, persons=persons, num_frames=number).batches
    (tmp_path / "results" / "features" / "a_32.npy").unlink()
    with pytest.raises(UserError, match=r"a_32\.npy: expected 4 bytes"):
        plan(**source, persons=persons, num_frames=64)


@pytest.mark.parametrize("device", ["gpu", "cuda:0", "", -1, "cpu,0"])
def test_devices_are_checked_at_the_start(device):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    schema = load_schema(ROOT / "schemas" / "config.schema.yaml")
    for known in ("cpu", 0, "1"):
        config["features"]["device"] = known
        check_config(config, schema)
    config["features"]["device"] = device
    with pytest.raises(UserError, match=r"features\.device: expected"):
        check_config(config, schema)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a\n/b\n", "line 2: expected a path below features.root, found '/b'"),
        ("a\n../b\n", "line 2: expected a path below features.root, found '../b'"),
        ("a\n\nb\na\n", "line 4: 'a' stands in line 1 already"),
        ("a/" + "b" * 256, "... is no path: a name in it has 256 bytes"),
        ("{a}\n", "line 1: '{a}' has a character that paths here cannot have"),
        ("\n \n", "names no video"),
    ],
)
def test_lists_that_are_refused(tmp_path, lines, expected):
    (tmp_path / "list.csv").write_text(lines)
    with pytest.raises(UserError) as told:
        read_video_list(tmp_path / "list.csv")
    assert expected in str(told.value)


def test_lists_of_any_editor(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"\xef\xbb\xbfb/c\r\n\r\n  a b\r\n")
    assert read_video_list(tmp_path / "list.csv") == ["a b", "b/c"]
