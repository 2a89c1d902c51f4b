"""Drawing of one cartoon person: a look (clothes, hair) in a pose (joint angles), as a sprite.

Lengths inside this module are shares of the person's standing height. A limb's angle is measured
in degrees from straight down, positive towards where the person faces.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np

OVERSAMPLING = 2
"""Sprites are drawn this many times larger and shrunk, for smooth edges."""

FRACTION_BITS = 4
"""Binary digits after the point of the coordinates given to OpenCV."""

SPRITE_WIDTH, SPRITE_ABOVE, SPRITE_BELOW = 1.7, 1.25, 0.06
"""Size of a sprite around the point between the feet, in standing heights."""

HIP_TO_SHOULDER, SHOULDER_TO_NECK, NECK_TO_HEAD = 0.305, 0.025, 0.125
THIGH, SHIN, FOOT = 0.215, 0.2, 0.055
UPPER_ARM, FOREARM = 0.165, 0.15
SHOULDER_HALF, HIP_HALF = 0.095, 0.048
HEAD_HALF_WIDTH, HEAD_HALF_HEIGHT = 0.094, 0.106
"""Proportions, in standing heights; the head is larger than life so that the mouth is seen."""

Colour = tuple[int, int, int]
"""Blue, green, red; 0..255 each."""


@dataclass(frozen=True)
class Fabric:
    """A cloth: `kind` is plain, hoops, stripes, checks, dots, halves or sash."""

    kind: str
    first: Colour
    second: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Look:
    """What makes a person recognisable; constant over a video.

    `hair_style` is short, long, bun, curly, bald or cap; `bottom` is trousers, shorts or skirt;
    `girth` scales all widths (1 is average).
    """

    skin: Colour
    hair: Colour
    hair_style: str
    shirt: Fabric
    legs: Colour
    bottom: str = "trousers"
    shoes: Colour = (50, 45, 45)
    girth: float = 1.0
    long_sleeves: bool = False


@dataclass(frozen=True)
class Pose:
    """Joint angles in degrees and the mouth; the defaults are a person who stands at rest.

    `lean` and `nod` tilt the trunk and the head forward. `hip_*` and `shoulder_*` are the angles
    of thigh and upper arm; a positive knee bends backward, a positive elbow bends forward.
    `aside_*` moves an arm outwards, 0 to 1.
    `mouth` is 0 (closed) to 1 (wide open); `blink` is 0 (open eyes) to 1 (shut).
    """

    lean: float = 0.0
    nod: float = 0.0
    hip_right: float = 3.0
    knee_right: float = 3.0
    hip_left: float = -3.0
    knee_left: float = 2.0
    shoulder_right: float = -4.0
    elbow_right: float = 14.0
    shoulder_left: float = 4.0
    elbow_left: float = 14.0
    aside_right: float = 0.0
    aside_left: float = 0.0
    mouth: float = 0.0
    blink: float = 0.0


def mix(first: Pose, second: Pose, weight: float, only: tuple[str, ...] = ()) -> Pose:
    """Pose between two: `first` at weight 0, `second` at weight 1; `only` limits the joints."""
    names = only or tuple(field.name for field in fields(Pose))
    values = {field.name: getattr(first, field.name) for field in fields(Pose)}
    for name in names:
        values[name] += weight * (getattr(second, name) - values[name])
    return Pose(**values)


@dataclass(frozen=True)
class Skeleton:
    """Joint positions of a pose, arrays (2,) of x right and y down, shares of standing height.

    The origin is the point on the ground between the feet of the standing person.
    """

    hip: np.ndarray
    neck: np.ndarray
    head: np.ndarray
    shoulders: tuple[np.ndarray, np.ndarray]
    elbows: tuple[np.ndarray, np.ndarray]
    hands: tuple[np.ndarray, np.ndarray]
    hips: tuple[np.ndarray, np.ndarray]
    knees: tuple[np.ndarray, np.ndarray]
    ankles: tuple[np.ndarray, np.ndarray]
    across: float
    """How much of the person's width is seen: 1 from the front, less from the side."""


