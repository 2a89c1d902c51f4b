"""The dataset's scripts run as the workflow runs them, and what each reader makes of the result.

The project is that of `labelled_project`.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import readers
from avaflow.errors import UserError
from avaflow.formats.ava import Row, read_csv, read_excluded
from avaflow.formats.mmaction2 import Export, again_csv, config_text, timestamp_end, topk
from avaflow.formats.slowfast import Evaluation, check_lengths, check_settings, plan_split
from avaflow.formats.slowfast import config_text as slowfast_config
from avaflow.formats.slowfast import readme_text as slowfast_readme
from labelled_project import (
    ACTIONS,
    FINISHED,
    FPS,
    FRAMES,
    LEFT,
    RIGHT,
    SPLITS,
    make_inputs,
    seconds_of,
)
from script_runs import run_script

BALANCED = {"repeat_below": 0, "max_repeats": 4, "focal_gamma": 0, "focal_alpha": 1}
"""The config's defaults: nothing is done about rare actions."""


def make_dataset(root, imbalance=None, again=()):
    """Run the scripts in the workflow's order, for the splits with finished clips.

    `again` are the times for which mmaction2 gets a file of keyframes to repeat.
    """
    notes = root / "dataset/annotations"
    for split in ("train", "val", "test"):
        clips = [clip for clip in SPLITS if SPLITS[clip] == split]
        judged = [clip for clip in clips if clip in FINISHED and split != "train"]
        run_script(
            "propose",
            root,
            root / "logs/proposals.log",
            input={
                "keyframes": [str(root / f"keyframes/{clip}.csv") for clip in clips],
                "labels": [str(root / f"labels/{clip}.csv") for clip in judged],
                "unticked": [str(root / f"labels/{clip}.unticked.csv") for clip in judged],
            },
            output={
                "proposals": str(notes / f"dense_proposals_{split}.pkl"),
                "notes": str(notes / f"dense_proposals_{split}.notes.csv"),
            },
            params={
                "reads": [str(root / f"detections/{clip}.csv") for clip in clips],
                "clips": clips,
                "judged": judged,
                "offset": 900,
                "fps": FPS,
            },
        )
    splits = ["train", "val"]
    shared = {"splits": splits, "offset": 900, "actions": ACTIONS}
    own_splits = {clip: SPLITS[clip] for clip in FINISHED}
    csvs = [str(notes / f"{split}.csv") for split in splits]
    excluded = [str(notes / f"{split}_excluded_timestamps.csv") for split in splits]
    proposals = [str(notes / f"dense_proposals_{split}.pkl") for split in ("train", "val", "test")]
    keyframes = [str(root / f"keyframes/{clip}.csv") for clip in FINISHED]
    manifests = [str(root / f"clips/{clip}.json") for clip in FINISHED]
    names = {"action_list": str(notes / "action_list.pbtxt")}
    labels = {"label_map": str(notes / "label_map.txt")}
    run_script(
        "write_ava",
        root,
        root / "logs/dataset.log",
        input={
            "labels": [str(root / f"labels/{clip}.csv") for clip in FINISHED],
            "nobody": [str(root / f"labels/{clip}.nobody.csv") for clip in FINISHED],
            "keyframes": keyframes,
        },
        output={
            "csv": csvs,
            "excluded": excluded,
            "included": str(notes / "included_timestamps.txt"),
            **names,
            **labels,
        },
        params={**shared, "clips": FINISHED, "clip_splits": own_splits},
    )
    made = root / "dataset"
    run_script(
        "export_mmaction2",
        root,
        root / "logs/export_mmaction2.log",
        input={
            "csv": csvs,
            "excluded": excluded,
            "proposals": proposals,
            "manifests": manifests,
            **names,
            **labels,
        },
        output={
            "readme": str(made / "mmaction2/README.md"),
            "configs": [
                str(made / f"mmaction2/slowfast_{mode}.py") for mode in ("frames", "video")
            ],
            "demo": str(made / "mmaction2/demo_with_boxes.py"),
            "again": [str(made / f"mmaction2/{again_csv(times)}") for times in again],
        },
        params={
            **shared,
            "fps": FPS,
            "stride": 5,
            "rawframes": True,
            "dataset": str(made),
            "imbalance": imbalance or BALANCED,
        },
    )
    run_slowfast(root)
    run_script(
        "export_datumaro",
        root,
        root / "logs/export_datumaro.log",
        input={"csv": csvs, "keyframes": keyframes, **names},
        output={"readme": str(made / "datumaro/README.md")},
        params={
            "clips": FINISHED,
            "clip_splits": own_splits,
            "splits": splits,
            "offset": 900,
            "dataset": str(made),
        },
    )


