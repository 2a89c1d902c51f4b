"""Whether everything that was made is still as it was made, and training code reads it.

Outputs are held against their records, to the last byte; folders of images, segments and
arrays against the manifests that stand for them; and decord, by which readers fetch frames
in video mode, has to see each clip as its manifest says.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from avaflow.errors import UserError
from avaflow.features.files import MADE, MANIFEST
from avaflow.files import sha256
from avaflow.lines import lines_of
from avaflow.manifests import read_clip_manifest
from avaflow.persons.detector_dataset import dataset_damage
from avaflow.persons.training_figures import FIGURES, Figures
from avaflow.preview.crop_lists import crops_damage
from avaflow.tables import KEYFRAMES, Keyframe, read_table, rows_of
from avaflow.videos.flow_files import flow_digest
from avaflow.videos.segments import read_segments_manifest, segments_digest
from avaflow.videos.trim import frames_digest
from avaflow.workflow.records import REPAIR, Records


def check_results(results: str | Path) -> int:
    """Look at every output that has a record; returns their number.

    Raises UserError, naming each damaged file and what to do, unless all are whole.
    """
    records = Records(results)
    names = list(records.names())
    damage = []
    for name in names:
        path = Path(results, name)
        how = records.damage(name, thorough=True) or contents_damage(path)
        if not how and path.exists():
            how = _unread(path)
        if how:
            damage.append(f"{path}: {how}")
    if damage:
        heading = "these files are not as avaflow wrote them:"
        raise UserError.listing(heading, [*damage, f"what to do: {REPAIR}"])
    return len(names)


def contents_damage(path: str | Path) -> str:
    """What is wrong with the files that a manifest stands for, as a short text; empty if nothing.

    Which kind of manifest it is, its folder says; other files stand for themselves alone.
    """
    path = Path(path)
    look = CONTENTS.get((path.parent.name, path.suffix))
    if look is None or not path.exists():
        return ""
    try:
        return look(path)
    except FileNotFoundError as error:
        return f"of what it stands for, {Path(error.filename).name} is gone"
    except (UserError, ValueError, KeyError, TypeError) as error:
        return str(error)


def _clip(manifest: Path) -> str:
    read_clip_manifest(manifest)
    return ""


def _keyframes(manifest: Path) -> str:
    for row in rows_of(read_table(manifest, KEYFRAMES), Keyframe):
        if sha256(manifest.with_suffix("") / row.file) != row.sha256:
            return f"its image {row.file} is another"
    return ""


def _rawframes(manifest: Path) -> str:
    entry = json.loads(manifest.read_text(encoding="utf-8"))
    digest = frames_digest(manifest.with_suffix(""), entry["frames"])
    return "" if digest == (entry["bytes"], entry["sha256"]) else "its frames are others"


def _flow(manifest: Path) -> str:
    entry = json.loads(manifest.read_text(encoding="utf-8"))
    digest = flow_digest(manifest.with_suffix(""), entry["flows"])
    return "" if digest == (entry["bytes"], entry["sha256"]) else "its flow is another"


def _segments(manifest: Path) -> str:
    facts = read_segments_manifest(manifest)
    folder = manifest.with_suffix("")
    digest = segments_digest(folder, facts.segments, facts.numbering, facts.offset)
    return "" if digest == (facts.bytes, facts.sha256) else "its segments are others"


def _arrays(folder: str) -> Callable[[Path], str]:
    def look(manifest: Path) -> str:
        table = read_table(manifest, MANIFEST)
        made = table[table["status"] == MADE]
        for file, checksum in zip(made["file"].tolist(), made["sha256"].tolist(), strict=True):
            if sha256(manifest.parents[1] / folder / file) != checksum:
                return f"its array {file} is another"
        return ""

    return look


def _array_beside(manifest: Path) -> str:
    table = read_table(manifest, MANIFEST)
    for file, checksum in zip(table["file"].tolist(), table["sha256"].tolist(), strict=True):
        if sha256(manifest.parent / file) != checksum:
            return f"its array {file} is another"
    return ""


def _same_place(name: Path, target: Path) -> bool:
    """Whether a link leads to its target; a copy has files of the same names and sizes."""
    if name.is_symlink():
        return name.resolve() == target.resolve()
    if not name.is_dir():
        return target.is_file() and name.stat().st_size == target.stat().st_size
    if not target.is_dir():
        return False
    sizes = [
        {entry.name: entry.stat().st_size for entry in os.scandir(each)} for each in (name, target)
    ]
    return sizes[0] == sizes[1]


def _links(above: int) -> Callable[[Path], str]:
    """How to look at links whose listing lies so many folders below the results folder."""

    def look(listing: Path) -> str:
        results = listing.parents[above]
        for line in lines_of(listing.read_text(encoding="utf-8"))[1:]:
            name, target = line.split("\t")
            if not (results / name).exists():
                return f"its link {name} is gone, or leads nowhere"
            if not _same_place(results / name, results / target):
                return f"its link {name} leads elsewhere"
        return ""

    return look


def _training(table: Path) -> str:
    if table.name == "images.csv":
        return dataset_damage(table)
    made = rows_of(read_table(table, FIGURES), Figures)[-1]
    return "" if sha256(table.parent / made.weights) == made.sha256 else "its weights are others"


CONTENTS: dict[tuple[str, str], Callable[[Path], str]] = {
    ("clips", ".json"): _clip,
    ("keyframes", ".csv"): _keyframes,
    ("rawframes", ".json"): _rawframes,
    ("flow", ".json"): _flow,
    ("segments", ".json"): _segments,
    ("feature_batches", ".csv"): _arrays("features"),
    ("person_feature_batches", ".csv"): _arrays("person_features"),
    ("new_features", ".csv"): _array_beside,
    ("cut", ".json"): _clip,
    ("dataset", ".tsv"): _links(1),
    ("predict", ".tsv"): _links(2),
    ("detector_training", ".csv"): _training,
    ("crops", ".json"): crops_damage,
}
"""How to look at what a manifest stands for, by its folder and suffix."""


def _unread(video: Path) -> str:
    """What decord sees in a clip that is not what its manifest says; empty if it is the same."""
    manifest = video.with_suffix(".json")
    if video.parent.name != "clips" or video.suffix != ".mp4" or not manifest.exists():
        return ""
    import decord

    try:
        facts = read_clip_manifest(manifest)
    except UserError:
        return ""  # of the manifest itself, which is an output too, it is told
    try:
        reader = decord.VideoReader(str(video))
        found = f"{len(reader)} frames at {reader.get_avg_fps():g} a second"
        reader[len(reader) - 1]
    except decord.DECORDError as error:
        found = f"nothing it can read ({str(error).splitlines()[0]})"
    expected = f"{facts.frames} frames at {facts.fps:g} a second"
    return "" if found == expected else f"expected {expected}, decord finds {found}"
