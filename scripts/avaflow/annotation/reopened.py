"""What a clip's page opens: the project as made, or as its annotator finished it.

A finished project comes from somebody's browser, perhaps from another folder and perhaps from a
tool that is not VIA, and the page runs it inside VIA, which sets names as html and stops at
values of other types. So nothing of it is handed on as it stands: boxes, ticks and names are
taken out and put into a project as avaflow writes them, with the clip's own images.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avaflow.annotation.page.model import is_annotation
from avaflow.annotation.readings import load_any
from avaflow.annotation.via import (
    BOX_ANCHOR,
    CHECKBOX,
    MAX_PROJECT_MB,
    NAMES_ESCAPED,
    OWN_KEY,
    RADIO,
    TEXT,
    checked_content,
    escape_name,
    finite_numbers,
    images_of_views,
    names_escaped,
    own_name,
    parse_project,
    unescape_name,
)
from avaflow.errors import UserError
from avaflow.project.actions import PERSON_ATTRIBUTE, Attribute

PROTOTYPE = "__proto__"
"""The one key that is no entry to JavaScript, but what an object takes missing entries from."""

SAME_START_SECONDS = 0.001
"""Two starts of a clip are one if they differ by less: they are written to the microsecond."""


class Opened(NamedTuple):
    """A project for a page; the finished file that it is from, or why that is not opened."""

    project: dict
    source: str
    trouble: str


def opened_project(
    made: Mapping,
    finished: str | Path | None,
    attributes: Sequence[Attribute],
    max_mb: float = MAX_PROJECT_MB,
    known_as: Mapping[str, str] | None = None,
) -> Opened:
    """The project that a clip's page opens.

    `made` is the project before annotation, `finished` the path of the finished one, if there
    is one, `attributes` are those of the config: what was added to them since can be ticked.
    `known_as` maps what another tool called the clip to the clip.
    A finished project that cannot be opened leaves `made`, and `trouble` says why.
    """
    if not finished:
        return Opened(dict(made), "", "")
    path = Path(finished)
    try:
        content = load_any(path, max_mb)
        if is_annotation(content):
            page = f"annotate/{made['project']['pname']}.html"
            raise UserError(f"{path}: annotated on {page}: go on there, not here")
        checked = checked_content(content, path)
        return Opened(_taken_over(made, checked, path, attributes, known_as or {}), str(path), "")
    except UserError as error:
        return Opened(dict(made), "", str(error))


def _taken_over(
    made: Mapping,
    content: Mapping,
    path: Path,
    attributes: Sequence[Attribute],
    known_as: Mapping[str, str],
) -> dict:
    own = {image: vid for vid, image in images_of_views(made).items()}
    images = {vid: own_name(image, known_as) for vid, image in images_of_views(content).items()}
    strangers = sorted(set(images.values()) - set(own))
    if strangers or not images:
        raise UserError(
            f"{path}: expected images of clip {made['project']['pname']}, found "
            f"{', '.join(strangers[:3]) or 'none'}: it is of another clip, or of other times"
        )
    read, begins = parse_project(content, path), parse_project(made, path).start
    for began in (read.start, *(box.origin.start for box in read.boxes if box.origin)):
        if began is None or begins is None:
            continue
        if abs(began - begins) > SAME_START_SECONDS:
            raise UserError(
                f"{path}: it was annotated when the clip began at {began:g} s of its video; now it "
                f"begins at {begins:g} s, so its boxes belong to other images"
            )
    listed = _attributes(content, attributes)
    person = [
        aid
        for aid, entry in listed.items()
        if entry["aname"] == PERSON_ATTRIBUTE and entry["type"] == TEXT
    ]
    ui = made["config"]["ui"] | {"spatial_region_label_attribute_id": person[0] if person else ""}
    creator = str(content["project"].get("creator")).removesuffix(NAMES_ESCAPED)
    return {
        "project": made["project"] | {"creator": creator + NAMES_ESCAPED, "vid_list": list(images)},
        "config": made["config"] | {"ui": ui},
        "attribute": listed,
        "file": {
            vid: made["file"][made["view"][own[image]]["fid_list"][0]] | {"fid": vid}
            for vid, image in images.items()
        },
        "view": {vid: {"fid_list": [vid]} for vid in images},
        "metadata": {
            key: _entry(entry)
            for key, entry in content["metadata"].items()
            if isinstance(entry, dict) and key != PROTOTYPE
        },
    }


def _attributes(content: Mapping, attributes: Sequence[Attribute]) -> dict[str, dict]:
    """The file's attributes under their own ids, and what the config has beyond them."""
    text = unescape_name if names_escaped(content) else str
    now = {attribute.name: attribute for attribute in attributes}
    entries: dict[str, dict] = {}
    there = set()
    for aid, entry in content["attribute"].items():
        if not isinstance(entry, dict) or aid == PROTOTYPE:
            continue
        name = text(str(entry.get("aname", aid)))
        there.add(name)
        options = entry.get("options")
        options = options if isinstance(options, dict) else {}
        options = {oid: text(str(option)) for oid, option in options.items() if oid != PROTOTYPE}
        kind = entry.get("type")
        if name in now:
            kind = _kind(now[name])
            _add_missing(options, now[name])
        entries[str(aid)] = _attribute(name, kind if kind in (CHECKBOX, RADIO) else TEXT, options)
    for name, attribute in now.items():
        if name not in there:
            options = {str(i): action.name for i, action in enumerate(attribute.actions)}
            entries[_free(entries)] = _attribute(name, _kind(attribute), options)
    return entries


def _kind(attribute: Attribute) -> int:
    return CHECKBOX if attribute.multiple else RADIO


def _add_missing(options: dict[str, str], attribute: Attribute) -> None:
    """Options that the config has gained since; one that was only renamed is there already."""
    reached = {attribute.renamed.get(option, option) for option in options.values()}
    for action in attribute.actions:
        if action.name not in reached:
            options[_free(options)] = action.name


def _free(entries: Mapping[str, object]) -> str:
    """The next number above all ids that are numbers."""
    return str(max((int(key) for key in entries if key.isascii() and key.isdigit()), default=0) + 1)


def _attribute(name: str, kind: int, options: Mapping[str, str]) -> dict:
    return {
        "aname": escape_name(name),
        "anchor_id": BOX_ANCHOR,
        "type": kind,
        "desc": "number of this person, the same on every picture"
        if name == PERSON_ATTRIBUTE
        else "",
        "options": {oid: escape_name(option) for oid, option in options.items()},
        "default_option_id": "",
    }


def _entry(entry: Mapping) -> dict:
    """A box with values of the types that VIA works with; what it cannot draw has no shape."""
    xy = entry.get("xy")
    values = entry.get("av")
    values = values if isinstance(values, dict) else {}
    own = {OWN_KEY: entry[OWN_KEY]} if isinstance(entry.get(OWN_KEY), dict) else {}
    return {
        "vid": str(entry.get("vid")),
        "flg": 0,
        "z": [],
        "xy": xy if isinstance(xy, list) and finite_numbers(xy, len(xy)) else [],
        "av": {
            aid: "" if value is None else str(value)
            for aid, value in values.items()
            if aid != PROTOTYPE
        },
        **own,
    }