def run_slowfast(root, fps=FPS, offset=900, rawframes=True):
    made, notes = root / "dataset/slowfast", root / "dataset/annotations"
    splits = ["train", "val"]
    run_script(
        "export_slowfast",
        root,
        root / "logs/export_slowfast.log",
        input={
            "csv": [str(notes / f"{split}.csv") for split in splits],
            "excluded": [str(notes / f"{split}_excluded_timestamps.csv") for split in splits],
            "proposals": [
                str(notes / f"dense_proposals_{s}.pkl") for s in ("train", "val", "test")
            ],
            "action_list": str(notes / "action_list.pbtxt"),
            "manifests": [str(root / f"clips/{clip}.json") for clip in FINISHED],
            "rawframes": [str(root / f"rawframes/{clip}.json") for clip in FINISHED]
            if rawframes
            else [],
        },
        output={
            "readme": str(made / "README.md"),
            "config": str(made / "SLOWFAST.yaml"),
            "label_map": str(made / "label_map.json"),
            "lists": [str(made / f"frame_lists/{split}.csv") for split in splits],
            "boxes": [str(made / f"ava_{split}_predicted_boxes.csv") for split in splits],
        },
        params={
            "clips": FINISHED,
            "clip_splits": {clip: SPLITS[clip] for clip in FINISHED},
            "splits": splits,
            "offset": offset,
            "fps": fps,
            "actions": ACTIONS,
        },
    )


