"""A copy of the dataset that stands alone: no links, nothing outside, every file with a checksum.

As a folder it holds what the dataset's folder holds; as shards its clips lie in tars, as WebDataset
has them, each clip with a JSON of its labels.
"""

import csv
import io
import json
import os
import re
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avaflow.errors import UserError
from avaflow.files import atomic_folder, disk_full_message, free_bytes
from avaflow.formats.links import PLACED
from avaflow.manifests import read_clip_manifest
from avaflow.publishing.manifest import FileEntry, file_entries, seconds_of_runs
from avaflow.publishing.papers import PAPERS, write_papers
from avaflow.tables import BOX
from avaflow.times import frame_of_second

MB = 1_000_000

TOO_NEAR = 1.02
"""A copy wants so much of its size to be free: names and papers take some too."""

NEEDS_FRAMES = ("rawframes", "slowfast", "mmaction2/slowfast_frames.py")
"""What of a dataset's folder is of no use without all frames."""

UNPUBLISHED = ("links.tsv", PLACED, "predict")
"""What is no part of the dataset: lists of links, and clips without labels."""

VIDEO_OF_ROW = re.compile(r"^([^,\"\n]*,)clips/", re.MULTILINE)
"""The beginning of a table's row: a clip's id, which needs no quotes, and its video."""

SHARD_PARTS = ("annotations", "tables")
"""What stands beside shards as it is."""


def _parts(dataset: Path, form: str, rawframes: bool) -> list[str]:
    """The names in the dataset's folder that go into the copy."""
    names = sorted(entry.name for entry in dataset.iterdir())
    if form == "shards":
        return [name for name in names if name in SHARD_PARTS]
    left = {*PAPERS, *UNPUBLISHED, *(() if rawframes else NEEDS_FRAMES)}
    return [name for name in names if name not in left and not name.startswith(".")]


def _files(folder: Path, top: Path, left: Sequence[str]) -> Iterator[Path]:
    """All files below a folder, also through links, but for those that are left out."""
    if top.is_file():
        yield top
        return
    for place, folders, names in os.walk(top, followlinks=True):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.relative_to(folder).as_posix() not in left:
                yield path


def publish(
    dataset: str | Path,
    target: str | Path,
    manifest: Mapping[str, Any],
    form: str,
    rawframes: bool,
    shard_mb: int,
) -> list[FileEntry]:
    """Write the copy to `target`, whole or not at all; the files that its manifest lists.

    `form` is `folder` or `shards`, of `shard_mb` megabytes at most each. Raises UserError where
    the disk has no room, or a file that is linked is gone.
    """
    dataset, target = Path(dataset), Path(target)
    left = () if rawframes else NEEDS_FRAMES
    found = [
        path
        for name in _parts(dataset, form, rawframes)
        for path in _files(dataset, dataset / name, left)
    ]
    gone = [path for path in found if not path.exists()]
    if gone:
        raise UserError(
            f"{gone[0]}: expected a file, found a link to nothing. Run the workflow again."
        )
    clips = sorted((dataset / "clips").glob("*.mp4")) if form == "shards" else []
    size = sum(path.stat().st_size for path in [*found, *clips])
    target.parent.mkdir(parents=True, exist_ok=True)
    if free_bytes(target.parent) < size * TOO_NEAR:
        raise UserError(f"{disk_full_message(target.parent)} The copy takes {size / MB:.0f} MB.")
    with atomic_folder(target) as folder:
        for path in found:
            place = folder / path.relative_to(dataset)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.name == "README.md":
                # The exports' words name the folder from where the workflow runs.
                text = path.read_text(encoding="utf-8").replace(dataset.as_posix(), ".")
                place.write_text(text, encoding="utf-8", newline="\n")
            else:
                shutil.copyfile(path, place)
        if form == "shards":
            for name in manifest["splits"]:
                _write_shards(dataset, folder, name["split"], manifest, shard_mb * MB)
            rename_clips(folder / "tables")
        files = [path for path in folder.rglob("*") if path.is_file()]
        return write_papers(folder, manifest, file_entries(folder, files), form)


