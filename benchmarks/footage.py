"""Footage that the benchmarks of cuts and of duplicates are made of: shots with known truth.

A shot is cut out of a real video, or of a scene of the demo, at some place and some second; or
it is a generated texture over which the camera moves. Every choice is a seed's.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples" / "demo"))

import scenes  # noqa: E402

DEMO = sorted((ROOT / "examples" / "demo" / "videos").glob("*.mp4"))
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FPS = 30
WIDTH, HEIGHT = 320, 180
KEPT_WIDTH = 960
"""Videos are held in memory at this width."""


@cache
def images_of(video: Path) -> np.ndarray:
    """All images of a video, (N, H, W, 3) as BGR, at most KEPT_WIDTH wide."""
    capture = cv2.VideoCapture(str(video))
    images = []
    while True:
        there, image = capture.read()
        if not there:
            break
        if image.shape[1] > KEPT_WIDTH:
            height = round(image.shape[0] * KEPT_WIDTH / image.shape[1])
            image = cv2.resize(image, (KEPT_WIDTH, height), interpolation=cv2.INTER_AREA)
        images.append(image)
    return np.stack(images)


@dataclass(frozen=True)
class View:
    """What tells two shots of one camera apart: the video and the part of its image."""

    video: str
    left: float
    top: float
    part: float
    mirrored: bool

    def overlap(self, other: "View") -> float:
        """Shared part of the smaller of two views of one video, 0 to 1."""
        if self.video != other.video or self.mirrored != other.mirrored:
            return 0.0
        sides = [
            max(0.0, min(a + self.part, b + other.part) - max(a, b))
            for a, b in ((self.left, other.left), (self.top, other.top))
        ]
        return sides[0] * sides[1] / min(self.part, other.part) ** 2


def cut_out(
    video: Path, frames: int, random: np.random.Generator, least: float = 0.4
) -> tuple[View, np.ndarray]:
    """So many frames of a random part of a video, perhaps mirrored, and what part it is."""
    images = images_of(video)
    part = random.uniform(least, 0.8)
    left, top = random.uniform(0, 1 - part, 2)
    start = int(random.integers(0, max(1, len(images) - frames)))
    mirrored = bool(random.random() < 0.5)
    order = np.arange(start, start + frames)
    # A video that is too short is played back and forth.
    order = np.abs((order + len(images) - 1) % (2 * len(images) - 2) - (len(images) - 1))
    height, width = images.shape[1:3]
    y, x = round(top * height), round(left * width)
    shown = images[order, y : y + round(part * height), x : x + round(part * width)]
    shot = np.stack(
        [cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in shown]
    )
    if mirrored:
        shot = shot[:, :, ::-1]
    return View(video.name, left, top, part, mirrored), shot


def cut_region(images: np.ndarray, left: float, top: float, part: float) -> np.ndarray:
    """A fixed part of all images, at the size of a shot."""
    height, width = images.shape[1:3]
    y, x = round(top * height), round(left * width)
    shown = images[:, y : y + round(part * height), x : x + round(part * width)]
    return np.stack(
        [cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in shown]
    )


def texture(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    """A picture of blobs of all sizes in a few colours, as nature has them."""
    picture = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 8):
        cells = (max(2, width >> (8 - octave)), max(2, height >> (8 - octave)))
        noise = random.normal(0, 1, (cells[1], cells[0], 3)).astype(np.float32)
        noise = 0.6 * noise.mean(axis=2, keepdims=True) + 0.4 * noise
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / 1.6**octave
    picture = (picture - picture.mean()) / picture.std()
    return np.clip(random.uniform(70, 180) + random.uniform(30, 60) * picture, 0, 255)


def camera_over_texture(frames: int, random: np.random.Generator) -> tuple[View, np.ndarray]:
    """A camera that moves slowly over a texture, with two balls before it."""
    picture = texture(WIDTH * 2, HEIGHT * 2, random)
    place = random.uniform([40, 20], [WIDTH - 80, HEIGHT - 60])
    speed = random.uniform(-1, 1, 2) * [1.0, 0.4]
    balls = random.uniform([0, 0], [WIDTH, HEIGHT], (2, 2))
    speeds = random.uniform(-2.5, 2.5, (2, 2))
    colours = random.integers(0, 255, (2, 3)).tolist()
    shot = []
    for _ in range(frames):
        place = np.clip(place + speed, 0, [WIDTH - 1, HEIGHT - 1])
        image = cv2.getRectSubPix(
            picture.astype(np.float32), (WIDTH, HEIGHT), tuple(place + [WIDTH / 2, HEIGHT / 2])
        )
        balls = (balls + speeds) % [WIDTH, HEIGHT]
        for (x, y), colour in zip(balls, colours, strict=True):
            cv2.circle(image, (int(x), int(y)), 18, colour, -1, cv2.LINE_AA)
        shot.append(image)
    return View(f"texture {random.integers(1 << 40)}", 0, 0, 1, False), np.stack(shot).astype(
        np.uint8
    )


def any_shot(
    videos: Sequence[Path], frames: int, random: np.random.Generator
) -> tuple[View, np.ndarray]:
    """A shot of a random one of the videos, or of a texture."""
    choice = int(random.integers(0, 2 * len(videos) + 1)) // 2
    if choice == len(videos):
        return camera_over_texture(frames, random)
    return cut_out(videos[choice], frames, random)


def encode(images: np.ndarray, path: Path, crf: int = 23, filters: str = "") -> None:
    """Write images (N, H, W, 3) as BGR into an H.264 file."""
    height, width = images.shape[1:3]
    command = [FFMPEG, "-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo"]
    command += ["-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "pipe:0"]
    command += ["-vf", filters] if filters else []
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf), "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(path)], input=images.tobytes(), check=True)


def drawn_scene(background: str, frames: int, random: np.random.Generator) -> np.ndarray:
    """Figures of the demo who walk and act before one of its backgrounds, as chance has it.

    Two scenes of one background are two clips of one static camera. Each image is shown twice.
    """
    floor = scenes._background(background)
    actors = [(scene, person) for scene in scenes.SCENES.values() for person in scene.persons]
    parts = []
    for number in random.permutation(len(actors))[: int(random.integers(2, 5))]:
        scene, person = actors[number]
        # Poses of the demo, on a way of their own: two scenes share looks, never movements.
        way = random.uniform(0.6, 1.4) * random.choice([-1, 1])
        turns = np.arange(0, frames + 60, 60)
        xs = np.interp(np.arange(frames), turns, random.uniform(60, 580, len(turns)))
        parts.append((scene, person, way, random.uniform(0, 390), xs))
    images = []
    for frame in range(0, frames, 2):
        layers = list(scenes._things(background))
        image = floor.copy()
        for scene, person, way, begin, xs in parts:
            moment = int(begin + way * frame) % (2 * scenes.FRAMES - 2)
            at = scenes.stance(scene, person, min(moment, 2 * scenes.FRAMES - 2 - moment))
            feet = (float(xs[frame]), at.feet_px[1])
            scenes.shadow(image, *feet, 0.16 * at.height_px)
            sprite = scenes.draw_figure(person.look, at.pose, at.facing, at.height_px, feet)
            layers.append(scenes.Layer(feet[1], person.person_id, *sprite))
        images.append(
            cv2.resize(
                scenes.compose(image, layers)[0], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA
            )
        )
    return np.repeat(np.stack(images), 2, axis=0)[:frames]