def skeleton(pose: Pose, facing: float) -> Skeleton:
    """Place the joints of a pose; `facing` is -1 (image's left) to 1 (right), 0 to the viewer.

    Pairs are (right, left) of the person. The lower foot always rests on the ground, so a sitting
    person's hip comes down by as much as the knees bend.
    """

    def bone(length: float, degrees: float) -> np.ndarray:
        angle = np.deg2rad(degrees)
        return np.array([np.sin(angle) * facing, np.cos(angle)]) * length

    across = 1.0 - 0.35 * abs(facing)
    hip = np.zeros(2)
    shoulder_middle = hip - bone(HIP_TO_SHOULDER, -pose.lean)
    neck = hip - bone(HIP_TO_SHOULDER + SHOULDER_TO_NECK, -pose.lean)
    head = neck - bone(NECK_TO_HEAD, -(0.75 * pose.lean + pose.nod))
    # the viewer sees the right arm on the image's left
    sides = (np.array([-across, 0.0]), np.array([across, 0.0]))
    shoulders = tuple(shoulder_middle + side * SHOULDER_HALF for side in sides)
    hips = tuple(hip + side * HIP_HALF for side in sides)
    upper = (pose.shoulder_right, pose.shoulder_left)
    bend = (pose.elbow_right, pose.elbow_left)
    outward = (
        np.array([-0.02 - 0.075 * pose.aside_right, 0.0]),
        np.array([0.02 + 0.075 * pose.aside_left, 0.0]),
    )
    elbows = tuple(
        s + bone(UPPER_ARM, a) + o for s, a, o in zip(shoulders, upper, outward, strict=True)
    )
    hands = tuple(
        e + bone(FOREARM, a + b) + o / 2
        for e, a, b, o in zip(elbows, upper, bend, outward, strict=True)
    )
    thighs = (pose.hip_right, pose.hip_left)
    knee_bend = (pose.knee_right, pose.knee_left)
    knees = tuple(h + bone(THIGH, a) for h, a in zip(hips, thighs, strict=True))
    ankles = tuple(k + bone(SHIN, a - b) for k, a, b in zip(knees, thighs, knee_bend, strict=True))
    to_ground = np.array([0.0, -0.022 - max(ankle[1] for ankle in ankles)])
    return Skeleton(
        hip=hip + to_ground,
        neck=neck + to_ground,
        head=head + to_ground,
        shoulders=tuple(p + to_ground for p in shoulders),
        elbows=tuple(p + to_ground for p in elbows),
        hands=tuple(p + to_ground for p in hands),
        hips=tuple(p + to_ground for p in hips),
        knees=tuple(p + to_ground for p in knees),
        ankles=tuple(p + to_ground for p in ankles),
        across=across,
    )


def darker(colour: Colour, share: float = 0.6) -> Colour:
    """The colour with `share` of its brightness."""
    return tuple(int(channel * share) for channel in colour)


