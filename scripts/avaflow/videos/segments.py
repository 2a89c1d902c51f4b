"""Segments: the short clips, one from every second of a clip, that AlphAction reads.

AlphAction's loader (`alphaction/dataset/datasets/ava.py`) puts the images around a keyframe
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
from avaflow.times import Second, timestamp_of_second

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

    def name(self, second: Second) -> str:
        """The name of a second's files, without its suffix."""
        return segment_name(second, self.numbering, self.offset)


def segment_name(second: Second, numbering: str, offset: int) -> str:
    """The name of a second's files, without suffix: `902` by timestamp, `0003` in sequence.

    `numbering` is `timestamp`, as AlphAction's loader wants it, without padding; or `sequence`,
    from 0001 on, as finetuning guides have it.

    >>> segment_name(Second(2), "timestamp", offset=900), segment_name(Second(2), "sequence", 900)
    ('902', '0003')
    """
    if numbering == "sequence":
        return f"{second + 1:04d}"
    return str(timestamp_of_second(second, offset))


def second_of_name(name: str, numbering: str, offset: int) -> Second | None:
    """The second that a name stands for; None if it is no such name.

    >>> second_of_name("902", "timestamp", offset=900)
    2
    >>> second_of_name("0902", "timestamp", offset=900) is None
    True
    """
    if not (name.isascii() and name.isdigit()):
        return None
    second = Second(int(name) - (1 if numbering == "sequence" else offset))
    return second if second >= 0 and name == segment_name(second, numbering, offset) else None


def segment_count(frames: int, fps: int, seconds: int) -> int:
    """Number of whole segments of `seconds` s that begin at the whole seconds of a clip.

    >>> segment_count(frames=275, fps=25, seconds=1), segment_count(frames=49, fps=25, seconds=2)
    (11, 0)
    """
    return max(0, frames // fps - seconds + 1)


def segments_digest(folder: str | Path, count: int, numbering: str, offset: int) -> tuple[int, str]:
    """Bytes of a clip's segments and keyframes, and one SHA-256 over their names and contents.

    Raises FileNotFoundError for a file that is not there.
    """
    digest = hashlib.sha256()
    size = 0
    for second in map(Second, range(count)):
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
