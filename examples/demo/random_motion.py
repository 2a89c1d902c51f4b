"""Random short films of drawn persons with their actions, to train the demo's features on.

Nothing here repeats a video of the demo: looks, places, colours, who does what and from when to
when are all drawn from the seed.
"""

from dataclasses import dataclass

import numpy as np

from acting import ACTIONS, Stretch, pose_of
from compositing import Layer, compose
from figures import Look, draw_figure, skeleton
from frame_number import IMAGE_WIDTH, burn_frame_number
from random_images import _colour, random_background, random_look, random_things
from scenes import STRIDE
from surroundings import BACKGROUNDS, ball, bench, chair, shadow

NAMES = tuple(name for names in ACTIONS.values() for name in names)
"""The actions, in the order of labels."""

SETTLED = 0.42
"""Seconds on both sides of the middle of a film in which nobody's actions change: the demo's
change half a second from a keyframe."""

FLIGHT_SECONDS = 0.5
"""How long a ball flies."""


@dataclass(frozen=True)
class Part:
    """What a person of a film does, and where; seconds count from the film's middle."""

    look: Look
    height: float
    x: float
    ground: float
    facing: float
    stretches: tuple[Stretch, ...]
    steps: float
    """Double steps a second while walking."""
    clock: float
    """Second of the person's own time at the film's middle: when mouths move and eyes blink."""
    catches: float | None
    """When a ball comes into the hands; None for no ball."""

    def labels(self) -> np.ndarray:
        """Which of NAMES hold in the film's middle, bool (7,)."""
        done = {stretch.action for stretch in self.stretches if stretch.holds(0)}
        return np.array([name in done for name in NAMES])

    def weights(self, second: float) -> dict[str, float]:
        """How far the person is in each pose."""
        found: dict[str, float] = {}
        for stretch in self.stretches:
            found[stretch.action] = min(
                1.0, found.get(stretch.action, 0.0) + stretch.weight(second)
            )
        return found

    def walked(self, second: float) -> float:
        """Double steps since the film's middle, negative before it."""
        walks = [one for one in self.stretches if one.action == "walk"]
        if not walks:
            return 0.0
        times = np.linspace(0, second, 12)
        share = np.mean([min(1.0, sum(one.weight(time) for one in walks)) for time in times])
        return float(self.steps * share * second)


def _around(rng: np.random.Generator) -> tuple[float, float]:
    """A stretch of seconds around the middle."""
    return -rng.uniform(SETTLED, 1.6), rng.uniform(SETTLED, 1.6)


def _beside(rng: np.random.Generator) -> tuple[float, float]:
    """A stretch of seconds that ends before the middle, or begins after it."""
    begin = rng.uniform(SETTLED, 0.7)
    return (begin, begin + 2) if rng.random() < 0.5 else (-begin - 2, -begin)


def _stretches(rng: np.random.Generator) -> list[Stretch]:
    bodies = rng.choice(["stand", "walk", "sit"], 2, p=[0.4, 0.35, 0.25])
    if rng.random() < 0.25 and bodies[0] != bodies[1]:
        border = rng.choice([-1, 1]) * rng.uniform(SETTLED, 0.7)
        first, last = bodies if border > 0 else bodies[::-1]
        found = [Stretch(str(first), -9, border), Stretch(str(last), border, 9)]
    else:
        found = [Stretch(str(bodies[0]), -9, 9)]
    for names, shares in (
        (("none", "talk", "bow"), (0.47, 0.37, 0.16)),
        (("none", "hand up", "catch", "hold"), (0.48, 0.22, 0.22, 0.08)),
    ):
        now, other = rng.choice(names, 2, p=shares)
        if now != "none":
            found.append(Stretch(str(now), *_around(rng)))
        elif other != "none" and rng.random() < 0.5:
            found.append(Stretch(str(other), *_beside(rng)))
    return found


