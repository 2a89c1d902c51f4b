"""AlphAction's files: valid COCO, what its loader reads, and a config that its loss accepts."""

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO

from avaflow.errors import UserError
from avaflow.formats.alphaction import (
    Split,
    alphaction_json,
    annotatable,
    annotated_boxes,
    check_reach,
    check_settings,
    coco_json,
    detected_boxes,
    dropped_boxes,
    images,
    json_text,
    object_boxes,
    repeated_json,
)
from avaflow.formats.alphaction_training import Schedule, catalog_text, config_text, readme_text
from avaflow.formats.ava import Row
from avaflow.project.actions import Action
from avaflow.videos.segments import SegmentsManifest

ACTIONS = [
    Action(1, "talk", "head", "PERSON_MOVEMENT"),
    Action(2, "walk", "body", "PERSON_MOVEMENT"),
]
SETTINGS = {
    "fps": 25,
    "segment_seconds": 1,
    "numbering": "timestamp",
    "name": "mine",
    "person_score": 0.7,
    "objects": [],
}
WIDE = SegmentsManifest(
    clip="wide",
    video="v.mp4",
    start=0.0,
    fps=25,
    seconds=1,
    frames=25,
    segments=6,
    width=640,
    height=360,
    numbering="timestamp",
    offset=900,
    left_out=0.0,
    decode_errors=0,
    bytes=1,
    sha256="",
)
TALL = replace(WIDE, clip="tall", width=200, height=400)
MANIFESTS = {"tall": TALL, "wide": WIDE}

# Two people on one keyframe, one of them with two actions; one person in the portrait clip.
ROWS = [
    Row("wide", 902, (0.25, 0.5, 0.5, 1.0), 2, 1),
    Row("wide", 902, (0.25, 0.5, 0.5, 1.0), 1, 1),
    Row("wide", 902, (0.5, 0.1, 0.6, 0.35), 2, 4),
    Row("tall", 903, (0.1, 0.25, 0.35, 0.75), 1, 2),
]
IMAGES = images({("wide", 902), ("tall", 903), ("wide", 904)}, MANIFESTS)


def in_pycocotools(content, tmp_path, boxes=None):
    """COCO of a content written to a file, and of boxes loaded into it."""
    path = tmp_path / "a.json"
    path.write_text(json_text(content, compact=True))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
        return (coco, coco.loadRes(boxes)) if boxes is not None else coco


def test_images_carry_the_names_of_loader_and_guide():
    assert [image["id"] for image in IMAGES] == [1, 2, 3]
    assert IMAGES[0] == {
        "id": 1,
        "file_name": "tall/903.jpg",
        "width": 200,
        "height": 400,
        "movie": "tall",
        "timestamp": 903,
        "video_id": "tall",
        "frame_id": 903,
        "video_path": "tall/903.mp4",
    }
    (sequence,) = images({("wide", 902)}, {"wide": replace(WIDE, numbering="sequence")})
    assert (sequence["file_name"], sequence["frame_id"]) == ("wide/0003.jpg", 3)
    assert sequence["timestamp"] == 902


def test_one_annotation_per_person_in_pixels_of_the_segment(tmp_path):
    content = alphaction_json(ROWS, IMAGES, ACTIONS)
    assert content["annotations"] == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "bbox": [20.0, 100.0, 50.0, 200.0],
            "area": 10000.0,
            "iscrowd": 0,
            "action_ids": [1],
            "person_id": 2,
        },
        {
            "id": 2,
            "image_id": 2,
            "category_id": 1,
            "bbox": [160.0, 180.0, 160.0, 180.0],
            "area": 28800.0,
            "iscrowd": 0,
            "action_ids": [1, 2],
            "person_id": 1,
        },
        {
            "id": 3,
            "image_id": 2,
            "category_id": 1,
            "bbox": [320.0, 36.0, 64.0, 90.0],
            "area": 5760.0,
            "iscrowd": 0,
            "action_ids": [2],
            "person_id": 4,
        },
    ]
    boxes = annotated_boxes(content)
    coco, loaded = in_pycocotools(content, tmp_path, boxes)
    assert coco.getImgIds() == [1, 2, 3] and coco.getCatIds() == [1]
    assert coco.getAnnIds(imgIds=[2]) == [2, 3] and coco.getAnnIds(imgIds=[3]) == []
    assert coco.loadAnns(2)[0]["action_ids"] == [1, 2]
    assert [each["score"] for each in loaded.dataset["annotations"]] == [1.0, 1.0, 1.0]


