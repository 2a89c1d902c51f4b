"""The demo's three made-up videos: who is in them, what each person does when, and their frames.

A video is a pure function of its script below: `render(scene, frame)` gives the same image and
the same truth every time. Seconds are those of the source video; an action changes half way
between the seconds that become keyframes once the clips are cut.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from acting import ACTIONS, CHANGE_SECONDS, Stretch, pose_of, smooth_step
from compositing import Layer, Sighting, compose
from figures import Fabric, Look, Pose, draw_figure, skeleton
from frame_number import burn_frame_number
from surroundings import (
    ball,
    bench,
    chair,
    classroom_background,
    corridor_background,
    plant,
    shadow,
    yard_background,
)

FPS, FRAMES = 30, 390
"""Frames per second and in all; every video lasts 13 s."""

STRIDE = 0.64
"""Length of a double step in standing heights."""

THROW_SECONDS = 0.5
"""How long the arms are stretched for a throw; half of it before the ball leaves."""

ALWAYS = (-1.0, 14.0)
"""From before the first frame to after the last, in seconds."""


@dataclass(frozen=True)
class Person:
    """A person's part. `path` holds (second, x, y) of the feet in pixels, `faces` (second, facing)
    from which the person turns to that side, -1 (left) to 1 (right)."""

    person_id: int
    look: Look
    height: float
    path: tuple[tuple[float, float, float], ...]
    faces: tuple[tuple[float, float], ...]
    stretches: tuple[Stretch, ...]

    def actions(self, second: float) -> tuple[str, ...]:
        """The actions that hold at a second, in the order of ACTIONS."""
        under_way = {s.action for s in self.stretches if s.holds(second)}
        return tuple(a for names in ACTIONS.values() for a in names if a in under_way)


@dataclass(frozen=True)
class Flight:
    """A ball flies from the hands of one person to those of another, in seconds."""

    start: float
    end: float
    thrower: int
    catcher: int


@dataclass(frozen=True)
class Ball:
    """A ball and its flights in order; between them it rests in the hands of the last catcher."""

    radius: float
    colour: tuple[int, int, int]
    flights: tuple[Flight, ...]

    def held_by(self, person_id: int) -> list[tuple[float, float]]:
        """When a person has the ball: seconds of catching and of throwing it."""
        catches = [ALWAYS[0], *(flight.end for flight in self.flights)]
        throws = [*(flight.start for flight in self.flights), ALWAYS[1]]
        holders = [self.flights[0].thrower, *(flight.catcher for flight in self.flights)]
        return [
            (caught, thrown)
            for caught, thrown, holder in zip(catches, throws, holders, strict=True)
            if holder == person_id
        ]


@dataclass(frozen=True)
class Scene:
    """A video: its background, things (ground row and transparent sheet), persons and ball."""

    name: str
    background: Callable[[], np.ndarray]
    things: Callable[[], list[tuple[float, np.ndarray]]]
    persons: tuple[Person, ...]
    ball: Ball


@dataclass(frozen=True)
class Frame:
    """A rendered frame: image uint8 BGR (360, 640, 3), owner int16 (360, 640) with the person id
    seen at each pixel (0 for none), and the sighting and the actions of each person inside."""

    image: np.ndarray
    owner: np.ndarray
    sightings: dict[int, Sighting]
    actions: dict[int, tuple[str, ...]]


def standing_height_px(person: Person, ground: float) -> float:
    """Height of a standing person whose feet are at a row; nearer is lower and taller."""
    return person.height * (134 + 0.85 * (ground - 235))


@dataclass(frozen=True)
class Stance:
    """Where and how a person is drawn at one moment; pixels."""

    pose: Pose
    facing: float
    height_px: float
    feet_px: tuple[float, float]

    def hands_px(self) -> np.ndarray:
        """The point (x, y) between the hands and a little ahead, where a ball rests."""
        hands = np.mean(skeleton(self.pose, self.facing).hands, axis=0)
        hands = hands + np.array([0.035 * self.facing, -0.01])
        return np.array(self.feet_px) + hands * self.height_px


def _place(person: Person, second: float) -> np.ndarray:
    """The feet (x, y) in pixels; corners of the path are rounded."""
    seconds, xs, ys = np.array(person.path).T
    near = second + np.linspace(-CHANGE_SECONDS, CHANGE_SECONDS, 9) / 2
    return np.array([np.interp(near, seconds, xs).mean(), np.interp(near, seconds, ys).mean()])


@cache
def _strides(scene_name: str, person_id: int) -> np.ndarray:
    """Double steps that a person has walked by each frame, (FRAMES,)."""
    person = next(p for p in SCENES[scene_name].persons if p.person_id == person_id)
    places = np.array([_place(person, frame / FPS) for frame in range(FRAMES)])
    steps = np.hypot(*np.diff(places, axis=0).T)
    heights = np.array([standing_height_px(person, y) for y in places[1:, 1]])
    return np.concatenate([[0.0], np.cumsum(steps / (STRIDE * heights))])


def _facing(person: Person, second: float) -> float:
    facing = person.faces[0][1]
    for start, target in person.faces[1:]:
        facing += (target - facing) * smooth_step((second - start) / CHANGE_SECONDS + 0.5)
    return facing


def stance(scene: Scene, person: Person, frame: int) -> Stance:
    """Where and how a person of a scene is at a frame."""
    second = frame / FPS
    weights: dict[str, float] = {}
    for stretch in person.stretches:
        weight = weights.get(stretch.action, 0.0) + stretch.weight(second)
        weights[stretch.action] = min(weight, 1.0)
    for start, end in scene.ball.held_by(person.person_id):
        weights["hold"] = max(weights.get("hold", 0.0), Stretch("hold", start, end).weight(second))
        arms_out = Stretch("throw", end - THROW_SECONDS / 2, end + THROW_SECONDS / 2)
        weights["catch"] = max(weights.get("catch", 0.0), arms_out.weight(second))
    x, y = _place(person, second)
    stride = float(_strides(scene.name, person.person_id)[frame])
    return Stance(
        pose=pose_of(weights, stride, second, person.person_id),
        facing=_facing(person, second),
        height_px=standing_height_px(person, y),
        feet_px=(float(x), float(y)),
    )


def _ball_layer(scene: Scene, stances: dict[int, Stance], second: float) -> Layer:
    """The ball in the air or in somebody's hands, just before its thrower and catcher."""
    flights = scene.ball.flights
    at = next((f for f in flights if second < f.end), flights[-1])
    share = min(max((second - at.start) / (at.end - at.start), 0.0), 1.0)
    thrower, catcher = stances[at.thrower], stances[at.catcher]
    x, y = thrower.hands_px() * (1 - share) + catcher.hands_px() * share
    y -= 4 * share * (1 - share) * 34
    sheet = ball(x, y, scene.ball.radius, scene.ball.colour)
    nearer = thrower.feet_px[1] * (1 - share) + catcher.feet_px[1] * share
    return Layer(nearer + 0.5, 0, sheet, 0, 0)


