"""CVAT's XML 1.1 of a video: a track per person, boxes on the keyframes, ticks as attributes.

Made for a task of the clip's own mp4. Boxes are key frames of CVAT's; a stretch without a box is
ended by `outside`, so that nothing is interpolated over it.
"""

import json
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Sequence

from avaflow.formats.keyframe_boxes import ClipBoxes, PersonBox
from avaflow.project.actions import Attribute
from avaflow.tables import Keyframe
from avaflow.templates import render
from avaflow.times import Second

LABEL = "person"
PERSON_ID = "person_id"

SIDES = ("xtl", "ytl", "xbr", "ybr")

NONE_SAID = ("none", "-", "undefined")
"""What a choice is called of which nobody said anything: the first that is no option."""


def task_text(clip: ClipBoxes, attributes: Sequence[Attribute]) -> str:
    """The annotations of a clip as CVAT takes them for a task of its mp4."""
    manifest = clip.manifest
    root = ElementTree.Element("annotations")
    _text(root, "version", "1.1")
    meta = ElementTree.SubElement(root, "meta")
    task = ElementTree.SubElement(meta, "task")
    for name, value in (
        ("name", clip.clip),
        ("size", manifest.frames),
        ("mode", "interpolation"),
        ("start_frame", 0),
        ("stop_frame", manifest.frames - 1),
        ("frame_filter", ""),
    ):
        _text(task, name, value)
    _labels(task, attributes)
    size = ElementTree.SubElement(task, "original_size")
    _text(size, "width", manifest.width)
    _text(size, "height", manifest.height)
    _text(meta, "source", f"{clip.clip}.mp4")
    for number, track in enumerate(_tracks(clip)):
        _track(root, number, track, clip, attributes)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, "unicode")}\n'


def label_specification(attributes: Sequence[Attribute]) -> list[dict]:
    """The label to paste into CVAT's constructor ("Raw") when the task is made."""
    return [
        {
            "name": LABEL,
            "attributes": [
                {
                    "name": name,
                    "input_type": kind,
                    "mutable": mutable,
                    "values": values,
                    "default_value": values[0],
                }
                for name, kind, mutable, values in _specified(attributes)
            ],
        }
    ]


def _specified(attributes: Sequence[Attribute]) -> list[tuple[str, str, bool, list[str]]]:
    """Name, kind, whether it changes along a track, and values of CVAT's attributes."""
    found: list[tuple[str, str, bool, list[str]]] = [(PERSON_ID, "text", False, [""])]
    for attribute in attributes:
        options = [action.name for action in attribute.actions]
        if attribute.multiple:
            found += [(option, "checkbox", True, ["false"]) for option in options]
        else:
            found.append((attribute.name, "select", True, [_none_of(attribute), *options]))
    return found


def _none_of(attribute: Attribute) -> str:
    options = {action.name for action in attribute.actions}
    return next(name for name in NONE_SAID if name not in options)


def _labels(task: ElementTree.Element, attributes: Sequence[Attribute]) -> None:
    label = ElementTree.SubElement(ElementTree.SubElement(task, "labels"), "label")
    _text(label, "name", LABEL)
    listed = ElementTree.SubElement(label, "attributes")
    for name, kind, mutable, values in _specified(attributes):
        entry = ElementTree.SubElement(listed, "attribute")
        _text(entry, "name", name)
        _text(entry, "mutable", mutable)
        _text(entry, "input_type", kind)
        _text(entry, "default_value", values[0])
        _text(entry, "values", "\n".join(values))


def _tracks(clip: ClipBoxes) -> list[dict[Second, PersonBox]]:
    """The persons of a clip by second, in the order of their ids; then the unnamed, one each."""
    named: dict[int, dict[Second, PersonBox]] = defaultdict(dict)
    unnamed = []
    for second, persons in clip.persons.items():
        for person in persons:
            if person.person_id:
                named[person.person_id][second] = person
            else:
                unnamed.append({second: person})
    return [*(track for _, track in sorted(named.items())), *unnamed]


def _track(
    root: ElementTree.Element,
    number: int,
    track: dict[Second, PersonBox],
    clip: ClipBoxes,
    attributes: Sequence[Attribute],
) -> None:
    element = ElementTree.SubElement(
        root, "track", {"id": str(number), "label": LABEL, "source": "manual"}
    )
    fps, last = clip.manifest.fps, clip.manifest.frames - 1
    for second, person in track.items():
        keyframe = clip.keyframes[second]
        _box(element, fps * second, person, keyframe, attributes, outside=False)
        ends = fps * (second + 1)
        if Second(second + 1) not in track and ends <= last:
            _box(element, ends, person, keyframe, attributes, outside=True)


def _box(
    track: ElementTree.Element,
    frame: int,
    person: PersonBox,
    keyframe: Keyframe,
    attributes: Sequence[Attribute],
    outside: bool,
) -> None:
    across, down = keyframe.width, keyframe.height
    corners = zip(person.box, (across, down, across, down), strict=True)
    sides = {name: f"{part * px:.4f}" for name, (part, px) in zip(SIDES, corners, strict=True)}
    box = ElementTree.SubElement(
        track,
        "box",
        {"frame": str(frame), "keyframe": "1", "outside": str(int(outside)), "occluded": "0"}
        | sides
        | {"z_order": "0"},
    )
    values = {PERSON_ID: str(person.person_id or "")}
    for attribute in attributes:
        ticked = [action.name for action in attribute.actions if action.id in person.action_ids]
        if attribute.multiple:
            own = {action.name: str(action.name in ticked).lower() for action in attribute.actions}
            values |= own
        else:
            values[attribute.name] = ticked[0] if ticked else _none_of(attribute)
    for name, value in values.items():
        ElementTree.SubElement(box, "attribute", {"name": name}).text = value


def _text(parent: ElementTree.Element, tag: str, value: object) -> None:
    ElementTree.SubElement(parent, tag).text = str(value)


def readme_text(clips: Sequence[ClipBoxes], attributes: Sequence[Attribute], dataset: str) -> str:
    """The folder's README. `dataset` is the dataset folder as the workflow names it."""
    return render(
        __file__,
        "README.md",
        clips=[clip.clip for clip in clips],
        labels=json.dumps(label_specification(attributes), ensure_ascii=False, indent=1),
        dataset=dataset,
    )