def contents(folder):
    """Every file's digest, every link's target."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    make_inputs(root)
    make_dataset(root)
    return root


@pytest.fixture
def dataset(project):
    return project / "dataset"


# ------------------------------------------------------------------ the annotation files


def test_csv_holds_every_tick_and_nothing_else(dataset):
    assert (dataset / "annotations/train.csv").read_text() == (
        "idle,904,0.600000,0.200000,0.800000,0.950000,4,3\n"
        "walk,902,0.100000,0.200000,0.300000,0.900000,5,1\n"
        "walk,902,0.600000,0.200000,0.800000,0.950000,1,2\n"
        "walk,902,0.600000,0.200000,0.800000,0.950000,3,2\n"
        "walk,909,0.100000,0.200000,0.300000,0.900000,2,1\n"
        "walk,909,0.100000,0.200000,0.300000,0.900000,5,1\n"
    )
    assert {row.clip for row in read_csv(dataset / "annotations/val.csv")} == {"shop", "dark"}
    assert not (dataset / "annotations/test.csv").exists()


def test_labelled_and_excluded_are_the_annotatable_seconds_of_finished_clips(dataset):
    for split in ("train", "val"):
        labelled = {
            (row.clip, row.timestamp) for row in read_csv(dataset / f"annotations/{split}.csv")
        }
        excluded = read_excluded(dataset / f"annotations/{split}_excluded_timestamps.csv")
        assert not labelled & excluded
        assert labelled | excluded == {
            (clip, 900 + second)
            for clip in FINISHED
            if SPLITS[clip] == split
            for second in seconds_of(clip)
        }


def test_named_files(dataset):
    notes = dataset / "annotations"
    assert (notes / "included_timestamps.txt").read_text() == "".join(
        f"{timestamp:04d}\n" for timestamp in range(902, 910)
    )
    assert (notes / "label_map.txt").read_text() == "1: talk\n2: bow\n3: stand\n4: sit\n5: walk\n"
    assert readers.evaluator_classes(notes / "action_list.pbtxt") == {
        1: "talk",
        2: "bow",
        3: "stand",
        4: "sit",
        5: "walk",
    }


def test_proposals_cover_clips_that_nobody_annotated_and_name_empty_keyframes(dataset):
    import pickle

    found = pickle.loads((dataset / "annotations/dense_proposals_train.pkl").read_bytes())
    expected = {
        f"{clip},{900 + second:04d}"
        for clip in ("walk", "idle", "open")
        for second in seconds_of(clip)
    }
    assert set(found) == expected - {"walk,0909"}
    assert found["open,0902"].tolist() == [[0.1, 0.2, 0.3, 0.91, 0.8], [0.0, 0.5, 0.2, 1.0, 0.75]]
    notes = (dataset / "annotations/dense_proposals_train.notes.csv").read_text()
    assert notes == "clip,second\nwalk,9\n"
    assert pickle.loads((dataset / "annotations/dense_proposals_test.pkl").read_bytes()) == {}


def test_persons_without_a_tick_are_proposed_to_no_reader_that_judges(dataset):
    import pickle

    def proposed(split, key):
        found = pickle.loads((dataset / f"annotations/dense_proposals_{split}.pkl").read_bytes())
        return found[key][:, :4].tolist()

    both = [[0.1, 0.2, 0.3, 0.91], [0.0, 0.5, 0.2, 1.0]]
    assert proposed("val", "shop,0903") == both[:1]
    assert proposed("val", "shop,0905") == both
    assert proposed("train", "walk,0902") == both, "training matches proposals with truth itself"
    text = (dataset / "slowfast/ava_val_predicted_boxes.csv").read_text().splitlines()
    assert len([line for line in text if line.startswith("shop,903,")]) == 1
    assert len([line for line in text if line.startswith("shop,905,")]) == 2


@pytest.mark.parametrize("split", ["train", "val"])
def test_truth_against_itself_is_perfect(dataset, split):
    assert readers.truth_against_itself(dataset, split) == 1.0


# ------------------------------------------------------------------ mmaction2


def labels_of(sample):
    return [np.flatnonzero(vector).tolist() for vector in sample.labels]


@pytest.mark.parametrize(("mode", "late"), [("frames", 1), ("video", 0)])
def test_mmaction2_reads_the_right_frames_boxes_and_labels(dataset, mode, late):
    samples = readers.mmaction2_samples(dataset, "train", mode, FRAMES)
    assert [(s.clip, s.timestamp) for s in samples] == [("idle", 904), ("walk", 902), ("walk", 909)]
    for sample in samples:
        keyframe = FPS * (sample.timestamp - 900) + 1
        assert sample.centre == keyframe + late
        assert sample.frames == list(range(keyframe + late - 32, keyframe + late + 32, 2))
        assert all(path.exists() or mode == "video" for path in sample.paths)
    walk = samples[1]
    assert walk.boxes.tolist() == [list(LEFT), list(RIGHT)]
    assert labels_of(walk) == [[5], [1, 3]]
    assert walk.person_ids == [1, 2]
    assert walk.labels.shape == (2, 6)
    assert walk.proposals.tolist() == [[0.1, 0.2, 0.3, 0.91], [0.0, 0.5, 0.2, 1.0]]
    # nobody was detected: the full image, as the README tells
    assert samples[2].proposals.tolist() == [[0, 0, 1, 1]]
    assert "train: walk,0909" in (dataset / "mmaction2/README.md").read_text()


@pytest.mark.parametrize("mode", ["frames", "video"])
@pytest.mark.parametrize("jitter", [-1, 0])
def test_mmaction2_never_reads_beyond_a_clip_nor_repeats_a_frame(dataset, mode, jitter):
    for split in ("train", "val"):
        for sample in readers.mmaction2_samples(dataset, split, mode, FRAMES, jitter):
            assert min(sample.frames) >= 1
            assert max(sample.frames) <= FRAMES[sample.clip]
            assert len(set(sample.frames)) == 32


def test_mmaction2_takes_the_best_weak_proposal(dataset):
    dark = [s for s in readers.mmaction2_samples(dataset, "val", "frames") if s.clip == "dark"]
    assert [sample.proposals.tolist() for sample in dark] == [[[0.1, 0.2, 0.3, 0.91]]]


def test_mmaction2_config_settings(dataset):
    config = readers.mmaction2_config(dataset / "mmaction2/slowfast_frames.py")
    assert config["num_classes"] == 6
    head = config["model"]["roi_head"]["bbox_head"]
    assert (head["type"], head["num_classes"], head["topk"]) == ("BBoxHeadAVA", 6, (3,))
    assert config["val_evaluator"]["num_classes"] == 6
    train = config["train_dataloader"]["dataset"]
    assert (train["timestamp_start"], train["timestamp_end"]) == (900, 911)
    assert Path(train["ann_file"]).resolve() == (dataset / "annotations/train.csv").resolve()
    for name in ("ann_file", "exclude_file", "label_file", "proposal_file"):
        assert Path(config["test_dataloader"]["dataset"][name]).is_file()


@pytest.mark.parametrize("mode", ["frames", "video"])
def test_mmaction2_config_needs_nothing_of_mmaction2(dataset, mode):
    config = readers.mmaction2_config(dataset / f"mmaction2/slowfast_{mode}.py")
    assert "_base_" not in config
    # What mmengine's Runner asks of a config that trains, validates and tests.
    for name in ("train", "val", "test"):
        loader = config[f"{name}_dataloader"]
        assert loader["dataset"]["type"] == "AVADataset"
        assert loader["dataset"]["pipeline"][-1] == {"type": "PackActionInputs"}
        assert loader["sampler"] == {"type": "DefaultSampler", "shuffle": name == "train"}
        assert config[f"{name}_cfg"]["type"] in ("EpochBasedTrainLoop", "ValLoop", "TestLoop")
    assert config["test_dataloader"]["dataset"]["test_mode"] is True
    assert "test_mode" not in config["train_dataloader"]["dataset"]
    assert config["default_scope"] == "mmaction"
    # The network of mmaction2's own config for AVA v2.2, for 8 GPUs x 6 keyframes.
    model = config["model"]
    assert (model["type"], model["_scope_"]) == ("FastRCNN", "mmdet")
    assert model["backbone"]["type"] == "mmaction.ResNet3dSlowFast"
    assert (model["backbone"]["resample_rate"], model["backbone"]["speed_ratio"]) == (4, 4)
    assert model["backbone"]["slow_pathway"]["spatial_strides"] == (1, 2, 2, 1)
    assert model["roi_head"]["bbox_head"]["in_channels"] == 2304
    assert config["optim_wrapper"]["optimizer"]["lr"] == 0.075
    assert config["auto_scale_lr"] == {"enable": True, "base_batch_size": 48}
    assert config["train_dataloader"]["batch_size"] == 6
    names = [backend["type"] for backend in config["visualizer"]["vis_backends"]]
    assert names == ["LocalVisBackend", "TensorboardVisBackend"]


def test_mmaction2_config_is_loaded_by_mmengine(dataset):
    config = pytest.importorskip("mmengine.config").Config
    for mode in ("frames", "video"):
        path = dataset / f"mmaction2/slowfast_{mode}.py"
        loaded = config.fromfile(path)
        assert loaded.num_classes == 6
        root = Path(loaded.train_dataloader.dataset.ann_file).resolve()
        assert root == (dataset / "annotations/train.csv").resolve()


def test_mmaction2_readme_says_how_to_run_on_one_gpu_and_on_four(dataset):
    text = (dataset / "mmaction2/README.md").read_text()
    assert "PYTHONPATH=. python tools/train.py $DATASET/mmaction2/slowfast_frames.py" in text
    assert "PYTHONPATH=. python tools/test.py $DATASET/mmaction2/slowfast_frames.py" in text
    assert "torchrun --nproc_per_node 4 tools/train.py" in text
    assert "0.009375 on 1, 0.0375 on 4, 0.075 on 8" in text


def test_mmaction2_config_moves_with_the_folder(dataset):
    text = (dataset / "mmaction2/slowfast_video.py").read_text()
    assert str(dataset) not in text
    assert "{{ fileDirname }}/.." in text


def config_of(splits, mode="frames"):
    export = Export(splits=splits, offset=900, fps=30, actions=3, longest_frames=301)
    variables = {}
    exec(config_text(export, mode), variables)
    return variables


def test_mmaction2_without_val_has_no_val_loop():
    config = config_of(["train"])
    assert [config[f"val_{name}"] for name in ("dataloader", "evaluator", "cfg")] == [None] * 3
    assert [config[f"test_{name}"] for name in ("dataloader", "evaluator", "cfg")] == [None] * 3
    assert config["default_hooks"]["checkpoint"]["save_best"] is None
    assert config["train_dataloader"]["dataset"]["ann_file"].endswith("/train.csv")


def test_mmaction2_without_train_only_tests():
    config = config_of(["test"], "video")
    for name in ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler", "val_cfg"):
        assert config[name] is None
    assert config["test_dataloader"]["dataset"]["ann_file"].endswith("/test.csv")
    with pytest.raises(UserError, match="no split has labels"):
        config_of([])


def test_mmaction2_small_numbers():
    assert [topk(actions) for actions in (1, 2, 3, 4, 5, 6, 80)] == [
        (1,),
        (1,),
        (1,),
        (3,),
        (3,),
        (3, 5),
        (3, 5),
    ]
    assert timestamp_end(330, 30, 900) == 911
    assert timestamp_end(331, 30, 900) == 912


def test_mmaction2_reads_keyframes_of_rare_actions_again(project, dataset):
    before = contents(dataset)
    # Of train's three keyframes walk (5) is on two, each other action on one, a share of 1/3:
    # sqrt(0.9 / (1/3)) = 1.64, which is 2 times; walk's sqrt(0.9 / (2/3)) = 1.16, which is once.
    rare = {"repeat_below": 0.9, "max_repeats": 4, "focal_gamma": 1, "focal_alpha": 3}
    make_dataset(project, rare, [2, 3, 4])
    folder = dataset / "mmaction2"
    again = {(row.clip, row.timestamp) for row in read_csv(folder / "train_again_2.csv")}
    assert again == {("idle", 904), ("walk", 902), ("walk", 909)}
    assert (folder / "train_again_3.csv").read_text() == ""
    config = readers.mmaction2_config(folder / "slowfast_frames.py")
    data = config["train_dataloader"]["dataset"]
    assert data["type"] == "ConcatDataset"
    files = [Path(each["ann_file"]).name for each in data["datasets"]]
    # no reader survives an empty file
    assert files == ["train.csv", "train_again_2.csv"]
    assert all(Path(each["ann_file"]).is_file() for each in data["datasets"])
    assert {each["type"] for each in data["datasets"]} == {"AVADataset"}
    head = config["model"]["roi_head"]["bbox_head"]
    assert (head["focal_gamma"], head["focal_alpha"]) == (1.0, 3.0)
    text = (folder / "README.md").read_text()
    assert "| walk | 2 | 2 | 0.667 | once |" in text
    assert "| talk | 1 | 1 | 0.333 | 2 times |" in text
    assert "add 3 keyframes to an epoch" in text
    make_dataset(project)
    assert contents(dataset) == before


DEMO = """
import json, sys
from mmaction.apis import detection_inference
paths = [f"tmp/img_{frame:06d}.jpg" for frame in (32, 40, 99, 271)]
boxes, samples = detection_inference(None, None, paths, float(sys.argv[2]), 0, "cpu")
assert len(samples) == 4
scored, _ = detection_inference(None, None, paths[:1], 0.4, with_score=True)
print(json.dumps([[each.tolist() for each in boxes], scored[0].tolist(), sys.argv]))
"""
"""In place of mmaction2's demo: asks for boxes just as that does, by the name that it imports."""


