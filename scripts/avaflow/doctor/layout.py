"""What lies in a dataset's folder, each file told by its content, with its name as a help.

Images are counted by folder and never listed: a dataset may have millions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from avaflow.doctor.findings import Findings
from avaflow.doctor.texts import head_of
from avaflow.publishing.manifest import FORMAT
from avaflow.publishing.tables import IDLE_COLUMNS

IMAGES = {".jpg", ".jpeg", ".png"}
VIDEOS = {".mp4", ".mkv", ".avi", ".webm", ".mov"}
OTHERS = {
    *(".md", ".svg", ".html", ".js", ".css", ".log", ".xml", ".ini", ".zip", ".gz", ".tsv"),
    *(".cff", ".bib", ".tar"),
}
"""Suffixes of what no training code reads: papers, pages, logs, other tools' tasks."""

PASSED = {"logs", "records", "benchmarks", "__pycache__", "work_dirs", "yolo", "mot", "cvat"}
"""Folders that are not looked into: what runs leave behind, and formats of boxes alone."""

OWN_STAGES = {
    "annotate", "detections", "embeddings", "keyframes", "labels", "tracks", "rawframes",
    "segments", "clips", "objects", "features", "person_features", "detector_training",
    "preview", "flow", "own",
}  # fmt: skip
"""Folders of the workflow's results that are no dataset, in whose place `dataset` links them."""

SPLITS = ("train", "val", "test")

_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)\.(?:jpg|jpeg|png)$", re.IGNORECASE)
_SPLIT = re.compile(r"(?:^|[^a-z])(train|val|test)(?:[^a-z]|$)")


@dataclass
class Images:
    """A folder of images: how many, and the lowest and highest number in their names."""

    folder: Path
    count: int = 0
    first: int = 0
    last: int = 0
    example: str = ""

    def add(self, name: str) -> None:
        """Count an image."""
        match = _NUMBERED.match(name)
        number = int(match["number"][-9:]) if match else 0
        if not self.count or number < self.first:
            self.first = number
        self.last = max(self.last, number)
        self.example = self.example or name
        self.count += 1


@dataclass
class Layout:
    """A dataset's files by kind; paths as they are, names relative to `root`."""

    root: Path
    bound: Path
    files: dict[str, list[Path]] = field(default_factory=dict)
    images: dict[Path, Images] = field(default_factory=dict)

    def of(self, kind: str) -> list[Path]:
        """The files of a kind, sorted."""
        return sorted(self.files.get(kind, []))

    def name(self, path: Path) -> str:
        """A path as findings tell it."""
        return Path(os.path.relpath(path, self.root)).as_posix()


def split_of(path: Path) -> str:
    """The split that a file's name says; empty where it says none.

    >>> split_of(Path("ava_dense_proposals_val.recall_93.pkl")), split_of(Path("strain.csv"))
    ('val', '')
    """
    found = _SPLIT.search(path.stem.lower()) or _SPLIT.search(path.parent.name.lower())
    return found[1] if found else ""


def look_through(folder: Path, findings: Findings) -> Layout:
    """All files of a dataset, or of the dataset in a workflow's results, by kind.

    A single file is a dataset of its own.
    """
    if folder.is_file():
        layout = Layout(folder.parent, folder.parent.parent)
        layout.files.setdefault(kind_of(folder), []).append(folder)
        return layout
    layout = Layout(folder, folder.resolve().parent)
    own = (folder / "dataset" / "annotations").is_dir()
    seen: set[str] = set()
    for path in _walk(folder, layout, findings, OWN_STAGES if own else set(), seen):
        layout.files.setdefault(kind_of(path), []).append(path)
    for path in layout.of("unknown"):
        findings.add("F08", layout.name(path), "neither name nor content tells what it is")
    return layout


def _walk(
    folder: Path, layout: Layout, findings: Findings, passed: set[str], seen: set[str]
) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    folders = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            path = folder / entry.name
            suffix = path.suffix.lower()
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and not path.exists():
                findings.add("F07", layout.name(folder), f"{entry.name} leads nowhere")
            elif not entry.is_dir() and not entry.is_file():
                findings.add("F05", layout.name(path), "not a plain file")
            elif entry.is_dir():
                if entry.name not in PASSED | passed and not _is_prediction(path):
                    folders.append(path)
            elif suffix in IMAGES:
                layout.images.setdefault(folder, Images(folder)).add(entry.name)
            elif suffix in VIDEOS:
                yield path
            elif entry.is_symlink() and not path.resolve().is_relative_to(layout.bound):
                findings.add("F06", layout.name(path), f"a link to {path.resolve()}; not read")
            else:
                yield path
    for path in folders:
        yield from _walk(path, layout, findings, set(), seen)


def _is_prediction(folder: Path) -> bool:
    """Whether a folder holds clips to predict on, whose labels stand for nothing."""
    return (folder / "annotations" / "predict.csv").exists()