def test_one_annotation_per_person_and_action_for_plain_coco(tmp_path):
    coco = in_pycocotools(coco_json(ROWS, IMAGES, ACTIONS), tmp_path)
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["talk", "walk"]
    found = [(a["image_id"], a["category_id"], a["bbox"]) for a in coco.dataset["annotations"]]
    assert found == [
        (1, 1, [20.0, 100.0, 50.0, 200.0]),
        (2, 1, [160.0, 180.0, 160.0, 180.0]),
        (2, 2, [160.0, 180.0, 160.0, 180.0]),
        (2, 2, [320.0, 36.0, 64.0, 90.0]),
    ]
    assert len({a["id"] for a in coco.dataset["annotations"]}) == 4


def test_keyframes_of_rare_actions_are_images_of_their_own_again():
    content = alphaction_json(ROWS, IMAGES, ACTIONS)
    repeated = repeated_json(content, {("wide", 902): 3, ("tall", 903): 1})
    assert content == alphaction_json(ROWS, IMAGES, ACTIONS), "what is given stays as it is"
    ids = [each["id"] for each in repeated["images"]]
    assert ids == list(range(1, len(IMAGES) + 3))
    number = next(each["id"] for each in IMAGES if each["movie"] == "wide")
    copies = [each for each in repeated["images"] if each["id"] > len(IMAGES)]
    assert [(each["movie"], each["timestamp"]) for each in copies] == [("wide", 902)] * 2
    of_image = {
        id: [
            (each["bbox"], each["action_ids"], each["person_id"])
            for each in repeated["annotations"]
            if each["image_id"] == id
        ]
        for id in ids
    }
    assert len(of_image[number]) == 2
    assert [of_image[each["id"]] for each in copies] == [of_image[number]] * 2
    numbers = [each["id"] for each in repeated["annotations"]]
    assert numbers == list(range(1, len(content["annotations"]) + 5))


def test_the_best_objects_of_a_keyframe_with_categories_after_the_person():
    box = (0.25, 0.5, 0.5, 1.0)
    found = {
        ("wide", 902): [(box, 0.9 - at / 10, "chair" if at % 2 else "cup") for at in range(7)],
        ("tall", 904): [(box, 0.9, "cup")],  # not an image of the split
    }
    boxes = object_boxes(IMAGES, found, ["chair", "cup"])
    number = next(
        each["id"] for each in IMAGES if (each["movie"], each["timestamp"]) == ("wide", 902)
    )
    assert [each["image_id"] for each in boxes] == [number] * 5
    assert boxes[0] == {
        "image_id": number,
        "category_id": 3,
        "bbox": [160.0, 180.0, 160.0, 180.0],
        "score": 0.9,
    }
    assert [each["category_id"] for each in boxes] == [3, 2, 3, 2, 3]
    assert [each["score"] for each in boxes] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])


def test_objects_are_named_in_catalog_config_and_readme():
    entries = eval("{" + catalog_text("mine", ["train", "val"], objects=True) + "}")
    assert entries["ava_video_mine_train"]["object_file"] == "mine/boxes/train_object_bbox.json"
    assert entries["ava_video_mine_val"]["object_file"] == "mine/boxes/val_object_bbox.json"
    splits = [Split("train", ROWS, []), Split("val", ROWS, [], BOXES)]
    config = yaml.safe_load(config_text("mine", splits, 2, 0.7, MANIFESTS, objects=True))
    structure = config["MODEL"]["IA_STRUCTURE"]
    assert structure["ACTIVE"] is True and structure["MAX_OBJECT"] == 5
    assert structure["I_BLOCK_LIST"] == ["P", "O", "P", "O"]
    plain = yaml.safe_load(config_text("mine", splits, 2, 0.7, MANIFESTS))
    assert plain["MODEL"]["IA_STRUCTURE"] == {"ACTIVE": False}
    asked = SETTINGS | {"objects": ["chair", "cup"]}
    text = readme_text("mine", splits, ACTIONS, 0.7, asked, MANIFESTS, "results/dataset")
    assert "categories 2 (chair), 3 (cup), at which" in text