def test_mmaction2_demo_runs_with_our_boxes(dataset, project, tmp_path):
    checkout = tmp_path / "mmaction2"
    for folder in ("demo", "mmaction/apis", "mmcv"):
        (checkout / folder).mkdir(parents=True)
    (checkout / "demo/demo_spatiotemporal_det.py").write_text(DEMO)
    (checkout / "mmaction/__init__.py").touch()
    (checkout / "mmaction/apis/__init__.py").write_text("detection_inference = None\n")
    # Images of 200 x 100 pixels, whatever the path.
    image = "import numpy\ndef imread(path):\n    return numpy.zeros((100, 200, 3), 'uint8')\n"
    (checkout / "mmcv/__init__.py").write_text(image)
    # walk is looked at every 5th frame, but nobody was seen on frame 271, its second 9
    script = [sys.executable, str(dataset / "mmaction2/demo_with_boxes.py"), "walk.mp4", "0.77"]

    def run(*arguments, folder=checkout):
        return subprocess.run(
            [*script, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
        )

    done = run("--boxes", str(project / "detections/walk.csv"), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    boxes, scored, arguments = json.loads(done.stdout)
    both = [[20.0, 20.0, 60.0, 91.0], [-2.0, 50.0, 40.0, 102.0]]
    # of scores 0.8 and 0.75 the threshold 0.77 leaves one; 271 has nobody within 2 frames
    assert boxes[:3] == [[pytest.approx(both[0])]] * 3 and boxes[3] == []
    assert scored == [pytest.approx([*both[0], 0.8]), pytest.approx([*both[1], 0.75])]
    assert arguments == ["demo/demo_spatiotemporal_det.py", "walk.mp4", "0.77", "--device", "cpu"]
    assert "--boxes is missing" in run().stderr
    assert "run this in a checkout" in run("--boxes", "x.csv", folder=tmp_path).stderr


# ------------------------------------------------------------------ PySlowFast


def test_slowfast_trains_on_every_label_with_the_exact_keyframe(dataset):
    samples = readers.slowfast_samples(dataset, "train")
    assert [(s.clip, s.timestamp) for s in samples] == [("idle", 904), ("walk", 902), ("walk", 909)]
    for sample in samples:
        keyframe = FPS * (sample.timestamp - 900) + 1
        assert sample.centre == keyframe
        assert sample.frames == list(range(keyframe - 32, keyframe + 32, 2))
        assert [path.name for path in sample.paths] == [
            f"img_{frame:05d}.jpg" for frame in sample.frames
        ]
        assert all(path.is_file() for path in sample.paths)
    assert samples[1].boxes.tolist() == [list(LEFT), list(RIGHT)]
    # class 0 is action 1
    assert labels_of(samples[1]) == [[4], [0, 2]]


def test_slowfast_judges_every_second_of_clips_with_a_box(dataset):
    samples = readers.slowfast_samples(dataset, "val")
    # dark has labels, but no box at 0.4: it is in no list, and the README says so
    assert [(s.clip, s.timestamp) for s in samples] == [
        ("shop", 900 + second) for second in seconds_of("shop")
    ]
    assert samples[0].boxes.tolist() == [[0.1, 0.2, 0.3, 0.91], [0.0, 0.5, 0.2, 1.0]]
    assert not samples[0].labels.any()
    assert "dark" in (dataset / "slowfast/README.md").read_text()


def test_slowfast_files(dataset):
    lines = (dataset / "slowfast/frame_lists/train.csv").read_text().split("\n")
    assert lines[0] == "original_vido_id video_id frame_id path labels"
    assert lines[1] == 'idle 0 0 idle/img_00001.jpg ""'
    assert lines[300:302] == [
        'idle 0 0 idle/img_00300.jpg ""',
        'walk 0 0 walk/img_00001.jpg ""',
    ]
    assert lines[-1] == "" and len(lines) == 1 + 300 + 330 + 1
    boxes = (dataset / "slowfast/ava_val_predicted_boxes.csv").read_text().split("\n")
    assert boxes[0] == "shop,902,0.100000,0.200000,0.300000,0.910000,,0.800000"
    # clips nobody annotated would be counted as mistakes
    assert "open" not in (dataset / "slowfast/ava_train_predicted_boxes.csv").read_text()


def test_slowfast_demo_draws_our_boxes_with_our_names(dataset):
    """As PySlowFast's `get_class_names` and `load_boxes_labels` read what the README names."""
    ids = json.loads((dataset / "slowfast/label_map.json").read_text())
    assert sorted(ids, key=ids.get) == ["talk", "bow", "stand", "sit", "walk"]
    assert sorted(ids.values()) == list(range(5))
    text = (dataset / "slowfast/README.md").read_text()
    command = text[text.index("DEMO.ENABLE True") :].split("```")[0]
    given = dict(re.findall(r"DEMO\.(\w+) (\S+)", command))
    assert (dataset / given["LABEL_FILE_PATH"]).is_file()
    rows = [line.split(",") for line in (dataset / given["PREDS_BOXES"]).read_text().splitlines()]
    # Frame 30 * (second - DEMO.STARTING_SECOND) of the images, from 0, is the keyframe.
    assert {int(row[1]) - 900 for row in rows if row[0] == "shop"} == set(seconds_of("shop"))


def test_slowfast_readme_counts_for_four_gpus(dataset):
    # 3 keyframes to train on are too few for 4 GPUs: no command
    assert "NUM_GPUS 4" not in (dataset / "slowfast/README.md").read_text()
    rows = [Row("a", 902 + second, LEFT, 1, 1) for second in range(30)]
    text = slowfast_readme({"train": plan_split("train", rows, {}, 0.4)}, 3, "results/dataset")
    # 30 keyframes: 28 is the most that 4 GPUs divide, and 0.1 is the rate for 64
    assert "NUM_GPUS 4 TRAIN.BATCH_SIZE 28 SOLVER.BASE_LR 0.04375 TEST.BATCH_SIZE 4" in text


def test_slowfast_config(dataset):
    config = yaml.safe_load((dataset / "slowfast/SLOWFAST.yaml").read_text())
    assert config["MODEL"]["NUM_CLASSES"] == 5
    assert config["AVA"]["FULL_TEST_ON_VAL"] is True
    assert config["AVA"]["EXCLUSION_FILE"] == "val_excluded_timestamps.csv"
    assert config["SOLVER"]["WEIGHT_DECAY"] == 1e-7
    # 3 labelled keyframes: a batch of 8 would be dropped as incomplete, and nothing trained
    assert config["TRAIN"]["BATCH_SIZE"] == 3
    assert config["TENSORBOARD"] == {"ENABLE": True}
    assert config["SOLVER"]["BASE_LR"] == pytest.approx(0.1 * 3 / 64, abs=1e-6)
    for folder in ("FRAME_DIR", "FRAME_LIST_DIR", "ANNOTATION_DIR"):
        assert (dataset / config["AVA"][folder]).is_dir()
    for name in ("EXCLUSION_FILE", "GROUNDTRUTH_FILE", "LABEL_MAP_FILE"):
        assert (dataset / "annotations" / config["AVA"][name]).is_file()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((False, 30, 900), "rawframes.enabled: true"),
        ((True, 25, 900), "trim.fps is 25"),
        ((True, 30, 0), "timestamp_offset is 0"),
    ],
)
def test_slowfast_refuses_what_it_cannot_read(settings, said):
    with pytest.raises(UserError, match=said):
        check_settings(*settings)


