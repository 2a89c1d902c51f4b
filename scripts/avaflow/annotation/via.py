"""VIA 3 projects: the files that annotators open, and the files that they save.

VIA (the VGG Image Annotator, version 3) keeps a project in one JSON object. What is
written here loads its images by itself in VIA 3.0.11, and what is read here is what
that version saves after real work: boxes moved, deleted and drawn by hand, ticks in
click order, entries without attributes.
"""

from __future__ import annotations

import html
import json
import math
import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from avaflow.annotation.json_files import load_json
from avaflow.boxes import SidesPx
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.project.actions import PERSON_ATTRIBUTE, Attribute
from avaflow.tables import Keyframe, Tracked, rows_of
from avaflow.times import Frame

if TYPE_CHECKING:
    import pandas as pd

TEXT, CHECKBOX, RADIO = 1, 2, 3
"""VIA's attribute types: free text, any number of options, one option."""

RECTANGLE = 2
"""VIA's shape id of a rectangle, the first number of `xy`."""

IMAGE_FILE = 2
"""VIA's file type of an image."""

BY_ADDRESS = 2
"""VIA's file location that loads `src` by itself; 1 would ask the annotator to pick files."""

BOX_ANCHOR = "FILE1_Z0_XY1"
"""VIA's name for "this attribute describes a region of one image"."""

START_DECIMALS = 6
"""Decimals of a clip's start in seconds: a microsecond, far below a frame."""

_CREATOR = re.compile(
    r"^avaflow start=(?P<start>\d{1,9}\.\d{1,9}) picture=(?P<width>\d{1,5})x(?P<height>\d{1,5})"
    r"(?: names=escaped)?$"
)

NAMES_ESCAPED = " names=escaped"
"""The end of `creator` in a project whose names are written by :func:`escape_name`. Projects
without it, made before or by somebody else, have names that stand for themselves."""

_ESCAPES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'"}
_ESCAPED = re.compile("|".join(map(re.escape, _ESCAPES)))

MAX_PROJECT_MB = 50.0
"""Most megabytes of a finished project, where the config says nothing else: a clip of 15 minutes
with 20 persons has 6, and reading takes 8 to 20 times a file's size in memory."""

OWN_KEY = "avaflow"
"""Our own entry on a box. VIA keeps keys it does not know when it edits and saves a box."""

PX_DECIMALS = 3
"""Decimals of a pixel coordinate; VIA itself rounds what an annotator draws to three."""


@dataclass(frozen=True)
class Origin:
    """What a box was when the project was made: its track, its place, its image.

    `box_px` is x, y, width, height; `image_size` is width, height in pixels, and
    `image_sha256` the hash of the keyframe that the annotator was shown. `start` is where
    the clip began then, in seconds of its video.
    """

    track: int
    box_px: SidesPx
    image_size: tuple[int, int] | None
    image_sha256: str
    start: float | None = None


@dataclass(frozen=True)
class Box:
    """One rectangle of a project, as saved.

    `box_px` is x, y, width, height in pixels of the image; an annotator can leave it
    partly outside the image, and with negative sides. `ticks` are pairs of attribute
    name and option name, each once, in the order in which they were clicked. `person` is
    the text of the person attribute, empty for a box drawn by hand until it is filled in.
    `where` is the place in a file of another kind that the box is from, for messages.
    """

    key: str
    image: str
    box_px: SidesPx
    ticks: tuple[tuple[str, str], ...]
    person: str
    origin: Origin | None
    where: str = ""