def test_detected_people_by_their_score(tmp_path):
    proposals = {
        "wide,0902": np.array([[0.25, 0.5, 0.5, 1.0, 0.9], [0.0, 0.0, 0.1, 0.1, 0.699]]),
        "wide,0903": np.array([[0.0, 0.0, 1.0, 1.0, 0.99]]),  # not an image of the split
        "tall,0903": np.array([[0.1, 0.25, 0.35, 0.75, 0.7]]),
    }
    boxes = detected_boxes(IMAGES, proposals, 0.7)
    assert boxes == [
        {"image_id": 1, "category_id": 1, "bbox": [20.0, 100.0, 50.0, 200.0], "score": 0.7},
        {"image_id": 2, "category_id": 1, "bbox": [160.0, 180.0, 160.0, 180.0], "score": 0.9},
    ]
    _, loaded = in_pycocotools(alphaction_json(ROWS, IMAGES, ACTIONS), tmp_path, boxes)
    assert loaded.getImgIds() == [1, 2, 3] and len(loaded.getAnnIds()) == 2
    assert json.loads(json_text(boxes, compact=False)) == boxes


def test_boxes_that_the_loader_drops_are_named():
    rows = [
        Row("wide", 902, (0.1, 0.1, 0.1015, 0.5), 1, 1),  # 0.96 px wide
        Row("wide", 902, (0.3, 0.1, 0.3032, 0.5), 1, 2),  # 2.05 px
        Row("wide", 902, (0.9990, 0.1, 1.0, 0.5), 1, 3),  # begins in the last column
    ]
    content = alphaction_json(rows, IMAGES, ACTIONS)
    assert dropped_boxes(content) == [
        "wide, timestamp 902, person 1",
        "wide, timestamp 902, person 3",
    ]


def test_the_window_around_a_keyframe_stays_inside_the_segments():
    assert annotatable(6, SETTINGS, 2) == [2, 3, 4]  # t - 2 to t + 1 of 0..5
    # Detected people are known from keyframes.margin on, and to it before the end.
    assert annotatable(8, SETTINGS, 3) == [3, 4, 5]
    where = {("wide", second): f"hand.json: 'wide/90{second}.jpg'" for second in (1, 2, 4, 5)}
    check_reach({key: where[key] for key in (("wide", 2), ("wide", 4))}, {"wide": 6}, SETTINGS, 2)
    message = (
        r"(?s)t - 2 to t \+ 1.*hand.json: 'wide/905.jpg': second 5 of clip wide \(expected 2 to"
    )
    with pytest.raises(UserError, match=message):
        check_reach({("wide", 5): where["wide", 5]}, {"wide": 6}, SETTINGS, 2)
    with pytest.raises(UserError, match="the clip is too short for any"):
        check_reach({("wide", 1): where["wide", 1]}, {"wide": 3}, SETTINGS, 2)
    # 10 s in segments of 2 s: nine of them, 0 to 8; of 3 s: eight, 0 to 7.
    longer = SETTINGS | {"segment_seconds": 2}
    assert annotatable(9, longer, 2) == list(range(2, 9))
    assert annotatable(8, SETTINGS | {"segment_seconds": 3}, 3) == list(range(3, 8))
    assert annotatable(9, longer, 3) == list(range(3, 8))


def test_settings_that_leave_no_room_around_keyframes():
    check_settings(SETTINGS, 2)
    with pytest.raises(UserError, match=r"margin: 1 s, but AlphAction reads 32 frames.*least 2"):
        check_settings(SETTINGS, 1)
    with pytest.raises(UserError, match=r"a segment of 3 s .* begins at each keyframe.*least 3"):
        check_settings(SETTINGS | {"segment_seconds": 3}, 2)
    check_settings(SETTINGS | {"segment_seconds": 3}, 3)


