"""What a project may say, and the one message for each thing that stops it before any job."""

import copy

import pytest
import yaml

from avaflow.annotation.finished import find_finished
from avaflow.errors import UserError
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.project.config import check_config, load_schema
from avaflow.workflow.project import load_project
from numbered_videos import make_video


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("v") / "v.mp4", frames=300)


@pytest.fixture
def project(tmp_path, video, request, monkeypatch):
    """A config whose project can be loaded, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    root = request.config.rootpath
    config = yaml.safe_load((root / "config.yaml").read_text())
    (tmp_path / "w.pt").write_bytes(b"weights")
    config["detector"]["weights"] = "w.pt"
    rows = [f"a\t{video}\t0\t5\ttrain", f"b\t{video}\t5\t\ttrain"]
    write_clips(tmp_path, rows)

    def load(**changes):
        changed = copy.deepcopy(config)
        for path, value in changes.items():
            *parents, last = path.split("__")
            place = changed
            for parent in parents:
                place = place[parent]
            place[last] = value
        return load_project(changed, root / "schemas")

    return load


def write_clips(folder, rows):
    text = "\n".join(["clip\tvideo\tstart\tend\tsplit", *rows]) + "\n"
    (folder / "clips.tsv").write_text(text)


def test_a_project(project, tmp_path):
    loaded = project()
    assert [clip.id for clip in loaded.clips] == ["a", "b"]
    assert loaded.splits == ["train"] and loaded.annotated_splits == []
    assert loaded.awaiting == ["a", "b"] and loaded.warnings == []
    assert sorted(id for ids in loaded.batches.values() for id in ids) == ["a", "b"]
    assert loaded.detector.model == "w.pt"
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "b_finish.json").write_text("{}")
    loaded = project()
    assert loaded.finished == {"b": "annotations/b_finish.json"}
    assert loaded.annotated_splits == ["train"] and loaded.awaiting == ["a"]


def test_leakage_warns_and_strict_stops(project, tmp_path, video):
    write_clips(tmp_path, [f"a\t{video}\t0\t5\ttrain", f"b\t{video}\t5\t\tval"])
    (warning,) = project().warnings
    assert "a (train), b (val)" in warning
    with pytest.raises(UserError, match=r"(?s)`strict` is set.*a \(train\), b \(val\)"):
        project(strict=True)


def test_a_rest_of_a_divided_range_is_told_but_never_stops(project, tmp_path, video):
    text = f"clip\tvideo\tstart\tend\tsplit\tcut\na\t{video}\t0\t\ttrain\t4.5\n"
    (tmp_path / "clips.tsv").write_text(text)
    (warning,) = project(strict=True).warnings
    assert "the last 1.00 s of the range are left out" in warning


def test_stray_annotations_warn_and_double_ones_stop(tmp_path):
    for name in ("a.json", "A1_finish.json", "notes.txt", "b_finish.json"):
        (tmp_path / name).write_text("{}")
    finished, warnings = find_finished(tmp_path, {"a", "b"})
    assert list(finished) == ["a", "b"]
    assert len(warnings) == 1 and "A1_finish.json: no clip of this name" in warnings[0]
    (tmp_path / "a_finish.json").write_text("{}")
    with pytest.raises(UserError, match="clip a: both .*a.json and .*a_finish.json are there"):
        find_finished(tmp_path, {"a", "b"})
    assert find_finished(tmp_path / "none", {"a"}) == ({}, [])


@pytest.mark.parametrize(
    "name",
    [
        *("a_finish (1).json", "a_finish(1).json", "a_finish-1.json", "a (12).json"),
        *("a_finish copy.json", "a_finish copy 2.json"),
    ],
)
def test_a_second_save_names_its_clip_and_is_not_used(tmp_path, name):
    (tmp_path / name).write_text("{}")
    (tmp_path / "other (1).json").write_text("{}")
    finished, (other, second) = find_finished(tmp_path, {"a", "a-1"})
    assert finished == {}
    assert f"{name}: named as browsers name a second save of clip a, so it is not" in second
    assert second.endswith("Rename it a_finish.json") and "no clip of this name" in other
    (tmp_path / "a.json").write_text("{}")
    finished, (_, second) = find_finished(tmp_path, {"a", "a-1"})
    assert finished == {"a": str(tmp_path / "a.json")}
    assert f"{name}: a second save of clip a" in second
    assert "not used: a.json is. Rename it over a.json if it is the one that counts" in second


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"detector__weights": "models/mine.pt"}, "models/mine.pt is missing. Put the file there"),
        ({"detector__weights": "mine.onnx"}, "mine.onnx is missing"),
        ({"trim__fps": 25}, "counts 30 frames a second, trim.fps is 25"),
        ({"timestamp_offset": 0}, "timestamp_offset is 0. Set timestamp_offset: 900"),
        ({"rawframes__enabled": False}, "reads frames as JPEG only, and none are kept"),
        ({"keyframes__margin": 1}, "expected at least 2 s"),
        ({"via__page": "via.html"}, "via.page: via.html is missing"),
        ({"via__page": "/etc/passwd"}, "via.page: /etc/passwd: expected .* found no html page"),
        ({"via__page": "download", "via__url": ""}, "via.url is not an http"),
        ({"trim__ffmpeg": "no-such-ffmpeg"}, "no such program can be run"),
        ({"clips": "none.tsv"}, "none.tsv: the clips table is missing"),
        ({"detector__stide": 5}, "detector.stide: unknown key; did you mean `stride`"),
        (
            {"detector__confidence": 0},
            r"detector.confidence: expected at least 0.001 \(.*\), found 0",
        ),
        ({"annotations": "a{b}"}, r"annotations: expected a path without \{ and \}"),
        ({"actions": []}, "actions: expected a list of at least 1"),
        ({"exports": ["voc"]}, "expected one of mmaction2, slowfast, datumaro"),
        ({"alphaction__name": "my data"}, "alphaction.name: expected letters, digits, _, . and -"),
        ({"existing__files": "none.json"}, "existing.files: none.json is missing"),
        ({"trim__short_side": 255}, "expected `keep` or a whole number from 32, a multiple of 2"),
    ],
)
def test_settings_that_are_refused(project, changes, message):
    with pytest.raises(UserError, match=message):
        project(**changes)


def test_known_weights_are_left_to_the_download(project):
    detector = project(detector__weights="yolo11n.pt").detector
    assert detector.files == ["results/models/yolo11n.pt"]


def test_export_for_the_processor_is_a_target_of_its_own(project):
    detector = project(detector__export="openvino").detector
    assert detector.weights == "w.pt"
    assert detector.files == ["results/models/w.openvino.json"]
    assert detector.model == "results/models/w_openvino_model"
    on_gpu = project(detector__export="openvino", detector__device=0).detector
    assert on_gpu.files == ["w.pt"]


def test_action_ids_run_through_the_attributes():
    attributes = attributes_from_config(
        [
            {"attribute": "head", "options": ["talk", "bow"]},
            {
                "attribute": "body",
                "choose": "single",
                "options": ["sit"],
                "renamed": {"sat": "sit"},
            },
        ]
    )
    assert [(a.id, a.name, a.attribute) for a in all_actions(attributes)] == [
        (1, "talk", "head"),
        (2, "bow", "head"),
        (3, "sit", "body"),
    ]
    assert [attribute.multiple for attribute in attributes] == [True, False]
    assert attributes[1].renamed == {"sat": "sit"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"attribute": "a", "options": ["x", "x"]}], "action 'x' is in 'a' and in 'a'"),
        ([{"attribute": "a", "options": ["x"]}] * 2, "attribute 'a' is listed twice"),
        ([{"attribute": "person", "options": ["x"]}], "taken by the person id"),
        ([{"attribute": "a", "options": ['say "hi"']}], "quotes"),
        ([{"attribute": "a", "options": [f"x{n}" for n in range(81)]}], "81 actions"),
        (
            [{"attribute": "a", "options": ["x"], "renamed": {"y": "z"}}],
            "'y' is now 'z', which is not among its options x",
        ),
        ([{"attribute": "a", "options": ["x"], "renamed": {"x": "x"}}], "still an option"),
    ],
)
def test_actions_that_are_refused(entries, message):
    with pytest.raises(UserError, match=message):
        attributes_from_config(entries)


def test_config_of_the_project_and_of_the_demo_meet_the_schema(request):
    root = request.config.rootpath
    schema = load_schema(root / "schemas" / "config.schema.yaml")
    check_config(yaml.safe_load((root / "config.yaml").read_text()), schema)


def test_a_project_without_a_clips_table_needs_another_part(project, monkeypatch):
    with pytest.raises(UserError, match="`clips` is empty, and nothing else is asked for"):
        project(clips="")
    monkeypatch.setattr("avaflow.workflow.project.OTHER_PARTS", {"via": "url"})
    loaded = project(clips="")
    assert loaded.clips == [] and loaded.finished == {} and loaded.batches == {}


def test_existing_annotations_are_checked_before_any_job(project, tmp_path):
    hand = tmp_path / "hand.json"
    hand.write_text('{"a/902.jpg": [{"bbox": [1, 2, 30, 40], "action": "walk"}]}')
    loaded = project(existing__files="hand.json")
    assert loaded.imported == ["a"] and loaded.annotated_splits == ["train"]
    assert loaded.projects == {} and list(loaded.finished) == ["a"]
    before = loaded.existing.digests
    hand.write_text('{"a/902.jpg": [{"bbox": [1, 2, 30, 41], "action": "walk"}]}')
    assert project(existing__files="hand.json").existing.digests != before
    hand.write_text('{"a/909.jpg": [{"bbox": [1, 2, 30, 40], "action": "walk"}]}')
    with pytest.raises(UserError, match=r"'a/909.jpg': second 9 is not in clip a"):
        project(existing__files=["hand.json"])


def test_a_clip_is_finished_once(project, tmp_path):
    (tmp_path / "hand.json").write_text('{"a/902.jpg": []}')
    (tmp_path / "annotations").mkdir(exist_ok=True)
    (tmp_path / "annotations" / "a_finish.json").write_text("{}")
    with pytest.raises(UserError, match=r"(?s)annotated here too.*clip a: .*a_finish.js"):
        project(existing__files="hand.json")


def test_alphaction_needs_its_window_inside_the_clip(project):
    changes = {"trim__fps": 60, "keyframes__margin": 1, "exports": ["alphaction"]}
    with pytest.raises(UserError, match=r"keyframes.margin: 1 s, but AlphAction reads 32 frames"):
        project(**changes)
    assert project(**changes, alphaction__fps=50).warnings == []
