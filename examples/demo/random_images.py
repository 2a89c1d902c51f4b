"""Random images of drawn persons with their boxes, to train the demo's detector on.

Nothing here repeats a video of the demo: looks, poses, sizes, places and colours are all drawn
from the seed.
"""

import numpy as np

from acting import pose_of
from compositing import Layer, Sighting, compose
from figures import BOTTOMS, FABRIC_KINDS, HAIR_STYLES, Fabric, Look, draw_figure, skeleton
from frame_number import IMAGE_HEIGHT, IMAGE_WIDTH, burn_frame_number
from surroundings import BACKGROUNDS, Sheet, ball, bench, chair, plant, shadow

SKINS = ((185, 212, 246), (165, 195, 235), (130, 165, 215), (95, 130, 185), (70, 98, 150))
HAIRS = ((30, 25, 25), (35, 55, 85), (60, 130, 190), (90, 180, 225), (40, 70, 160), (170, 170, 175))


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(channel) for channel in rng.integers(20, 250, 3))


def random_look(rng: np.random.Generator) -> Look:
    """Draw clothes, hair and build by chance."""
    style = str(rng.choice(HAIR_STYLES))
    hair = _colour(rng) if style == "cap" else HAIRS[rng.integers(len(HAIRS))]
    return Look(
        skin=SKINS[rng.integers(len(SKINS))],
        hair=hair,
        hair_style=style,
        shirt=Fabric(str(rng.choice(FABRIC_KINDS)), _colour(rng), _colour(rng)),
        legs=_colour(rng),
        bottom=str(rng.choice(BOTTOMS)),
        shoes=tuple(int(channel) for channel in rng.integers(20, 120, 3)),
        girth=float(rng.uniform(0.9, 1.2)),
        long_sleeves=bool(rng.random() < 0.4),
    )


def random_weights(rng: np.random.Generator) -> dict[str, float]:
    """Draw what a person does, sometimes half way between two poses."""
    bodies = rng.choice(["stand", "walk", "sit"], 2, p=[0.35, 0.4, 0.25])
    share = 1.0 if rng.random() < 0.85 else float(rng.random())
    weights = {str(bodies[0]): share}
    weights[str(bodies[1])] = weights.get(str(bodies[1]), 0.0) + 1 - share
    extra = rng.choice(["none", "bow", "hand up", "catch", "hold"], p=[0.36, 0.16, 0.2, 0.18, 0.1])
    if extra != "none":
        weights[str(extra)] = 1.0 if rng.random() < 0.8 else float(rng.random())
    if rng.random() < 0.4:
        weights["talk"] = 1.0
    return weights


def random_background(rng: np.random.Generator) -> np.ndarray:
    """A room or yard in random colours, at times tinted, or plain shapes; uint8 (360, 640, 3)."""
    if rng.random() < 0.75:
        image = BACKGROUNDS[rng.integers(len(BACKGROUNDS))](rng)
    else:
        sheet = Sheet()
        horizon = rng.uniform(120, 260)
        sheet.fade(0, horizon, _colour(rng), _colour(rng))
        sheet.fade(horizon, IMAGE_HEIGHT, _colour(rng), _colour(rng))
        for _ in range(rng.integers(0, 14)):
            x, y = rng.uniform(0, IMAGE_WIDTH), rng.uniform(0, IMAGE_HEIGHT)
            width, height = rng.uniform(8, 110, 2)
            if rng.random() < 0.6:
                sheet.box(x, y, x + width, y + height, _colour(rng))
            else:
                sheet.disc(x, y, width / 2, height / 2, _colour(rng))
        image = sheet.finished()
    gain = rng.uniform(0.75, 1.15, 3) if rng.random() < 0.4 else np.ones(3)
    return np.clip(image * gain, 0, 255).astype(np.uint8)


