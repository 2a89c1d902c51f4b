"""A clip of two coloured persons on grey, its keyframes, tracks and labels.

320 x 180, 30 frames a second, 6 s, keyframes at seconds 2, 3 and 4. Person 1 is red and walks
from left to right, person 2 is blue and stands still.
"""

import subprocess
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pandas as pd

from avaflow.files import sha256
from avaflow.manifests import ClipManifest, write_clip_manifest
from avaflow.preview.sights import Judgements
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    TRACKS,
    UNTICKED,
    Keyframe,
    Label,
    Tracked,
    Unticked,
    table_of,
    write_table,
)
from avaflow.times import Frame, Second

WIDTH, HEIGHT, FPS, FRAMES = 320, 180, 30, 180
SECONDS = (2, 3, 4)
RED, BLUE, GREY = (40, 40, 220), (220, 80, 30), (128, 128, 128)
"""BGR."""
STANDING = (0.7, 0.3, 0.85, 0.8)
NAMES = {1: "walk", 2: "raise hand", 3: "stand"}
STRIDE = 5


def walking(frame: int) -> tuple[float, float, float, float]:
    """Where person 1 is: 0.05 of the width further each second."""
    x = 0.1 + 0.05 * (frame - 1) / FPS
    return (x, 0.4, x + 0.15, 0.9)


def image(frame: int) -> np.ndarray:
    made = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    for box, colour in ((walking(frame), RED), (STANDING, BLUE)):
        x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, [WIDTH, HEIGHT] * 2, strict=True))
        made[y1:y2, x1:x2] = colour
    return made


def tracks(*numbers: int) -> pd.DataFrame:
    rows = [
        Tracked(Frame(frame), number, *(walking(frame) if number == 1 else STANDING), 0.9)
        for frame in range(1, FRAMES + 1, STRIDE)
        for number in numbers or (1, 2)
    ]
    return table_of(rows, Tracked)


def keyframes(clip: str = "c-1") -> pd.DataFrame:
    rows = [
        Keyframe(
            Second(s), Frame(FPS * s + 1), f"{clip}_{FPS * s + 1:06d}.jpg", WIDTH, HEIGHT, "0" * 64
        )
        for s in SECONDS
    ]
    return table_of(rows, Keyframe)


def judgements(
    labels: list[tuple] = (), idle: list[tuple] = (), unticked: list[tuple] = ()
) -> Judgements:
    """From rows of (second, person, box, action), and of (second, box)."""
    return Judgements(
        table_of([Label(s, person, *box, action) for s, person, box, action in labels], Label),
        table_of([Unticked(s, *box) for s, box in idle], Unticked),
        table_of([Unticked(s, *box) for s, box in unticked], Unticked),
    )


def usual() -> Judgements:
    """Person 1 walks at 2 and 3 and raises a hand at 4; person 2 idles at 2, is open at 3 and
    stands at 4."""
    at = {s: walking(FPS * s + 1) for s in SECONDS}
    return judgements(
        [(2, 1, at[2], 1), (3, 1, at[3], 1), (4, 1, at[4], 1), (4, 1, at[4], 2)]
        + [(4, 2, STANDING, 3)],
        idle=[(2, STANDING)],
        unticked=[(3, STANDING)],
    )


def write_clip(results: Path, clip: str = "c-1", said: Judgements | None = None) -> ClipManifest:
    """The files of a clip as the stages before would have made them."""
    folder = results / "keyframes" / clip
    folder.mkdir(parents=True)
    video = results / "clips" / f"{clip}.mp4"
    video.parent.mkdir(exist_ok=True)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS)]
    command += ["-i", "-", "-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", str(video)]
    content = b"".join(image(frame).tobytes() for frame in range(1, FRAMES + 1))
    subprocess.run(command, input=content, check=True)
    table = keyframes(clip)
    for file, frame in zip(table["file"], table["frame"], strict=True):
        cv2.imwrite(str(folder / file), image(frame), [cv2.IMWRITE_JPEG_QUALITY, 95])
    table["sha256"] = [sha256(folder / file) for file in table["file"]]
    write_table(results / f"keyframes/{clip}.csv", table, KEYFRAMES)
    write_table(results / f"tracks/{clip}.csv", tracks(), TRACKS)
    if said:
        write_table(results / f"labels/{clip}.csv", said.labels, LABELS)
        write_table(results / f"labels/{clip}.idle.csv", said.idle, UNTICKED)
        write_table(results / f"labels/{clip}.unticked.csv", said.unticked, UNTICKED)
    facts = ClipManifest(
        clip, "v.mp4", 0.0, FPS, FRAMES, WIDTH, HEIGHT, sha256(video), 0, video.stat().st_size
    )
    write_clip_manifest(results / f"clips/{clip}.json", facts)
    return facts
