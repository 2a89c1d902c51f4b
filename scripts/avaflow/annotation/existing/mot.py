"""MOT's text: `frame,id,x,y,width,height,confidence,class,visibility`, pixels, frames from 1.

It says who is where, not who does what: that comes from a csv of actions,
`clip,person_id,start,end,action`, in which an action holds for all seconds from `start` to
`end`, both included. The file lies at `CLIP/gt/gt.txt`, with MOT's `seqinfo.ini`, or is called
`CLIP.txt`.
"""

import configparser
import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avaflow.annotation.existing.boxes import OF_KEYFRAME, Problems, Sighting
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.text import corners_of_sides, text_lines
from avaflow.errors import UserError

ACTION_COLUMNS = ("clip", "person_id", "start", "end", "action")

LEAST_CELLS = 6
"""Cells of a row that say anything of a person: frame, id, x, y, width, height."""


class Span(NamedTuple):
    """An action of a person from one second to another, both included."""

    first: int
    last: int
    action: int


Spans = Mapping[tuple[str, int], Sequence[Span]]
"""Spans by clip and person id."""


def read_spans(path: Path, names: Names, problems: Problems) -> dict[tuple[str, int], list[Span]]:
    """The actions of a csv by clip and person."""
    spans: dict[tuple[str, int], list[Span]] = defaultdict(list)
    reader = csv.DictReader(text_lines(path))
    if set(reader.fieldnames or []) != set(ACTION_COLUMNS):
        raise UserError(
            f"{path}: expected the header {','.join(ACTION_COLUMNS)}, found "
            f"{','.join(reader.fieldnames or [])!r}"
        )
    for row in reader:
        where = f"{path}: line {reader.line_num}"
        if None in row or None in row.values():
            problems.append(f"{where}: expected {len(ACTION_COLUMNS)} cells")
            continue
        clip = names.clip(row["clip"])
        if clip is None:
            names.unknown_clip(
                row["clip"],
                problems,
                f"{where}: no clip {row['clip']!r} is in the clips table"
                f"{names.nearest_clip(row['clip'])}",
            )
            continue
        person = names.person(row["person_id"], where, problems)
        actions = names.action_of_name(row["action"], where, problems)
        if not (row["start"].isdigit() and row["end"].isdigit()) or int(row["start"]) > int(
            row["end"]
        ):
            problems.append(
                f"{where}: expected whole seconds with start <= end, found {row['start']!r} to "
                f"{row['end']!r}"
            )
            continue
        if person and actions:
            spans[clip, person].append(Span(int(row["start"]), int(row["end"]), actions[0]))
    return spans


def read_mot(path: Path, spans: Spans, names: Names, problems: Problems) -> Iterator[Sighting]:
    """The sightings of a MOT file on whole seconds, with the actions of `spans`."""
    info = _info(path)
    clip = _clip(path, info, names, problems)
    if clip is None:
        return
    size = _size(info)
    rows: set[tuple[str, str]] = set()
    rate = float(info.get("framerate", 0)) if _number(info.get("framerate", "")) else 0.0
    if rate and abs(rate - names.frames_fps) > 0.001:
        problems.append(
            f"{path}: its seqinfo.ini says {rate:g} frames a second, expected "
            f"{names.frames_fps:g}: make it of results/clips/{clip}.mp4, or say its rate in "
            "existing.fps"
        )
        return
    for number, line in enumerate(text_lines(path), start=1):
        cells = line.strip().split(",")
        if cells == [""]:
            continue
        where = f"{path}: line {number}"
        if len(cells) < LEAST_CELLS or not all(map(_number, cells[:LEAST_CELLS])):
            problems.append(f"{where}: expected frame,id,x,y,width,height,..., found {line[:80]!r}")
            continue
        if (cells[0], cells[1]) in rows:
            problems.append(f"{where}: person {cells[1]} has two boxes on frame {cells[0]}")
            continue
        rows.add((cells[0], cells[1]))
        found = _row(cells, clip, where, size, spans, names, problems)
        if found:
            yield found


def _row(
    cells: Sequence[str],
    clip: str,
    where: str,
    size: tuple[float, float],
    spans: Spans,
    names: Names,
    problems: Problems,
) -> Sighting | None:
    frame = float(cells[0])
    if frame < 1 or frame != int(frame):
        problems.append(f"{where}: expected a frame from 1, found {cells[0]!r}")
        return None
    second = names.second_of_count(int(frame) - 1)
    if second is None:
        return None  # between two keyframes
    if not names.check_second(clip, second, where, problems):
        return None
    if len(cells) > LEAST_CELLS and _number(cells[6]) and float(cells[6]) == 0:
        return None  # MOT's own mark of a row that does not count
    corners = corners_of_sides([float(cell) for cell in cells[2:6]], where, problems)
    person = names.person(cells[1], where, problems)
    if corners is None or not person:
        return None
    actions = {
        span.action for span in spans.get((clip, person), ()) if span.first <= second <= span.last
    }
    return Sighting(clip, second, where, corners, size, tuple(sorted(actions)), person)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _info(path: Path) -> dict[str, str]:
    """MOT's seqinfo.ini of a sequence; empty where there is none."""
    for folder in (path.parent, path.parent.parent):
        file = folder / "seqinfo.ini"
        if not file.is_file():
            continue
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string("".join(text_lines(file)))
        except configparser.Error as error:
            raise UserError(f"{file}: expected MOT's seqinfo.ini ({error})") from None
        return dict(parser["Sequence"]) if parser.has_section("Sequence") else {}
    return {}


def _size(info: Mapping[str, str]) -> tuple[float, float]:
    width, height = info.get("imwidth", ""), info.get("imheight", "")
    return (float(width), float(height)) if width.isdigit() and height.isdigit() else OF_KEYFRAME


def _clip(path: Path, info: Mapping[str, str], names: Names, problems: Problems) -> str | None:
    called = [info.get("name", ""), path.stem]
    if path.parent.name in ("gt", "det"):
        called.insert(0, path.parent.parent.name)
    clip = next((found for name in called if name and (found := names.clip(name))), None)
    if clip is None:
        names.unknown_clip(
            called[0] or path.stem,
            problems,
            f"{path}: expected a clip of the clips table as name of the sequence "
            f"(CLIP/gt/gt.txt, or CLIP.txt), found {called[0] or path.stem!r}"
            f"{names.nearest_clip(called[0] or path.stem)}",
        )
    return clip