@cache
def _background(name: str) -> np.ndarray:
    return SCENES[name].background()


@cache
def _things(name: str) -> tuple[Layer, ...]:
    return tuple(Layer(ground, 0, sheet, 0, 0) for ground, sheet in SCENES[name].things())


def render(scene: Scene, frame: int) -> Frame:
    """Draw a frame (0-based, of the source video) and say what is true of it."""
    if not 0 <= frame < FRAMES:
        raise ValueError(f"{scene.name} has frames 0 to {FRAMES - 1}, not {frame}")
    second = frame / FPS
    stances = {p.person_id: stance(scene, p, frame) for p in scene.persons}
    floor = _background(scene.name).copy()
    layers = [*_things(scene.name), _ball_layer(scene, stances, second)]
    for person in scene.persons:
        at = stances[person.person_id]
        shadow(floor, *at.feet_px, 0.16 * at.height_px)
        sprite = draw_figure(person.look, at.pose, at.facing, at.height_px, at.feet_px)
        layers.append(Layer(at.feet_px[1], person.person_id, *sprite))
    image, sightings, owner = compose(floor, layers)
    burn_frame_number(image, frame)
    actions = {p.person_id: p.actions(second) for p in scene.persons if p.person_id in sightings}
    return Frame(image, owner, sightings, actions)


TRUTH_COLUMNS = ("frame", "person_id", "x1", "y1", "x2", "y2", "visible", "actions")


def truth_lines(frame: int, rendered: Frame) -> Iterator[str]:
    """The lines of a truth table for one frame, in the order of TRUTH_COLUMNS, by person id."""
    for person_id, sighting in rendered.sightings.items():
        box = ",".join(f"{value:.5f}" for value in sighting.box)
        actions = ";".join(rendered.actions[person_id])
        yield f"{frame},{person_id},{box},{sighting.visible:.5f},{actions}"


def _do(action: str, start: float = ALWAYS[0], end: float = ALWAYS[1]) -> Stretch:
    return Stretch(action, start, end)


LIGHT, FAIR, TAN, BROWN, DARK = (
    (185, 212, 246),
    (165, 195, 235),
    (130, 165, 215),
    (95, 130, 185),
    (72, 100, 152),
)
"""Skins; blue, green, red."""


