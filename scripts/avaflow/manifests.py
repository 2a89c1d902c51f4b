"""The manifests of clips and of folders of frames: what they are, compared by content."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.times import Frame


@dataclass(frozen=True)
class ClipManifest:
    """What a finished clip is: written beside it, compared by content further down.

    `start` is in seconds of the video; `decode_errors` counts the places where ffmpeg
    found the source damaged within the clip's range; `bytes` is the size of the mp4. `tone`
    names the transfer of a source of high dynamic range (:data:`avaflow.videos.probe.TONES`).
    `cuts` are the frames at which another shot begins.
    """

    clip: str
    video: str
    start: float
    fps: int
    frames: int
    width: int
    height: int
    sha256: str
    decode_errors: int
    bytes: int = 0
    tone: str = ""
    cuts: tuple[Frame, ...] = ()


def write_clip_manifest(path: str | Path, manifest: ClipManifest) -> None:
    """Write a clip's manifest as JSON.

    Cuts are left out where there are none: such a manifest is the same byte for byte as before
    cuts were looked for, so that nothing that follows from it is made anew.
    """
    entry = asdict(manifest)
    if not manifest.cuts:
        del entry["cuts"]
    write_text(path, json.dumps(entry, indent=1) + "\n")


def read_clip_manifest(path: str | Path) -> ClipManifest:
    """Read a clip's manifest; UserError if it is not one."""
    try:
        entry = json.loads(Path(path).read_text(encoding="utf-8"))
        entry["cuts"] = tuple(Frame(int(frame)) for frame in entry.get("cuts", ()))
        return ClipManifest(**entry)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: this is not a clip's manifest ({error}). Delete it and run again."
        ) from error


def frame_counts(paths: Iterable[str | Path]) -> dict[str, int]:
    """Number of frames by clip, from manifests of clips or of folders of frames."""
    counts = {}
    for path in paths:
        try:
            entry = json.loads(Path(path).read_text(encoding="utf-8"))
            counts[str(entry["clip"])] = int(entry["frames"])
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{path}: expected a manifest with clip and frames ({error!r}). "
                "Delete it and run again."
            ) from None
    return counts
