"""Small datasets without a fault, written by the project's own writers, in every form that the
doctor knows.

Two clips of train and one of val, 11 s each; two persons on seconds 2 to 8, second 9 excluded.
Without media, but for :func:`media_dataset` and :func:`segments_dataset`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from avaflow.annotation.via import project, write_project
from avaflow.formats.alphaction import alphaction_json, annotated_boxes, images, json_text
from avaflow.formats.alphaction_training import catalog_text
from avaflow.formats.alphaction_training import config_text as alphaction_config
from avaflow.formats.ava import (
    Row,
    action_list_text,
    excluded_text,
    label_map_text,
    read_csv,
    write_csv,
)
from avaflow.formats.mmaction2 import Export
from avaflow.formats.mmaction2 import config_text as mmaction2_config
from avaflow.formats.proposals import key_of, tidy, write_proposals
from avaflow.formats.slowfast import (
    boxes_text,
    frame_list_text,
    plan_split,
)  # fmt: skip
from avaflow.formats.slowfast import config_text as slowfast_config
from avaflow.formats.slowfast import (
    label_map_text as slowfast_labels,
)
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import KEYFRAMES, TRACKS
from avaflow.times import Instant, Timestamp
from avaflow.videos.segments import SegmentsManifest
from numbered_videos import make_video, run_ffmpeg

ATTRIBUTES = attributes_from_config(
    [{"attribute": "does", "choose": "multiple", "options": ["talk", "stand", "walk"]}]
)
ACTIONS = all_actions(ATTRIBUTES)
CLIPS = {"train": ["idle", "walk"], "val": ["shop"]}
LEFT, RIGHT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.95)
SECONDS = range(2, 9)
FRAMES = 330
SIZE = (64, 48)


def rows_of(clips: Sequence[str], seconds: Sequence[int] = SECONDS) -> list[Row]:
    """Person 1 talks and stands or walks, person 2 stands or walks."""
    rows = []
    for clip in clips:
        for second in seconds:
            stamp = Timestamp(900 + second)
            rows.append(Row(clip, stamp, LEFT, 1, 1))
            rows.append(Row(clip, stamp, LEFT, 2 + second % 2, 1))
            rows.append(Row(clip, stamp, RIGHT, 3 - second % 2, 2))
    return rows


def proposals_of(clips: Sequence[str], seconds: Sequence[int] = SECONDS) -> dict[str, np.ndarray]:
    found = np.array([[*LEFT, 0.9], [*RIGHT, 0.8]])
    return {
        key_of(clip, Timestamp(900 + second)): tidy(found) for clip in clips for second in seconds
    }


def write_annotations(folder: Path, seconds: Sequence[int] = SECONDS) -> None:
    """The folder `annotations` of a dataset."""
    folder.mkdir(parents=True)
    for split, clips in CLIPS.items():
        write_csv(folder / f"{split}.csv", rows_of(clips, seconds), len(ACTIONS), 900)
        excluded = excluded_text(Instant(clip, Timestamp(909)) for clip in clips)
        (folder / f"{split}_excluded_timestamps.csv").write_text(excluded)
        write_proposals(folder / f"dense_proposals_{split}.pkl", proposals_of(clips, seconds))
    (folder / "action_list.pbtxt").write_text(action_list_text(ACTIONS))
    (folder / "label_map.txt").write_text(label_map_text(ACTIONS))


def ava_dataset(root: Path) -> Path:
    """AVA's form, with mmaction2's and PySlowFast's exports and Datumaro's copy."""
    annotations = root / "annotations"
    write_annotations(annotations)
    for folder in ("rawframes", "clips", "mmaction2"):
        (root / folder).mkdir()
    export = Export(["train", "val"], 900, 30, len(ACTIONS), FRAMES)
    for mode in ("frames", "video"):
        (root / f"mmaction2/slowfast_{mode}.py").write_text(mmaction2_config(export, mode))
    slowfast = root / "slowfast"
    (slowfast / "frame_lists").mkdir(parents=True)
    splits = {}
    for split, clips in CLIPS.items():
        rows = read_csv(annotations / f"{split}.csv")
        splits[split] = plan_split(split, rows, proposals_of(clips), 0.4)
        listed = frame_list_text(splits[split].listed, dict.fromkeys(clips, FRAMES))
        (slowfast / f"frame_lists/{split}.csv").write_text(listed)
        text = boxes_text(splits[split].boxes)
        (slowfast / f"ava_{split}_predicted_boxes.csv").write_text(text)
    (slowfast / "SLOWFAST.yaml").write_text(slowfast_config(splits, len(ACTIONS)))
    (slowfast / "label_map.json").write_text(slowfast_labels(ACTIONS))
    copies = root / "datumaro/annotations"
    copies.mkdir(parents=True)
    for split, clips in CLIPS.items():
        copies.joinpath(f"ava_{split}_v2.2.csv").write_bytes(
            (annotations / f"{split}.csv").read_bytes()
        )
        for clip in clips:
            (root / "datumaro/frames" / clip).mkdir(parents=True)
            for second in SECONDS:
                image = root / f"datumaro/frames/{clip}/{clip}_{900 + second}.jpg"
                write_image(image, SIZE)
    copies.joinpath("ava_action_list_v2.2.pbtxt").write_text(action_list_text(ACTIONS))
    return root


_IMAGES: dict[tuple[int, int], bytes] = {}


def write_image(path: Path, size: tuple[int, int]) -> None:
    """A grey JPEG."""
    if size not in _IMAGES:
        import cv2

        _, encoded = cv2.imencode(".jpg", np.full((size[1], size[0], 3), 90, np.uint8))
        _IMAGES[size] = encoded.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_IMAGES[size])


def manifest(clip: str) -> SegmentsManifest:
    return SegmentsManifest(
        clip, f"{clip}.mp4", 0.0, 25, 1, 25, 11, *SIZE, "timestamp", 900, 0.0, 0, 1, ""
    )


def alphaction_dataset(root: Path, seconds: Sequence[int] = SECONDS) -> Path:
    """AlphAction's folder, without segments."""
    write_annotations(root / "annotations", seconds)
    for path in (root / "annotations").glob("*.pkl"):
        path.unlink()
    (root / "boxes").mkdir()
    from avaflow.formats.alphaction import Split

    manifests = {clip: manifest(clip) for clips in CLIPS.values() for clip in clips}
    splits = []
    for split, clips in CLIPS.items():
        rows = rows_of(clips, seconds)
        listed = images({(row.clip, row.timestamp) for row in rows}, manifests)
        content = alphaction_json(rows, listed, ACTIONS)
        text = json_text(content, compact=False)
        (root / f"annotations/{split}_min.json").write_text(text)
        boxes = annotated_boxes(content)
        (root / f"boxes/{split}_person_bbox.json").write_text(json_text(boxes, compact=False))
        splits.append(Split(split, rows, sorted({(r.clip, r.timestamp) for r in rows}), boxes))
        for image in listed:
            write_image(root / "keyframes" / split / image["file_name"], SIZE)
    (root / "paths_catalog_entry.txt").write_text(catalog_text("own", ["train", "val"]))
    config = alphaction_config("own", splits, len(ACTIONS), 0.4, manifests)
    (root / "finetune_resnet50_4x16f.yaml").write_text(config)
    return root


