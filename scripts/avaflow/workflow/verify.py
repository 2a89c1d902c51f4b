"""Whether clips and pictures are still what their manifests say, and training code reads them.

Snakemake looks at dates, not into files: a picture that was cut short, edited or lost
after it was made goes unnoticed until somebody compares contents.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.manifests import ClipManifest, read_clip_manifest
from avaflow.tables import KEYFRAMES, read_table
from avaflow.videos.segments import read_segments_manifest, segments_digest
from avaflow.videos.trim import frames_digest


def damaged_files(results: str | Path, clip: str) -> list[str]:
    """A sentence for each file of a clip that differs from its manifest, or is gone."""
    results = Path(results)
    damage = []
    manifest = results / "clips" / f"{clip}.json"
    video = manifest.with_suffix(".mp4")
    facts = read_clip_manifest(manifest)
    damage += _differs(video, facts.sha256, manifest) or _unread(video, facts, manifest)
    table = results / "keyframes" / f"{clip}.csv"
    for row in read_table(table, KEYFRAMES).itertuples():
        damage += _differs(table.with_suffix("") / row.file, row.sha256, table)
    frames = results / "rawframes" / f"{clip}.json"
    if frames.exists():
        entry = json.loads(frames.read_text(encoding="utf-8"))
        try:
            digest = frames_digest(frames.with_suffix(""), entry["frames"])
            same = digest == (entry["bytes"], entry["sha256"])
            found = "other pictures"
        except FileNotFoundError as error:
            same, found = False, f"no {Path(error.filename).name}"
        if not same:
            damage.append(
                f"{frames.with_suffix('')}: expected the {entry['frames']} frames of "
                f"{frames.name}, found {found}; delete {frames}"
            )
    return damage + _damaged_segments(results / "segments" / f"{clip}.json")


def _damaged_segments(manifest: Path) -> list[str]:
    """A sentence if a clip's segments, where there are any, differ from their manifest."""
    if not manifest.exists():
        return []
    facts = read_segments_manifest(manifest)
    folder = manifest.with_suffix("")
    try:
        digest = segments_digest(folder, facts.segments, facts.numbering, facts.offset)
        found = "" if digest == (facts.bytes, facts.sha256) else "other contents"
    except FileNotFoundError as error:
        found = f"no {Path(error.filename).name}"
    if not found:
        return []
    return [
        f"{folder}: expected the {facts.segments} segments of {manifest.name}, found {found}; "
        f"delete {manifest}"
    ]


def check_clips(results: str | Path, clips: Sequence[str]) -> None:
    """Raise UserError, naming each damaged file and what to delete, unless all are whole."""
    damage = [sentence for clip in clips for sentence in damaged_files(results, clip)]
    if damage:
        heading = "these files are not what was made; delete what is named and run snakemake again:"
        raise UserError.listing(heading, damage)


def _differs(path: Path, expected: str, manifest: Path) -> list[str]:
    if path.is_file() and sha256(path) == expected:
        return []
    found = "another content" if path.is_file() else "nothing"
    return [f"{path}: expected what {manifest.name} says, found {found}; delete {manifest}"]


def _unread(video: Path, facts: ClipManifest, manifest: Path) -> list[str]:
    """A sentence if decord, by which readers fetch frames in video mode, sees another clip."""
    import decord

    try:
        reader = decord.VideoReader(str(video))
        found = f"{len(reader)} frames at {reader.get_avg_fps():g} a second"
        reader[len(reader) - 1]
    except decord.DECORDError as error:
        found = f"nothing it can read ({str(error).splitlines()[0]})"
    expected = f"{facts.frames} frames at {facts.fps:g} a second"
    if found == expected:
        return []
    return [f"{video}: expected {expected}, decord finds {found}; delete {manifest}"]
