"""Annotations that a user has already: boxes and actions by image, as guides have them.

The JSON form is `{"class-a/902.jpg": [{"bbox": [x, y, w, h], "action": "walk"}, ...], ...}`, the
csv form has a row per box and action, `file,x,y,w,h,action`. An image is named by its clip and
the name of its second (:func:`avaflow.videos.segments.segment_name`), boxes are in pixels of the
keyframe that avaflow made, or of an image of the `size` that is given with them. Boxes with the
same corners on one image are one person with several actions.
"""

import csv
import difflib
import io
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avaflow.boxes import SidesPx
from avaflow.errors import UserError
from avaflow.formats.ava import Row, box_text
from avaflow.listing import MOST_SHOWN, commas
from avaflow.project.actions import Attribute
from avaflow.times import Moment, Second, Timestamp, second_of_timestamp, timestamp_of_second
from avaflow.videos.segments import second_of_name, segment_name

CSV_COLUMNS = ["file", "x", "y", "w", "h", "action"]
OPTIONAL_CSV_COLUMNS = ["person_id", "width", "height"]
BOX_KEYS = {"bbox", "action", "person_id", "size"}

SAME_SHAPE = 0.02
"""How far the shape of a given size may be from the image's: rounding of sides to even pixels."""

MIN_SIDE_PX = 2.0
"""Least width and height of a box inside its image, in pixels, as for VIA projects."""

_IMAGE = re.compile(
    r"^(?:(?P<split>train|val|test)/)?(?P<clip>[^/]+)/(?P<name>[^/.]+)(?:\.(?:jpe?g|png|mp4))?$",
    re.I,
)


class Entry(NamedTuple):
    """One box as its file has it, and how messages call it: `box 2`, `line 7`."""

    name: str
    value: Any


class Image(NamedTuple):
    """An image as its file names it, with its boxes."""

    file: str
    entries: list[Entry]


@dataclass(frozen=True)
class HandBox:
    """One person on one image; `bbox_px` is x, y, width, height. `person_id` 0: not given.

    `size` is the width and height of the image that the box was drawn on, where it is given.
    """

    where: str
    clip: str
    second: Second
    bbox_px: SidesPx
    action_ids: tuple[int, ...]
    person_id: int
    size: tuple[float, float] | None = None


@dataclass(frozen=True)
class HandLabels:
    """All boxes, and `judged`: each (clip, second) that is named, also one without a box, and
    where it is named."""

    boxes: list[HandBox] = field(default_factory=list)
    judged: dict[Moment, str] = field(default_factory=dict)

    @property
    def clips(self) -> list[str]:
        """The clips that are named, sorted."""
        return sorted({clip for clip, _ in self.judged})


def read_hand_labels(
    paths: Sequence[str | Path],
    clips: Mapping[str, str],
    attributes: Sequence[Attribute],
    numbering: str,
    offset: int,
) -> HandLabels:
    """Annotations of one or more files, checked against the clips and the actions.

    `clips` maps each clip to its split. Raises one UserError per file that lists its problems: an
    image of no clip, an unknown action, a box that is none, two actions of an attribute
    that takes one; and one for a split with images but without any box.
    """
    boxes: list[HandBox] = []
    judged: dict[Moment, str] = {}
    for path in paths:
        problems: list[str] = []
        reader = _Names(clips, attributes, numbering, offset)
        own: set[Moment] = set()
        for file, entries in _entries(Path(path), problems):
            instant = reader.instant(file, problems)
            if instant is None:
                continue
            if instant in own:
                problems.append(f"{file!r}: named twice: put its boxes into one entry")
                continue
            if instant in judged:
                problems.append(f"{file!r}: also in {judged[instant]}: keep it in one of them")
                continue
            judged[instant] = f"{path}: {file!r}"
            own.add(instant)
            found = [
                reader.box(f"{file!r}, {name}", instant, entry, problems) for name, entry in entries
            ]
            boxes += [
                replace(box, where=f"{path}: {box.where}")
                for box in _persons([box for box in found if box], attributes, problems)
            ]
        if problems:
            raise UserError.listing(
                f"{path}: these annotations cannot be used:", problems, MOST_SHOWN
            )
    if not judged:
        raise UserError(
            f"{', '.join(map(str, paths))}: not one image is named. Add annotations, or leave "
            "alphaction.annotations empty to use finished VIA projects"
        )
    labelled = {clips[box.clip] for box in boxes}
    for (clip, _), where in sorted(judged.items()):
        if clips[clip] not in labelled:
            raise UserError(
                f"{where}: images of the split {clips[clip]} are named, but no box on any of "
                "them, and an empty csv crashes the evaluation: add boxes, or take them out"
            )
    boxes.sort(key=lambda box: (box.clip, box.second, box.bbox_px))
    return HandLabels(boxes, judged)


