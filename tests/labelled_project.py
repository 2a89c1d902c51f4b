"""A project before its dataset is written, as the stages before would leave it.

Train clips `walk` (11 s, labelled), `idle` (10 s, finished, one tick) and `open` (11 s, nobody
annotated it); val clips `shop` (10 s) and `dark` (10 s, whose detections are all weak). fps 30,
margin 2: 11 s are annotatable at seconds 2 to 9, 10 s at 2 to 8.
"""

import json

import pandas as pd

from avaflow.tables import (
    DETECTIONS,
    KEYFRAMES,
    LABELS,
    NOBODY,
    UNTICKED,
    empty_table,
    write_table,
)

FPS = 30
FRAMES = {"walk": 330, "idle": 300, "open": 330, "shop": 300, "dark": 300}
SPLITS = {"walk": "train", "idle": "train", "open": "train", "shop": "val", "dark": "val"}
FINISHED = ["walk", "idle", "shop", "dark"]
ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]

LEFT, RIGHT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.95)
LABELLED = {
    # second, person, box, actions
    "walk": [(2, 1, LEFT, [5]), (2, 2, RIGHT, [1, 3]), (9, 1, LEFT, [2, 5])],
    "idle": [(4, 3, RIGHT, [4])],
    "shop": [(3, 1, LEFT, [3]), (5, 1, LEFT, [3]), (5, 2, RIGHT, [1, 4])],
    "dark": [(6, 1, LEFT, [3])],
}


UNTICKED_PERSONS = {"shop": [(3, (0.0, 0.5, 0.2, 0.98))], "walk": [(2, (0.0, 0.5, 0.2, 0.98))]}
"""Persons whom the annotator kept without a tick."""


def seconds_of(clip):
    return list(range(2, 10 if FRAMES[clip] == 330 else 9))


def empty_file(path, _clip, _frame):
    path.touch()


def make_inputs(root, image=empty_file):
    """Everything the stages before would have made; `image(path, clip, frame)` writes one."""
    for clip, frames in FRAMES.items():
        folders = [root / kind / clip for kind in ("rawframes", "keyframes")]
        for folder in folders:
            folder.mkdir(parents=True)
        for frame in range(1, frames + 1):
            image(folders[0] / f"img_{frame:05d}.jpg", clip, frame)
        rows = []
        for second in seconds_of(clip):
            frame = FPS * second + 1
            name = f"{clip}_{frame:06d}.jpg"
            image(folders[1] / name, clip, frame)
            rows.append((second, frame, name, 64, 48, "0" * 64))
        write_table(
            root / f"keyframes/{clip}.csv", pd.DataFrame(rows, columns=list(KEYFRAMES)), KEYFRAMES
        )
        manifest = {"clip": clip, "frames": frames, "fps": FPS}
        (root / "clips").mkdir(exist_ok=True)
        (root / f"clips/{clip}.json").write_text(json.dumps(manifest))
        (root / f"rawframes/{clip}.json").write_text(json.dumps(manifest))
        if SPLITS[clip] and clip in FINISHED:
            for kind, name in (("rawframes", clip), ("clips", f"{clip}.mp4")):
                target = root / "dataset" / kind / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(f"../../{kind}/{name}")
    for clip, labels in LABELLED.items():
        rows = [
            (second, person, *box, action)
            for second, person, box, actions in labels
            for action in actions
        ]
        table = pd.DataFrame(rows, columns=list(LABELS))
        write_table(root / f"labels/{clip}.csv", table, LABELS)
        rows = [(second, *box) for second, box in UNTICKED_PERSONS.get(clip, [])]
        table = pd.DataFrame(rows, columns=list(UNTICKED))
        write_table(root / f"labels/{clip}.unticked.csv", table, UNTICKED)
        write_table(root / f"labels/{clip}.idle.csv", empty_table(UNTICKED), UNTICKED)
        write_table(root / f"labels/{clip}.nobody.csv", empty_table(NOBODY), NOBODY)
    for clip in FRAMES:
        rows = []
        strength = 0.35 if clip == "dark" else 0.8
        for frame in range(1, FRAMES[clip] + 1, 5):
            if clip == "walk" and frame == FPS * 9 + 1:
                continue  # the detector saw nobody at second 9
            rows.append((clip, frame, 0.1, 0.2, 0.3, 0.91, strength))
            rows.append((clip, frame, -0.01, 0.5, 0.2, 1.02, strength - 0.05))
        table = pd.DataFrame(rows, columns=list(DETECTIONS))
        write_table(root / f"detections/{clip}.csv", table, DETECTIONS)
