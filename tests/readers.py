"""What each training toolbox does with the files of a dataset, restated from its behaviour.

Independent of the code under test: nothing here is imported from avaflow. Each function takes
the dataset folder (`results/dataset`) and reads it as that reader would, with the reader's own
assertions; where a reader goes wrong without a word, so does its restatement.
"""

import csv
import pickle
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

# ------------------------------------------------------------------ AVA's evaluator


def evaluator_classes(path):
    """{id: name} as the line-prefix parser of the ActivityNet evaluator finds them."""
    names, name = {}, ""
    for line in Path(path).read_text().split("\n"):
        if line[:7] == "  name:":
            name = line.split('"')[1]
        elif line[:5] == "  id:" or line[:11] == "  label_id:":
            names[int(line.strip().split(" ")[-1])] = name
    return names


def evaluator_truth(path, classes):
    """{'clip,0902': [(action, (x1, y1, x2, y2)), ...]} from an AVA csv."""
    truth = defaultdict(list)
    with open(path, newline="") as stream:
        for row in csv.reader(stream):
            assert len(row) in (7, 8), f"wrong number of columns: {row}"
            action = int(row[6])
            if action in classes:
                key = f"{row[0]},{int(row[1]):04d}"
                truth[key].append((action, tuple(float(cell) for cell in row[2:6])))
    return dict(truth)


def evaluator_excluded(path):
    """The excluded keys."""
    keys = set()
    with open(path, newline="") as stream:
        for row in csv.reader(stream):
            assert len(row) == 2, f"expected 2 columns: {row}"
            keys.add(f"{row[0]},{int(row[1]):04d}")
    return keys


def mean_average_precision(truth, found, classes, excluded=()):
    """Frame mAP at IoU 0.5, all detections scored alike; excluded keys count in the truth's
    total all the same, as in mmaction2's evaluator. Classes without truth are left out."""
    results = []
    for action in classes:
        total = sum(each == action for boxes in truth.values() for each, _ in boxes)
        hits, tries = 0, 0
        for key, boxes in truth.items():
            if key in excluded:
                continue
            left = [box for each, box in boxes if each == action]
            for each, box in found.get(key, []):
                if each != action:
                    continue
                tries += 1
                best = max(left, key=lambda other, box=box: _iou(box, other), default=None)
                if best is not None and _iou(box, best) >= 0.5:
                    left.remove(best)
                    hits += 1
        if total:
            results.append(hits / total * (hits / tries if tries else 0))
    return float(np.mean(results))


def _iou(left, right):
    width = min(left[2], right[2]) - max(left[0], right[0])
    height = min(left[3], right[3]) - max(left[1], right[1])
    shared = max(width, 0) * max(height, 0)
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (left, right)) - shared
    return shared / union


def truth_against_itself(dataset, split):
    """mAP of a split's csv judged against itself: 1.0 unless its rows break a rule."""
    annotations = Path(dataset) / "annotations"
    classes = evaluator_classes(annotations / "action_list.pbtxt")
    truth = evaluator_truth(annotations / f"{split}.csv", classes)
    excluded = evaluator_excluded(annotations / f"{split}_excluded_timestamps.csv")
    return mean_average_precision(truth, truth, classes, excluded)


# ------------------------------------------------------------------ mmaction2


def mmaction2_config(path):
    """The variables of a config, with mmengine's `fileDirname` filled in, without its base."""
    folder = Path(path).absolute().parent
    text = re.sub(r"\{\{\s*fileDirname\s*\}\}", str(folder), Path(path).read_text())
    variables = {}
    exec(compile(text, str(path), "exec"), variables)
    return variables


@dataclass
class Sample:
    """What a dataset hands to a model for one keyframe, before decoding.

    `frames` are the 1-based frames of the clip that are read, `centre` the one in the middle.
    """

    clip: str
    timestamp: int
    frames: list[int]
    centre: int
    boxes: np.ndarray
    labels: np.ndarray
    person_ids: list[int]
    proposals: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    paths: list[Path] = field(default_factory=list)


