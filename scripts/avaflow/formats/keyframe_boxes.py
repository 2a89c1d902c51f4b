"""Who is on which keyframe and does what, for formats of boxes: CVAT, COCO, MOT, YOLO.

Unlike AVA's form these can also hold persons of whom nobody said what they do, and keyframes that
show nobody.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avaflow.boxes import Corners
from avaflow.manifests import ClipManifest, read_clip_manifest
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    NOBODY,
    UNTICKED,
    Keyframe,
    Label,
    Unticked,
    read_table,
    rows_of,
)
from avaflow.times import Second


class PersonBox(NamedTuple):
    """A person on a keyframe, normalised; id 0 and no action where nobody said anything."""

    person_id: int
    box: Corners
    action_ids: tuple[int, ...]


@dataclass(frozen=True)
class ClipBoxes:
    """A finished clip: its manifest, keyframes by second, and the persons of each that counts.

    A second with an empty list shows nobody; one that is not in `persons` was not judged.
    """

    manifest: ClipManifest
    split: str
    keyframes: dict[Second, Keyframe]
    persons: dict[Second, list[PersonBox]]

    @property
    def clip(self) -> str:
        """The clip's id."""
        return self.manifest.clip


def read_clip_boxes(
    clip: str, split: str, manifest: str | Path, keyframes: str | Path, labels: str | Path
) -> ClipBoxes:
    """A finished clip from its tables; those beside `labels` say what else is on its keyframes."""
    actions: dict[tuple[Second, int], list[int]] = defaultdict(list)
    boxes: dict[tuple[Second, int], Corners] = {}
    for label in rows_of(read_table(labels, LABELS), Label):
        key = Second(int(label.second)), int(label.person_id)
        actions[key].append(int(label.action_id))
        boxes[key] = (label.x1, label.y1, label.x2, label.y2)
    persons: dict[Second, list[PersonBox]] = defaultdict(list)
    for (second, person), box in boxes.items():
        persons[second].append(PersonBox(person, box, tuple(sorted(actions[second, person]))))
    beside = Path(labels).with_suffix("")
    for kind in ("unticked", "idle"):
        for row in rows_of(read_table(f"{beside}.{kind}.csv", UNTICKED), Unticked):
            box = (row.x1, row.y1, row.x2, row.y2)
            persons[Second(int(row.second))].append(PersonBox(0, box, ()))
    for second in read_table(f"{beside}.nobody.csv", NOBODY).second:
        persons.setdefault(Second(int(second)), [])
    return ClipBoxes(
        read_clip_manifest(manifest),
        split,
        {k.second: k for k in rows_of(read_table(keyframes, KEYFRAMES), Keyframe)},
        dict(sorted(persons.items())),
    )


def read_all_clips(
    clips: Sequence[str],
    splits: dict[str, str],
    manifests: Sequence[str],
    keyframes: Sequence[str],
    labels: Sequence[str],
) -> list[ClipBoxes]:
    """All finished clips, in their order."""
    return [
        read_clip_boxes(clip, splits[clip], *paths)
        for clip, *paths in zip(clips, manifests, keyframes, labels, strict=True)
    ]


def drop_other_clips(folder: str | Path, pattern: str, clips: Sequence[str]) -> None:
    """Remove what an earlier run wrote of clips that are finished no more.

    `pattern` says what the file of a clip is called, such as `{clip}.xml`.
    """
    folder = Path(folder)
    own = {folder / pattern.format(clip=clip) for clip in clips}
    for path in folder.glob(pattern.format(clip="*")):
        if path not in own:
            path.unlink()


def sides_px(box: Corners, keyframe: Keyframe) -> tuple[float, float, float, float]:
    """x, y, width, height in pixels of a normalised box, to a 10,000th of a pixel.

    So many decimals bring back the six of a csv at any size up to 8K.
    """
    x1, y1, x2, y2 = box
    width, height = keyframe.width, keyframe.height
    sides = x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height
    x, y, w, h = (round(side, 4) for side in sides)
    return x, y, w, h
