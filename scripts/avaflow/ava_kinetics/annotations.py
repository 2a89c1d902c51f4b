"""AVA-Kinetics: annotated seconds, the ranges of Kinetics-700 videos around them, and its csv.

The official folder `ava_kinetics_v1_0` holds `kinetics_{split}_v1.0.csv` with the columns
youtube_id, timestamp, x1, y1, x2, y2, action_id; a second at which nobody was marked has no
box. Timestamps are seconds of the YouTube video, as are the times in Kinetics' file names.

Reader: mmaction2's `AVAKineticsDataset`. It takes a clip's times from its id (two numbers after
underscores; an id of 11 characters stands for an AVA movie), and looks proposals up by the
id without times.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avaflow.errors import UserError
from avaflow.lines import lines_of
from avaflow.listing import MOST_SHOWN

FPS = 30
"""Frames a second of every clip: the reader counts frames so."""

CONTEXT_SECONDS = 2
"""Kept before the first and after the last annotated second, as far as the video goes."""

DECIMALS = 3
"""Of a coordinate in the csv, as in AVA's own."""

ENTITY = -1
"""The entity id of every row: AVA-Kinetics follows nobody through time."""

ACTIONS = 80
"""AVA's actions have ids from 1 to this."""

AVA_ID_LENGTH = 11
"""An id of this length is an AVA movie to the reader: it starts at 900 s and keeps its name."""

_TIMES = re.compile(r"(?P<id>.+)_(?P<start>\d{6,})_(?P<end>\d{6,})")


def clip_id(youtube_id: str, start: int, end: int) -> str:
    """The id of a clip of seconds `start` to `end`; the reader takes its times from it."""
    return f"{youtube_id}_{start:06d}_{end:06d}"


class Listed(NamedTuple):
    """A video of the Kinetics list: seconds `start` to `end` of a YouTube video."""

    youtube_id: str
    start: int
    end: int
    path: str


class Range(NamedTuple):
    """What is cut of a video: seconds `start` to `end`, around the annotated `seconds`."""

    youtube_id: str
    start: int
    end: int
    video: Listed
    seconds: tuple[int, ...]

    @property
    def clip(self) -> str:
        """The id of the clip."""
        return clip_id(self.youtube_id, self.start, self.end)


class Box(NamedTuple):
    """A person doing an action at a second; `box` is the text of the csv."""

    youtube_id: str
    second: int
    box: str
    action: int


def _cells(path: str | Path):
    """(line number, cells) of an annotation csv; UserError for another number of columns."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"{path}: this file of AVA-Kinetics is missing. Unpack ava_kinetics_v1_0.tar.gz and "
            "name its folder as ava_kinetics.annotations."
        ) from None
    for number, line in enumerate(lines_of(text), start=1):
        cells = line.split(",")
        if len(cells) not in (2, 7, 8):
            if not line.strip():
                continue
            raise UserError(
                f"{path}, line {number}: expected youtube_id,timestamp,x1,y1,x2,y2,action_id, "
                f"found {line!r}"
            )
        yield number, cells


def _second(path: str | Path, number: int, text: str) -> int:
    """The whole second of a timestamp: official files write `101` or `101.0`."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise UserError(
            f"{path}, line {number}: expected a timestamp in seconds, found {text!r}"
        ) from None


def annotated_seconds(path: str | Path) -> dict[str, set[int]]:
    """The seconds with a box of every YouTube video of an annotation csv."""
    seconds: dict[str, set[int]] = {}
    for number, cells in _cells(path):
        if len(cells) > 2 and cells[2]:
            seconds.setdefault(cells[0], set()).add(_second(path, number, cells[1]))
    if not seconds:
        raise UserError(f"{path}: there is no box in the file")
    bad = sorted(name for name in seconds if not re.fullmatch(r"[A-Za-z0-9_-]+", name))
    if bad:
        raise UserError(f"{path}: expected YouTube ids, found {bad[0]!r}")
    return seconds


def read_boxes(path: str | Path) -> tuple[list[Box], list[str]]:
    """The boxes of an annotation csv, and a sentence for each row that readers cannot take.

    Coordinates are rounded to :data:`DECIMALS`; what lies beyond the image by rounding is
    drawn to its edge.
    """
    boxes, refused = [], []
    for number, cells in _cells(path):
        if len(cells) == 2 or not cells[2]:
            continue  # looked at, nobody marked
        second = _second(path, number, cells[1])
        where = f"line {number}: {cells[0]}, second {second}"
        try:
            corners = [float(cell) for cell in cells[2:6]]
            action = int(float(cells[6]))
        except ValueError:
            refused.append(f"{where}: not a number among {','.join(cells[2:7])}")
            continue
        if not all(-0.01 <= value <= 1.01 for value in corners):
            refused.append(f"{where}: the box {','.join(cells[2:6])} is not inside 0..1")
            continue
        texts = [f"{min(max(value, 0.0), 1.0):.{DECIMALS}f}" for value in corners]
        x1, y1, x2, y2 = map(float, texts)
        if x1 >= x2 or y1 >= y2:
            refused.append(f"{where}: the box {','.join(texts)} has no area")
        elif not 1 <= action <= ACTIONS:
            refused.append(f"{where}: action id {action} is not in 1..{ACTIONS}")
        else:
            boxes.append(Box(cells[0], second, ",".join(texts), action))
    return boxes, refused


