"""The AVA annotation files: csv rows, excluded and included timestamps, action list, label map.

Readers served: mmaction2 `AVADataset`, PySlowFast `ava_helper`, Datumaro's `ava` importer and
the ActivityNet AVA evaluator that the first two carry. Where they differ, the narrowest wins:

* rows have 8 columns, no header, no blank line, no BOM; `2.0` is not an integer to them;
* rows of one person group by the box: mmaction2 compares floats, PySlowFast the text itself, so
  one person on one keyframe has one box text and two persons never share one;
* an empty csv crashes readers, so a split without labels has no csv at all;
* action ids run from 1: 0 would silently set the background class, -1 the last one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.lines import lines_of
from avaflow.listing import MOST_SHOWN
from avaflow.project.actions import LABEL_TYPES, MAX_ACTIONS, Action
from avaflow.tables import Label, rows_of
from avaflow.times import Instant, Timestamp, second_of_timestamp, timestamp_of_second

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and not needed to plan a run

DECIMALS = 6
"""Decimals of a coordinate in a csv: a hundredth of a pixel at 8K, and as many as the project's
own tables hold, so that a box is rounded once. Readers take any number of them; they are fixed,
because PySlowFast groups rows by the text of the box."""

COLUMNS = 8
"""Columns of a row; mmaction2 and Datumaro crash on the 7 of AVA v1."""


class Row(NamedTuple):
    """One person doing one action on one keyframe; `box` is x1, y1, x2, y2 in 0..1."""

    clip: str
    timestamp: Timestamp
    box: Corners
    action_id: int
    person_id: int


def box_text(box: Sequence[float]) -> str:
    """The four coordinates as a csv writes them.

    >>> box_text((0.1, 0.2, 1 / 3, 1.0))
    '0.100000,0.200000,0.333333,1.000000'
    """
    return ",".join(f"{value:.{DECIMALS}f}" for value in box)


def rounds_to_nothing(box: Sequence[float]) -> bool:
    """Whether a box has no area left once a csv has rounded its sides."""
    x1, y1, x2, y2 = (round(value, DECIMALS) for value in box)
    return x1 >= x2 or y1 >= y2


def rows_of_labels(clip: str, labels: pd.DataFrame, offset: int) -> list[Row]:
    """The rows of one clip from its labels table (`tables.LABELS`), seconds made timestamps."""
    return [
        Row(
            clip,
            timestamp_of_second(label.second, offset),
            (label.x1, label.y1, label.x2, label.y2),
            label.action_id,
            label.person_id,
        )
        for label in rows_of(labels, Label)
    ]


def csv_text(rows: Iterable[Row], actions: int, offset: int) -> str:
    """The text of a split's csv, sorted by clip, timestamp, person and action.

    `actions` is the number of actions, whose ids run from 1 to it; `offset` only serves the
    messages, which speak of seconds as the annotator knows them. Raises UserError, naming
    clip, second and persons, for whatever a reader would crash on or silently misread.

    >>> sits = Row("clip-1", Timestamp(902), (0.1, 0.2, 0.5, 0.9), action_id=2, person_id=1)
    >>> print(csv_text([sits, sits._replace(action_id=1)], actions=3, offset=900), end="")
    clip-1,902,0.100000,0.200000,0.500000,0.900000,1,1
    clip-1,902,0.100000,0.200000,0.500000,0.900000,2,1
    """
    ordered = sorted(rows, key=lambda row: (row.clip, row.timestamp, row.person_id, row.action_id))
    problems = _row_problems(ordered, actions, offset)
    if problems:
        raise UserError.listing(
            "the labels cannot be written as an AVA csv; fix these in the finished projects:",
            problems,
            MOST_SHOWN,
        )
    return "".join(
        f"{row.clip},{row.timestamp},{box_text(row.box)},{row.action_id},{row.person_id}\n"
        for row in ordered
    )


def _row_problems(rows: list[Row], actions: int, offset: int) -> list[str]:
    problems: list[str] = []
    texts_of_person: dict[tuple[str, Timestamp, int], set[str]] = defaultdict(set)
    persons_of_text: dict[tuple[str, Timestamp, str], set[int]] = defaultdict(set)
    seen: set[tuple] = set()
    for row in rows:
        where = f"clip {row.clip}, second {row.timestamp - offset}, person {row.person_id}"
        if not all(0 <= value <= 1 for value in row.box):
            problems.append(f"{where}: the box {box_text(row.box)} is not inside 0..1")
            continue
        text = box_text(row.box)
        if rounds_to_nothing(row.box):
            problems.append(f"{where}: the box {text} has no area; draw it larger or delete it")
        if not 1 <= row.action_id <= min(actions, MAX_ACTIONS):
            problems.append(f"{where}: action id {row.action_id} is not in 1..{actions}")
        if row.person_id < 1:
            problems.append(f"{where}: expected a person id from 1")
        instant = row.clip, row.timestamp
        if (*instant, row.person_id, row.action_id) in seen:
            problems.append(f"{where}: action {row.action_id} is given twice")
        seen.add((*instant, row.person_id, row.action_id))
        texts_of_person[*instant, row.person_id].add(text)
        persons_of_text[*instant, text].add(row.person_id)
    for (clip, timestamp, person), texts in texts_of_person.items():
        if len(texts) > 1:
            problems.append(
                f"clip {clip}, second {timestamp - offset}: person {person} has "
                f"{len(texts)} boxes ({'; '.join(sorted(texts))}); give one of them another person"
            )
    for (clip, timestamp, text), persons in persons_of_text.items():
        if len(persons) > 1:
            problems.append(
                f"clip {clip}, second {timestamp - offset}: persons "
                f"{', '.join(map(str, sorted(persons)))} have the same box {text}; "
                "readers would merge them: delete or move one"
            )
    return problems


def read_csv(path: str | Path) -> list[Row]:
    """The rows of an AVA csv, in its order. UserError, with the line, for any other shape."""
    rows = []
    for number, line in enumerate(_lines(path), start=1):
        cells = line.split(",")
        try:
            if len(cells) != COLUMNS:
                raise ValueError(f"{len(cells)} columns")
            x1, y1, x2, y2 = map(float, cells[2:6])
            timestamp, box = Timestamp(int(cells[1])), (x1, y1, x2, y2)
            rows.append(Row(cells[0], timestamp, box, int(cells[6]), int(cells[7])))
        except ValueError as error:
            raise UserError(
                f"{path}, line {number}: expected id,timestamp,x1,y1,x2,y2,action_id,person_id, "
                f"found {line!r} ({error})"
            ) from None
    return rows


def write_csv(path: str | Path, rows: Iterable[Row], actions: int, offset: int) -> None:
    """Write a split's csv (:func:`csv_text`), whole or not at all; it is never empty."""
    text = csv_text(rows, actions, offset)
    if not text:
        raise UserError(
            f"{path}: no label to write. An empty csv crashes every reader: tick at least one "
            "action in a clip of this split, or take its finished projects away"
        )
    write_text(path, text)