def _corridor_things() -> list[tuple[float, np.ndarray]]:
    return [
        (251, bench(540, 634, 256, 150, (70, 120, 185))),
        (246, plant(30, 250, 80)),
    ]


CORRIDOR = Scene(
    name="corridor",
    background=lambda: corridor_background(np.random.default_rng(11)),
    things=_corridor_things,
    persons=(
        Person(
            person_id=1,
            look=Look(LIGHT, (40, 60, 95), "short", Fabric("hoops", (45, 45, 215)), (125, 75, 40)),
            height=1.0,
            path=((0, -75, 318), (5.4, 715, 318), (6.6, 715, 312), (9, 490, 312)),
            faces=((0, 0.85), (6, -0.85), (9.2, -0.5)),
            stretches=(_do("walk", end=9), _do("stand", 9), _do("talk", 8, 10)),
        ),
        Person(
            person_id=2,
            look=Look(
                BROWN,
                (22, 20, 20),
                "curly",
                Fabric("stripes", (55, 150, 60), (225, 240, 240)),
                (150, 145, 135),
                "shorts",
            ),
            height=1.02,
            path=((0.3, 700, 340), (5, 190, 340), (8, 190, 340), (11, -80, 340)),
            faces=((0, -0.85), (5, 0.6), (8, -0.85)),
            stretches=(
                _do("walk", end=5),
                _do("stand", 5, 8),
                _do("walk", 8),
                _do("talk", 5, 7),
                _do("hand up", 6, 8),
            ),
        ),
        Person(
            person_id=3,
            look=Look(
                TAN,
                (25, 22, 22),
                "long",
                Fabric("dots", (205, 120, 30)),
                (70, 60, 60),
                "skirt",
            ),
            height=0.98,
            path=((0, 385, 258), (1, 385, 258)),
            faces=((0, 0.5), (5, 0.85)),
            stretches=(
                _do("stand"),
                _do("talk", 1, 4),
                _do("catch", 6, 7),
                _do("bow", 8, 10),
            ),
        ),
        Person(
            person_id=4,
            look=Look(
                FAIR,
                (190, 100, 30),
                "cap",
                Fabric("halves", (30, 185, 240), (60, 60, 60)),
                (170, 110, 60),
                long_sleeves=True,
            ),
            height=1.03,
            path=(
                (0, 595, 256),
                (6.8, 595, 256),
                (7.2, 572, 257),
                (10.2, 572, 257),
                (12.5, 700, 262),
            ),
            faces=((0, -0.85), (10.1, 0.85)),
            stretches=(
                _do("sit", end=7),
                _do("stand", 7, 10.2),
                _do("walk", 10.2),
                _do("talk", 4, 6),
                _do("catch", 7, 8),
            ),
        ),
    ),
    ball=Ball(8, (60, 110, 245), (Flight(5.9, 6.45, 4, 3), Flight(7.0, 7.45, 3, 4))),
)


def _classroom_things() -> list[tuple[float, np.ndarray]]:
    return [
        (329, chair(358, 330, 212, False, (60, 130, 205))),
        (321, chair(484, 322, 206, False, (60, 130, 205))),
        (344, chair(594, 345, 226, False, (60, 130, 205))),
    ]


CLASSROOM = Scene(
    name="classroom",
    background=lambda: classroom_background(np.random.default_rng(4)),
    things=_classroom_things,
    persons=(
        Person(
            person_id=1,
            look=Look(
                LIGHT,
                (60, 120, 185),
                "bun",
                Fabric("checks", (140, 50, 140), (235, 205, 235)),
                (85, 50, 45),
                "skirt",
                long_sleeves=True,
            ),
            height=1.08,
            path=((0, 45, 268), (6.4, 45, 268), (8.6, 186, 272)),
            faces=((0, 0.8),),
            stretches=(
                _do("stand", end=6.5),
                _do("walk", 6.5, 8.5),
                _do("stand", 8.5),
                _do("talk", 0, 4.5),
                _do("talk", 7.5, 9.5),
                _do("bow", 9.5, 11.2),
            ),
        ),
        Person(
            person_id=2,
            look=Look(DARK, (25, 25, 25), "short", Fabric("plain", (45, 175, 245)), (110, 60, 45)),
            height=0.98,
            path=((0, 358, 330), (6.3, 358, 330), (6.7, 324, 330)),
            faces=((0, -0.8),),
            stretches=(
                _do("sit", end=6.5),
                _do("stand", 6.5),
                _do("hand up", 2.5, 5.5),
                _do("talk", 4.5, 6.5),
                _do("bow", 7.5, 8.5),
                _do("catch", 8.5, 9.5),
            ),
        ),
        Person(
            person_id=3,
            look=Look(
                FAIR,
                (50, 80, 165),
                "long",
                Fabric("stripes", (70, 60, 200), (235, 235, 245)),
                (170, 120, 50),
            ),
            height=0.98,
            path=((0, 484, 322), (1, 484, 322)),
            faces=((0, -0.75),),
            stretches=(_do("sit"), _do("hand up", 5.5, 8.5), _do("talk", 8.5, 10.6)),
        ),
        Person(
            person_id=4,
            look=Look(
                TAN,
                (60, 150, 60),
                "cap",
                Fabric("sash", (90, 160, 70), (240, 245, 245)),
                (60, 55, 55),
                "shorts",
            ),
            height=1.0,
            path=((0.8, -60, 346), (5.3, 594, 346)),
            faces=((0, 0.85), (5.5, -0.85)),
            stretches=(_do("walk", end=5.5), _do("sit", 5.5), _do("talk", 6.5, 8.5)),
        ),
    ),
    ball=Ball(9, (60, 60, 230), (Flight(8.45, 8.95, 1, 2),)),
)


