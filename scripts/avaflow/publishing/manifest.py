"""What a dataset is, how it was made and which files it has: `dataset/manifest.json`.

The card, the citation and the Croissant file say the same in other forms and are written from it.
"""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.project.actions import Attribute, all_actions
from avaflow.project.settings import is_section, outputs_of
from avaflow.tables import Label, Unticked
from avaflow.times import Second

FORMAT, VERSION = "avaflow dataset", 1

PACKAGES = (
    *("snakemake", "ultralytics", "deep-sort-realtime", "torch", "torchvision", "openvino"),
    *("opencv-python-headless", "av", "eva-decord", "imageio-ffmpeg", "numpy", "pandas"),
)
"""Packages whose versions decide on what is in a dataset."""

OUTPUTS = frozenset(
    ("clips", "detections", "embeddings", "tracks", "labels", "proposals", "dataset")
)
"""Settings that decide on any of these decided on what the dataset holds."""

NOT_TOLD = ("actions", "annotations", "clips_table")
"""What the card shows in other words, or says nothing to others."""


class FileEntry(NamedTuple):
    """A file of the dataset: its path in the dataset's folder, its size and its content."""

    path: str
    bytes: int
    sha256: str


class ClipFacts(NamedTuple):
    """What the card says of one clip."""

    clip: str
    split: str
    seconds: float
    keyframes: Sequence[Second]
    labels: Sequence[Label]
    idle: Sequence[Unticked]
    kind: str
    seconds_worked: float


def file_entries(folder: str | Path, paths: Iterable[str | Path]) -> list[FileEntry]:
    """The entries of files in a folder, sorted by path. UserError if one is not there."""
    folder = Path(folder)
    entries = []
    for path in map(Path, paths):
        try:
            size = path.stat().st_size
            entries.append(FileEntry(path.relative_to(folder).as_posix(), size, sha256(path)))
        except OSError as error:
            raise UserError(
                f"{path}: expected a file of the dataset, found none ({error.strerror}). "
                "Run the workflow again."
            ) from None
    return sorted(entries)


def settings_told(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decided on what a dataset holds, as the schema marks them."""
    told: dict[str, Any] = {}
    for name, part in schema["properties"].items():
        if name in NOT_TOLD or name not in config:
            continue
        if is_section(part):
            inner = settings_told(config[name], part)
            if inner:
                told[name] = inner
        elif OUTPUTS.intersection(outputs_of(part)):
            told[name] = config[name]
    return told


def versions_told() -> dict[str, str]:
    """The versions of Python and of the packages that are here."""
    told = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            told[name] = version(name)
        except PackageNotFoundError:
            continue
    return told


def weights_told(named: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The networks' files by what they serve, each with its checksum.

    A folder's checksum (OpenVINO has a network in several files) is that of the lines which
    `sha256sum` prints of its files, sorted by path. It is empty where nothing lies there.
    """
    told = {}
    for purpose, path in named.items():
        file = Path(path)
        told[purpose] = {"file": file.name, "sha256": _digest(file)}
    return told


def _digest(path: Path) -> str:
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest() if files else ""


def manifest_of(
    card: Mapping[str, Any],
    clips: Sequence[ClipFacts],
    attributes: Sequence[Attribute],
    made: Mapping[str, Any],
    offset: int,
) -> dict[str, Any]:
    """The manifest without its files.

    `card` are the config's words on the dataset. `made` holds settings, versions, weights and
    `persons`: whether `boxes` and `tracks` were `found` here or are the user's `own`.
    `offset` is what a timestamp is above its second.
    """
    splits = [split for split in ("train", "val", "test") if any(c.split == split for c in clips)]
    counts = Counter((clip.split, label.action_id) for clip in clips for label in clip.labels)
    return {
        "format": FORMAT,
        "version": VERSION,
        "card": dict(card),
        "timestamp_offset": offset,
        "clips": {
            split: {c.clip: runs(c.keyframes) for c in sorted(clips) if c.split == split}
            for split in splits
        },
        "splits": [_split(split, [c for c in clips if c.split == split]) for split in splits],
        "actions": [
            {
                "id": action.id,
                "attribute": action.attribute,
                "action": action.name,
                "choose": "multiple" if attribute.multiple else "single",
                "labels": {split: counts[split, action.id] for split in splits},
            }
            for attribute in attributes
            for action in all_actions([attribute])
        ],
        "annotation": _annotation(clips),
        "made": dict(made),
    }


def runs(seconds: Iterable[Second]) -> str:
    """Seconds as text, `2-9 12`, which is short however long a clip is.

    >>> runs([Second(2), Second(3), Second(4), Second(7)])
    '2-4 7'
    """
    found: list[list[int]] = []
    for second in sorted(seconds):
        if found and second == found[-1][1] + 1:
            found[-1][1] = second
        else:
            found.append([second, second])
    return " ".join(f"{a}-{b}" if a < b else str(a) for a, b in found)


def seconds_of_runs(text: str) -> list[Second]:
    """The seconds of :func:`runs`.

    >>> seconds_of_runs("2-4 7")
    [2, 3, 4, 7]
    """
    pairs = [part.partition("-") for part in text.split()]
    return [Second(s) for a, _, b in pairs for s in range(int(a), int(b or a) + 1)]


def _split(name: str, clips: Sequence[ClipFacts]) -> dict[str, Any]:
    boxes = {(c.clip, label.second, label.person_id) for c in clips for label in c.labels}
    return {
        "split": name,
        "clips": len(clips),
        "seconds": round(sum(clip.seconds for clip in clips), 3),
        "keyframes": sum(len(clip.keyframes) for clip in clips),
        "persons": len({(clip, person) for clip, _, person in boxes}),
        "boxes": len(boxes),
        "labels": sum(len(clip.labels) for clip in clips),
        "idle": sum(len(clip.idle) for clip in clips),
    }


def _annotation(clips: Sequence[ClipFacts]) -> dict[str, Any]:
    kinds = sorted({clip.kind for clip in clips})
    return {
        "clips": {kind: sum(clip.kind == kind for clip in clips) for kind in kinds},
        "seconds_worked": round(sum(clip.seconds_worked for clip in clips)),
    }


def manifest_text(manifest: Mapping[str, Any], files: Iterable[FileEntry]) -> str:
    """The text of `manifest.json`; its files stand one a line."""
    head = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=False)
    lines = ",\n".join("  " + json.dumps(entry._asdict(), ensure_ascii=False) for entry in files)
    body = f'"files": [\n{lines}\n ]' if lines else '"files": []'
    return f"{head[:-2]},\n {body}\n}}\n"


def read_manifest(path: str | Path) -> tuple[dict[str, Any], list[FileEntry]]:
    """What :func:`manifest_text` wrote: the manifest and its files. UserError if it is not one."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"format {content['format']!r}, version {content['version']!r}")
        return content, [FileEntry(**entry) for entry in content.pop("files")]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path}: expected the manifest of a dataset, found something else ({error}). Delete "
            "it and run again."
        ) from None