@dataclass(frozen=True)
class Project:
    """A VIA 3 project as read from its file.

    `options` gives each attribute's option names (an empty tuple for text attributes);
    `images` are the file names of its images in order. `problems` are contradictions
    in the file that would lose a tick; `remarks` name entries that carry nothing. `start`
    (seconds of the video) and `image_size` (width, height in pixels) are the clip's when
    the project was made, None where the file does not tell. `sparse` says
    that the file names the images it has something to say of, and not all of the clip.
    """

    path: Path
    name: str
    options: Mapping[str, tuple[str, ...]]
    images: tuple[str, ...]
    boxes: tuple[Box, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    start: float | None = None
    image_size: tuple[int, int] | None = None
    sparse: bool = False


def project(
    clip: str,
    keyframes: pd.DataFrame,
    boxes: pd.DataFrame,
    attributes: Sequence[Attribute],
    image_prefix: str,
    start: float,
) -> dict:
    """The VIA project of one clip: its keyframes with every tracked box, nothing ticked.

    `keyframes` has the columns of `tables.KEYFRAMES`, `boxes` those of `tables.TRACKS`;
    rows on other frames are left out. `image_prefix` is the folder of the images as seen
    from the page that opens the project, for example ``../keyframes/clip-1``; `start` is
    where the clip begins in its video, in seconds.

    Raises ValueError if a person has two boxes on one keyframe.
    """
    person_id = str(len(attributes) + 1)
    files: dict[str, dict] = {}
    views: dict[str, dict] = {}
    metadata: dict[str, dict] = {}
    rows_of_frame: dict[Frame, list[Tracked]] = defaultdict(list)
    for row in rows_of(boxes, Tracked):
        rows_of_frame[row.frame].append(row)
    ordered = sorted(rows_of(keyframes, Keyframe))
    for number, keyframe in enumerate(ordered, start=1):
        # Every id is a string: VIA 3 does not show views whose ids are numbers.
        vid = str(number)
        files[vid] = {
            "fid": vid,
            # VIA decodes the name for its list of images and stops at a bare "%".
            "fname": keyframe.file.replace("%", "%25"),
            "type": IMAGE_FILE,
            "loc": BY_ADDRESS,
            "src": quote(posixpath.join(image_prefix, keyframe.file)),
        }
        views[vid] = {"fid_list": [vid]}
        for row in sorted(rows_of_frame[keyframe.frame], key=lambda row: row.person_id):
            key = f"{vid}_p{row.person_id}"
            if key in metadata:
                raise ValueError(
                    f"{clip}: person {row.person_id} has two boxes on frame {keyframe.frame}"
                )
            box_px = _to_px(row, keyframe.width, keyframe.height)
            metadata[key] = {
                "vid": vid,
                "flg": 0,
                "z": [],
                "xy": [RECTANGLE, *box_px],
                "av": {person_id: str(row.person_id)},
                OWN_KEY: {
                    "track": row.person_id,
                    "box": list(box_px),
                    "picture": [keyframe.width, keyframe.height],
                    "sha256": keyframe.sha256,
                    "start": round(start, START_DECIMALS),
                },
            }
    return {
        "project": {
            # VIA's markers for "never shared with its server".
            "pid": "__VIA_PROJECT_ID__",
            "rev": "__VIA_PROJECT_REV_ID__",
            "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": clip,
            "creator": _creator(start, ordered),
            "created": 0,  # no date, so that the same input gives the same bytes
            "vid_list": list(views),
        },
        "config": {
            "file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}},
            "ui": {
                "file_content_align": "center",
                "file_metadata_editor_visible": True,
                "spatial_metadata_editor_visible": True,
                # Drawn above each box. It has to be a text attribute: an empty or double
                # value of a checkbox or list stops VIA's drawing.
                "spatial_region_label_attribute_id": person_id,
            },
        },
        "attribute": _attribute_entries(attributes, person_id),
        "file": files,
        "view": views,
        "metadata": metadata,
    }


def escape_name(name: str) -> str:
    """A name as VIA shows it to the letter: it sets names of attributes and options as html."""
    return html.escape(name, quote=True)


def unescape_name(name: str) -> str:
    """What :func:`escape_name` was given. Other entities, as somebody may type, stay."""
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], name)


def write_project(path: str | Path, content: Mapping) -> None:
    """Write a project as VIA does, one line of JSON; plain ASCII, whole or not at all."""
    write_text(path, json.dumps(content, separators=(",", ":")) + "\n")


def read_project(path: str | Path, max_mb: float = MAX_PROJECT_MB) -> Project:
    """Read a project that :func:`write_project` wrote or that VIA 3 saved.

    Boxes whose image was removed, entries without a box and shapes other than
    rectangles are left out, with a remark, or with a problem where they carry a tick.
    Raises UserError if the file is larger than `max_mb`, no JSON or no VIA 3 project.
    """
    path = Path(path)
    return parse_project(load_content(path, max_mb), path)


_NUMBERED = re.compile(r"^(?P<clip>.+)(?P<rest>_\d{6}\.\w+)$")


def own_name(image: str, known_as: Mapping[str, str]) -> str:
    """What an image of another tool is called here: `1_000061.jpg` becomes `v1_000061.jpg`.

    `known_as` maps what the other tool called a clip to the clip.
    """
    named = _NUMBERED.match(image)
    clip = known_as.get(named["clip"]) if named else None
    return clip + named["rest"] if named and clip else image


def adopted(project: Project, known_as: Mapping[str, str]) -> Project:
    """A project of another tool, its images named as this project's keyframes are."""
    if not known_as:
        return project
    return replace(
        project,
        name=known_as.get(project.name, project.name),
        images=tuple(own_name(image, known_as) for image in project.images),
        boxes=tuple(replace(box, image=own_name(box.image, known_as)) for box in project.boxes),
    )