def _yard_things() -> list[tuple[float, np.ndarray]]:
    return [(259, bench(540, 636, 262, 156, (60, 105, 165)))]


YARD = Scene(
    name="yard",
    background=lambda: yard_background(np.random.default_rng(14)),
    things=_yard_things,
    persons=(
        Person(
            person_id=1,
            look=Look(
                FAIR,
                (25, 45, 75),
                "curly",
                Fabric("sash", (230, 225, 220), (190, 70, 30)),
                (60, 60, 190),
                "shorts",
            ),
            height=1.0,
            path=((0, 115, 304), (1, 115, 304)),
            faces=((0, 0.85),),
            stretches=(
                _do("stand"),
                _do("talk", 3.5, 5.5),
                _do("catch", 5.5, 6.5),
                _do("hand up", 8.5, 9.5),
                _do("talk", 8.5, 9.5),
                _do("catch", 9.5, 10.5),
            ),
        ),
        Person(
            person_id=2,
            look=Look(
                DARK,
                (30, 30, 30),
                "bald",
                Fabric("checks", (40, 140, 230), (60, 60, 60)),
                (95, 80, 60),
                long_sleeves=True,
            ),
            height=1.05,
            path=((0, 372, 298), (1, 372, 298)),
            faces=((0, -0.85),),
            stretches=(
                _do("stand"),
                _do("catch", 3.5, 4.5),
                _do("talk", 5.5, 7.5),
                _do("catch", 7.5, 8.5),
                _do("bow", 10.5, 12),
            ),
        ),
        Person(
            person_id=3,
            look=Look(
                LIGHT,
                (80, 175, 225),
                "long",
                Fabric("hoops", (150, 60, 120), (215, 190, 240)),
                (120, 70, 50),
            ),
            height=0.96,
            path=(
                (0.75, -60, 338),
                (5.08, 720, 338),
                (7.1, 720, 338),
                (11, 180, 338),
                (12.5, -20, 338),
            ),
            faces=((0, 0.85), (6, -0.85)),
            stretches=(_do("walk"), _do("talk", 7.5, 10.5)),
        ),
        Person(
            person_id=4,
            look=Look(
                BROWN,
                (30, 30, 160),
                "cap",
                Fabric("dots", (60, 60, 200), (240, 240, 240)),
                (70, 50, 40),
            ),
            height=1.0,
            path=(
                (0, 592, 262),
                (6.3, 592, 262),
                (6.7, 569, 262),
                (8.4, 569, 262),
                (10.6, 455, 264),
            ),
            faces=((0, -0.8),),
            stretches=(
                _do("sit", end=6.5),
                _do("stand", 6.5, 8.5),
                _do("walk", 8.5, 10.5),
                _do("stand", 10.5),
                _do("talk", 4.5, 6.5),
                _do("hand up", 6.5, 8.5),
                _do("talk", 10.5),
            ),
        ),
    ),
    ball=Ball(
        9,
        (50, 200, 250),
        (
            Flight(3.4, 3.95, 1, 2),
            Flight(5.4, 5.95, 2, 1),
            Flight(7.4, 7.95, 1, 2),
            Flight(9.4, 9.95, 2, 1),
        ),
    ),
)

SCENES = {scene.name: scene for scene in (CORRIDOR, CLASSROOM, YARD)}
"""The demo's videos by name."""