def mmaction2_samples(dataset, split, mode, frame_counts=None, jitter=0):
    """The samples of AVADataset with the generated config, in test mode plus `jitter` frames.

    `mode` is frames or video; video needs `frame_counts` (clip to number of frames), which
    decord would tell. The training sampler's jitter is -1 or 0 frames.
    """
    path = Path(dataset) / "mmaction2" / f"slowfast_{mode}.py"
    settings = mmaction2_config(path)[f"{split}_dataloader"]["dataset"]
    assert settings["use_frames"] == (mode == "frames")
    excluded = [line.split(",") for line in Path(settings["exclude_file"]).read_text().split()]
    with open(settings["proposal_file"], "rb") as stream:
        proposals = pickle.load(stream)
    by_key = defaultdict(list)
    for line in Path(settings["ann_file"]).read_text().splitlines():
        cells = line.strip().split(",")
        by_key[f"{cells[0]},{int(cells[1]):04d}"].append(
            (np.array([float(cell) for cell in cells[2:6]]), int(cells[6]), int(cells[7]))
        )
    samples = []
    for key, records in by_key.items():
        clip, timestamp = key.split(",")
        if any(clip == name and int(timestamp) == int(when) for name, when in excluded):
            continue
        boxes, labels, persons = [], [], []
        while records:
            box, _, person = records[0]
            same = [each for each in records if np.array_equal(each[0], box)]
            records = [each for each in records if not np.array_equal(each[0], box)]
            vector = np.zeros(settings["num_classes"], np.float32)
            vector[[action for _, action, _ in same]] = 1
            boxes.append(box)
            labels.append(vector)
            persons.append(person)
        start = settings["start_index"]
        seconds = int(timestamp) - settings["timestamp_start"]
        centre = settings["fps"] * seconds + start
        if mode == "frames":
            end = (settings["timestamp_end"] - settings["timestamp_start"]) * settings["fps"]
        else:
            end = frame_counts[clip]
        indices = np.clip(np.arange(centre - 32, centre + 32, 2) + jitter, 0, end - 1) + start
        # Files are named from 1; decord counts from 0.
        first = 0 if mode == "frames" else 1
        found = proposals.get(key)
        if found is None:
            chosen = np.array([[0, 0, 1, 1]])
        else:
            scores = found[:, 4]
            chosen = found[scores >= min(settings["person_det_score_thr"], max(scores))][:1000, :4]
        assert chosen.max() <= 1 and chosen.min() >= 0
        root = Path(settings["data_prefix"]["img"]) / clip
        names = (
            [root / f"img_{index:05}.jpg" for index in indices]
            if mode == "frames"
            else [root.parent / f"{clip}.mp4"]
        )
        samples.append(
            Sample(
                clip,
                int(timestamp),
                [int(index) + first for index in indices],
                int(centre) + start + first,
                np.stack(boxes),
                np.stack(labels),
                persons,
                chosen,
                names,
            )
        )
    return samples