def rename_clips(tables: Path) -> None:
    """In tars a clip is called by its id alone, which is in a table's first two columns."""
    for table in tables.glob("*.csv"):
        text = VIDEO_OF_ROW.sub(r"\1", table.read_text(encoding="utf-8"))
        table.write_text(text, encoding="utf-8", newline="\n")


def _write_shards(
    dataset: Path, folder: Path, split: str, manifest: Mapping[str, Any], most_bytes: int
) -> None:
    """The clips of a split, each with its JSON, in tars that never have more than that."""
    records = clip_records(dataset, split, manifest)
    (folder / "shards").mkdir(exist_ok=True)
    shard, number, held = None, 0, 0
    try:
        for clip, record in records.items():
            text = (json.dumps(record, ensure_ascii=False) + "\n").encode()
            video = dataset / "clips" / f"{clip}.mp4"
            size = video.stat().st_size + len(text)
            if shard is None or held + size > most_bytes:
                if shard:
                    shard.close()
                path = folder / "shards" / f"{split}-{number:05d}.tar"
                shard = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
                number, held = number + 1, 0
            held += size
            with open(video, "rb") as stream:
                shard.addfile(_member(f"{clip}.mp4", video.stat().st_size), stream)
            shard.addfile(_member(f"{clip}.json", len(text)), io.BytesIO(text))
    finally:
        if shard:
            shard.close()


def _member(name: str, size: int) -> tarfile.TarInfo:
    """A member whose head tells nothing of this machine, so that equal clips give equal tars."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def clip_records(
    dataset: str | Path, split: str, manifest: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Of each clip of a split what is known of it, by clip: its labels by person and keyframe.

    `judged` says of a keyframe whether somebody judged it; those that nobody did are excluded.
    `idle` are boxes of persons who do none of the actions.
    """
    dataset = Path(dataset)
    offset = manifest["timestamp_offset"]
    labels: dict[str, dict[int, dict[int, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    with open(dataset / "tables" / f"{split}.csv", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            person = labels[row["clip"]][int(row["second"])].setdefault(
                int(row["person_id"]),
                {
                    "person_id": int(row["person_id"]),
                    "box": [float(row[side]) for side in BOX],
                    "action_ids": [],
                    "actions": [],
                },
            )
            person["action_ids"].append(int(row["action_id"]))
            person["actions"].append(row["action"])
    idle: dict[str, dict[int, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    with open(dataset / "tables" / f"{split}_idle.csv", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            idle[row["clip"]][int(row["second"])].append([float(row[side]) for side in BOX])
    excluded = _excluded(dataset / "annotations" / f"{split}_excluded_timestamps.csv", offset)
    made = {}
    for clip, seconds in manifest["clips"][split].items():
        facts = read_clip_manifest(dataset.parent / "clips" / f"{clip}.json")
        made[clip] = {
            "clip": clip,
            "split": split,
            "fps": facts.fps,
            "frames": facts.frames,
            "width": facts.width,
            "height": facts.height,
            "keyframes": [
                {
                    "second": second,
                    "timestamp": second + offset,
                    "frame": frame_of_second(second, facts.fps),
                    "judged": second not in excluded[clip],
                    "persons": [labels[clip][second][p] for p in sorted(labels[clip][second])],
                    "idle": idle[clip][second],
                }
                for second in seconds_of_runs(seconds)
            ],
        }
    return made


def _excluded(path: Path, offset: int) -> dict[str, set[int]]:
    """Seconds that are excluded, by clip."""
    excluded: dict[str, set[int]] = defaultdict(set)
    with open(path, encoding="utf-8", newline="") as stream:
        for clip, stamp in csv.reader(stream):
            excluded[clip].add(int(stamp) - offset)
    return excluded
