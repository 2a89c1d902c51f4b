"""CVAT's XML 1.1: tracks of videos, and boxes of images.

In a video's file every track has boxes at its key frames, between which CVAT draws them by linear
interpolation; `outside` ends a stretch, and an attribute holds until it changes. Frames are
counted from 0 in the video from which the task was made, whatever the task's step. Which clip
that was is told by the name of the video, of the task, or of the file.
"""

import posixpath
import xml.etree.ElementTree as ElementTree
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from avaflow.annotation.existing.boxes import OF_KEYFRAME, Problems, Sighting
from avaflow.annotation.existing.names import PERSON_KEYS, Names, person_of
from avaflow.annotation.existing.text import corners_of_cells
from avaflow.boxes import Corners
from avaflow.errors import UserError
from avaflow.times import Moment, Second

FRAMES_TOLERANCE = 2
"""Frames by which a task may differ from its clip: players count the last ones differently."""

SIDES = ("xtl", "ytl", "xbr", "ybr")


@dataclass
class Task:
    """What the head of the file says of a video: names it may be known by, frames, size."""

    names: list[str] = field(default_factory=list)
    last_frame: int | None = None
    size: tuple[float, float] = OF_KEYFRAME


class Shape(NamedTuple):
    """A box of a track at one frame, with all attributes that it has there."""

    corners: Corners
    outside: bool
    values: dict[str, str]


def read_cvat(path: Path, names: Names, problems: Problems, unused: set[str]) -> Iterator[Sighting]:
    """The sightings of a CVAT file, tracks and images alike."""
    tasks: dict[str, Task] = {}
    of_task: dict[str, str | None] = {}
    try:
        for element in _elements(path):
            if element.tag == "meta":
                tasks = _tasks(element)
            elif element.tag == "track":
                key = element.get("task_id", "")
                if key not in of_task:
                    task = tasks.get(key) or tasks.get("") or Task()
                    of_task[key] = _clip(path, task, names, problems)
                clip = of_task[key]
                if clip:
                    size = (tasks.get(key) or tasks.get("") or Task()).size
                    yield from _track(path, element, clip, size, names, problems, unused)
            elif element.tag == "image":
                yield from _image(path, element, names, problems, unused)
    except ElementTree.ParseError as error:
        raise UserError(
            f"{path}: expected CVAT's XML, found a file that is cut short or no XML ({error}). "
            "Export it again"
        ) from None


def _elements(path: Path) -> Iterator[ElementTree.Element]:
    """The elements right below the root, each forgotten once it was used."""
    depth, root = 0, None
    for event, element in ElementTree.iterparse(_checked(path), events=("start", "end")):
        if event == "start":
            depth += 1
            root = element if depth == 1 else root
            continue
        depth -= 1
        if depth == 1:
            yield element
            assert root is not None
            root.clear()


def _checked(path: Path) -> str:
    """The path of a file that declares no entities: those can make a small file fill the memory."""
    parser = expat.ParserCreate()

    def refuse(name, *_):
        raise UserError(
            f"{path}: expected CVAT's XML, found one that declares the entity {name!r}, as no "
            "export of CVAT does. Export it again"
        )

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda *_: None
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 16):
                parser.Parse(block)
                if b"<annotations" in block:
                    break  # entities are declared before the first element
    except expat.ExpatError:
        pass  # the reader itself says what is wrong
    return str(path)


def _tasks(meta: ElementTree.Element) -> dict[str, Task]:
    """The tasks of a file by id; the only one of a task's or job's own file by no id."""
    found: dict[str, Task] = {}
    project = meta.find("project")
    if project is not None:
        for each in project.iter("task"):
            found[each.findtext("id", "")] = _task(each, each.findtext("source", ""))
        return found
    task: ElementTree.Element | None = meta.find("task")
    if task is None:
        task = meta.find("job")
    if task is not None:
        found[""] = _task(task, meta.findtext("source", "") or task.findtext("source", ""))
        size = _size(meta.find("original_size"))
        if size != OF_KEYFRAME:
            found[""].size = size
    return found


def _task(element: ElementTree.Element, source: str) -> Task:
    stop = element.findtext("stop_frame", "")
    names = [source, element.findtext("name", "")]
    return Task(
        [name for name in names if name],
        int(stop) if stop.isdigit() else None,
        _size(element.find("original_size")),
    )


def _size(element: ElementTree.Element | None) -> tuple[float, float]:
    if element is None:
        return OF_KEYFRAME
    width, height = element.findtext("width", ""), element.findtext("height", "")
    return (float(width), float(height)) if width.isdigit() and height.isdigit() else OF_KEYFRAME


