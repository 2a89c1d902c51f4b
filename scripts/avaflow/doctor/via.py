"""VIA 3 projects: what VIA shows of them, and what it loses or stops at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from avaflow.annotation.via import BY_ADDRESS, RECTANGLE, TEXT
from avaflow.doctor.findings import Findings
from avaflow.doctor.layout import Layout
from avaflow.doctor.texts import json_of, leaves

PARTS = ("project", "config", "attribute", "file", "view", "metadata")
"""What a project holds."""

_BARE = re.compile(r"%(?![0-9A-Fa-f]{2})")

Tell = Callable[[str, str], None]


def check_project(path: Path, layout: Layout, findings: Findings) -> None:
    """A project, and what is wrong with it."""
    name, content = layout.name(path), json_of(path)
    gone = [
        part
        for part in PARTS
        if not isinstance(content, dict) or not isinstance(content.get(part), dict)
    ]
    if gone or not isinstance(content, dict):
        findings.add("V01", name, f"without {gone[0]}")
        return

    def tell(code: str, what: str) -> None:
        findings.add(code, name, what)

    views = content["project"].get("vid_list")
    numbers = [each for each in views if type(each) is not str] if isinstance(views, list) else []
    if numbers:
        tell("V05", f"{numbers[0]!r}")
    _check_attributes(content, tell)
    _check_files(content, path, layout, tell)
    for key, entry in content["metadata"].items():
        if isinstance(entry, dict):
            _check_entry(content, key, entry, tell)


def _check_attributes(content: Mapping, tell: Tell) -> None:
    for attribute in content["attribute"].values():
        if isinstance(attribute, dict) and attribute.get("default_option_id"):
            tell("V03", f"attribute {attribute.get('aname')!r}")
    shown = content["config"].get("ui", {})
    label = str(shown.get("spatial_region_label_attribute_id", "") if isinstance(shown, dict)
                else "")  # fmt: skip
    attribute = content["attribute"].get(label)
    if isinstance(attribute, dict) and attribute.get("type") != TEXT:
        tell("V08", f"attribute {attribute.get('aname')!r} has type {attribute.get('type')}")


def _check_files(content: Mapping, path: Path, layout: Layout, tell: Tell) -> None:
    picked = False
    for entry in content["file"].values():
        if not isinstance(entry, dict):
            continue
        name, source = str(entry.get("fname", "")), str(entry.get("src", ""))
        if entry.get("loc") == 1:
            tell("V02", f"{name!r}")
            picked = True
        if _BARE.search(name) or _BARE.search(source) or (
            re.search(r"[#?]", source) and entry.get("loc") == BY_ADDRESS
        ):  # fmt: skip
            tell("V07", f"{name!r}, src {source!r}")
            continue
        address = source.startswith(("http:", "https:", "blob:", "data:"))
        if picked or address or not source:
            continue
        if leaves(path.parent.parent, unquote(source), path.parent):
            tell("F06", f"src {source!r}")
        elif layout.images and not os.path.exists(path.parent / unquote(source)):
            tell("V09", f"src {source!r}")


def _check_entry(content: Mapping, key: str, entry: Mapping, tell: Tell) -> None:
    values = entry.get("av")
    if not isinstance(values, dict):
        tell("V04", f"entry {key!r}")
        values = {}
    if entry.get("z") != []:
        tell("V06", f"entry {key!r}: z {entry.get('z')!r}")
    if str(entry.get("vid")) not in content["view"]:
        tell("V10", f"entry {key!r}: view {entry.get('vid')!r}")
    sides = entry.get("xy")
    if isinstance(sides, list) and len(sides) == 5 and sides[0] == RECTANGLE:
        numbers = [each for each in sides[1:] if isinstance(each, int | float)]
        if len(numbers) == 4 and (min(numbers[:2]) < 0 or min(numbers[2:]) < 0):
            tell("V12", f"entry {key!r}: {sides}")
    for attribute, value in values.items():
        known = content["attribute"].get(attribute)
        if not isinstance(known, dict) or known.get("type") == TEXT:
            continue
        options = known.get("options")
        options = options if isinstance(options, dict) else {}
        gone = [each for each in str(value).split(",") if each and each not in options]
        if gone:
            tell("V11", f"entry {key!r}: option {gone[0]!r} of {known.get('aname')!r}")