def rows_of_hand_labels(
    labels: HandLabels, sizes: Mapping[str, tuple[int, int]], offset: int
) -> tuple[list[Row], list[str]]:
    """Rows as of a finished project, and a sentence for each box that had to be cut.

    `sizes` gives the width and height of each clip's keyframes in pixels. A box without a
    person id gets one of its own within its clip: such ids say nothing of who it is from one
    second to the next. Raises UserError for boxes that do not lie on their image.
    """
    rows: list[Row] = []
    notes: list[str] = []
    problems: list[str] = []
    next_id: dict[str, int] = {}
    for box in labels.boxes:
        next_id[box.clip] = max(next_id.get(box.clip, 1), box.person_id + 1)
    for box in labels.boxes:
        width, height = sizes[box.clip]
        x, y, w, h = box.bbox_px
        if box.size:
            drawn_on = box.size[0] / box.size[1]
            if abs(drawn_on * height / width - 1) > SAME_SHAPE:
                problems.append(
                    f"{box.where}: size {box.size[0]:g} x {box.size[1]:g} has another shape than "
                    f"the image of {width} x {height} px"
                )
                continue
            across, down = width / box.size[0], height / box.size[1]
            x, y, w, h = x * across, y * down, w * across, h * down
        corners = np.array([x, y, x + w, y + h])
        inside = np.clip(corners, 0, (width, height, width, height))
        sides = (inside[2] - inside[0], inside[3] - inside[1])
        centre_in = 0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height
        if not centre_in or min(sides) < MIN_SIDE_PX:
            problems.append(
                f"{box.where}: x {x:g}, y {y:g}, width {w:g}, height {h:g} do not lie on the "
                f"image of {width} x {height} px"
            )
            continue
        if np.abs(inside - corners).max() > 0.01:
            notes.append(f"{box.where}: reached out of the {width} x {height} px image, cut to it")
        person = box.person_id
        if not person:
            person = next_id[box.clip]
            next_id[box.clip] += 1
        x1, y1, x2, y2 = (inside / (width, height, width, height)).tolist()
        stamp, normalised = timestamp_of_second(box.second, offset), (x1, y1, x2, y2)
        rows += [Row(box.clip, stamp, normalised, action, person) for action in box.action_ids]
    problems += _equal_boxes(rows, offset)
    if problems:
        raise UserError.listing(
            "existing annotations: these boxes cannot be used. A box is x, y, width and height "
            "(not the second corner) in pixels of the keyframe that avaflow made. For boxes in "
            "pixels of another image, such as the video's, give that image's width and "
            'height: "size": [1920, 1080] in JSON, columns width and height in a csv:',
            problems,
            MOST_SHOWN,
        )
    return rows, notes


def _equal_boxes(rows: Iterable[Row], offset: int) -> list[str]:
    persons: dict[tuple[str, Timestamp, str], set[int]] = {}
    for row in rows:
        persons.setdefault((row.clip, row.timestamp, box_text(row.box)), set()).add(row.person_id)
    return [
        f"clip {clip}, second {second_of_timestamp(timestamp, offset)}: two boxes are the same "
        "to a 10,000th of the image: one person has one box, with all its actions"
        for (clip, timestamp, _), ids in persons.items()
        if len(ids) > 1
    ]


