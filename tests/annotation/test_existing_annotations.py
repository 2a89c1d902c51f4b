"""Existing annotations through the real Snakemake: a project without a finished VIA project."""

import json

import cv2
import pytest

import readers
from frame_number import read_frame_number
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

# Two keyframes of the demo's corridor, boxes in pixels of its 640 x 360 segments.
HAND = {
    "corridor/0003.jpg": [
        {"bbox": [128, 36, 64, 180], "action": "walk"},
        {"bbox": [128, 36, 64, 180], "action": "talk"},
        {"bbox": [320, 72, 64, 180], "action": "stand"},
    ],
    "corridor/0005.jpg": [],
    "yard/0004.jpg": [{"bbox": [10, 20, 50, 120], "action": "sit"}],
}


@pytest.fixture(scope="module")
def existing(tmp_path_factory, followed_demo):
    workspace = Workspace(
        tmp_path_factory.mktemp("hand") / "w",
        batches=1,
        exports=["alphaction"],
        existing={"files": "hand.json"},
        alphaction={"numbering": "sequence", "preset": "ultrafast"},
    )
    followed_demo(workspace)
    (workspace.folder / "hand.json").write_text(json.dumps(HAND))
    run = workspace.run("alphaction")
    assert run.status == 0, run.output
    workspace.first_run = run
    workspace.made = workspace.folder / "results" / "dataset" / "alphaction"
    return workspace


def test_the_annotations_arrive(existing):
    assert "dataset            train.csv, val.csv, for alphaction" in existing.first_run.output
    text = (existing.made / "annotations" / "train.csv").read_text()
    assert text == (
        "corridor,902,0.200000,0.100000,0.300000,0.600000,1,8\n"
        "corridor,902,0.200000,0.100000,0.300000,0.600000,5,8\n"
        "corridor,902,0.500000,0.200000,0.600000,0.700000,3,9\n"
    )
    # Named without a box is judged as empty; seconds that are not named are left out.
    excluded = (existing.made / "annotations" / "train_excluded_timestamps.csv").read_text()
    assert excluded.split() == [f"corridor,{t:04d}" for t in (903, 905, 906, 907, 908, 909)]
    train = json.loads((existing.made / "annotations" / "train.json").read_text())
    assert [i["file_name"] for i in train["images"]] == ["corridor/0003.jpg", "corridor/0005.jpg"]
    assert [(a["bbox"], a["action_ids"]) for a in train["annotations"]] == [
        ([128.0, 36.0, 64.0, 180.0], [1, 5]),
        ([320.0, 72.0, 64.0, 180.0], [3]),
    ]
    keyframe = cv2.imread(str(existing.made / "keyframes/train/corridor/0003.jpg"))
    assert read_frame_number(keyframe) == round((0.5 + 2) * 30)
    assert (existing.made / "clips/val/yard/0004.mp4").exists()
    assert "for loaders written to a guide" in (existing.made / "README.md").read_text()


def test_by_timestamp_alphactions_loader_reads_them(existing):
    hand = {file.replace("/000", "/90").replace(".jpg", ""): b for file, b in HAND.items()}
    named = {f"{file[:-1]}{int(file[-1]) - 1}.jpg": boxes for file, boxes in hand.items()}
    assert set(named) == {"corridor/902.jpg", "corridor/904.jpg", "yard/903.jpg"}
    (existing.folder / "named.json").write_text(json.dumps(named))
    changed = {
        "results": "by-timestamp",
        "existing": {"files": "named.json"},
        "alphaction": {"numbering": "timestamp"},
    }
    run = existing.run("alphaction", **changed)
    assert run.status == 0, run.output
    folder = existing.folder / "by-timestamp" / "dataset" / "alphaction"
    (sample,) = readers.alphaction_samples(folder, "train")
    assert (sample.movie, sample.timestamp) == ("corridor", 902)
    assert read_frame_number(sample.frames[50][:, :, ::-1]) == 75
    assert sample.labels.sum() == 3 and len(sample.boxes) == 2


def test_a_changed_annotation_rebuilds_the_dataset_alone(existing):
    assert existing.run("alphaction").nothing_to_do
    path = existing.folder / "hand.json"
    before = path.read_text()
    try:
        path.write_text(json.dumps(HAND | {"yard/0005.jpg": []}))
        plan = existing.plan("alphaction")
        plan.pop("alphaction", 0)
        assert plan == {
            "import_existing": 1,
            "read_labels": 1,
            "propose": 1,
            "write_ava": 1,
            "export_alphaction": 1,
        }
        path.write_text(before.replace('"sit"', '"lie"'))
        run = existing.run("-n", "alphaction")
    finally:
        path.write_text(before)
    assert run.status != 0 and "Traceback" not in run.output
    assert "'yard/0004.jpg', box 1: action 'lie' is not in the config" in run.output


def test_a_plain_run_keeps_the_dataset_up_to_date_whatever_exports_name(existing):
    jobs = existing.plan(exports=["mmaction2"], alphaction={"person_score": 0.5})
    assert jobs["export_alphaction"] == 1
    # Of the clips that are annotated, and only val is judged by detected people.
    jobs = existing.plan("alphaction", results="elsewhere", batches=50)
    assert jobs["propose"] == 1 and jobs["trim"] == 2 and jobs["cut_segments"] == 2


def test_boxes_of_another_image_size_stop_the_job_and_keep_what_was(existing):
    path = existing.folder / "hand.json"
    before = path.read_text()
    kept = (existing.made / "annotations" / "train.json").read_bytes()
    try:
        path.write_text(before.replace("[10, 20, 50, 120]", "[1000, 500, 150, 400]"))
        run = existing.run("alphaction")
    finally:
        path.write_text(before)
    assert run.status != 0 and "Traceback" not in run.output
    assert "its centre, 1075, 700, is not on the keyframe of 640 x 360 px" in run.output
    assert existing.run("alphaction").status == 0
    assert (existing.made / "annotations" / "train.json").read_bytes() == kept


def test_strict_stops_at_segments_of_damaged_videos(tmp_path):
    workspace = Workspace(
        tmp_path / "w",
        exports=["alphaction"],
        existing={"files": "hand.json"},
        alphaction={"numbering": "sequence", "preset": "ultrafast"},
    )
    content = bytearray((DEMO / "videos" / "yard.mp4").read_bytes())
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle : middle + 400] = b"\xff" * 400
    (workspace.folder / "damaged.mp4").write_bytes(content)
    workspace.write_clips("yard\tdamaged.mp4\t2\t13\ttrain")
    existing = {"yard/0004.jpg": HAND["yard/0004.jpg"]}
    (workspace.folder / "hand.json").write_text(json.dumps(existing))
    run = workspace.run("alphaction", strict=True)
    segments = json.loads((workspace.folder / "results" / "segments" / "yard.json").read_text())
    assert segments["decode_errors"] > 0
    assert run.status != 0 and "the segments of yard come from damaged stretches" in run.output
    assert workspace.run("alphaction").status == 0


def test_without_annotations_the_target_makes_what_is_to_be_annotated(existing):
    jobs = existing.plan("alphaction", existing={"files": ""}, results="elsewhere")
    assert jobs == {"cut_segments": 3, "alphaction": 1}