def test_the_catalog_entry_is_python_to_paste():
    entries = eval("{" + catalog_text("mine", ["train", "val"]) + "}")
    assert list(entries) == ["ava_video_mine_train", "ava_video_mine_val"]
    assert entries["ava_video_mine_train"]["box_file"] == ""
    assert entries["ava_video_mine_val"] == {
        "video_root": "mine/clips/val",
        "ann_file": "mine/annotations/val_min.json",
        "box_file": "mine/boxes/val_person_bbox.json",
        "eval_file_paths": {
            "csv_gt_file": "mine/annotations/val.csv",
            "labelmap_file": "mine/annotations/action_list.pbtxt",
            "exclusion_file": "mine/annotations/val_excluded_timestamps.csv",
        },
        "object_file": "",
    }


def test_the_schedule():
    """90 keyframes in pairs, 20 passes: 45 * 20 = 900 steps, falls at 5/9 and 7/9 of them."""
    schedule = Schedule((90, 0))
    assert (schedule.batch, schedule.epoch, schedule.steps) == (2, 45, 900)
    assert schedule.falls == (500, 700) and schedule.warmup == 90
    assert schedule.rate == pytest.approx(0.00005)
    assert Schedule((200_000, 0)).warmup == 2000
    # One keyframe, or one of a kind: batches of two would never be filled with it.
    assert Schedule((1, 0)).batch == 1 and Schedule((1, 0)).steps == 20
    assert Schedule((6, 1)).batch == 1 and Schedule((6, 1)).epoch == 7
    assert Schedule((6, 3)).batch == 2 and Schedule((6, 3)).epoch == 4
    assert Schedule((0, 0)).steps == 20


@pytest.mark.parametrize(
    ("gpus", "clips", "rate", "steps", "falls", "period"),
    [
        (1, 2, 0.00005, 900, (500, 700), 90),
        (2, 4, 0.0001, 450, (250, 350), 45),
        (4, 8, 0.0002, 225, (125, 175), 23),
        # 112.5 steps are 113: no less is trained than on one GPU
        (8, 16, 0.0004, 113, (63, 88), 12),
    ],
)
def test_the_schedule_on_several_gpus(gpus, clips, rate, steps, falls, period):
    """AlphAction's linear rule: N times the clips and the rate, an Nth of the steps."""
    schedule = Schedule((90, 0)).on(gpus)
    assert (schedule.clips, schedule.steps) == (clips, steps)
    assert schedule.rate == pytest.approx(rate)
    assert schedule.falls == falls and schedule.period == period and schedule.fills


def test_too_few_keyframes_for_so_many_gpus():
    # 9 keyframes: two on each of 4 GPUs, but one on each of 8
    assert [Schedule((9, 0)).on(gpus).fills for gpus in (1, 2, 4, 8)] == [True, True, True, False]
    # three in portrait: one for a GPU of three, none in pairs
    assert [Schedule((90, 3)).on(gpus).fills for gpus in (1, 2)] == [True, False]


def test_the_readme_says_the_schedule_and_the_names_for_the_demo():
    rows = [Row("wide", 902 + at, (0.1, 0.1, 0.5, 0.5), 1, 1) for at in range(90)]
    splits = [Split("train", rows, []), Split("val", ROWS, [], BOXES)]
    text = readme_text("mine", splits, ACTIONS, 0.7, SETTINGS, MANIFESTS, "results/dataset")
    assert "| 1 | 2 | 0.000050 | (500, 700) | 900 | 90 | 90 |" in text
    assert "| 8 | 16 | 0.000400 | (63, 88) | 113 | 11 | 12 |" in text
    command = text.split("So on 4:")[1].split("```")[1]
    assert "--nproc_per_node=4 train_net.py" in command
    assert "SOLVER.BASE_LR 0.000200 SOLVER.STEPS '(125, 175)'" in command
    assert '["talk", "walk"]' in text.split("CATEGORIES")[1]
    # What the table says of one GPU stands in the config.
    solver = yaml.safe_load(config_text("mine", splits, 2, 0.7, MANIFESTS))["SOLVER"]
    assert (solver["MAX_ITER"], solver["VIDEOS_PER_BATCH"], solver["EVAL_PERIOD"]) == (900, 2, 90)
    assert "On several GPUs" not in readme_text(
        "mine", [splits[1]], ACTIONS, 0.7, SETTINGS, MANIFESTS, "results/dataset"
    )


