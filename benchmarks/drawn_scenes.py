"""Scenes for benchmarks by the demo's generator: rooms and yards in which chance decides all.

As in the demo, four persons are there for 13 s, stand, sit, walk in or out, talk, bow, raise a
hand and catch a ball, and an action changes half way between two keyframes. Looks, places and who
does what from when to when are drawn from the seed.
"""

import sys
from pathlib import Path

import numpy as np

DEMO = Path(__file__).resolve().parents[1] / "examples" / "demo"
sys.path.append(str(DEMO))

from acting import Stretch  # noqa: E402
from make_videos import encoder  # noqa: E402
from random_images import _colour, random_look  # noqa: E402
from scenes import (  # noqa: E402
    ALWAYS,
    FRAMES,
    SCENES,
    TRUTH_COLUMNS,
    Ball,
    Flight,
    Person,
    Scene,
    render,
    truth_lines,
)
from surroundings import BACKGROUNDS, bench, chair  # noqa: E402

PERSONS = 4

SHORTEST, LONGEST = 1, 4
"""Seconds that somebody talks, bows or has a hand up."""

PLACES_PX = (80, 240, 400, 560)
"""Where in the picture, from left to right, those have their place who stay in one."""

KINDS = {"stays": 0.28, "sits": 0.22, "rises": 0.15, "comes": 0.25, "passes": 0.1}
"""What a person's body does, and how often: stands, sits, gets up, walks in, walks through."""

FREE_SECONDS = 1.0
"""Between two things that one person does, at the least."""


def drawn_scene(seed: int) -> Scene:
    """The scene of a seed, known to the generator by its name."""
    rng = np.random.default_rng([seed, 40])
    name = f"scene-{seed:02d}"
    places = [float(x) for x in rng.permutation(PLACES_PX) + rng.uniform(-20, 20, PERSONS)]
    catches = _catches(rng)
    persons, seats = [], []
    for number, x in enumerate(places, start=1):
        caught = [second for second, catcher in catches if catcher == number]
        person, seat = _person(rng, number, x, caught)
        persons.append(person)
        seats += seat
    thrown = [(second, catcher) for second, catcher in catches]
    flights, holder = [], 1 if thrown[0][1] != 1 else 2
    for second, catcher in thrown:
        flights.append(Flight(second - 0.5, second, holder, catcher))
        holder = catcher
    background = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
    shade = int(rng.integers(1_000_000))
    scene = Scene(
        name,
        background=lambda: background(np.random.default_rng(shade)),
        things=lambda: list(seats),
        persons=tuple(persons),
        ball=Ball(float(rng.uniform(7, 10)), _colour(rng), tuple(flights)),
    )
    SCENES[name] = scene
    return scene


def _catches(rng: np.random.Generator) -> list[tuple[float, int]]:
    """When (the middle of a catch) and by whom the ball is caught; nobody throws to themselves."""
    found, second, last = [], float(rng.integers(3, 6)), 0
    while second < 12 and len(found) < 3:
        catcher = int(rng.choice([each for each in range(1, PERSONS + 1) if each != last]))
        found.append((second, catcher))
        last = catcher
        second += float(rng.integers(2, 5))
    return found


def _person(
    rng: np.random.Generator, number: int, x: float, caught: list[float]
) -> tuple[Person, list]:
    """A person's part, and the seat, if one is sat on."""
    ground = float(rng.uniform(255, 345))
    height = float(rng.uniform(0.95, 1.08))
    side = 0.8 if x < 320 else -0.8
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    change = float(rng.integers(4, 10)) + 0.5
    begins, ends = ALWAYS
    path: tuple[tuple[float, float, float], ...] = ((0, x, ground), (1, x, ground))
    faces: tuple[tuple[float, float], ...] = ((0, side),)
    body = [Stretch("stand", begins, ends)]
    if kind == "sits":
        body = [Stretch("sit", begins, ends)]
    elif kind == "rises":
        body = [Stretch("sit", begins, change), Stretch("stand", change, ends)]
    elif kind == "comes":
        far = x + (330 if x > 320 else -330)
        rest = str(rng.choice(["stand", "sit"]))
        path = ((change - 4.5, far, ground), (change, x, ground))
        faces = ((0, -np.sign(far - x) * 0.85), (change, side))
        body = [Stretch("walk", begins, change), Stretch(rest, change, ends)]
    elif kind == "passes":
        far = -70.0 if side > 0 else 710.0
        path = ((0.5, far, ground), (9.5 + change / 3, 640 - far, ground))
        faces = ((0, side * 1.05),)
        body = [Stretch("walk", begins, ends)]
    seat = []
    if any(one.action == "sit" for one in body):
        tall = height * (134 + 0.85 * (ground - 235))
        colour = _colour(rng)
        if rng.random() < 0.6:
            seat = [(ground - 1, chair(x, ground, tall, side > 0, colour))]
        else:
            seat = [(ground - 1, bench(x - 0.35 * tall, x + 0.35 * tall, ground, tall, colour))]
    stretches = [*body, *(Stretch("catch", at - 0.5, at + 0.5) for at in caught)]
    stretches += _extras(rng, caught)
    person = Person(number, random_look(rng), height, path, faces, tuple(stretches))
    return person, seat


def _extras(rng: np.random.Generator, caught: list[float]) -> list[Stretch]:
    """What a person does beside: talks, bows, raises a hand; head and arms do one at a time."""
    found = []
    for names, shares in ((("talk", "bow"), (0.7, 0.3)), (("hand up",), (1.0,))):
        at = float(rng.integers(1, 6)) + 0.5
        while at < 11:
            action = str(rng.choice(names, p=shares))
            end = at + float(rng.integers(SHORTEST, LONGEST + 1))
            busy = [(c - 1, c + 1) for c in caught] if action != "talk" else []
            busy += [(one.start, one.end) for one in found if "bow" in (action, one.action)]
            if rng.random() < 0.6 and all(end <= a or b <= at for a, b in busy):
                found.append(Stretch(action, at, end))
            at = end + FREE_SECONDS + float(rng.integers(0, 4))
    return found


def write_video(seed: int, video: Path, truth: Path) -> None:
    """Render the scene of a seed into a video and a truth table, as the demo's are.

    Every second frame is drawn and shown twice, which halves the time: keyframes, and the frames
    around them that features are made of, are drawn ones.
    """
    scene = drawn_scene(seed)
    lines = [",".join(TRUTH_COLUMNS)]
    unfinished = video.with_suffix(".part")
    process = encoder(unfinished)
    if process.stdin is None:
        raise ValueError("expected an encoder that reads frames")
    for frame in range(0, FRAMES, 2):
        rendered = render(scene, frame)
        process.stdin.write(rendered.image.tobytes() * 2)
        for each in (frame, frame + 1):
            lines += truth_lines(each, rendered)
    process.stdin.close()
    if process.wait() != 0:
        raise SystemExit(f"{video}: ffmpeg failed, see its message above")
    truth.write_text("\n".join(lines) + "\n")
    unfinished.rename(video)