def parse_project(content: Mapping, path: Path) -> Project:
    """The project in a file's content, as :func:`load_content` gives it; see `read_project`."""
    escaped = names_escaped(content)
    names, options = _read_attributes(content["attribute"], escaped)
    image_of_view = images_of_views(content)
    boxes: list[Box] = []
    problems: list[str] = []
    remarks: list[str] = []
    for key, entry in content["metadata"].items():
        if not isinstance(entry, dict):
            remarks.append(f"entry {key!r} is not a box")
            continue
        ticks, person, lost = _read_values(entry.get("av"), names)
        problems += [f"box {key!r}: {problem}" for problem in lost]
        box_px = _rectangle(entry.get("xy"))
        image = image_of_view.get(str(entry.get("vid")))
        if box_px is None or image is None:
            reason = (
                "its image is no longer in the project"
                if image is None
                else "it has no rectangle, the only shape that stands for a person"
            )
            if ticks:
                problems.append(
                    f"box {key!r} has {len(ticks)} tick(s), but {reason}: "
                    "draw it anew in VIA and delete this one"
                )
            else:
                remarks.append(f"entry {key!r}: {reason}")
            continue
        boxes.append(Box(key, image, box_px, ticks, person, _read_origin(entry)))
    start, image_size = _read_creator(content["project"].get("creator"))
    return Project(
        path=path,
        name=str(content["project"].get("pname", "")),
        options=options,
        images=tuple(image_of_view.values()),
        boxes=tuple(boxes),
        problems=tuple(problems),
        remarks=tuple(remarks),
        start=start,
        image_size=image_size,
    )


def _attribute_entries(attributes: Sequence[Attribute], person_id: str) -> dict[str, dict]:
    entries = {}
    for number, attribute in enumerate(attributes, start=1):
        entries[str(number)] = {
            "aname": escape_name(attribute.name),
            "anchor_id": BOX_ANCHOR,
            "type": CHECKBOX if attribute.multiple else RADIO,
            "desc": "",
            "options": {
                str(i): escape_name(action.name) for i, action in enumerate(attribute.actions)
            },
            # VIA shows a default as ticked but does not store it: never have one.
            "default_option_id": "",
        }
    entries[person_id] = {
        "aname": PERSON_ATTRIBUTE,
        "anchor_id": BOX_ANCHOR,
        "type": TEXT,
        "desc": "number of this person, the same on every picture",
        "options": {},
        "default_option_id": "",
    }
    return entries


def _to_px(row: Tracked, width: int, height: int) -> SidesPx:
    """x, y, width, height in pixels of a normalised box."""
    return (
        round(row.x1 * width, PX_DECIMALS),
        round(row.y1 * height, PX_DECIMALS),
        round((row.x2 - row.x1) * width, PX_DECIMALS),
        round((row.y2 - row.y1) * height, PX_DECIMALS),
    )


def load_content(path: Path, max_mb: float = MAX_PROJECT_MB) -> dict:
    """The JSON of a VIA 3 project, its parts present and unread.

    UserError if the file is larger than `max_mb` megabytes, no JSON, no project of VIA 3, or
    has an entry twice.
    """
    advice = "Save the project again with VIA's save button and put that file here."
    content = load_json(path, max_mb, "a project saved by VIA 3", advice)
    return checked_content(content, path)


def checked_content(content: object, path: Path) -> dict:
    """The content of a JSON file, if it has the parts of a VIA 3 project; else UserError."""
    parts = ("project", "attribute", "file", "view", "metadata")
    if isinstance(content, dict) and "_via_settings" in content:
        raise UserError(
            f"{path}: expected a project saved by VIA 3, found one of VIA 2. "
            "Open the project that avaflow made in VIA 3 and annotate there."
        )
    missing = [
        part
        for part in parts
        if not isinstance(content, dict) or not isinstance(content.get(part), dict)
    ]
    if missing:
        raise UserError(
            f"{path}: expected a project saved by VIA 3, found JSON without "
            f"{', '.join(repr(part) for part in missing)}. "
            "Save the project (not an export) with VIA's save button and put that file here."
        )
    assert isinstance(content, dict)
    return content


def names_escaped(content: Mapping) -> bool:
    """Whether a project's names are written by :func:`escape_name`."""
    return str(content["project"].get("creator")).endswith(NAMES_ESCAPED)


class _Attribute(NamedTuple):
    """An attribute as a saved file has it, with its options' names by id."""

    name: str
    kind: object
    options: dict[str, str]


