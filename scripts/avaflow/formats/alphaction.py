"""The dataset as AlphAction takes it: COCO annotations, person boxes, catalog entry, config.

Reader: AlphAction, `alphaction/dataset/datasets/ava.py` (al) and its evaluator. What decides the
odd values below:

* al keeps one row per person with a list `action_ids`, in pixels of the segment, and looks up
  `{movie}/{timestamp}.mp4`; finetuning guides have one row per person and action instead, and
  al fails on those. So one file serves al and is valid COCO with the single category `person`,
  and a second one has a row per person and action, with actions as categories;
* al packs labels into 80 columns whatever the config says, and the loss asserts as many
  classes: `NUM_CLASSES` stays 80 for every dataset;
* the loss takes the first `NUM_PERSON_MOVEMENT_CLASSES` columns for a choice of one by softmax,
  where nothing ticked means the first action. Ours are all ticked independently, so they are
  declared as interactions, which it judges one by one;
* boxes are taken from a list of `{image_id, bbox, score}`, and a keyframe without one is left
  out of validation;
* a box up to 1 px wide or high is dropped.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.formats.ava import Row
from avaflow.formats.proposals import key_of
from avaflow.listing import MOST_SHOWN
from avaflow.project.actions import Action
from avaflow.times import Instant, Moment, Timestamp, second_of_timestamp
from avaflow.videos.segments import SegmentsManifest

PERSON = 1
"""Category id of a person, as AlphAction's own csv2COCO.py has it."""

MOST_OBJECTS = 5
"""Objects of a keyframe: `IA_STRUCTURE.MAX_OBJECT` in all of AlphAction's configs. Of more it
would take as many by chance, so the best are written and no others."""

HALF_SPAN_FRAMES = 32
"""Frames that al reads on each side of a keyframe: FRAME_NUM 64 with FRAME_SAMPLE_RATE 1."""

DROPPED_PX = 1.0
"""al takes a width of w for w - 1 pixels further, and drops boxes without any."""


@dataclass(frozen=True)
class Split:
    """A split as it is written: its labels, and the keyframes (clip, timestamp) that are judged.

    `boxes` is the content of its box file, `dropped` names boxes that AlphAction leaves out,
    `unproposed` labelled keyframes without a person box, `repeats` how often keyframes are read
    where not once.
    """

    name: str
    rows: list[Row]
    instants: list[tuple[str, int]]
    boxes: list[dict] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unproposed: list[str] = field(default_factory=list)
    repeats: Mapping[Instant, int] = field(default_factory=dict)


def reach(settings: Mapping, margin: int) -> tuple[int, int]:
    """Segments that a keyframe needs before its own, and after it.

    AlphAction needs those of its window, and detected people are known only `margin` seconds
    away from a clip's ends. Segments of another length than a second are for other loaders,
    of which nothing is known but that they read the keyframe's own.
    """
    if settings["segment_seconds"] != 1:
        return margin, max(0, margin - settings["segment_seconds"])
    whole = max(window_seconds(settings), margin)
    return whole, whole - 1


def window_seconds(settings: Mapping) -> int:
    """Whole seconds on each side of a keyframe that AlphAction's window reaches into."""
    return math.ceil(HALF_SPAN_FRAMES / settings["fps"])


def check_settings(settings: Mapping, margin: int) -> None:
    """UserError where keyframes lie too close to a clip's ends for what is read around them."""
    seconds = settings["segment_seconds"]
    if seconds == 1:
        needed = window_seconds(settings)
        why = (
            f"AlphAction reads {HALF_SPAN_FRAMES} frames to each side of a keyframe, {needed} s "
            f"at {settings['fps']} frames a second"
        )
    else:
        needed = seconds
        why = f"a segment of {seconds} s (alphaction.segment_seconds) begins at each keyframe"
    if margin < needed:
        raise UserError(
            f"config: keyframes.margin: {margin} s, but {why}. Expected at least {needed}, or take "
            "alphaction out of `exports`."
        )


def annotatable(segments: int, settings: Mapping, margin: int) -> list[int]:
    """Seconds of a clip of so many segments around which everything that is read is there."""
    before, after = reach(settings, margin)
    return list(range(before, segments - after))


