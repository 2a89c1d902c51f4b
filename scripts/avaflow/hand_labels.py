"""Annotations that a user has already: boxes and actions by picture, as guides have them.

The JSON form is `{"class-a/902.jpg": [{"bbox": [x, y, w, h], "action": "walk"}, ...], ...}`, the
csv form has a row per box and action, `file,x,y,w,h,action`. A picture is named by its clip and
the name of its second (:func:`avaflow.segments.segment_name`), boxes are in pixels of the
keyframe that avaflow made. Boxes with the same corners on one picture are one person with
several actions.
"""

import csv
import difflib
import io
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avaflow.actions import Attribute
from avaflow.ava import MOST_SHOWN, Row, box_text
from avaflow.errors import UserError
from avaflow.segments import second_of_name, segment_name
from avaflow.times import timestamp_of_second

CSV_COLUMNS = ["file", "x", "y", "w", "h", "action"]
OPTIONAL_CSV_COLUMNS = ["person_id"]
BOX_KEYS = {"bbox", "action", "person_id"}

MIN_SIDE_PX = 2.0
"""Least width and height of a box inside its picture, in pixels, as for VIA projects."""

_PICTURE = re.compile(
    r"^(?:(?:train|val|test)/)?(?P<clip>[^/]+)/(?P<name>[^/.]+)(?:\.(?:jpe?g|png|mp4))?$", re.I
)


@dataclass(frozen=True)
class HandBox:
    """One person on one picture; `bbox_px` is x, y, width, height. `person_id` 0: not given."""

    where: str
    clip: str
    second: int
    bbox_px: tuple[float, float, float, float]
    action_ids: tuple[int, ...]
    person_id: int


@dataclass(frozen=True)
class HandLabels:
    """All boxes, and `judged`: each (clip, second) that is named, also one without a box."""

    boxes: list[HandBox] = field(default_factory=list)
    judged: frozenset[tuple[str, int]] = frozenset()

    @property
    def clips(self) -> list[str]:
        """The clips that are named, sorted."""
        return sorted({clip for clip, _ in self.judged})


def read_hand_labels(
    paths: Sequence[str | Path],
    clips: Collection[str],
    attributes: Sequence[Attribute],
    numbering: str,
    offset: int,
) -> HandLabels:
    """Annotations of one or more files, checked against the clips and the actions.

    Raises one UserError per file that lists its problems: a picture of no clip, an unknown
    action, a box that is none, two actions of an attribute that takes one.
    """
    boxes: list[HandBox] = []
    judged: dict[tuple[str, int], str] = {}
    for path in paths:
        problems: list[str] = []
        reader = _Names(clips, attributes, numbering, offset)
        own: set[tuple[str, int]] = set()
        for file, entries in _entries(Path(path), problems):
            instant = reader.instant(file, problems)
            if instant is None:
                continue
            if instant in judged and judged[instant] != str(path):
                problems.append(f"{file!r}: also in {judged[instant]}: keep it in one of them")
                continue
            judged[instant] = str(path)
            if instant in own:
                problems.append(f"{file!r}: named twice: put its boxes into one entry")
                continue
            own.add(instant)
            found = [
                reader.box(f"{file!r}, {name}", instant, entry, problems) for name, entry in entries
            ]
            boxes += _persons([box for box in found if box], attributes, problems)
        if problems:
            shown = problems[:MOST_SHOWN]
            if len(problems) > MOST_SHOWN:
                shown.append(f"and {len(problems) - MOST_SHOWN} more")
            raise UserError.listing(f"{path}: these annotations cannot be used:", shown)
    if not judged:
        raise UserError(
            f"{', '.join(map(str, paths))}: not one picture is named. Add annotations, or leave "
            "alphaction.annotations empty to use finished VIA projects"
        )
    boxes.sort(key=lambda box: (box.clip, box.second, box.bbox_px))
    return HandLabels(boxes, frozenset(judged))