def test_slowfast_refuses_long_clips_and_odd_timestamps():
    check_lengths({"a": 900 * 30})
    with pytest.raises(UserError, match="clip b: 901 s"):
        check_lengths({"a": 300, "b": 901 * 30})
    with pytest.raises(UserError, match="clip a, timestamp 901"):
        plan_split("val", [Row("a", 901, LEFT, 1, 1)], {}, 0.4)


def test_slowfast_script_says_it_in_one_message(project, capsys):
    with pytest.raises(SystemExit):
        run_slowfast(project, rawframes=False)
    assert "rawframes.enabled: true" in capsys.readouterr().err
    run_slowfast(project)


def test_slowfast_without_any_strong_box_is_judged_on_the_annotated_ones():
    rows = [Row("a", 902, LEFT, 1, 1)]
    weak = {"a,0902": np.array([[0.1, 0.2, 0.3, 0.9, 0.39]])}
    plan = plan_split("val", rows, weak, 0.4)
    assert plan.listed == ("a",)
    assert plan.evaluation == Evaluation("val", truth=True)
    assert plan.evaluation.boxes == "val.csv"
    # 0.3999996 is written, and so read, as 0.400000
    weak["a,0902"][0, 4] = 0.3999996
    assert plan_split("val", rows, weak, 0.4).evaluation == Evaluation("val", truth=False)