def ava_kinetics_samples(folder, split, frame_counts=None, jitter=0):
    """The samples of AVAKineticsDataset with the generated config, in test mode plus jitter.

    `folder` is `results/ava_kinetics`; `frame_counts` (id to number of frames, which decord would
    tell) is for the config that reads clips. Frames are numbered from 1 as files are.
    """
    variables = mmaction2_config(Path(folder) / "mmaction2" / "ava_kinetics.py")
    settings = variables[f"{split}_dataloader"]["dataset"]
    assert settings["type"] == "AVAKineticsDataset" and settings["label_file"]
    excluded = [line.split(",") for line in Path(settings["exclude_file"]).read_text().split()]
    with open(settings["proposal_file"], "rb") as stream:
        proposals = pickle.load(stream)

    def times(name):
        parts = name.split("_")
        if len(name) == 11 or len(parts) < 3:
            return 900, 1800
        return int(parts[-2]), int(parts[-1])

    by_key = defaultdict(list)
    for line in Path(settings["ann_file"]).read_text().splitlines():
        cells = line.strip().split(",")
        entry = (tuple(map(float, cells[2:6])), int(cells[6]), int(cells[7]))
        by_key[f"{cells[0]},{int(cells[1]):04d}"].append(entry)
    samples = []
    for key, records in by_key.items():
        name, timestamp = key.split(",")
        if any(name == movie and int(timestamp) == int(when) for movie, when in excluded):
            continue
        start, end = times(name)
        if len(key) != 16:
            key = f"{'_'.join(name.split('_')[:-2])},{int(timestamp):04d}"
        boxes = list(dict.fromkeys(box for box, _, _ in records))
        labels = np.zeros((len(boxes), 81), np.float32)
        for box, action, _ in records:
            labels[boxes.index(box), action] = 1
        found = proposals.get(key)
        if found is None:
            chosen = np.array([[0, 0, 1, 1]])
        else:
            assert found.shape[-1] in (4, 5)
            least = min(settings["person_det_score_thr"], max(found[:, 4]))
            chosen = found[found[:, 4] >= least][:1000, :4]
        index = settings["start_index"]
        centre = 30 * (int(timestamp) - start) + index
        media = Path(settings["data_prefix"]["img"]) / name
        clip = media.with_name(f"{name}.mp4")
        decoded = "custom_imports" in variables and clip.exists()
        first, last = (0, frame_counts[name]) if decoded else (1, (end - start) * 30 + 1)
        window = np.clip(np.arange(centre - 32, centre + 32, 8) + jitter, first, last - 1) + index
        paths = [clip] if decoded else [media / f"img_{number:05}.jpg" for number in window]
        samples.append(
            Sample(
                name,
                int(timestamp),
                [int(number) + decoded for number in window],
                int(centre) + index + decoded,
                np.array(boxes),
                labels,
                [person for _, _, person in records],
                chosen,
                paths,
            )
        )
    return samples


# ------------------------------------------------------------------ PySlowFast


def slowfast_boxes(dataset, ava, mode):
    """Action ids by clip, second and box text, as PySlowFast's `load_boxes_and_labels` has them."""
    truth = ava["TRAIN_GT_BOX_LISTS"] if mode == "train" else []
    predicted = ava["TRAIN_PREDICT_BOX_LISTS"] if mode == "train" else ava["TEST_PREDICT_BOX_LISTS"]
    boxes = {}
    for name in truth + predicted:
        for line in (dataset / ava["ANNOTATION_DIR"] / name).read_text().splitlines():
            cells = line.strip().split(",")
            if name in predicted and float(cells[7]) < ava["DETECTION_SCORE_THRESH"]:
                continue
            second = int(cells[1])
            if mode == "val" and not ava["FULL_TEST_ON_VAL"] and second % 4:
                continue
            clip = boxes.setdefault(cells[0], {each: {} for each in range(902, 1799)})
            clip[second].setdefault(",".join(cells[2:6]), []).append(
                int(cells[6]) if cells[6] else -1
            )
    return boxes


