"""Clips that nobody labelled, and what each reader's test loop makes of them.

Of the project of `labelled_project` the clip `open` (11 s, annotatable at seconds 2 to 9) has no
labels. The workflow's part runs the real Snakemake on the demo with one of three clips finished.
"""

import json
import pickle
import shutil
from dataclasses import asdict

import numpy as np
import pytest

import readers
from avaflow.errors import UserError
from avaflow.formats.ava import read_csv
from avaflow.formats.prediction import placeholder_rows
from avaflow.videos.segments import SegmentsManifest
from labelled_project import ACTIONS, FPS, FRAMES, make_inputs
from script_runs import run_script
from workflow_runs import DEMO, Workspace

MADE = {
    "mmaction2": ["slowfast_frames.py", "slowfast_video.py"],
    "slowfast": [
        "SLOWFAST.yaml",
        "label_map.json",
        "frame_lists/predict.csv",
        "ava_predict_predicted_boxes.csv",
    ],
    "alphaction": [
        "paths_catalog_entry.txt",
        "finetune_resnet50_4x16f.yaml",
        "annotations/predict_min.json",
        "boxes/predict_person_bbox.json",
    ],
}
SETTINGS = {
    "name": "mine",
    "person_score": 0.7,
    "fps": 25,
    "segment_seconds": 1,
    "numbering": "timestamp",
}


def segments_of(root, clip):
    """A manifest of a clip's segments, and their folders."""
    seconds = FRAMES[clip] // FPS
    facts = SegmentsManifest(
        clip=clip, video="v.mp4", start=0.0, fps=25, seconds=1, frames=25, segments=seconds,
        width=64, height=48, numbering="timestamp", offset=900, left_out=0.0, decode_errors=0,
        bytes=1, sha256="",
    )  # fmt: skip
    (root / f"segments/{clip}/clips").mkdir(parents=True)
    path = root / f"segments/{clip}.json"
    path.write_text(json.dumps(asdict(facts)))
    return str(path)


def prepare(root, clips):
    """Run the script for clips without labels; returns the folder it makes."""
    folder = root / "dataset/predict"
    notes = folder / "annotations"
    run_script(
        "prepare_prediction",
        root,
        root / "logs/prepare_prediction.log",
        input={
            "keyframes": [str(root / f"keyframes/{clip}.csv") for clip in clips],
            "clips": [str(root / f"clips/{clip}.json") for clip in clips],
            "rawframes": [str(root / f"rawframes/{clip}.json") for clip in clips],
            "segments": [segments_of(root, clip) for clip in clips],
        },
        output={
            "readme": str(folder / "README.md"),
            "links": str(folder / "links.tsv"),
            "csv": str(notes / "predict.csv"),
            "excluded": str(notes / "predict_excluded_timestamps.csv"),
            "proposals": str(notes / "dense_proposals_predict.pkl"),
            "action_list": str(notes / "action_list.pbtxt"),
            "label_map": str(notes / "label_map.txt"),
            **{name: [str(folder / name / file) for file in MADE[name]] for name in MADE},
        },
        params={
            "reads": [str(root / f"detections/{clip}.csv") for clip in clips],
            "clips": clips,
            "toolboxes": list(MADE),
            "results": str(root),
            "rawframes": True,
            "actions": ACTIONS,
            "offset": 900,
            "fps": FPS,
            "margin": 2,
            "settings": SETTINGS,
        },
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("predict")
    make_inputs(root)
    # dark's detections are all weak: 0.35 and 0.30
    return prepare(root, ["dark", "open"])


def test_every_keyframe_with_a_person_is_named_once(folder):
    rows = read_csv(folder / "annotations/predict.csv")
    seconds = {"dark": range(2, 9), "open": range(2, 10)}
    assert [(row.clip, row.timestamp - 900) for row in rows] == [
        (clip, second) for clip in seconds for second in seconds[clip]
    ]
    assert {(row.action_id, row.person_id) for row in rows} == {(1, 1)}
    found = pickle.loads((folder / "annotations/dense_proposals_predict.pkl").read_bytes())
    assert set(found) == {f"{row.clip},{row.timestamp:04d}" for row in rows}
    assert found["open,0902"].tolist() == [[0.1, 0.2, 0.3, 0.91, 0.8], [0.0, 0.5, 0.2, 1.0, 0.75]]
    assert (folder / "annotations/predict_excluded_timestamps.csv").read_text() == ""
    assert (folder / "annotations/label_map.txt").read_text().startswith("1: talk\n2: bow\n")


@pytest.mark.parametrize(("mode", "late"), [("frames", 1), ("video", 0)])
def test_mmaction2_tests_on_them(folder, mode, late):
    samples = readers.mmaction2_samples(folder, "test", mode, FRAMES)
    assert [(each.clip, each.timestamp) for each in samples] == [
        *(("dark", 900 + second) for second in range(2, 9)),
        *(("open", 900 + second) for second in range(2, 10)),
    ]
    for sample in samples:
        assert sample.centre == FPS * (sample.timestamp - 900) + 1 + late
        assert max(sample.frames) <= FRAMES[sample.clip]
        assert all(path.exists() or mode == "video" for path in sample.paths)
    # two boxes at 0.4 or above on open; on dark the best of the weak ones
    assert {len(each.proposals) for each in samples if each.clip == "open"} == {2}
    assert {len(each.proposals) for each in samples if each.clip == "dark"} == {1}
    config = readers.mmaction2_config(folder / f"mmaction2/slowfast_{mode}.py")
    assert config["test_evaluator"]["type"] == "DumpResults"
    assert config["train_dataloader"] is None and config["val_dataloader"] is None
    assert config["num_classes"] == 6


def test_slowfast_tests_on_those_with_a_certain_box(folder):
    samples = readers.slowfast_samples(folder, "val")
    assert [(each.clip, each.timestamp) for each in samples] == [
        ("open", 900 + second) for second in range(2, 10)
    ]
    assert samples[0].centre == FPS * 2 + 1
    assert samples[0].boxes.tolist() == [[0.1, 0.2, 0.3, 0.91], [0.0, 0.5, 0.2, 1.0]]
    assert all(path.is_file() for path in samples[0].paths)
    assert "cannot take them: dark" in (folder / "README.md").read_text()


def test_alphaction_tests_on_those_with_a_certain_box(folder):
    samples = readers.alphaction_samples(folder / "alphaction", "predict", decode=False)
    # 11 segments, and the window of second t reaches to the segment t + 1
    assert [(each.movie, each.timestamp) for each in samples] == [
        ("open", 900 + second) for second in range(2, 10)
    ]
    assert samples[0].labels is None and len(samples[0].boxes) == 2
    entries, config = readers.alphaction_catalog(folder / "alphaction")
    (entry,) = entries.values()
    assert list(entries) == ["ava_video_mine_predict"]
    assert entry["eval_file_paths"] == {} and entry["video_root"] == "mine_predict/clips"
    assert "ava_video_mine_predict" in config["DATASETS"]["TEST"]
    assert config["DATASETS"]["TRAIN"] == "()"
    assert (folder / "alphaction/clips/open").resolve().name == "clips"


def test_links_lead_to_clips_and_frames(folder):
    lines = (folder / "links.tsv").read_text().splitlines()
    assert lines[0] == "link\ttarget" and len(lines) == 5
    assert "dataset/predict/rawframes/open\trawframes/open" in lines
    assert (folder / "rawframes/open/img_00061.jpg").is_file()


def test_nobody_at_all_is_told():
    with pytest.raises(UserError, match="nobody was detected"):
        placeholder_rows({})
    # too narrow for six decimals: the next one stands for the keyframe
    boxes = np.array([[0.1, 0.2, 0.1 + 1e-8, 0.9, 0.9], [0.1, 0.2, 0.3, 0.9, 0.5]])
    assert placeholder_rows({"a,0902": boxes})[0].box == (0.1, 0.2, 0.3, 0.9)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "w")
    shutil.copy(DEMO / "clips.tsv", workspace.folder / "clips.tsv")
    (workspace.folder / "annotations").mkdir()
    return workspace