def check_reach(
    instants: Mapping[Moment, str],
    segments: Mapping[str, int],
    settings: Mapping,
    margin: int,
) -> None:
    """UserError for labelled (clip, second) whose window leaves the clip's segments.

    `instants` says of each where it is named, `segments` gives the number of segments of
    each clip.
    """
    allowed = {clip: annotatable(count, settings, margin) for clip, count in segments.items()}
    strays = sorted(
        Moment(clip, second) for clip, second in instants if second not in allowed[clip]
    )
    if strays:
        before, after = reach(settings, margin)
        raise UserError.listing(
            "labels on seconds that cannot be read: second t needs those from "
            f"t - {before} to t + {after} (AlphAction's window, and keyframes.margin). Take these "
            "out, or give their clips other times:",
            [
                f"{instants[place]}: second {place.second} of clip {place.clip} "
                f"({_allowed(allowed[place.clip])})"
                for place in strays
            ],
            MOST_SHOWN,
        )


def _allowed(seconds: Sequence[int]) -> str:
    return f"expected {seconds[0]} to {seconds[-1]}" if seconds else "the clip is too short for any"


def images(
    instants: Iterable[tuple[str, Timestamp]], manifests: Mapping[str, SegmentsManifest]
) -> list[dict]:
    """COCO `images` of keyframes (clip, timestamp), with what AlphAction and guides read."""
    found = []
    for number, (clip, timestamp) in enumerate(sorted(instants), start=1):
        manifest = manifests[clip]
        name = manifest.name(second_of_timestamp(timestamp, manifest.offset))
        found.append(
            {
                "id": number,
                "file_name": f"{clip}/{name}.jpg",
                "width": manifest.width,
                "height": manifest.height,
                "movie": clip,
                "timestamp": timestamp,
                "video_id": clip,
                "frame_id": int(name),
                "video_path": f"{clip}/{name}.mp4",
            }
        )
    return found


def bbox_px(box: Sequence[float], width: int, height: int) -> list[float]:
    """x, y, width, height in pixels, to a hundredth, of normalised x1, y1, x2, y2."""
    x1, y1, x2, y2 = box
    px = (x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height)
    return [round(float(value), 2) for value in px]


def alphaction_json(
    rows: Iterable[Row], images: Sequence[Mapping], actions: Sequence[Action]
) -> dict:
    """Annotations with one row per person: what AlphAction loads, and valid COCO.

    `images` are the :func:`images`; `actions` is added beside COCO's own keys, so that
    the file explains its `action_ids`.
    """
    of_instant = {(each["movie"], each["timestamp"]): each for each in images}
    persons: dict[tuple[str, int, int], list[Row]] = {}
    for row in sorted(rows):
        persons.setdefault((row.clip, row.timestamp, row.person_id), []).append(row)
    annotations = []
    for number, ((clip, timestamp, person), own) in enumerate(sorted(persons.items()), start=1):
        image = of_instant[clip, timestamp]
        annotations.append(
            {
                **_annotation(number, image, own[0].box, PERSON),
                "action_ids": sorted(row.action_id for row in own),
                "person_id": person,
            }
        )
    return {
        "info": {"description": "one annotation per person, as AlphAction reads them"},
        "images": list(images),
        "annotations": annotations,
        "categories": [{"id": PERSON, "name": "person", "supercategory": "person"}],
        "actions": [{"id": action.id, "name": action.name} for action in actions],
    }


def repeated_json(annotations: Mapping, repeats: Mapping[Instant, int]) -> dict:
    """The annotations of :func:`alphaction_json` with some keyframes several times.

    al knows an image by its id only, so a copy has an id of its own beside the same movie and
    timestamp. COCO tools would count it as another image: this is for training alone.
    """
    images, found = list(annotations["images"]), list(annotations["annotations"])
    own: dict[int, list[dict]] = {}
    for each in found:
        own.setdefault(each["image_id"], []).append(each)
    next_image = max((each["id"] for each in images), default=0) + 1
    next_annotation = max((each["id"] for each in found), default=0) + 1
    for image in annotations["images"]:
        for _ in range(1, repeats.get(Instant(image["movie"], image["timestamp"]), 1)):
            images.append({**image, "id": next_image})
            for each in own.get(image["id"], []):
                found.append({**each, "id": next_annotation, "image_id": next_image})
                next_annotation += 1
            next_image += 1
    return {**annotations, "images": images, "annotations": found}