class _Names:
    """What the names in a file stand for."""

    def __init__(
        self,
        clips: Mapping[str, str],
        attributes: Sequence[Attribute],
        numbering: str,
        offset: int,
    ):
        self.clips = clips
        self.numbering, self.offset = numbering, offset
        self.actions = {
            action.name: action.id for attribute in attributes for action in attribute.actions
        }
        for attribute in attributes:
            for former, present in attribute.renamed.items():
                self.actions.setdefault(former, self.actions[present])

    def instant(self, file: str, problems: list[str]) -> Moment | None:
        """Clip and second of an image's name."""
        example = segment_name(Second(2), self.numbering, self.offset)
        found = _IMAGE.match(file.strip())
        second = second_of_name(found["name"], self.numbering, self.offset) if found else None
        if found is None or second is None:
            problems.append(
                f"{file!r}: expected the clip and the name of its second (numbering: "
                f"{self.numbering}), such as CLIP/{example}.jpg for second 2"
            )
            return None
        if found["clip"] not in self.clips:
            problems.append(
                f"{file!r}: no clip {found['clip']!r} is in the clips table"
                + _nearest(found["clip"], self.clips)
            )
            return None
        split = self.clips[found["clip"]]
        if found["split"] and found["split"] != split:
            problems.append(
                f"{file!r}: {found['clip']} is in the split {split} of the clips table, not in "
                f"{found['split']}"
            )
            return None
        return Moment(found["clip"], second)

    def box(self, where: str, instant: Moment, entry: Any, problems: list[str]) -> HandBox | None:
        """One entry of an image."""
        before = len(problems)
        if not isinstance(entry, Mapping) or not {"bbox", "action"} <= set(entry):
            problems.append(f'{where}: expected {{"bbox": [x, y, w, h], "action": ...}}')
            return None
        unknown = sorted(set(entry) - BOX_KEYS)
        if unknown:
            problems.append(f"{where}: unknown: {', '.join(unknown)}")
        bbox = entry["bbox"]
        if (
            not isinstance(bbox, Sequence)
            or isinstance(bbox, str)
            or len(bbox) != 4
            or not all(_is_number(value) for value in bbox)
        ):
            problems.append(f"{where}: bbox: expected 4 numbers x, y, width, height, found {bbox}")
        elif min(bbox[2:]) <= 0:
            problems.append(f"{where}: bbox: expected width and height above 0, found {bbox}")
        named = entry["action"] if isinstance(entry["action"], list) else [entry["action"]]
        if not named:
            problems.append(f"{where}: no action: take the box out, or name its action")
        for action in named:
            if not isinstance(action, str) or action not in self.actions:
                problems.append(
                    f"{where}: action {action!r} is not in the config"
                    + _nearest(str(action), self.actions)
                )
        person = entry.get("person_id") or 0
        if not isinstance(person, int) or isinstance(person, bool) or person < 0:
            problems.append(f"{where}: person_id: expected a whole number from 1, found {person!r}")
        size = entry.get("size")
        if size is not None and not (
            isinstance(size, list)
            and len(size) == 2
            and all(map(_is_number, size))
            and min(size) > 0
        ):
            problems.append(f"{where}: size: expected width and height in pixels, found {size!r}")
        if len(problems) > before:
            return None
        ids = tuple(sorted({self.actions[action] for action in named}))
        drawn_on = (float(size[0]), float(size[1])) if size else None
        x, y, w, h = map(float, bbox)
        return HandBox(where, *instant, (x, y, w, h), ids, person, drawn_on)


