"""Segments: the short clips, one from every second of a clip, that AlphAction reads.

AlphAction's loader (`alphaction/dataset/datasets/ava.py`) puts the pictures around a keyframe
together from whole files, one a second: the segment of second t begins with t's keyframe and
has exactly `fps` frames, else the keyframe is not in the middle of what is read. Here are
their names, their number and their manifest; :mod:`avaflow.videos.segment_cutting` makes them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.times import timestamp_of_second

NUMBERINGS = ("timestamp", "sequence")
"""How the files of a second are called: by its timestamp without padding, as AlphAction's
loader wants it, or from 0001 on, as finetuning guides have it."""

LEFT_OUT_SECONDS = 0.02
"""A rest at a clip's end up to half a frame at 25 frames a second is rounding, and not told."""


@dataclass(frozen=True)
class SegmentsManifest:
    """What the segments of a clip are: written beside their folder, compared by content.

    `segments` is their number, the first of second 0; `seconds` the length of each and
    `frames` its frames; `left_out` the rest of the clip, in seconds, too short for another one;
    `decode_errors` the places where ffmpeg found the source damaged. `sha256` and `bytes` are
    of all files in order.
    """

    clip: str
    video: str
    start: float
    fps: int
    seconds: int
    frames: int
    segments: int
    width: int
    height: int
    numbering: str
    offset: int
    left_out: float
    decode_errors: int
    bytes: int
    sha256: str

    def name(self, second: int) -> str:
        """The name of a second's files, without its suffix."""
        return segment_name(second, self.numbering, self.offset)


def segment_name(second: int, numbering: str, offset: int) -> str:
    """The name of a second's files, without suffix: `902` by timestamp, `0003` in sequence."""
    if numbering == "sequence":
        return f"{second + 1:04d}"
    return str(timestamp_of_second(second, offset))


def second_of_name(name: str, numbering: str, offset: int) -> int | None:
    """The second that a name stands for; None if it is no such name."""
    if not (name.isascii() and name.isdigit()):
        return None
    second = int(name) - (1 if numbering == "sequence" else offset)
    return second if second >= 0 and name == segment_name(second, numbering, offset) else None


def segment_count(frames: int, fps: int, seconds: int) -> int:
    """Number of whole segments of `seconds` s that begin at the whole seconds of a clip."""
    return max(0, frames // fps - seconds + 1)


def segments_digest(folder: str | Path, count: int, numbering: str, offset: int) -> tuple[int, str]:
    """Bytes of a clip's segments and keyframes, and one SHA-256 over their names and contents.

    Raises FileNotFoundError for a file that is not there.
    """
    digest = hashlib.sha256()
    size = 0
    for second in range(count):
        name = segment_name(second, numbering, offset)
        for file in (f"clips/{name}.mp4", f"keyframes/{name}.jpg"):
            content = (Path(folder) / file).read_bytes()
            size += len(content)
            digest.update(file.encode() + b"\0" + content)
    return size, digest.hexdigest()


def write_segments_manifest(path: str | Path, manifest: SegmentsManifest) -> None:
    """Write the manifest as JSON."""
    write_text(path, json.dumps(asdict(manifest), indent=1) + "\n")


def read_segments_manifest(path: str | Path) -> SegmentsManifest:
    """Read a manifest; UserError if it is not one."""
    try:
        return SegmentsManifest(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{path}: this is not a manifest of segments ({error}). Delete it and run again."
        ) from error
