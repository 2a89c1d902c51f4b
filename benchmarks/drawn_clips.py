"""Short videos of the demo's drawn persons, whose parts are dealt out by chance; with the truth.

Four persons, each in a place of their own, stand, sit and walk for two to four seconds each, talk,
bow, raise a hand and catch a ball now and then. What somebody does changes half way between
keyframes, as in the demo. Nothing of it was seen by the demo's networks in training.
"""

import csv
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples" / "demo"))

import scenes  # noqa: E402
from acting import Stretch  # noqa: E402
from frame_number import IMAGE_HEIGHT, IMAGE_WIDTH  # noqa: E402
from random_images import _colour, random_look  # noqa: E402
from surroundings import BACKGROUNDS, chair  # noqa: E402

SECONDS = 11
"""Length of a video; keyframes are its seconds 2 to 8."""

DRAWN_EVERY = 2
"""Of 30 frames a second every second one is drawn: videos have 15."""

PLACES = (90, 240, 400, 550)
"""Where persons stand, in pixels from the left; a walk leads half a place aside and back."""

LEAST_VISIBLE = 0.4
"""Share of a person that has to be seen before somebody would annotate them."""

TRUTH = ("second", "person", "x1", "y1", "x2", "y2", "actions")


def drawn_scene(seed: int) -> scenes.Scene:
    """A scene, all of it decided by the seed."""
    rng = np.random.default_rng([7, seed])
    throws = _throws(rng)
    persons, things = [], []
    for number, place in enumerate(rng.permutation(PLACES), start=1):
        ground = float(rng.uniform(262, 340))
        spans, path, seats = _body(rng, float(place), ground)
        caught = [flight.end for flight in throws if flight.catcher == number]
        busy = [int(end) for end in caught] + [int(f.start) for f in throws if f.thrower == number]
        spans += [scenes._do("catch", int(end) + 0.5, int(end) + 1.5) for end in caught]
        spans += _now_and_then(rng, ("talk", "bow"), (0.35, 0.15), [])
        spans += _now_and_then(rng, ("hand up",), (0.25,), busy)
        facing = float(rng.choice([-1, 1]) * rng.uniform(0.6, 0.9))
        height = float(rng.uniform(0.95, 1.08))
        persons.append(
            scenes.Person(
                person_id=number,
                look=random_look(rng),
                height=height,
                path=tuple(path),
                faces=((0.0, facing),),
                stretches=tuple(spans),
            )
        )
        size = height * (134 + 0.85 * (ground - 235))
        colour = _colour(rng)
        things += [(ground - 2, chair(x, ground, size, facing > 0, colour)) for x in seats]
    ground_of = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    shade = int(rng.integers(1 << 30))
    return scenes.Scene(
        name=f"drawn-{seed}",
        background=lambda: ground_of(np.random.default_rng(shade)),
        things=lambda: things,
        persons=tuple(persons),
        ball=scenes.Ball(float(rng.uniform(7, 10)), _colour(rng), throws),
    )


def _throws(rng: np.random.Generator) -> tuple[scenes.Flight, ...]:
    """A ball between two persons: caught at 0.95 s of a second, held for a second or two."""
    pair = [int(one) for one in rng.choice(np.arange(1, 5), 2, replace=False)]
    flights, second = [], int(rng.integers(1, 4))
    while second < SECONDS - 1:
        flights.append(scenes.Flight(second + 0.4, second + 0.95, pair[0], pair[1]))
        pair.reverse()
        second += int(rng.integers(2, 4))
    return tuple(flights)


def _body(rng: np.random.Generator, x: float, ground: float):
    """What the body does from when to when, the path of the feet, and where a chair stands."""
    spans, path, seats = [], [(0.0, x, ground)], []
    begin, home, before = -1.0, x, ""
    while begin < SECONDS:
        choices = [name for name in ("stand", "sit", "walk") if name != before]
        name = str(rng.choice(choices))
        end = max(begin, 0) + float(rng.integers(2, 5))
        end = round(end) + 0.5
        spans.append(scenes._do(name, begin, end))
        if name == "walk":
            x = home + (70 if x <= home else -70) * float(rng.uniform(0.7, 1))
            path += [(max(begin, 0.01), path[-1][1], ground), (end, x, ground)]
        if name == "sit":
            seats.append(x)
        begin, before = end, name
    return spans, path, seats


def _now_and_then(
    rng: np.random.Generator, names: tuple[str, ...], shares: tuple[float, ...], busy: list[int]
) -> list[Stretch]:
    """One of the actions or none, for one to three seconds each; none in busy seconds."""
    found, second = [], 0
    while second < SECONDS:
        length = int(rng.integers(1, 4))
        at = rng.choice(len(names) + 1, p=[*shares, 1 - sum(shares)])
        free = not any(second - 2 <= one <= second + length for one in busy)
        if at < len(names) and free:
            found.append(scenes._do(names[at], second - 0.5, second + length - 0.5))
        second += length
    return found


def write_drawn(seed: int, video: Path, truth: Path) -> None:
    """Draw a scene into an mp4, and write who does what on whole seconds; whole files or none."""
    scene = drawn_scene(seed)
    scenes.SCENES[scene.name] = scene
    unfinished = video.with_suffix(".part")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{IMAGE_WIDTH}x{IMAGE_HEIGHT}"]
    command += ["-r", str(scenes.FPS // DRAWN_EVERY), "-i", "pipe:0", "-c:v", "libx264"]
    command += ["-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-threads", "1"]
    command += ["-f", "mp4", str(unfinished)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    rows = []
    for frame in range(0, SECONDS * scenes.FPS, DRAWN_EVERY):
        drawn = scenes.render(scene, frame)
        process.stdin.write(drawn.image.tobytes())
        if frame % scenes.FPS:
            continue
        for person, sighting in drawn.sightings.items():
            if sighting.visible >= LEAST_VISIBLE:
                box = [f"{side:.5f}" for side in sighting.box]
                did = ";".join(drawn.actions[person])
                rows.append([frame // scenes.FPS, person, *box, did])
    process.stdin.close()
    if process.wait():
        raise SystemExit(f"{video}: ffmpeg failed, see its message above")
    with open(truth, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([TRUTH, *rows])
    unfinished.rename(video)