def coco_json(rows: Iterable[Row], images: Sequence[Mapping], actions: Sequence[Action]) -> dict:
    """Annotations with one row per person and action, actions as categories: plain COCO."""
    of_instant = {(each["movie"], each["timestamp"]): each for each in images}
    ordered = sorted(rows, key=lambda r: (r.clip, r.timestamp, r.person_id, r.action_id))
    return {
        "info": {"description": "one annotation per person and action"},
        "images": list(images),
        "annotations": [
            {
                **_annotation(number, of_instant[row.clip, row.timestamp], row.box, row.action_id),
                "person_id": row.person_id,
            }
            for number, row in enumerate(ordered, start=1)
        ],
        "categories": [
            {"id": action.id, "name": action.name, "supercategory": action.attribute}
            for action in actions
        ],
    }


def _annotation(number: int, image: Mapping, box: Sequence[float], category: int) -> dict:
    bbox = bbox_px(box, image["width"], image["height"])
    return {
        "id": number,
        "image_id": image["id"],
        "category_id": category,
        "bbox": bbox,
        "area": round(bbox[2] * bbox[3], 2),
        "iscrowd": 0,
    }


def detected_boxes(
    images: Iterable[Mapping], proposals: Mapping[str, np.ndarray], threshold: float
) -> list[dict]:
    """The box file of a split to validate on: detected people with at least this score.

    `proposals` maps `clip,0902` to an array (N, 5) of x1, y1, x2, y2, score.
    """
    found = []
    for image in images:
        for *box, score in proposals.get(key_of(image["movie"], image["timestamp"]), ()):
            if score >= threshold:
                found.append(_box(image, bbox_px(box, image["width"], image["height"]), score))
    return found


def annotated_boxes(annotations: Mapping) -> list[dict]:
    """The box file of a split to train on: the annotated people, each with score 1."""
    by_id = {image["id"]: image for image in annotations["images"]}
    return [_box(by_id[each["image_id"]], each["bbox"], 1.0) for each in annotations["annotations"]]


def _box(image: Mapping, bbox: Sequence[float], score: float) -> dict:
    return {
        "image_id": image["id"],
        "category_id": PERSON,
        "bbox": list(bbox),
        "score": round(float(score), 6),
    }


def object_boxes(
    images: Iterable[Mapping],
    found: Mapping[Instant, Sequence[tuple[Corners, float, str]]],
    names: Sequence[str],
) -> list[dict]:
    """The object file of a split: the best objects of each image, as al reads person boxes.

    `found` gives box, score and class of the objects on a keyframe, best first;
    `names` are the classes that are asked for, whose categories count on from the person's.
    al itself looks at no class.
    """
    boxes = []
    for image in images:
        instant = Instant(image["movie"], image["timestamp"])
        for box, score, name in found.get(instant, ())[:MOST_OBJECTS]:
            entry = _box(image, bbox_px(box, image["width"], image["height"]), score)
            boxes.append(entry | {"category_id": PERSON + 1 + names.index(name)})
    return boxes


def dropped_boxes(annotations: Mapping) -> list[str]:
    """The persons that AlphAction leaves out because their box is too small for it."""
    by_id = {image["id"]: image for image in annotations["images"]}
    found = []
    for each in annotations["annotations"]:
        image = by_id[each["image_id"]]
        x, y, w, h = each["bbox"]
        last_x, last_y = image["width"] - 1, image["height"] - 1
        if min(w, h) <= DROPPED_PX or x >= last_x or y >= last_y:
            found.append(
                f"{image['movie']}, timestamp {image['timestamp']}, person {each['person_id']}"
            )
    return found


def json_text(content: object, compact: bool) -> str:
    """JSON on many lines to read, or compact."""
    if compact:
        return json.dumps(content, separators=(",", ":")) + "\n"
    return json.dumps(content, indent=1) + "\n"