def random_things(rng: np.random.Generator) -> list[Layer]:
    """Seats, plants and balls at random places."""
    layers = []
    for _ in range(rng.integers(0, 5)):
        x, ground = rng.uniform(0, IMAGE_WIDTH), rng.uniform(225, 350)
        size = rng.uniform(110, 260)
        kind = rng.integers(4)
        if kind == 0:
            sprite = chair(x, ground, size, bool(rng.random() < 0.5), _colour(rng))
        elif kind == 1:
            sprite = bench(x, x + rng.uniform(0.4, 0.9) * size, ground, size, _colour(rng))
        elif kind == 2:
            sprite = plant(x, ground, size * 0.5)
        else:
            sprite = ball(x, rng.uniform(40, 340), rng.uniform(5, 16), _colour(rng))
        layers.append(Layer(ground, 0, sprite, 0, 0))
    return layers


def random_image(seed: int) -> tuple[np.ndarray, list[Sighting]]:
    """An image, uint8 BGR (360, 640, 3), and the sightings of the persons in it.

    Persons of any size stand anywhere, on any background.
    """
    rng = np.random.default_rng(seed)
    background = random_background(rng)
    layers = random_things(rng)
    near = None
    for person_id in range(1, 1 + rng.choice(8, p=[0.05, 0.1, 0.17, 0.22, 0.18, 0.13, 0.1, 0.05])):
        height = float(np.exp(rng.uniform(np.log(90), np.log(290))))
        x, ground = rng.uniform(-20, 660), rng.uniform(max(215, height * 0.8), 358)
        if near is not None and rng.random() < 0.3:
            # persons who cover each other partly
            x = near[0] + rng.uniform(-0.45, 0.45) * near[1]
            height = min(300.0, near[1] * rng.uniform(0.8, 1.25))
        near = (x, height)
        if rng.random() < 0.7:
            shadow(background, x, ground, 0.16 * height)
        pose = pose_of(random_weights(rng), float(rng.random()), rng.uniform(0, 60), person_id)
        facing = float(rng.choice([-0.85, 0.85]) if rng.random() < 0.6 else rng.uniform(-1, 1))
        sprite = draw_figure(random_look(rng), pose, facing, height, (x, ground))
        layers.append(Layer(ground, person_id, *sprite))
    image, sightings, _ = compose(background, layers)
    burn_frame_number(image, int(rng.integers(4096)))
    return image, list(sightings.values())


def random_room(seed: int) -> tuple[np.ndarray, list[Sighting]]:
    """As `random_image`, but as a room or yard looks: farther persons are smaller, who sits does
    so on a seat, and a ball lies in the hands that reach for it."""
    rng = np.random.default_rng(seed)
    background = BACKGROUNDS[rng.integers(len(BACKGROUNDS))](rng)
    layers = random_things(rng)[:2]
    near = None
    for person_id in range(
        1, 1 + rng.choice([1, 2, 3, 4, 5, 6], p=[0.05, 0.15, 0.25, 0.3, 0.15, 0.1])
    ):
        x, ground = rng.uniform(-30, 670), rng.uniform(245, 352)
        if near is not None and rng.random() < 0.25:
            x = near + rng.uniform(-70, 70)
        near = x
        height = (134 + 0.85 * (ground - 235)) * rng.uniform(0.9, 1.12)
        weights = random_weights(rng)
        side = float(rng.choice([-1, 1]))
        facing = side * rng.uniform(0.5, 0.9)
        if weights.get("sit", 0) == 1 and rng.random() < 0.8:
            if rng.random() < 0.5:
                seat = chair(x, ground, height, side > 0, _colour(rng))
            else:
                left, right = rng.uniform(0.2, 0.5, 2) * height
                seat = bench(x - left, x + right, ground, height, _colour(rng))
            layers.append(Layer(ground - 2, 0, seat, 0, 0))
        pose = pose_of(weights, float(rng.random()), rng.uniform(0, 60), person_id)
        shadow(background, x, ground, 0.16 * height)
        sprite = draw_figure(random_look(rng), pose, facing, height, (x, ground))
        layers.append(Layer(ground, person_id, *sprite))
        if weights.get("hold", 0) + weights.get("catch", 0) > 0 and rng.random() < 0.7:
            hands = np.mean(skeleton(pose, facing).hands, axis=0) * height
            thing = ball(x + hands[0], ground + hands[1], rng.uniform(6, 12), _colour(rng))
            layers.append(Layer(ground + 0.5, 0, thing, 0, 0))
    image, sightings, _ = compose(background, layers)
    burn_frame_number(image, int(rng.integers(4096)))
    return image, list(sightings.values())