def _persons(
    boxes: Sequence[HandBox], attributes: Sequence[Attribute], problems: list[str]
) -> list[HandBox]:
    """The boxes of one image, those with the same corners as one person with all actions."""
    merged: dict[SidesPx, HandBox] = {}
    for box in boxes:
        known = merged.get(box.bbox_px)
        if known is None:
            merged[box.bbox_px] = box
            continue
        if known.person_id and box.person_id and known.person_id != box.person_id:
            problems.append(
                f"{box.where}: person {box.person_id} has the box of person {known.person_id}"
            )
        merged[box.bbox_px] = replace(
            known,
            action_ids=tuple(sorted({*known.action_ids, *box.action_ids})),
            person_id=known.person_id or box.person_id,
        )
    persons = list(merged.values())
    given = [box.person_id for box in persons if box.person_id]
    for person in sorted({each for each in given if given.count(each) > 1}):
        where = persons[0].where.rsplit(", ", 1)[0]
        problems.append(f"{where}: person {person} has {given.count(person)} boxes, expected one")
    single = [attribute for attribute in attributes if not attribute.multiple]
    for box in persons:
        for attribute in single:
            chosen = [action.name for action in attribute.actions if action.id in box.action_ids]
            if len(chosen) > 1:
                problems.append(
                    f"{box.where}: {' and '.join(chosen)}, but {attribute.name!r} takes one: leave "
                    "one, or set `choose: multiple` in the config"
                )
    return persons


def _entries(path: Path, problems: list[str]) -> list[Image]:
    """The images of a file, each with its boxes and how to name them in messages."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"config: alphaction.annotations: {path} is missing. Put the file there, or leave the "
            "key empty to use finished VIA projects. (`snakemake segments` makes the clips and "
            "keyframes to annotate.)"
        ) from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise UserError(f"{path}: expected a JSON or csv file in UTF-8") from None
    if path.suffix.lower() == ".json":
        return _json_entries(path, text)
    return _csv_entries(path, text, problems)


def _json_entries(path: Path, text: str) -> list[Image]:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict:
        names = [name for name, _ in items]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(items)

    try:
        loaded = json.loads(text, object_pairs_hook=pairs)
    except ValueError as error:
        raise UserError(f"{path}: this is not JSON ({error}). Fix or export it again.") from None
    if twice:
        # json would keep the last of them and lose the others without a word.
        raise UserError(f"{path}: named twice: {commas(twice)}: put its boxes into one list")
    if not isinstance(loaded, dict) or not all(isinstance(v, list) for v in loaded.values()):
        raise UserError(
            f'{path}: expected {{"CLIP/902.jpg": [{{"bbox": [x, y, w, h], "action": "walk"}}, '
            "...], ...}, found another shape"
        )
    return [
        Image(file, [Entry(f"box {number}", box) for number, box in enumerate(boxes, start=1)])
        for file, boxes in loaded.items()
    ]


def _csv_entries(path: Path, text: str, problems: list[str]) -> list[Image]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = reader.fieldnames or []
    known = {*CSV_COLUMNS, *OPTIONAL_CSV_COLUMNS}
    if not set(CSV_COLUMNS) <= set(header) <= known or len(set(header)) < len(header):
        raise UserError(
            f"{path}: expected the header {','.join(CSV_COLUMNS)}, each once (and optionally "
            f"{', '.join(OPTIONAL_CSV_COLUMNS)}), found {','.join(header)!r}"
        )
    entries: dict[str, list[Entry]] = {}
    for row in reader:
        where = f"line {reader.line_num}"
        if None in row or None in row.values():
            found = len([v for k, v in row.items() if k and v is not None]) + len(row.get(None, ()))
            problems.append(f"{where}: expected {len(header)} cells, found {found}")
            continue
        if not row["file"]:
            problems.append(f"{where}: no image is named in the cell `file`")
            continue
        own = entries.setdefault(row["file"], [])
        if not any(value for column, value in row.items() if column != "file"):
            continue  # an image that shows nobody
        try:
            entry = {
                "bbox": [float(row[column]) for column in "xywh"],
                "action": row["action"],
                "person_id": int(row.get("person_id") or 0),
            }
            if row.get("width") or row.get("height"):
                entry["size"] = [float(row.get("width") or 0), float(row.get("height") or 0)]
        except ValueError as error:
            problems.append(
                f"{where}: expected numbers in x, y, w, h, person_id, width and height ({error})"
            )
            continue
        own.append(Entry(where, entry))
    return [Image(file, own) for file, own in entries.items()]


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {commas(list(known))}"
