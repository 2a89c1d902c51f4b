"""A corrected copy of a dataset, where mending asks nobody: the original is never written to.

Tables, lists, pickles and projects are written anew; images and videos are linked. A file that
holds rows that cannot be read stays as it is: nothing is dropped but what says a thing twice.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np

from avaflow.annotation.via import BY_ADDRESS
from avaflow.boxes import clip_to_image
from avaflow.doctor import proposals as pickles
from avaflow.doctor.action_lists import meant
from avaflow.doctor.ava_rows import BOM, MOST_BEYOND, check_excluded, is_header, read_rows
from avaflow.doctor.codes import RULES
from avaflow.doctor.examine import examine
from avaflow.doctor.findings import Finding, Findings
from avaflow.doctor.layout import IMAGES, VIDEOS, Layout, look_through, split_of
from avaflow.doctor.texts import Unreadable, json_of, text_of
from avaflow.errors import UserError
from avaflow.files import atomic_folder, link
from avaflow.formats.ava import action_list_text, box_text, excluded_text
from avaflow.formats.proposals import dumps, key_of, tidy
from avaflow.formats.slowfast import HEADER
from avaflow.lines import lines_of
from avaflow.project.actions import LABEL_TYPES, Action
from avaflow.tables import BOX
from avaflow.times import Instant, Timestamp

UNREAD = ("A03", "A06", "F04", "F05", "F09")
"""With one of these a csv has rows that a corrected copy would lose."""

UNMENDED = ("P01", "P02", "P10", "P11", "P14", "P18", "F05", "F09")
"""With one of these a pickle stays as it is."""


def write_fixed(dataset: str | Path, out: str | Path, media: bool = True) -> list[Finding]:
    """Write a corrected copy of a dataset's folder to `out`; returns what is still wrong in it.

    UserError where `out` exists already, or lies in the dataset.
    """
    root, target = Path(dataset).resolve(), Path(out).resolve()
    if not root.is_dir():
        raise UserError(f"{dataset}: expected a folder to correct, found a file")
    if target.exists():
        raise UserError(f"{out}: expected a new folder, it is there already; name another one")
    if target.is_relative_to(root):
        raise UserError(f"{out}: expected a folder outside of {dataset}, which is not written to")
    findings = Findings(RULES)
    layout = look_through(root, findings)
    kinds = {path: kind for kind, paths in layout.files.items() for path in paths}
    with atomic_folder(target) as temporary:
        _copy(root, Path(temporary), {os.path.realpath(root)})
        for path, kind in sorted(kinds.items()):
            mend = MENDED.get(kind)
            if mend is not None:
                content = _mended(mend, path, layout)
                if content is not None:
                    (Path(temporary) / path.relative_to(root)).write_bytes(content)
    return examine(target, media).findings


def _copy(folder: Path, target: Path, seen: set[str]) -> None:
    """Copy a folder's texts and link its media; what leads out of it or nowhere is left out."""
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        path, name = folder / entry.name, target / entry.name
        if entry.is_dir():
            real = os.path.realpath(path)
            if real in seen:
                continue
            if _is_media(path):
                link(path, name)
                continue
            name.mkdir()
            _copy(path, name, seen | {real})
        elif entry.is_file() and path.suffix.lower() in IMAGES | VIDEOS:
            link(path, name)
        elif entry.is_file() and not entry.is_symlink():
            shutil.copyfile(path, name)