def finish(workspace, *clips):
    for clip in clips:
        name = f"{clip}_finish.json"
        shutil.copy(DEMO / "annotations" / name, workspace.folder / "annotations" / name)


@pytest.mark.slow
def test_the_target_makes_the_folder_and_plain_runs_keep_it(workspace):
    finish(workspace, "corridor")
    run = workspace.run("prediction_files")
    assert run.status == 0, run.output
    folder = workspace.folder / "results/dataset/predict"
    clips = {row.clip for row in read_csv(folder / "annotations/predict.csv")}
    assert clips == {"classroom", "yard"}
    assert "to predict on          2 of 3" in run.output
    samples = readers.mmaction2_samples(folder, "test", "frames")
    assert {each.clip for each in samples} == clips and len(samples) == 16
    assert workspace.run("prediction_files").nothing_to_do
    # A plain run would make the rest too: the plan is enough.
    assert "prepare_prediction" not in workspace.plan()
    finish(workspace, "yard")
    assert "prepare_prediction" in workspace.plan()
    (folder / "clips/yard.mp4").unlink()
    (folder / "clips/yard.mp4").symlink_to("nowhere.mp4")
    verified = workspace.run("verify")
    assert verified.status != 0
    assert "its link dataset/predict/clips/yard.mp4 is gone" in verified.output


def test_the_target_says_when_there_is_nothing_to_predict(workspace):
    finish(workspace, "corridor")
    run = workspace.run("-n", "prediction_files", exports=["datumaro"])
    assert run.status != 0 and "`exports` names no toolbox that runs models" in run.output
    # AlphAction's model of objects would miss them on clips that nobody finished.
    objects = {"alphaction": {"objects": ["cup"]}}
    run = workspace.run("-n", "prediction_files", exports=["alphaction"], **objects)
    assert run.status != 0 and "the last without alphaction.objects" in run.output
    plan = workspace.plan("prediction_files", exports=["mmaction2", "alphaction"], **objects)
    assert "prepare_prediction" in plan and "cut_segments" not in plan
    finish(workspace, "classroom", "yard")
    run = workspace.run("-n", "prediction_files")
    assert run.status != 0 and "prediction_files: every clip has labels" in run.output