BOXES = [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9}]


@pytest.mark.parametrize("threshold", [0, 0.7, 1])
def test_the_config(threshold):
    splits = [
        Split("train", ROWS[:3], [("wide", 902)]),
        Split("test", ROWS[3:], [("tall", 903)], BOXES),
    ]
    config = yaml.safe_load(config_text("mine", splits, 2, threshold, MANIFESTS))
    head = config["MODEL"]["ROI_ACTION_HEAD"]
    assert head["NUM_CLASSES"] == head["NUM_PERSON_INTERACTION_CLASSES"] == 80
    assert head["NUM_PERSON_MOVEMENT_CLASSES"] == head["NUM_OBJECT_MANIPULATION_CLASSES"] == 0
    assert config["DATASETS"] == {
        "TRAIN": '("ava_video_mine_train",)',
        "TEST": '("ava_video_mine_test",)',
    }
    assert config["TEST"]["BOX_THRESH"] == threshold
    assert config["SOLVER"]["VIDEOS_PER_BATCH"] == 1 and config["SOLVER"]["MAX_ITER"] == 20
    # yacs refuses a whole number where AlphAction's defaults have a float.
    floats = [
        config["TEST"]["BOX_THRESH"],
        config["TEST"]["ACTION_THRESH"],
        *(config["SOLVER"][key] for key in ("BASE_LR", "WEIGHT_DECAY", "WARMUP_FACTOR")),
        *(head[key] for key in ("PERSON_LOSS_WEIGHT", "DROPOUT_RATE", "POOLER_SCALE")),
        config["MODEL"]["NONLOCAL"]["BN_INIT_GAMMA"],
        config["MODEL"]["BACKBONE"]["SLOWFAST"]["BETA"],
    ]
    assert all(isinstance(value, float) for value in floats), floats
    alone = yaml.safe_load(config_text("mine", splits[:1], 2, threshold, MANIFESTS))
    assert alone["DATASETS"]["TEST"] == "()"


def test_a_split_without_any_detected_person_is_not_judged():
    splits = [Split("train", ROWS[:3], [], BOXES), Split("val", ROWS[3:], [("tall", 903)])]
    config = yaml.safe_load(config_text("mine", splits, 2, 0.7, MANIFESTS))
    assert config["DATASETS"]["TEST"] == "()"
    text = readme_text("mine", splits, ACTIONS, 0.7, SETTINGS, MANIFESTS, "results/dataset")
    assert "val: on none of its keyframes a person was detected with 0.7 or more" in text
    assert "--skip-val-in-train" in text


def test_the_readme_tells_what_a_user_would_miss():
    val = Split("val", ROWS, [("wide", 902)], BOXES, ["wide, timestamp 902, person 1"])
    val.unproposed.append("wide,902")
    left = MANIFESTS | {"wide": replace(WIDE, left_out=0.6, decode_errors=3)}
    text = readme_text("mine", [val], ACTIONS, 0.7, SETTINGS, left, "results/dataset")
    assert "wide: the source is damaged in 3 places" in text
    assert "no person was detected with 0.7 or more" in text and "wide,902" in text
    assert "boxes too small for AlphAction" in text
    assert "wide: the last 0.6 s make no whole segment." in text
    assert "there is nothing to train on" in text and "test_net.py" in text
    train = Split("train", ROWS, [("wide", 902)], BOXES)
    text = readme_text("mine", [train], ACTIONS, 0.7, SETTINGS, MANIFESTS, "results/dataset")
    assert "only 1 keyframes of one kind: `VIDEOS_PER_BATCH` is 1" in text
    assert "--transfer --no-head --use-tfboard --skip-val-in-train --skip-final-test" in text
    assert "trains without validation" in text and "make no whole" not in text
    assert "ln -s $DATASET data/mine" in text