def slowfast_samples(dataset, mode):
    """The samples of PySlowFast's Ava dataset with the generated config; mode train or val."""
    dataset = Path(dataset)
    ava = yaml.safe_load((dataset / "slowfast" / "SLOWFAST.yaml").read_text())["AVA"]
    classes = yaml.safe_load((dataset / "slowfast" / "SLOWFAST.yaml").read_text())["MODEL"]
    lists = ava["TRAIN_LISTS"] if mode == "train" else ava["TEST_LISTS"]
    images, order = defaultdict(list), []
    for name in lists:
        lines = (dataset / ava["FRAME_LIST_DIR"] / name).read_text().splitlines()
        for line in lines[1:]:
            cells = line.split()
            assert len(cells) == 5
            if cells[0] not in images:
                order.append(cells[0])
            images[cells[0]].append(dataset / ava["FRAME_DIR"] / cells[3])
    boxes = slowfast_boxes(dataset, ava, mode)
    assert len(boxes) == len(images)
    samples = []
    for clip in order:
        for second, found in boxes[clip].items():
            if not found:
                continue
            centre = (second - 900) * 30
            last = len(images[clip]) - 1
            indices = [min(max(index, 0), last) for index in range(centre - 32, centre + 32, 2)]
            labels = np.zeros((len(found), classes["NUM_CLASSES"]), np.int32)
            for vector, actions in zip(labels, found.values(), strict=True):
                for action in actions:
                    if action != -1:
                        assert 1 <= action <= 80
                        vector[action - 1] = 1
            samples.append(
                Sample(
                    clip,
                    second,
                    [index + 1 for index in indices],
                    centre + 1,
                    np.array([[float(cell) for cell in text.split(",")] for text in found]),
                    labels,
                    [],
                    paths=[images[clip][index] for index in indices],
                )
            )
    return samples


# ------------------------------------------------------------------ Datumaro


def datumaro_items(dataset):
    """{(subset, 'clip/902'): (image, [(label name, (x, y, w, h), track id), ...])}.

    Labels as Datumaro names them: by position in the action list, after `no action`.
    """
    root = Path(dataset) / "datumaro"
    text = (root / "annotations" / "ava_action_list_v2.2.pbtxt").read_text()
    names = ["no action"]
    for entry in re.findall(r"^label \{\n((?:  .*\n)*)\}$", text, re.MULTILINE):
        fields = dict(line.strip().split(": ", 1) for line in entry.splitlines())
        assert set(fields) <= {"name", "label_id", "label_type"}
        assert fields["label_type"] in {
            "PERSON_MOVEMENT",
            "OBJECT_MANIPULATION",
            "PERSON_INTERACTION",
        }
        names.append(fields["name"].strip('"'))
    items = {}
    for path in sorted((root / "annotations").glob("*.csv")):
        if "ava_" not in path.name:
            continue
        subset = path.stem.replace("ava_", "").replace("_v2.2", "")
        for row in csv.reader(path.read_text().splitlines()):
            image = root / "frames" / row[0] / f"{row[0]}_{row[1]}.jpg"
            entry = items.setdefault((subset, f"{row[0]}/{row[1]}"), (image, []))
            x1, y1, x2, y2 = map(float, row[2:6])
            entry[1].append((names[int(row[6])], (x1, y1, x2 - x1, y2 - y1), int(row[7])))
    return items


# ------------------------------------------------------------------ AlphAction


@dataclass
class VideoSample:
    """What AlphAction's AVAVideoDataset hands to its transforms for one keyframe.

    `frames` are the images (T, H, W, 3) around the keyframe, which is number `keyframe` of
    them; `boxes` are x1, y1, x2, y2 in pixels; `labels` (N, 80) where it trains, else None.
    `objects` are x, y, width, height in pixels, where the config's model looks at any.
    """

    movie: str
    timestamp: int
    frames: np.ndarray
    keyframe: int
    boxes: np.ndarray
    labels: np.ndarray | None
    objects: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))


def alphaction_catalog(folder):
    """The catalog entries as pasted into `DATASETS = {...}`, and the yacs values of the config."""
    entries = eval("{" + (Path(folder) / "paths_catalog_entry.txt").read_text() + "}")
    config = yaml.safe_load((Path(folder) / "finetune_resnet50_4x16f.yaml").read_text())
    return entries, config