def random_part(rng: np.random.Generator) -> Part:
    """A person of a film, drawn by chance."""
    ground = rng.uniform(245, 350)
    stretches = _stretches(rng)
    caught = [one for one in stretches if one.action == "catch" and one.holds(0)]
    catches = float(rng.uniform(-0.35, 0.2)) if caught and rng.random() < 0.85 else None
    return Part(
        look=random_look(rng),
        height=(134 + 0.85 * (ground - 235)) * rng.uniform(0.93, 1.1),
        x=rng.uniform(0, IMAGE_WIDTH),
        ground=ground,
        facing=float(rng.choice([-1, 1]) * rng.uniform(0.5, 0.9)),
        stretches=tuple(stretches),
        steps=rng.uniform(0.4, 1.3),
        clock=rng.uniform(5, 60),
        catches=catches,
    )


def _trimmed(layer: Layer) -> Layer:
    """A layer without the empty margins of its sheet, which would cost time in every image."""
    rows = np.flatnonzero(layer.sprite[..., 3].any(1))
    columns = np.flatnonzero(layer.sprite[..., 3].any(0))
    if not len(rows):
        return layer
    top, left = rows[0], columns[0]
    sprite = layer.sprite[top : rows[-1] + 1, left : columns[-1] + 1]
    return Layer(layer.depth, layer.person_id, sprite, layer.left + left, layer.top + top)


def _seat(part: Part, rng: np.random.Generator) -> list[Layer]:
    if not part.labels()[NAMES.index("sit")] or rng.random() < 0.15:
        return []
    if rng.random() < 0.5:
        seat = chair(part.x, part.ground, part.height, part.facing > 0, _colour(rng))
    else:
        left, right = rng.uniform(0.2, 0.5, 2) * part.height
        seat = bench(part.x - left, part.x + right, part.ground, part.height, _colour(rng))
    return [Layer(part.ground - 2, 0, seat, 0, 0)]


def random_film(
    seed: int, seconds: np.ndarray
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray, float]]]:
    """Images of a film at these seconds, and who is in it.

    Second 0 is the film's middle, and one of them. Returns uint8 BGR (times, 360, 640, 3), and of
    each person seen at second 0 the box there, (4,) in 0..1, the labels, bool (7,), and the
    visible share.
    """
    rng = np.random.default_rng(seed)
    if rng.random() < 0.7:
        background = BACKGROUNDS[rng.integers(len(BACKGROUNDS))](rng)
    else:
        background = random_background(rng)
    things = random_things(rng)[:2]
    parts = [random_part(rng) for _ in range(rng.integers(3, 6))]
    balls = [(rng.uniform(6, 11), _colour(rng), rng.uniform(0.8, 2.2)) for _ in parts]
    for part in parts:
        things += _seat(part, rng)
    things = [_trimmed(layer) for layer in things]
    number = int(rng.integers(100, 3000))

    def image(second: float):
        floor = background.copy()
        layers = list(things)
        for person_id, (part, (radius, colour, far)) in enumerate(
            zip(parts, balls, strict=True), start=1
        ):
            walked = part.walked(second)
            side = np.sign(part.facing)
            x = part.x + side * walked * STRIDE * part.height
            pose = pose_of(
                part.weights(second), part.clock + walked, part.clock + second, person_id
            )
            shadow(floor, x, part.ground, 0.16 * part.height)
            sprite = draw_figure(part.look, pose, part.facing, part.height, (x, part.ground))
            layers.append(Layer(part.ground, person_id, *sprite))
            if part.catches is None or second < part.catches - FLIGHT_SECONDS:
                continue
            hands = np.mean(skeleton(pose, part.facing).hands, axis=0) * part.height
            left = max(part.catches - second, 0) / FLIGHT_SECONDS
            at_x = x + hands[0] + side * left * far * part.height
            at_y = part.ground + hands[1] - 136 * left * (1 - left)
            thing = ball(at_x, at_y, radius, colour)
            layers.append(_trimmed(Layer(part.ground + 0.5, 0, thing, 0, 0)))
        made, sightings, _ = compose(floor, layers)
        burn_frame_number(made, number + round(30 * second))
        return made, sightings

    drawn = [image(float(second)) for second in seconds]
    sightings = drawn[int(np.flatnonzero(seconds == 0)[0])][1]
    return np.stack([one for one, _ in drawn]), [
        (np.array(sighting.box), parts[person_id - 1].labels(), sighting.visible)
        for person_id, sighting in sightings.items()
    ]
