"""A scene of 13 s drawn from a seed: the demo's kind of video, with other people and other scripts.

To see what a trained model says of a video that nobody annotated, and to hold that against truth.
"""

import numpy as np

from acting import Stretch
from frame_number import IMAGE_WIDTH
from random_images import _colour, random_look
from scenes import ALWAYS, Ball, Flight, Person, Scene
from surroundings import BACKGROUNDS, chair

LAST = 12
"""Last second in which somebody begins something else."""

STANDING, CATCHING, SITTING, WALKING = range(4)
"""What the four persons of a scene are there for; each does other things besides."""


def random_scene(seed: int) -> Scene:
    """The scene of a seed. Actions change half a second from whole seconds."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.uniform(255, 345, 4))
    rng.shuffle(rows)
    columns = np.array([90.0, 245.0, 400.0, 550.0])[rng.permutation(4)] + rng.uniform(-20, 20, 4)
    persons = tuple(
        _person(rng, part, float(columns[part]), float(rows[part]))
        for part in (STANDING, CATCHING, SITTING, WALKING)
    )
    seat = (float(rows[SITTING]), float(columns[SITTING]))
    side = bool(persons[SITTING].faces[0][1] > 0)
    colour = _colour(rng)
    background = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    background_seed = int(rng.integers(1 << 30))
    return Scene(
        name=f"scene-{seed}",
        background=lambda: background(np.random.default_rng(background_seed)),
        things=lambda: [
            (seat[0] - 1, chair(seat[1], seat[0], 134 + 0.85 * (seat[0] - 235), side, colour))
        ],
        persons=persons,
        ball=Ball(9, _colour(rng), (Flight(7.45, 7.95, STANDING + 1, CATCHING + 1),)),
    )


def _person(rng: np.random.Generator, part: int, x: float, ground: float) -> Person:
    facing = float(rng.choice([-0.8, 0.8]))
    path = ((0.0, x, ground), (1.0, x, ground))
    body = [Stretch("stand", *ALWAYS)]
    if part == SITTING:
        body = [Stretch("sit", *ALWAYS)]
    if part == WALKING:
        # Comes from a side, walks to its place, and stays.
        start = -40.0 if facing > 0 else IMAGE_WIDTH + 40.0
        arrives = float(rng.integers(5, 8)) + 0.5
        path = ((0.0, start, ground), (arrives, x, ground))
        body = [Stretch("walk", ALWAYS[0], arrives), Stretch("stand", arrives, ALWAYS[1])]
    head = _courses(rng, ("talk", "bow"), without=("bow",) if part == SITTING else ())
    limbs = _courses(rng, ("hand up",))
    if part == STANDING:
        # Both hands hold the ball until it is thrown.
        limbs = [one for one in limbs if one.start > 9]
        head = [one for one in head if one.action != "bow" or one.start > 9]
    if part == CATCHING:
        limbs = [Stretch("catch", 7.5, 8.5)]
        head = [one for one in head if one.action != "bow" or one.end < 6]
    if part == WALKING:
        limbs = [one for one in limbs if one.start > 8]
        head = [one for one in head if one.action != "bow" or one.start > 8]
    return Person(
        person_id=part + 1,
        look=random_look(rng),
        height=float(rng.uniform(0.95, 1.08)),
        path=path,
        faces=((0.0, facing),),
        stretches=(*body, *head, *limbs),
    )


def _courses(
    rng: np.random.Generator, actions: tuple[str, ...], without: tuple[str, ...] = ()
) -> list[Stretch]:
    """One action after the other, with pauses of one second or more."""
    allowed = [action for action in actions if action not in without]
    found = []
    start = float(rng.integers(0, 4)) + 0.5
    while start < LAST:
        end = start + float(rng.integers(2, 5))
        found.append(Stretch(str(rng.choice(allowed)), start, end))
        start = end + float(rng.integers(1, 4))
    return found