def _read_attributes(
    entries: Mapping, escaped: bool
) -> tuple[dict[str, _Attribute], dict[str, tuple[str, ...]]]:
    """By VIA's id: name, type and options by id; and the option names by attribute name."""
    shown = unescape_name if escaped else str
    names: dict[str, _Attribute] = {}
    options: dict[str, tuple[str, ...]] = {}
    for aid, entry in entries.items():
        if not isinstance(entry, dict):
            continue
        name = shown(str(entry.get("aname", aid)))
        listed = entry.get("options")
        listed = listed if isinstance(listed, dict) else {}
        listed = {str(oid): shown(str(option)) for oid, option in listed.items()}
        names[str(aid)] = _Attribute(name, entry.get("type"), listed)
        options[name] = options.get(name, ()) + tuple(listed.values())
    return names, options


def images_of_views(content: Mapping) -> dict[str, str]:
    """File name of the image of each view, in the order of the project's list."""
    listed = content["project"].get("vid_list")
    order = [str(vid) for vid in listed] if isinstance(listed, list) else []
    order += [vid for vid in content["view"] if vid not in order]
    images = {}
    for vid in order:
        view = content["view"].get(vid)
        fids = view.get("fid_list") if isinstance(view, dict) else None
        file = content["file"].get(str(fids[0])) if isinstance(fids, list) and fids else None
        if isinstance(file, dict):
            images[vid] = _image_name(file)
    return images


def _image_name(file: Mapping) -> str:
    """Bare file name of an image; its address decides, for a label can be edited in VIA.

    An image that the annotator picked by hand has no address.
    """
    source = str(file.get("src") or "")
    if source.startswith("data:"):
        source = ""
    return posixpath.basename(unquote(source or str(file.get("fname", ""))).replace("\\", "/"))


def _read_values(
    values: object, names: Mapping[str, _Attribute]
) -> tuple[tuple[tuple[str, str], ...], str, list[str]]:
    """Ticks (attribute name, option name), the person text, and ticks that name no option."""
    ticks: list[tuple[str, str]] = []
    person = ""
    lost: list[str] = []
    for aid, value in (values if isinstance(values, dict) else {}).items():
        text = "" if value is None else str(value).strip()
        attribute = names.get(str(aid))
        if attribute is None:
            if text:
                lost.append(
                    f"value {text!r} belongs to attribute {aid!r}, which the file does not list"
                )
        elif attribute.name == PERSON_ATTRIBUTE:
            person = text
        elif attribute.options or attribute.kind != TEXT:
            for oid in dict.fromkeys(part.strip() for part in text.split(",")):
                if oid in attribute.options:
                    tick = (attribute.name, attribute.options[oid])
                    if tick not in ticks:
                        ticks.append(tick)
                elif oid:
                    lost.append(
                        f"option {oid!r} of attribute {attribute.name!r} is ticked but not listed"
                    )
    return tuple(ticks), person, lost


def _rectangle(xy: object) -> SidesPx | None:
    if not isinstance(xy, list) or len(xy) != 5 or xy[0] != RECTANGLE:
        return None
    return _sides(xy[1:])


def _sides(values: object) -> SidesPx | None:
    numbers = finite_numbers(values, 4)
    if numbers is None:
        return None
    x, y, width, height = numbers
    return x, y, width, height


def finite_numbers(values: object, count: int) -> tuple[float, ...] | None:
    """A list of so many numbers of a JSON file; None if it is anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(value, int | float) for value in values):
        return None
    try:
        numbers = tuple(float(value) for value in values)
    except OverflowError:  # JSON may hold a whole number of hundreds of digits
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _creator(start: float, keyframes: Sequence[Keyframe]) -> str:
    """Who made the project, from where in the video, at what size: the one text of the
    project's own that VIA keeps, for when no box of ours is left to tell."""
    size = f"{keyframes[0].width}x{keyframes[0].height}" if keyframes else "0x0"
    return f"avaflow start={start:.{START_DECIMALS}f} picture={size}{NAMES_ESCAPED}"


def _read_creator(text: object) -> tuple[float | None, tuple[int, int] | None]:
    told = _CREATOR.match(text) if isinstance(text, str) else None
    if not told:
        return None, None
    size = (int(told["width"]), int(told["height"]))
    return float(told["start"]), size if min(size) >= 1 else None


def _read_origin(entry: Mapping) -> Origin | None:
    own = entry.get(OWN_KEY)
    if not isinstance(own, dict) or not isinstance(own.get("track"), int):
        return None
    box_px = _sides(own.get("box"))
    if box_px is None:
        return None
    size = finite_numbers(own.get("picture"), 2)
    return Origin(
        track=own["track"],
        box_px=box_px,
        image_size=(int(size[0]), int(size[1])) if size and min(size) >= 1 else None,
        image_sha256=str(own.get("sha256", "")),
        start=(finite_numbers([own.get("start")], 1) or (None,))[0],
    )