def segments_dataset(root: Path) -> Path:
    """AlphAction's folder with real segments around the one keyframe of each clip."""
    alphaction_dataset(root, [2])
    segment = root / "segment.mp4"
    make_video(segment, frames=25, fps="25", size=SIZE)
    for split, clips in CLIPS.items():
        for clip in clips:
            for second in range(900, 904):
                path = root / f"clips/{split}/{clip}/{second}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(segment.read_bytes())
    segment.unlink()
    return root


def media_dataset(root: Path) -> Path:
    """AVA's form with clips of 4 s and all their frames; the one keyframe is second 2."""
    write_annotations(root / "annotations", [2])
    for path in (root / "annotations").glob("*_excluded_timestamps.csv"):
        path.write_text("")
    for clip in [clip for clips in CLIPS.values() for clip in clips]:
        video = root / f"clips/{clip}.mp4"
        video.parent.mkdir(exist_ok=True)
        make_video(video, frames=120, size=SIZE)
        frames = root / "rawframes" / clip
        frames.mkdir(parents=True)
        run_ffmpeg("-i", str(video), "-q:v", "5", str(frames / "img_%05d.jpg"))
    return root


def via_dataset(root: Path) -> Path:
    """A VIA project with its images."""
    rows = [
        (second, 30 * second + 1, f"walk_{30 * second + 1:06d}.jpg", *SIZE, "0" * 64)
        for second in SECONDS
    ]
    keyframes = pd.DataFrame(rows, columns=list(KEYFRAMES))
    tracked = [(row[1], 1, *LEFT, 0.9) for row in rows] + [(row[1], 2, *RIGHT, 0.8) for row in rows]
    boxes = pd.DataFrame(tracked, columns=list(TRACKS))
    for row in rows:
        write_image(root / "keyframes/walk" / row[2], SIZE)
    content = project("walk", keyframes, boxes, ATTRIBUTES, "../keyframes/walk", 0.0)
    # As an annotator leaves it: the first person talks.
    content["metadata"]["1_p1"]["av"]["1"] = "0"
    write_project(root / "via/walk.json", content)
    return root


def kinetics_dataset(root: Path) -> Path:
    """Lists of videos and label ids; the videos are empty files that nobody opens."""
    root.mkdir(parents=True)
    labels = ["jump", "run", "swim"]
    (root / "label2id.json").write_text(json.dumps({name: i for i, name in enumerate(labels)}))
    for split in ("train", "val"):
        lines = []
        for number, label in enumerate(labels * 2):
            path = root / f"videos/{split}/{label}-{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            lines.append(f"videos/{split}/{path.name} {labels.index(label)}\n")
        (root / f"{split}.csv").write_text("".join(lines))
    return root


SOUND = {
    "ava": ava_dataset,
    "alphaction": alphaction_dataset,
    "segments": segments_dataset,
    "media": media_dataset,
    "via": via_dataset,
    "kinetics": kinetics_dataset,
}
"""How each is made."""

OPENED = {"media", "segments"}
"""Those whose media the doctor opens in tests."""