def rows_of_hand_labels(
    labels: HandLabels, sizes: Mapping[str, tuple[int, int]], offset: int
) -> tuple[list[Row], list[str]]:
    """Rows as of a finished project, and a sentence for each box that had to be cut.

    `sizes` gives the width and height of each clip's keyframes in pixels. A box without a
    person id gets one of its own within its clip: such ids say nothing of who it is from one
    second to the next. Raises UserError for boxes that do not lie on their picture.
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
        corners = np.array([x, y, x + w, y + h])
        inside = np.clip(corners, 0, (width, height, width, height))
        sides = (inside[2] - inside[0], inside[3] - inside[1])
        centre_in = 0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height
        if not centre_in or min(sides) < MIN_SIDE_PX:
            problems.append(
                f"{box.where}: x {x:g}, y {y:g}, width {w:g}, height {h:g} do not lie on the "
                f"picture of {width} x {height} px"
            )
            continue
        if np.abs(inside - corners).max() > 0.01:
            notes.append(
                f"{box.where}: reached out of the {width} x {height} px picture, cut to it"
            )
        person = box.person_id
        if not person:
            person = next_id[box.clip]
            next_id[box.clip] += 1
        normalised = tuple(float(v) for v in inside / (width, height, width, height))
        rows += [
            Row(box.clip, timestamp_of_second(box.second, offset), normalised, action, person)
            for action in box.action_ids
        ]
    problems += _equal_boxes(rows, offset)
    if problems:
        raise UserError.listing(
            "annotations by hand: these boxes cannot be used (a box is x, y, width and height in "
            "pixels of the keyframe that avaflow made, not of the video; the second corner "
            "instead of width and height is a common slip):",
            problems[:MOST_SHOWN],
        )
    return rows, notes


def _equal_boxes(rows: Iterable[Row], offset: int) -> list[str]:
    persons: dict[tuple, set[int]] = {}
    for row in rows:
        persons.setdefault((row.clip, row.timestamp, box_text(row.box)), set()).add(row.person_id)
    return [
        f"clip {clip}, second {timestamp - offset}: two boxes are the same to a 10,000th of the "
        "picture: one person has one box, with all its actions"
        for (clip, timestamp, _), ids in persons.items()
        if len(ids) > 1
    ]


class _Names:
    """What the names in a file stand for."""

    def __init__(
        self,
        clips: Collection[str],
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

    def instant(self, file: str, problems: list[str]) -> tuple[str, int] | None:
        """Clip and second of a picture's name."""
        example = segment_name(2, self.numbering, self.offset)
        found = _PICTURE.match(file.strip())
        second = second_of_name(found["name"], self.numbering, self.offset) if found else None
        if second is None:
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
        return found["clip"], second

    def box(
        self, where: str, instant: tuple[str, int], entry: Any, problems: list[str]
    ) -> HandBox | None:
        """One entry of a picture."""
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
        if len(problems) > before:
            return None
        ids = tuple(sorted({self.actions[action] for action in named}))
        return HandBox(where, *instant, tuple(float(v) for v in bbox), ids, person)


def _persons(
    boxes: Sequence[HandBox], attributes: Sequence[Attribute], problems: list[str]
) -> list[HandBox]:
    """The boxes of one picture, those with the same corners as one person with all actions."""
    merged: dict[tuple, HandBox] = {}
    for box in boxes:
        known = merged.get(box.bbox_px)
        if known is None:
            merged[box.bbox_px] = box
            continue
        if known.person_id and box.person_id and known.person_id != box.person_id:
            problems.append(
                f"{box.where}: person {box.person_id} has the box of person {known.person_id}"
            )
        merged[box.bbox_px] = HandBox(
            known.where,
            known.clip,
            known.second,
            known.bbox_px,
            tuple(sorted({*known.action_ids, *box.action_ids})),
            known.person_id or box.person_id,
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


def _entries(path: Path, problems: list[str]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """The pictures of a file, each with its boxes and how to name them in messages."""
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


def _json_entries(path: Path, text: str) -> list[tuple[str, list[tuple[str, Any]]]]:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict:
        names = [name for name, _ in items]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(items)

    try:
        loaded = json.loads(text, object_pairs_hook=pairs)
    except ValueError as error:
        raise UserError(f"{path}: this is not JSON ({error}). Mend or export it again.") from None
    if twice:
        # json would keep the last of them and lose the others without a word.
        raise UserError(
            f"{path}: named twice: {', '.join(twice[:MOST_SHOWN])}: put its boxes into one list"
        )
    if not isinstance(loaded, dict) or not all(isinstance(v, list) for v in loaded.values()):
        raise UserError(
            f'{path}: expected {{"CLIP/902.jpg": [{{"bbox": [x, y, w, h], "action": "walk"}}, '
            "...], ...}, found another shape"
        )
    return [
        (file, [(f"box {number}", entry) for number, entry in enumerate(boxes, start=1)])
        for file, boxes in loaded.items()
    ]


def _csv_entries(
    path: Path, text: str, problems: list[str]
) -> list[tuple[str, list[tuple[str, Any]]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = reader.fieldnames or []
    if not set(CSV_COLUMNS) <= set(header) <= {*CSV_COLUMNS, *OPTIONAL_CSV_COLUMNS}:
        raise UserError(
            f"{path}: expected the header {','.join(CSV_COLUMNS)} (and optionally person_id), "
            f"found {','.join(header)!r}"
        )
    entries: dict[str, list[tuple[str, Any]]] = {}
    for row in reader:
        where = f"line {reader.line_num}"
        if None in row or None in row.values():
            problems.append(f"{where}: expected {len(header)} cells")
            continue
        own = entries.setdefault(row["file"], [])
        try:
            box = [float(row[column]) for column in "xywh"]
            person = int(row.get("person_id") or 0)
        except ValueError as error:
            problems.append(f"{where}: expected numbers in x, y, w, h and person_id ({error})")
            continue
        own.append((where, {"bbox": box, "action": row["action"], "person_id": person}))
    return list(entries.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(list(known)[:MOST_SHOWN])}"