def alphaction_samples(folder, split, decode=True):
    """The samples of a split: trained on where the config says so, else judged."""
    import ast
    import json

    folder = Path(folder)
    entries, config = alphaction_catalog(folder)
    (name,) = (each for each in entries if each.endswith(f"_{split}"))
    assert "ava_video" in name
    entry = entries[name]
    training = name in ast.literal_eval(config["DATASETS"]["TRAIN"])
    link = entry["video_root"].split("/")[0]

    def path(relative):
        first, rest = relative.split("/", 1)
        assert first == link
        return folder / rest

    loaded = json.loads(path(entry["ann_file"]).read_text())
    annotations = defaultdict(list)
    for each in loaded.get("annotations", []):
        vector = np.zeros(81, bool)
        vector[each["action_ids"]] = True
        annotations[each["image_id"]].append((each["bbox"], vector[1:]))
    sizes, clips = {}, {}
    for image in loaded["images"]:
        sizes.setdefault(image["movie"], (image["width"], image["height"]))
        clips[image["id"]] = (image["movie"], image["timestamp"])
    chosen = sorted(clips)
    detected = defaultdict(list)
    if training:
        chosen = [each for each in chosen if each in annotations]
    else:
        for box in json.loads(path(entry["box_file"]).read_text()):
            if box["score"] >= config["TEST"]["BOX_THRESH"]:
                detected[box["image_id"]].append(box["bbox"])
        chosen = [each for each in chosen if detected[each]]
    structure = config["MODEL"]["IA_STRUCTURE"]
    near = defaultdict(list)
    if structure["ACTIVE"] and structure["MAX_OBJECT"] and "O" in structure["I_BLOCK_LIST"]:
        # All of them, whatever their score; the model takes MAX_OBJECT by chance.
        for box in json.loads(path(entry["object_file"]).read_text()):
            assert box["score"] >= 0
            near[box["image_id"]].append(box["bbox"])
    span = config["INPUT"]["FRAME_NUM"] * config["INPUT"]["FRAME_SAMPLE_RATE"]
    samples = []
    for each in chosen:
        movie, timestamp = clips[each]
        width, height = sizes[movie]
        xywh = [box for box, _ in annotations[each]] if training else detected[each]
        boxes = np.array(xywh, np.float32).reshape(-1, 4)
        boxes[:, 2:] = boxes[:, :2] + np.maximum(boxes[:, 2:] - 1, 0)
        boxes = np.clip(boxes, 0, [width - 1, height - 1] * 2)
        kept = (boxes[:, 3] > boxes[:, 1]) & (boxes[:, 2] > boxes[:, 0])
        labels = np.array([vector for _, vector in annotations[each]])[kept] if training else None
        frames, keyframe = np.zeros((0, height, width, 3), np.uint8), 0
        if decode:
            root = path(entry["video_root"]) / movie
            frames, keyframe = _around(root, timestamp, span - span // 2, span // 2)
        objects = np.array(near[each], np.float32).reshape(-1, 4)
        samples.append(
            VideoSample(movie, timestamp, frames, keyframe, boxes[kept], labels, objects)
        )
    return samples


def _around(root, timestamp, left_span, right_span):
    """The images that whole files of a second give on both sides of a timestamp's first one."""
    import av

    def decoded(second):
        with av.open(str(root / f"{second}.mp4")) as container:
            return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]

    right, second = [], timestamp
    while len(right) < right_span:
        right += decoded(second)
        second += 1
    left, second = [], timestamp - 1
    while len(left) < left_span:
        left = decoded(second) + left
        second -= 1
    least = min(len(left), len(right))
    return np.stack(left[-least:] + right[:least]), least


def alphaction_loss_accepts(folder, labels):
    """The assertions of AlphAction's loss on a batch of labels (N, 80)."""
    head = alphaction_catalog(folder)[1]["MODEL"]["ROI_ACTION_HEAD"]
    kinds = ("PERSON_MOVEMENT", "OBJECT_MANIPULATION", "PERSON_INTERACTION")
    assert head["NUM_CLASSES"] == sum(head[f"NUM_{kind}_CLASSES"] for kind in kinds)
    assert head["NUM_CLASSES"] == labels.shape[1]
    return True