def test_slowfast_without_val_is_judged_on_what_there_is():
    rows = [Row("a", 902 + second, LEFT, 1, 1) for second in range(20)]
    strong = {"a,0902": np.array([[0.1, 0.2, 0.3, 0.9, 0.9]])}
    plans = {name: plan_split(name, rows, strong, 0.4) for name in ("train", "test")}
    only_train = {"train": plans["train"]}
    ava = yaml.safe_load(slowfast_config(only_train, 3))["AVA"]
    assert (ava["TEST_LISTS"], ava["GROUNDTRUTH_FILE"]) == (["train.csv"], "train.csv")
    # annotated boxes: the clips with boxes are then those of train's frame list
    assert ava["TEST_PREDICT_BOX_LISTS"] == ["train.csv"]
    assert "judges on train" in slowfast_readme(only_train, 3, "results/dataset")
    ava = yaml.safe_load(slowfast_config(plans, 3))["AVA"]
    assert ava["TEST_PREDICT_BOX_LISTS"] == ["../slowfast/ava_test_predicted_boxes.csv"]
    only_test = yaml.safe_load(slowfast_config({"test": plans["test"]}, 3))
    assert only_test["TRAIN"]["ENABLE"] is False
    assert yaml.safe_load(slowfast_config(plans, 3))["TRAIN"]["BATCH_SIZE"] == 8
    with pytest.raises(UserError, match="no split has labels"):
        slowfast_config({}, 3)