def excluded_text(instants: Iterable[Instant]) -> str:
    """`clip,timestamp` lines of the keyframes that are not to be trained or judged on.

    Four digits, as in AVA's own files; there may be none, an empty file is fine.

    >>> excluded_text([Instant("b", Timestamp(2)), Instant("a", Timestamp(903))])
    'a,0903\\nb,0002\\n'
    """
    return "".join(f"{clip},{timestamp:04d}\n" for clip, timestamp in sorted(set(instants)))


def read_excluded(path: str | Path) -> set[Instant]:
    """The keyframes of an excluded-timestamps file."""
    instants = set()
    for number, line in enumerate(_lines(path), start=1):
        clip, comma, timestamp = line.partition(",")
        if not (comma and timestamp.isdigit()):
            raise UserError(f"{path}, line {number}: expected id,timestamp, found {line!r}")
        instants.add(Instant(clip, Timestamp(int(timestamp))))
    return instants


def included_text(timestamps: Iterable[Timestamp]) -> str:
    """The timestamps that any clip may be annotated at: sorted, four digits, one a line."""
    return "".join(f"{timestamp:04d}\n" for timestamp in sorted(set(timestamps)))


def read_included(path: str | Path) -> list[Timestamp]:
    """The timestamps of an included_timestamps.txt, in its order."""
    return [Timestamp(int(line)) for line in _lines(path)]


def action_list_text(actions: Sequence[Action]) -> str:
    """The action list in the one shape that all readers take.

    mmaction2, PySlowFast and the evaluator look at the beginnings of lines, so the two
    spaces, the double quotes and the order name, id are part of the format; Datumaro parses
    it as a protocol buffer and also wants `label` and the type.
    """
    return "".join(
        f'label {{\n  name: "{action.name}"\n  label_id: {action.id}\n'
        f"  label_type: {action.label_type}\n}}\n"
        for action in actions
    )


