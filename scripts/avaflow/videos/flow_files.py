"""Files of optical flow: what their images are called, and the manifest that stands for them.

Readers take flow as mmaction2's rawframes have it (`filename_tmpl='flow_{}_{:05d}.jpg'`, with x
or y): number n holds the motion from frame n to the next one, so that there is one less than
frames. Motions of -20 to 20 pixels become 0 to 255, as denseflow and the published
two-stream weights have it.
"""

import hashlib
import json
from pathlib import Path

from avaflow.files import write_text

FLOW_IMAGE = "flow_{axis}_{number:05d}.jpg"

AXES = ("x", "y")

BOUND_PX = 20
"""Pixels a frame that black and white stand for; what moves faster is drawn as if it did not."""


def write_flow_manifest(path: str | Path, clip: str, folder: str | Path, frames: int) -> None:
    """Write the manifest of a folder of flow: its images of an axis, bytes, and one checksum."""
    size, digest = flow_digest(folder, frames - 1)
    entry = {"clip": clip, "flows": frames - 1, "bound_px": BOUND_PX}
    entry |= {"bytes": size, "sha256": digest}
    write_text(path, json.dumps(entry, indent=1) + "\n")


def flow_digest(folder: str | Path, flows: int) -> tuple[int, str]:
    """Bytes of a clip's flow and one SHA-256 over its images' names and contents in order.

    The linked frames count elsewhere. Raises FileNotFoundError for an image that is not there.
    """
    digest = hashlib.sha256()
    size = 0
    for number in range(1, flows + 1):
        for axis in AXES:
            name = FLOW_IMAGE.format(axis=axis, number=number)
            content = (Path(folder) / name).read_bytes()
            size += len(content)
            digest.update(name.encode() + b"\0" + content)
    return size, digest.hexdigest()