def read_list(path: str | Path, root: str | Path) -> list[Listed]:
    """The videos of a Kinetics list, `path label` or `path,label` a line, times in the name.

    Relative paths start at `root`. A path that stands there twice counts once.
    """
    try:
        lines = lines_of(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(
            f"{path}: this list of Kinetics videos is missing: correct ava_kinetics.lists"
        ) from None
    root = str(root)
    listed: dict[str, Listed] = {}
    problems = []
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        video = _without_label(line)
        name = video.rsplit("/", 1)[-1].split(".")[0]
        times = _TIMES.fullmatch(name)
        if not times:
            problems.append(f"line {number}: {line!r}")
            continue
        start, end = int(times["start"]), int(times["end"])
        full = os.path.normpath(os.path.join(root, video))
        listed[full] = Listed(times["id"], start, end, full)
    if problems:
        raise UserError.listing(
            f"{path}: expected lines like `class/o3lCwWyyc_s_000012_000022.mp4 602`, found:",
            problems,
            MOST_SHOWN,
        )
    if not listed:
        raise UserError(f"{path}: there is no video in the list")
    return list(listed.values())


def _without_label(line: str) -> str:
    """The path of a list's line; a number after the last space or comma is a label."""
    for separator in (None, ","):
        parts = line.rsplit(separator, 1)
        if len(parts) == 2 and parts[1].lstrip("-").isdigit():
            return parts[0]
    return line


def ranges_of(
    videos: Iterable[Listed], seconds: Mapping[str, set[int]]
) -> tuple[list[Range], list[tuple[Range, Range]], dict[str, set[int]]]:
    """What to cut, what not because another range holds it (with that range), what is in no video.

    A second counts for a video that has images on both sides of it. Of equal ranges the one
    whose path comes first stays. The last value has the seconds of each YouTube video that lie
    in none of `videos`.
    """
    by_id: dict[str, list[Range]] = {}
    left = {name: set(own) for name, own in seconds.items()}
    for video in videos:
        own = seconds.get(video.youtube_id)
        if own is None:
            continue
        inside = sorted(second for second in own if video.start < second < video.end)
        if not inside:
            continue
        left[video.youtube_id] -= set(inside)
        start = max(video.start, inside[0] - CONTEXT_SECONDS)
        end = min(video.end, inside[-1] + CONTEXT_SECONDS)
        found = Range(video.youtube_id, start, end, video, tuple(inside))
        by_id.setdefault(video.youtube_id, []).append(found)
    kept: list[Range] = []
    dropped: list[tuple[Range, Range]] = []
    for _, ranges in sorted(by_id.items()):
        # A range that holds another begins no later and, of those, ends last.
        ranges.sort(key=lambda found: (found.start, -found.end, found.video.path))
        stays: list[Range] = []
        for found in ranges:
            holder = next((other for other in stays if found.end <= other.end), None)
            if holder is None:
                stays.append(found)
            else:
                dropped.append((found, holder))
        kept += stays
    return kept, dropped, {name: own for name, own in sorted(left.items()) if own}


class Clip(NamedTuple):
    """A clip that was cut: its id, first second, and how many frames show images of the video.

    A few frames more at the end may repeat the last of them.
    """

    clip: str
    youtube_id: str
    start: int
    end: int
    images: int

    def shows(self, second: int) -> bool:
        """Whether a keyframe of the clip shows this second of the YouTube video."""
        return second >= self.start and FPS * (second - self.start) < self.images

    def annotates(self, second: int) -> bool:
        """Whether the second is one that the reader is given: inside, not on the clip's edge."""
        return self.start < second < self.end and self.shows(second)


def clip_of_second(clips: Iterable[Clip], second: int) -> Clip | None:
    """Of the clips of one video that show a second, the one with most around it.

    Each second is listed once, though two overlapping clips may show it.
    """
    inside = [clip for clip in clips if clip.annotates(second)]
    if not inside:
        return None
    return max(inside, key=lambda c: (min(second - c.start, c.end - second), -c.start, -c.end))


def csv_lines(
    boxes: Iterable[Box], clips: Iterable[Clip]
) -> tuple[list[str], set[tuple[str, int]]]:
    """Rows of the csv, sorted, each once; and the (id, second) pairs that no clip shows."""
    by_id: dict[str, list[Clip]] = {}
    for clip in clips:
        by_id.setdefault(clip.youtube_id, []).append(clip)
    chosen: dict[tuple[str, int], Clip | None] = {}
    rows: set[tuple[str, int, str, int]] = set()
    absent: set[tuple[str, int]] = set()
    for box in boxes:
        key = (box.youtube_id, box.second)
        if key not in chosen:
            chosen[key] = clip_of_second(by_id.get(box.youtube_id, ()), box.second)
        shown = chosen[key]
        if shown is None:
            absent.add(key)
        else:
            rows.add((shown.clip, box.second, box.box, box.action))
    lines = [
        f"{clip_id},{second},{text},{action},{ENTITY}\n"
        for clip_id, second, text, action in sorted(rows)
    ]
    return lines, absent


def check_ava_rows(path: str | Path, lines: Sequence[str]) -> None:
    """UserError where a row of AVA's own csv cannot stand beside Kinetics' for the reader."""
    for number, line in enumerate(lines, start=1):
        cells = line.split(",")
        if len(cells) != 8:
            raise UserError(
                f"{path}, line {number}: expected 8 columns (AVA v2.1 or v2.2), found {line!r}"
            )
        if len(cells[0]) != AVA_ID_LENGTH:
            raise UserError(
                f"{path}, line {number}: expected a YouTube id of {AVA_ID_LENGTH} characters, "
                f"found {cells[0]!r}. AVAKineticsDataset takes other ids for clips of Kinetics, "
                "and would find neither their times nor their proposals."
            )