def _is_media(folder: Path) -> bool:
    """Whether a folder holds images or videos and nothing else."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return bool(names) and all(Path(name).suffix.lower() in IMAGES | VIDEOS for name in names)


def _mended(
    mend: Callable[[Path, Layout], bytes | None], path: Path, layout: Layout
) -> bytes | None:
    try:
        return mend(path, layout)
    except Unreadable:
        return None


def mended_rows(path: Path, layout: Layout) -> bytes | None:
    """A csv without header, blank lines and double rows, clipped, sorted, as readers take it."""
    findings, name = Findings(RULES), layout.name(path)
    rows = read_rows(path, name, findings)
    if rows is None or findings.has(name, UNREAD):
        return None
    read = findings.ordered()
    odd = {"A04", "A13", "A24"} & {finding.code for finding in read}
    table = rows.table
    # Whole numbers with a point were read; words were not, and would be lost.
    if odd and len(table) < len(_filled(path)):
        return None
    gone = _excluded_of(path, layout)
    keep = [
        (clip, timestamp) not in gone
        for clip, timestamp in zip(table["clip"], table["timestamp"], strict=True)
    ]
    table = table[np.array(keep, bool)].drop_duplicates(["instant", "box", "action_id"])
    if table.empty:
        return None
    boxes = table[BOX].to_numpy()
    px = np.asarray((boxes > MOST_BEYOND).any(axis=1))
    boxes = np.where(px[:, None], boxes, clip_to_image(boxes))
    records = zip(
        table["clip"], table["timestamp"], table["person_id"], table["action_id"],
        boxes.tolist(), strict=True,
    )  # fmt: skip
    ordered = sorted(records, key=lambda each: each[:4])
    lines = [f"{c},{t},{box_text(box)},{a},{p}\n" for c, t, p, a, box in ordered]
    return "".join(lines).encode()


def _filled(path: Path) -> list[str]:
    """The lines of a csv that hold a row, without a header."""
    lines = [line for line in lines_of(text_of(path)) if line]
    return lines[1:] if lines and is_header(lines[0]) else lines


def _excluded_of(path: Path, layout: Layout) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for other in layout.of("excluded"):
        if other.parent == path.parent and split_of(other) == split_of(path):
            found |= check_excluded(other, layout.name(other), Findings(RULES))
    return found


def mended_excluded(path: Path, layout: Layout) -> bytes | None:
    """Excluded timestamps without a header and spaces, sorted."""
    lines = [line.replace(" ", "") for line in lines_of(text_of(path)) if line.strip()]
    if lines and not re.search(r"\d", lines[0].partition(",")[2]):
        lines = lines[1:]
    found = []
    for line in lines:
        match = re.fullmatch(r"([^,]+),(\d+)(\.0*)?", line)
        if match is None:
            return None
        found.append(Instant(match[1], Timestamp(int(match[2]))))
    return excluded_text(found).encode()


def mended_proposals(path: Path, layout: Layout) -> bytes | None:
    """Proposals by padded keys, clipped, best first, in a pickle that every numpy reads."""
    findings, name = Findings(RULES), layout.name(path)
    found = pickles.read_proposals(path, name, findings)
    if found is None or findings.has(name, UNMENDED) or not findings.ordered():
        return None
    boxes: dict[str, np.ndarray] = {}
    for clip, timestamp, first, count in found.keys.itertuples(index=False):
        own = found.boxes[first : first + count]
        own = tidy(own[np.isfinite(own).all(axis=1)])
        key = key_of(clip, Timestamp(int(timestamp)))
        if len(own) and "," not in clip:
            boxes[key] = tidy(np.concatenate([boxes[key], own])) if key in boxes else own
    return dumps(boxes)


def mended_list(path: Path, layout: Layout) -> bytes | None:
    """An action list in the one shape that all readers take, ordered by id."""
    entries = meant("\n".join(lines_of(text_of(path))))
    if not entries:
        return None
    typed = [
        Action(e.id, e.name, "", e.label_type if e.label_type in LABEL_TYPES else LABEL_TYPES[0])
        for e in entries
    ]
    return action_list_text(sorted(typed, key=lambda action: action.id)).encode()


def mended_map(path: Path, layout: Layout) -> bytes | None:
    """A label map from the action list beside it."""
    for other in layout.of("action_list"):
        if other.parent == path.parent:
            entries = sorted(meant(text_of(other)), key=lambda entry: entry.id)
            if len({entry.id for entry in entries}) < len(entries):
                return None
            return "".join(f"{entry.id}: {entry.name}\n" for entry in entries).encode()
    return None


def mended_frames(path: Path, layout: Layout) -> bytes | None:
    """A frame list with its header, the frames of each clip in order."""
    lines = [line for line in lines_of(text_of(path)) if line]
    if lines and not re.search(r"\d\.\w+\b", lines[0]):
        lines = lines[1:]
    order: dict[str, int] = {}
    for line in lines:
        order.setdefault(line.split(" ")[0], len(order))
    lines.sort(key=lambda line: (order[line.split(" ")[0]], _frame(line)))
    return "".join(f"{line}\n" for line in [HEADER, *lines]).encode()


def _frame(line: str) -> int:
    match = re.search(r"(\d{1,9})\.\w+\b", line)
    return int(match[1]) if match else 0


def mended_project(path: Path, layout: Layout) -> bytes | None:
    """A VIA project that VIA opens: texts for ids, nothing ticked by default, images by address."""
    content = json_of(path)
    parts = ("project", "attribute", "file", "metadata")
    if not isinstance(content, dict) or not all(
        isinstance(content.get(part), dict) for part in parts
    ):
        return None
    before = json.dumps(content)
    views = content["project"].get("vid_list")
    if isinstance(views, list):
        content["project"]["vid_list"] = [str(each) for each in views]
    for attribute in content["attribute"].values():
        if isinstance(attribute, dict):
            attribute["default_option_id"] = ""
    for entry in content["file"].values():
        if isinstance(entry, dict):
            _mend_file(entry)
    for entry in content["metadata"].values():
        if isinstance(entry, dict):
            entry["z"] = []
            entry["av"] = entry["av"] if isinstance(entry.get("av"), dict) else {}
    after = json.dumps(content)
    return None if after == before else (json.dumps(content, separators=(",", ":")) + "\n").encode()


def _mend_file(entry: dict) -> None:
    source = str(entry.get("src") or "")
    if entry.get("loc") == 1:
        entry["loc"], source = BY_ADDRESS, source or str(entry.get("fname", ""))
        entry["src"] = quote(unquote(source))
    if entry.get("loc") == BY_ADDRESS and source:
        entry["src"] = quote(unquote(source))
    entry["fname"] = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", str(entry.get("fname", "")))


def mended_text(path: Path, layout: Layout) -> bytes | None:
    """A text without byte order mark, with LF line ends."""
    data = text_of(path).encode()
    return data.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


MENDED: dict[str, Callable[[Path, Layout], bytes | None]] = {
    "ava_csv": mended_rows,
    "excluded": mended_excluded,
    "proposals": mended_proposals,
    "action_list": mended_list,
    "label_map": mended_map,
    "frame_list": mended_frames,
    "via": mended_project,
    "predicted_boxes": mended_text,
    "kinetics_list": mended_text,
}
"""How each kind of file is mended; others are copied."""