# ------------------------------------------------------------------ Datumaro


def test_datumaro_items_have_images_names_and_persons(project, dataset):
    items = readers.datumaro_items(dataset)
    assert {subset for subset, _ in items} == {"train", "val"}
    image, boxes = items["train", "walk/902"]
    assert image.resolve() == (project / "keyframes/walk/walk_000061.jpg").resolve()
    assert [(name, person) for name, _, person in boxes] == [("walk", 1), ("talk", 2), ("stand", 2)]
    assert boxes[0][1] == pytest.approx((0.1, 0.2, 0.2, 0.7))
    assert all(image.is_file() for image, _ in items.values())
    assert not os.readlink(image).startswith("/")


def test_datumaro_leaves_no_stale_file(project, dataset):
    stale = dataset / "datumaro/frames/gone/gone_902.jpg"
    stale.parent.mkdir()
    stale.symlink_to("../nowhere.jpg")
    (dataset / "datumaro/annotations/ava_test_v2.2.csv").write_text("gone,902,0,0,1,1,1,1\n")
    make_dataset(project)
    assert not stale.parent.exists()
    assert {subset for subset, _ in readers.datumaro_items(dataset)} == {"train", "val"}


# ------------------------------------------------------------------ all of it


def test_the_same_inputs_give_the_same_bytes(project, dataset):
    before = contents(dataset)
    make_dataset(project)
    assert contents(dataset) == before
    assert len(before) > 30


def test_every_link_is_relative(dataset):
    links = [path for path in dataset.rglob("*") if path.is_symlink()]
    assert len(links) == 2 * len(FINISHED) + 6
    assert not [path for path in links if os.readlink(path).startswith("/")]