def _clip(path: Path, task: Task, names: Names, problems: Problems) -> str | None:
    """The clip that a task's frames are of; None, and a problem, if none is or it does not fit."""
    called = [*task.names, path.name]
    stems = [posixpath.splitext(posixpath.basename(name.replace("\\", "/")))[0] for name in called]
    clip = next((found for stem in stems if (found := names.clip(stem))), None)
    if clip is None:
        names.unknown_clip(
            stems[0],
            problems,
            f"{path}: made of {' / '.join(map(repr, called))}, which is no clip of the clips table"
            f"{names.nearest_clip(stems[0])}. Make the task of results/clips/CLIP.mp4, or give the "
            "file the name of its clip",
        )
        return None
    length = names.lengths_s.get(clip)
    if length is None or task.last_frame is None:
        return clip
    expected, counted = round(length * names.frames_fps), task.last_frame + 1
    # The last frames may have been left out of a task with a step.
    if not expected - names.frames_fps <= counted <= expected + FRAMES_TOLERANCE:
        problems.append(
            f"{path}: counts {counted} frames, but clip {clip} has {expected} at "
            f"{names.frames_fps:g} a second: it is of another video or rate. Make the task of "
            f"results/clips/{clip}.mp4, or say the rate of its video in existing.fps"
        )
        return None
    return clip


def _track(
    path: Path,
    element: ElementTree.Element,
    clip: str,
    size: tuple[float, float],
    names: Names,
    problems: Problems,
    unused: set[str],
) -> Iterator[Sighting]:
    number = element.get("id", "?")
    place = f"{path}: track {number}"
    shapes = _shapes(element, place, problems)
    if not shapes:
        return
    label = names.actions_of_label(element.get("label", ""), place, problems)
    frames = sorted(shapes)
    values = shapes[frames[0]].values
    if any(key in values for key in PERSON_KEYS):
        person = names.person(person_of(values), place, problems)
    else:
        # CVAT counts tracks from 0, and 0 says nothing of who it is.
        person = int(number) + 1 if number.isdigit() else 0
    first, last = (round(frames[0] / names.frames_fps), round(frames[-1] / names.frames_fps))
    for whole in range(first, last + 1):
        second = Second(whole)
        frame = names.frames_before(second)
        shape = _shape_at(shapes, frames, frame)
        if shape is None:
            continue
        where = f"{place}, frame {frame}"
        if not names.check_second(clip, second, where, problems):
            return
        actions = names.actions_of_attributes(shape.values, where, problems, unused)
        both = tuple(sorted({*label, *actions}))
        yield Sighting(clip, second, where, shape.corners, size, both, person)


def _shapes(element: ElementTree.Element, place: str, problems: Problems) -> dict[int, Shape]:
    """The boxes of a track by frame; what is no box is a problem."""
    shapes: dict[int, Shape] = {}
    for entry in element:
        frame = entry.get("frame", "")
        where = f"{place}, frame {frame or '?'}"
        if entry.tag != "box" or not frame.isdigit():
            if entry.tag != "attribute":
                problems.append(f"{where}: expected boxes, found {entry.tag!r}: take it out")
            continue
        if int(frame) in shapes:
            problems.append(f"{where}: the track has two boxes on this frame")
            continue
        corners = corners_of_cells([entry.get(side, "") for side in SIDES], where, problems)
        if corners:
            outside = entry.get("outside") == "1"
            shapes[int(frame)] = Shape(corners, outside, _values(entry))
    return shapes


def _values(element: ElementTree.Element) -> dict[str, str]:
    return {each.get("name", ""): each.text or "" for each in element.findall("attribute")}


def _shape_at(shapes: dict[int, Shape], frames: list[int], frame: int) -> Shape | None:
    """A track's box at a frame, interpolated where CVAT left it out; None where there is none."""
    place = bisect_right(frames, frame) - 1
    if place < 0:
        return None
    before = shapes[frames[place]]
    if before.outside:
        return None
    if frames[place] == frame:
        return before
    if place + 1 == len(frames):
        return None
    after = shapes[frames[place + 1]]
    part = (frame - frames[place]) / (frames[place + 1] - frames[place])
    if after.outside:
        # A track that ends keeps its last box until then.
        return before
    x1, y1, x2, y2 = (
        here + (there - here) * part
        for here, there in zip(before.corners, after.corners, strict=True)
    )
    return Shape((x1, y1, x2, y2), False, before.values)


def _image(
    path: Path, element: ElementTree.Element, names: Names, problems: Problems, unused: set[str]
) -> Iterator[Sighting]:
    file = element.get("name", "")
    place = f"{path}: image {file!r}"
    moment: Moment | None = names.moment(file, str(path), problems)
    if moment is None or not names.check_second(*moment, place, problems):
        return
    yield Sighting(*moment, place)
    width, height = element.get("width", ""), element.get("height", "")
    size = (float(width), float(height)) if width.isdigit() and height.isdigit() else OF_KEYFRAME
    for number, entry in enumerate(element, start=1):
        where = f"{place}, box {number}"
        if entry.tag != "box":
            problems.append(f"{where}: expected a box, found {entry.tag!r}: take it out")
            continue
        corners = corners_of_cells([entry.get(side, "") for side in SIDES], where, problems)
        label = names.actions_of_label(entry.get("label", ""), where, problems)
        values = _values(entry)
        actions = names.actions_of_attributes(values, where, problems, unused)
        person = names.person(person_of(values), where, problems)
        if corners:
            both = tuple(sorted({*label, *actions}))
            yield Sighting(*moment, where, corners, size, both, person)