_ENTRY = re.compile(r"(?:label|item)\s*\{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"^\s*(name|label_id|id|label_type)\s*:\s*(.+?)\s*$", re.MULTILINE)


def read_action_list(path: str | Path) -> list[Action]:
    """The actions of an action list, ours, AVA's own, or the older `item { name id }`.

    The list knows no attributes: `attribute` is empty. A missing type is PERSON_MOVEMENT.
    """
    actions = []
    for entry in _ENTRY.finditer("\n".join(_lines(path))):
        fields = dict(_FIELD.findall(entry[1]))
        number = fields.get("label_id") or fields.get("id") or ""
        if "name" not in fields or not number.isdigit():
            raise UserError(f"{path}: expected a name and an id, found {entry[0]!r}")
        kind = fields.get("label_type", LABEL_TYPES[0])
        actions.append(Action(int(number), fields["name"].strip("\"'"), "", kind))
    if not actions:
        raise UserError(f"{path}: expected `label {{ ... }}` entries, found none")
    return actions


def label_map_text(actions: Sequence[Action]) -> str:
    """`1: talk` lines: the label map that mmaction2's demos read.

    >>> label_map_text([Action(1, "talk", "does", "PERSON_MOVEMENT")])
    '1: talk\\n'
    """
    return "".join(f"{action.id}: {action.name}\n" for action in actions)


def read_label_map(path: str | Path) -> dict[int, str]:
    """Action names by id."""
    pairs = (line.partition(": ") for line in _lines(path))
    return {int(number): name for number, _, name in pairs}


def excluded_instants(
    rows: Iterable[Row], annotatable: Mapping[str, Iterable[Timestamp]]
) -> set[Instant]:
    """The annotatable keyframes of finished clips at which nobody ticked anything.

    `annotatable` maps a finished clip to its annotatable timestamps. Readers must leave these
    out: a detection there would count as wrong although nobody judged it.
    """
    labelled = {(row.clip, row.timestamp) for row in rows}
    return {
        Instant(clip, timestamp)
        for clip, timestamps in annotatable.items()
        for timestamp in timestamps
        if (clip, timestamp) not in labelled
    }


def check_annotatable(
    rows: Iterable[Row], annotatable: Mapping[str, Iterable[Timestamp]], offset: int
) -> None:
    """UserError if a label is on a second that is no annotatable keyframe of its clip."""
    allowed = {clip: set(timestamps) for clip, timestamps in annotatable.items()}
    strays = sorted(
        {
            (row.clip, second_of_timestamp(row.timestamp, offset))
            for row in rows
            if row.timestamp not in allowed[row.clip]
        }
    )
    if strays:
        raise UserError.listing(
            "labels on seconds that are no keyframes (readers would sample beyond the clip's "
            "end); the finished project was made for other clip times or margins:",
            [f"clip {clip}, second {second}" for clip, second in strays],
            MOST_SHOWN,
        )


def write_annotations(
    splits: Mapping[str, tuple[str | Path, str | Path]],
    clip_splits: Mapping[str, str],
    rows: Sequence[Row],
    annotatable: Mapping[str, Sequence[Timestamp]],
    actions: int,
    offset: int,
    nobody: Collection[Instant] = (),
) -> None:
    """Write the csv and the excluded timestamps of every split that has labels.

    `splits` maps a split to the paths of these two files, `clip_splits` a clip to its split,
    `annotatable` a finished clip to its annotatable timestamps. `nobody` are keyframes of which
    somebody said that they show no person: they count as judged. UserError for a split without
    a single label, naming its clips.
    """
    check_annotatable(rows, annotatable, offset)
    for split, (csv_path, excluded_path) in splits.items():
        clips = sorted(clip for clip in annotatable if clip_splits[clip] == split)
        own = [row for row in rows if clip_splits[row.clip] == split]
        if not own:
            raise UserError(
                f"split {split}: none of its finished clips ({', '.join(clips)}) has a ticked "
                "action, and an empty csv crashes every reader. Tick at least one action, or "
                "take these finished projects away"
            )
        write_csv(csv_path, own, actions, offset)
        excluded = excluded_instants(own, {clip: annotatable[clip] for clip in clips})
        excluded -= set(nobody)
        write_text(excluded_path, excluded_text(excluded))


def _lines(path: str | Path) -> list[str]:
    """Lines of a text file without their ends; a BOM is refused, since readers choke on it."""
    text = Path(path).read_text(encoding="utf-8")
    if text.startswith("\ufeff"):
        raise UserError(f"{path}: starts with a byte order mark; save it as plain UTF-8")
    return lines_of(text)