def kind_of(path: Path) -> str:
    """What a file is; `unknown` where nothing tells."""
    suffix = path.suffix.lower()
    if suffix in VIDEOS:
        return "video"
    if suffix in OTHERS or path.name.startswith(("README", "LICENSE", "LICENCE")):
        return "catalog" if b"eval_file_paths" in head_of(path) else "other"
    if suffix in {".pkl", ".pickle"}:
        return "proposals"
    head = head_of(path)
    told = _BY_SUFFIX.get(suffix, _table_kind)
    return told(path, head)


def _json_kind(path: Path, head: bytes) -> str:
    if b'"ava_' in head and b"eval_file_paths" in head:
        return "catalog"
    text = head.decode("utf-8-sig", "replace").lstrip()
    # Writers differ in the order of keys, so the ends of a JSON are looked at, not its whole.
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        tail = stream.read().decode("utf-8", "replace")
    if f'"format": "{FORMAT}"' in text:
        return "manifest"
    if '"conformsTo"' in text and "mlcommons.org/croissant" in text:
        return "other"
    for kind, marks in _JSON_MARKS.items():
        if all(mark in text or mark in tail for mark in marks):
            return kind
    if re.match(r"\[\s*(\{|\])", text) and "_bbox" in path.name:
        return "boxes"
    if re.match(r"\{\s*\"[^\"]*\"\s*:\s*[\[{]", text) and "bbox" in path.name:
        return "boxes"
    if re.match(r"\{\s*\"[^\"]*\"\s*:\s*-?\d+", text):
        return "label_ids"
    return "unknown" if text and not _is_json(text, path) else "other"


_JSON_MARKS = {
    "via": ('"metadata"', '"view"'),
    "coco": ('"images"', '"annotations"'),
    "boxes": ('"image_id"', '"bbox"', '"score"'),
}
"""What stands in the first or last bytes of a JSON of a kind."""


def _is_json(text: str, path: Path) -> bool:
    """Whether a short file is JSON of another kind, such as a manifest."""
    if path.stat().st_size > len(text.encode()):
        return text[:1] in "{["
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _python_kind(path: Path, head: bytes) -> str:
    text = head_of(path, 200_000)
    if b"eval_file_paths" in text:
        return "catalog"
    return "mmaction2" if b"ann_file" in text or b"AVADataset" in text else "other"


def _yaml_kind(path: Path, head: bytes) -> str:
    text = head_of(path, 200_000)
    if re.search(rb"(?m)^AVA:", text):
        return "slowfast"
    if b"ROI_ACTION_HEAD" in text:
        return "alphaction"
    return "other"


def _pbtxt_kind(path: Path, head: bytes) -> str:
    return "action_list"


def _table_kind(path: Path, head: bytes) -> str:
    """What a text of lines is."""
    name = path.name.lower()
    if b"eval_file_paths" in head:
        return "catalog"
    if b"label {" in head or b"item {" in head or b"label{" in head or b"item{" in head:
        return "action_list"
    if name.endswith(".notes.csv") or name == "actions.csv":
        return "other"
    if head.startswith(",".join(IDLE_COLUMNS).encode()):
        return "other"  # the same labels once more, with a header
    if "exclude" in name:
        return "excluded"
    lines = [line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    lines = [line for line in lines if line][: 20 if len(head) < 4096 else -1]
    if not lines:
        return "ava_csv" if path.suffix == ".csv" and split_of(path) else "other"
    for kind in _LINES:
        if sum(_is(kind, line) for line in lines) * 2 >= len(lines):
            return kind
    return "unknown"


_LINES = {
    "predicted_boxes": rb"^[^,]+,[^,]+(,[^,]*){4},,[^,]*$",
    "ava_csv": rb"^[^,]+,\"?\d+(\.0*)?\"?(,[^,]*){4,7}$",
    "frame_list": rb"^\S+ +\S+ +\d+ +\S+\.(jpg|jpeg|png)\b.*$",
    "kinetics_list": rb"^.*\.(mp4|mkv|avi|webm|mov|flv)\"?[ ,]+[^\s,/]*$",
    "excluded": rb"^[^,/ ]+, *[^,/ ]+$",
    "included": rb"^\d+$",
    "other": rb"^\S+\.(mp4|mkv|avi|webm|mov|flv)$",
    "label_map": rb"^\d+: ?.+$",
}
"""How a line of each kind looks; a file is of the first kind that half of its lines fit."""


def _is(kind: str, line: bytes) -> bool:
    return re.match(_LINES[kind], line) is not None


_BY_SUFFIX = {
    ".json": _json_kind,
    ".py": _python_kind,
    ".yaml": _yaml_kind,
    ".yml": _yaml_kind,
    ".pbtxt": _pbtxt_kind,
}