class Sprite:
    """A transparent drawing surface around one person; coordinates in standing heights."""

    def __init__(self, height_px: float, shift_px: tuple[float, float] = (0.0, 0.0)):
        self.scale = height_px * OVERSAMPLING
        self.size_px = (
            int(np.ceil(height_px * SPRITE_WIDTH)) + 1,
            int(np.ceil(height_px * (SPRITE_ABOVE + SPRITE_BELOW))) + 1,
        )
        width, height = (side * OVERSAMPLING for side in self.size_px)
        self.canvas = np.zeros((height, width, 4), np.uint8)
        self.origin = np.array([SPRITE_WIDTH / 2, SPRITE_ABOVE]) + np.array(shift_px) / height_px
        self.outline = max(0.006, 1.0 / height_px)

    def _points(self, points) -> np.ndarray:
        px = (np.asarray(points, float).reshape(-1, 2) + self.origin) * self.scale
        return np.round(px * 2**FRACTION_BITS).astype(np.int32)

    def _length(self, length: float) -> int:
        return max(1, int(round(length * self.scale * 2**FRACTION_BITS)))

    def polygon(self, points, colour: Colour, canvas: np.ndarray | None = None) -> None:
        """Fill a polygon of points (N, 2)."""
        target = self.canvas if canvas is None else canvas
        ink = (*colour, 255) if target.ndim == 3 else 255
        cv2.fillPoly(target, [self._points(points)], ink, cv2.LINE_AA, FRACTION_BITS)

    def ellipse(self, centre, half_sizes, degrees: float, colour: Colour, arc=(0, 360)) -> None:
        """Fill a turned ellipse, or the part of it between two angles."""
        angles = np.deg2rad(np.linspace(arc[0], arc[1], 49))
        turn = np.deg2rad(degrees)
        x, y = half_sizes[0] * np.cos(angles), half_sizes[1] * np.sin(angles)
        rim = np.stack(
            [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1
        )
        self.polygon(rim + np.asarray(centre), colour)

    def outlined_ellipse(self, centre, half_sizes, degrees: float, colour: Colour) -> None:
        """Fill a turned ellipse with a darker rim."""
        wide = (half_sizes[0] + self.outline, half_sizes[1] + self.outline)
        self.ellipse(centre, wide, degrees, darker(colour))
        self.ellipse(centre, half_sizes, degrees, colour)

    def limb(self, start, end, start_half: float, end_half: float, colour: Colour) -> None:
        """Draw a rounded, tapered limb with a darker rim."""
        for extra, ink in ((self.outline, darker(colour)), (0.0, colour)):
            self.polygon(capsule(start, end, start_half + extra, end_half + extra), ink)

    def cloth(self, points, fabric: Fabric, axis: np.ndarray, base: np.ndarray) -> None:
        """Fill a polygon with a fabric whose pattern follows the unit vector `axis` from `base`."""
        self.polygon(points, darker(fabric.first))
        centre = np.mean(points, axis=0)
        inner = []
        for point in points:
            offset = np.asarray(point) - centre
            inner.append(centre + offset * (1 - self.outline / max(np.hypot(*offset), 1e-6)))
        mask = np.zeros(self.canvas.shape[:2], np.uint8)
        self.polygon(inner, (0, 0, 0), mask)
        x, y, width, height = cv2.boundingRect(self._points(inner) // 2**FRACTION_BITS)
        x, y = max(x - 2, 0), max(y - 2, 0)
        patch = self.canvas[y : y + height + 4, x : x + width + 4]
        rows, columns = np.mgrid[y : y + patch.shape[0], x : x + patch.shape[1]]
        dx = columns / self.scale - self.origin[0] - base[0]
        dy = rows / self.scale - self.origin[1] - base[1]
        along = dx * axis[0] + dy * axis[1]
        over = dx * axis[1] - dy * axis[0]
        second = pattern(fabric.kind, along, over)[..., None]
        ink = np.where(second, np.array([*fabric.second, 255]), np.array([*fabric.first, 255]))
        cover = mask[y : y + height + 4, x : x + width + 4, None] / 255.0
        patch[:] = np.round(patch * (1 - cover) + ink * cover).astype(np.uint8)

    def finished(self) -> np.ndarray:
        """The sprite, uint8 (height, width, 4): colours already multiplied by the last, alpha."""
        return cv2.resize(self.canvas, self.size_px, interpolation=cv2.INTER_AREA)


def capsule(start, end, start_half: float, end_half: float) -> np.ndarray:
    """Outline (N, 2) of a limb with round ends, half as wide as given at each end."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    direction = np.arctan2(*(end - start)[::-1])
    around_end = direction + np.linspace(-np.pi / 2, np.pi / 2, 13)
    around_start = direction + np.linspace(np.pi / 2, 3 * np.pi / 2, 13)
    return np.concatenate(
        [
            end + end_half * np.stack([np.cos(around_end), np.sin(around_end)], 1),
            start + start_half * np.stack([np.cos(around_start), np.sin(around_start)], 1),
        ]
    )


def pattern(kind: str, along: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Where a fabric shows its second colour; `along` runs down the trunk, `over` across it."""
    period = 0.085
    hoops = np.mod(along, period) < period / 2
    stripes = np.mod(over + period / 4, period * 0.7) < period * 0.35
    if kind == "plain":
        return np.zeros(along.shape, bool)
    if kind == "hoops":
        return hoops
    if kind == "stripes":
        return stripes
    if kind == "checks":
        return (np.mod(along, period) < period / 2) ^ (np.mod(over, period) < period / 2)
    if kind == "dots":
        du = np.mod(along, period * 0.7) - period * 0.35
        dv = np.mod(over, period * 0.7) - period * 0.35
        return du**2 + dv**2 < (period * 0.2) ** 2
    if kind == "halves":
        return along > HIP_TO_SHOULDER * 0.52
    if kind == "sash":
        return np.abs(along - HIP_TO_SHOULDER * 0.5 - over * 1.2) < 0.04
    raise ValueError(f"unknown fabric {kind!r}")


FABRIC_KINDS = ("plain", "hoops", "stripes", "checks", "dots", "halves", "sash")
HAIR_STYLES = ("short", "long", "bun", "curly", "bald", "cap")
BOTTOMS = ("trousers", "shorts", "skirt")


def draw_figure(
    look: Look, pose: Pose, facing: float, height_px: float, feet_px: tuple[float, float]
) -> tuple[np.ndarray, int, int]:
    """Draw a person as a sprite, uint8 (height, width, 4), colours multiplied by alpha.

    `feet_px` is the point (x, y) in the image between the feet, `height_px` the height of the
    person when standing. Returns the sprite and the image's column and row of its corner.
    """
    corner = (
        feet_px[0] - SPRITE_WIDTH / 2 * height_px,
        feet_px[1] - SPRITE_ABOVE * height_px,
    )
    left, top = int(np.floor(corner[0])), int(np.floor(corner[1]))
    sprite = Sprite(height_px, (corner[0] - left, corner[1] - top))
    bones = skeleton(pose, facing)
    near, far = (0, 1) if facing >= 0 else (1, 0)
    _arm(sprite, look, bones, far)
    if look.hair_style == "long":
        _long_hair(sprite, look, bones, facing)
    _leg(sprite, look, bones, far, facing)
    _leg(sprite, look, bones, near, facing)
    if look.bottom == "skirt":
        _skirt(sprite, look, bones)
    _trunk(sprite, look, bones)
    _head(sprite, look, bones, pose, facing)
    _arm(sprite, look, bones, near)
    return sprite.finished(), left, top


def _arm(sprite: Sprite, look: Look, bones: Skeleton, side: int) -> None:
    shoulder, elbow, hand = bones.shoulders[side], bones.elbows[side], bones.hands[side]
    sleeve = look.shirt.first
    half = 0.031 * look.girth
    if look.long_sleeves:
        sprite.limb(elbow, hand, half * 0.85, half * 0.75, sleeve)
        sprite.limb(shoulder, elbow, half, half * 0.88, sleeve)
    else:
        sprite.limb(elbow, hand, half * 0.75, half * 0.65, look.skin)
        sprite.limb(shoulder, elbow, half * 0.8, half * 0.75, look.skin)
        sprite.limb(shoulder, shoulder + 0.6 * (elbow - shoulder), half, half, sleeve)
    sprite.outlined_ellipse(hand, (0.027, 0.027), 0, look.skin)


def _leg(sprite: Sprite, look: Look, bones: Skeleton, side: int, facing: float) -> None:
    hip, knee, ankle = bones.hips[side], bones.knees[side], bones.ankles[side]
    thigh_half, shin_half = 0.046 * look.girth, 0.033 * look.girth
    toe = ankle + np.array([FOOT * facing, 0.004])
    sprite.limb(ankle + np.array([0.0, 0.0]), toe, 0.026, 0.02, look.shoes)
    bare = look.bottom != "trousers"
    sprite.limb(knee, ankle, shin_half, shin_half * 0.75, look.skin if bare else look.legs)
    sprite.limb(hip, knee, thigh_half, shin_half * 1.08, look.legs)


def _skirt(sprite: Sprite, look: Look, bones: Skeleton) -> None:
    flare = 0.052 * look.girth
    rims = [capsule(hip, hip, 0.05, 0.05) for hip in bones.hips]
    rims += [
        capsule(hip, hip + 0.92 * (knee - hip), flare * 0.8, flare)
        for hip, knee in zip(bones.hips, bones.knees, strict=True)
    ]
    points = np.concatenate(rims).astype(np.float32)
    hull = cv2.convexHull(points).reshape(-1, 2)
    sprite.cloth(hull, Fabric("plain", look.legs), np.array([0.0, 1.0]), bones.hip)


def _trunk(sprite: Sprite, look: Look, bones: Skeleton) -> None:
    down = bones.hip - bones.neck
    length = max(np.hypot(*down), 1e-6)
    axis = down / length
    aside = np.array([axis[1], -axis[0]])
    top = (SHOULDER_HALF * bones.across + 0.012) * look.girth
    waist = (HIP_HALF * bones.across + 0.04) * look.girth
    sprite.limb(bones.neck - axis * 0.03, bones.neck + axis * 0.02, 0.03, 0.035, look.skin)
    outline = [
        (-0.45 * top, 0.0),
        (0.45 * top, 0.0),
        (0.85 * top, 0.018),
        (1.02 * top, 0.055),
        (0.96 * top, 0.14),
        (waist, length * 0.72),
        (waist * 1.04, length + 0.02),
        (waist * 0.8, length + 0.05),
        (-waist * 0.8, length + 0.05),
        (-waist * 1.04, length + 0.02),
        (-waist, length * 0.72),
        (-0.96 * top, 0.14),
        (-1.02 * top, 0.055),
        (-0.85 * top, 0.018),
    ]
    points = np.array([bones.neck + aside * over + axis * along for over, along in outline])
    sprite.cloth(points, look.shirt, axis, bones.neck)


def _head_place(bones: Skeleton, facing: float):
    """Turn of the head in degrees and a function from head coordinates to sprite ones."""
    up = bones.head - bones.neck
    turn = np.arctan2(up[0], -up[1])
    cos, sin = np.cos(turn), np.sin(turn)

    def place(x: float, y: float) -> np.ndarray:
        x, y = x * HEAD_HALF_WIDTH, y * HEAD_HALF_HEIGHT
        return bones.head + np.array([x * cos - y * sin, x * sin + y * cos])

    return np.rad2deg(turn), place


def _long_hair(sprite: Sprite, look: Look, bones: Skeleton, facing: float) -> None:
    turn, place = _head_place(bones, facing)
    half = (HEAD_HALF_WIDTH * 1.12, HEAD_HALF_HEIGHT * 1.2)
    sprite.outlined_ellipse(place(-0.15 * facing, 0.35), half, turn, look.hair)


def _head(sprite: Sprite, look: Look, bones: Skeleton, pose: Pose, facing: float) -> None:
    turn, place = _head_place(bones, facing)
    width, height = HEAD_HALF_WIDTH, HEAD_HALF_HEIGHT
    if look.hair_style == "bun":
        sprite.outlined_ellipse(place(-0.55 * facing, -1.0), (0.042, 0.042), turn, look.hair)
    if look.hair_style in ("long", "curly"):
        sprite.outlined_ellipse(
            place(-0.12 * facing, -0.12), (width * 1.1, height * 1.06), turn, look.hair
        )
    sprite.outlined_ellipse(bones.head, (width, height), turn, look.skin)
    _hair(sprite, look, place, turn, facing)
    _face(sprite, look, place, turn, pose, facing)


def _hair(sprite: Sprite, look: Look, place, turn: float, facing: float) -> None:
    width, height = HEAD_HALF_WIDTH, HEAD_HALF_HEIGHT
    if look.hair_style == "bald":
        return
    cap = (width * 1.06, height * 1.06)
    fringe = -0.3
    low = np.rad2deg(np.arcsin(fringe))
    sprite.ellipse(place(0, 0), cap, turn, look.hair, arc=(180 - low, 360 + low))
    for side in (-1, 1) if look.hair_style != "cap" else ():
        # less hair is seen on the side that the face turns to
        half = 0.2 - 0.1 * side * facing
        sprite.ellipse(place(side * 0.84, -0.2), (width * half, height * 0.42), turn, look.hair)
    if look.hair_style == "curly":
        for x in np.linspace(-0.85, 0.85, 5):
            lift = -0.95 + 0.5 * x * x
            sprite.ellipse(place(x, lift), (width * 0.36, width * 0.36), turn, look.hair)
    if look.hair_style == "cap":
        brim = (width * 0.75, height * 0.13)
        sprite.ellipse(place(0.6 * facing, -0.42), brim, turn, darker(look.hair, 0.75))


def _face(sprite: Sprite, look: Look, place, turn: float, pose: Pose, facing: float) -> None:
    width, height = HEAD_HALF_WIDTH, HEAD_HALF_HEIGHT
    shift = 0.34 * facing
    squeeze = 1.0 - 0.2 * abs(facing)
    dark, white = (35, 30, 30), (252, 252, 252)
    for side in (-1, 1):
        eye = place(shift + side * 0.36 * squeeze, -0.02)
        open_share = max(0.12, 1.0 - pose.blink)
        sprite.ellipse(eye, (width * 0.17, height * 0.2 * open_share), turn, white)
        pupil = place(shift + side * 0.36 * squeeze + 0.05 * facing, -0.01)
        sprite.ellipse(pupil, (width * 0.095, height * 0.13 * open_share), turn, dark)
    nose = place(shift + 0.12 * facing, 0.25)
    sprite.ellipse(nose, (width * 0.1, height * 0.09), turn, darker(look.skin, 0.8))
    mouth = place(shift, 0.55)
    half_height = height * (0.05 + 0.27 * pose.mouth)
    half_width = width * (0.34 - 0.06 * pose.mouth) * squeeze
    sprite.ellipse(mouth, (half_width, half_height), turn, (40, 25, 110))
    if pose.mouth > 0.25:
        teeth = place(shift, 0.55 - 0.17 * pose.mouth)
        sprite.ellipse(teeth, (half_width * 0.7, half_height * 0.26), turn, white)
