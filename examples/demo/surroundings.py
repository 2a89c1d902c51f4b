"""Backgrounds and things of the drawn scenes: a corridor, a classroom, a yard, seats and balls.

Coordinates are pixels of an image of 640 x 360. Backgrounds take a random generator that picks
the colours and the places of what hangs on the walls.
"""

import cv2
import numpy as np

from figures import FRACTION_BITS, OVERSAMPLING, Colour, darker
from frame_number import IMAGE_HEIGHT, IMAGE_WIDTH


class Sheet:
    """A drawing surface of 640 x 360; opaque with 3 channels, transparent with 4."""

    def __init__(self, channels: int = 3):
        shape = (IMAGE_HEIGHT * OVERSAMPLING, IMAGE_WIDTH * OVERSAMPLING, channels)
        self.canvas = np.zeros(shape, np.uint8)

    def polygon(self, points, colour: Colour) -> None:
        """Fill a polygon of points (N, 2) in pixels."""
        fixed = np.round(np.asarray(points, float) * OVERSAMPLING * 2**FRACTION_BITS)
        ink = (*colour, 255)
        cv2.fillPoly(self.canvas, [fixed.astype(np.int32)], ink, cv2.LINE_AA, FRACTION_BITS)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def disc(self, x: float, y: float, half_x: float, half_y: float, colour: Colour) -> None:
        """Fill an ellipse."""
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        self.polygon(
            np.stack([x + half_x * np.cos(angles), y + half_y * np.sin(angles)], 1), colour
        )

    def fade(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """Fill all columns between two rows with a gradient."""
        first, last = int(top * OVERSAMPLING), int(bottom * OVERSAMPLING)
        share = np.linspace(0, 1, last - first)[:, None]
        rows = np.array(upper) * (1 - share) + np.array(lower) * share
        self.canvas[first:last, :, :3] = np.round(rows)[:, None]

    def finished(self) -> np.ndarray:
        """The drawing, uint8 (360, 640, channels)."""
        size = (IMAGE_WIDTH, IMAGE_HEIGHT)
        return cv2.resize(self.canvas, size, interpolation=cv2.INTER_AREA)


def _tint(rng: np.random.Generator, low: int, high: int, colourfulness: int) -> Colour:
    base = rng.integers(low, high)
    return tuple(
        int(c) for c in np.clip(base + rng.integers(-colourfulness, colourfulness, 3), 0, 255)
    )


def _floor(sheet: Sheet, rng: np.random.Generator, horizon: float, colour: Colour) -> None:
    sheet.fade(horizon, IMAGE_HEIGHT, darker(colour, 0.86), colour)
    seam = darker(colour, 0.8)
    vanishing = rng.uniform(220, 420)
    for x in np.arange(-700, 1400, 95):
        sheet.polygon(
            [
                (vanishing + (x - vanishing) * 0.45, horizon),
                (vanishing + (x + 2 - vanishing) * 0.45, horizon),
                (x + 3, IMAGE_HEIGHT),
                (x, IMAGE_HEIGHT),
            ],
            seam,
        )
    for share in (0.12, 0.32, 0.62):
        y = horizon + share * (IMAGE_HEIGHT - horizon)
        sheet.box(0, y, IMAGE_WIDTH, y + 1.2, seam)
    sheet.box(0, horizon - 8, IMAGE_WIDTH, horizon, darker(colour, 0.6))


def _window(sheet: Sheet, x: float, y: float, width: float, height: float) -> None:
    frame, sky = (236, 240, 242), (240, 216, 176)
    sheet.box(x - 5, y - 5, x + width + 5, y + height + 5, darker(frame, 0.75))
    sheet.box(x - 4, y - 4, x + width + 4, y + height + 4, frame)
    sheet.box(x, y, x + width, y + height, sky)
    sheet.disc(x + width * 0.3, y + height * 0.3, width * 0.18, height * 0.08, (250, 245, 240))
    sheet.polygon(
        [
            (x, y + height),
            (x, y + height * 0.8),
            (x + width, y + height * 0.7),
            (x + width, y + height),
        ],
        (120, 180, 130),
    )
    sheet.box(x + width / 2 - 2, y, x + width / 2 + 2, y + height, frame)
    sheet.box(x, y + height * 0.45, x + width, y + height * 0.45 + 3, frame)


def corridor_background(rng: np.random.Generator) -> np.ndarray:
    """A long wall with doors, a notice board and lamps, uint8 (360, 640, 3)."""
    sheet = Sheet()
    horizon = 218 + rng.uniform(-8, 8)
    wall = _tint(rng, 195, 230, 18)
    sheet.fade(0, horizon, wall, darker(wall, 0.94))
    dado = _tint(rng, 150, 190, 25)
    sheet.box(0, horizon - 62, IMAGE_WIDTH, horizon, dado)
    sheet.box(0, horizon - 65, IMAGE_WIDTH, horizon - 62, darker(dado, 0.8))
    _floor(sheet, rng, horizon, _tint(rng, 140, 185, 22))
    start = rng.uniform(20, 90)
    door = _tint(rng, 90, 165, 45)
    for x in (start, start + 250, start + 480):
        sheet.box(x - 6, horizon - 152, x + 72, horizon, darker(door, 0.7))
        sheet.box(x, horizon - 146, x + 66, horizon, door)
        sheet.box(x + 18, horizon - 128, x + 48, horizon - 82, (222, 214, 198))
        sheet.disc(x + 57, horizon - 66, 3.2, 3.2, (200, 215, 220))
    board = start + 110
    sheet.box(board, horizon - 150, board + 96, horizon - 84, (70, 105, 150))
    sheet.box(board + 4, horizon - 146, board + 92, horizon - 88, (130, 175, 205))
    for x, y in ((10, 6), (36, 10), (64, 5), (12, 34), (42, 36), (66, 32)):
        paper = _tint(rng, 215, 250, 20)
        sheet.box(board + x, horizon - 144 + y, board + x + 18, horizon - 122 + y, paper)
    image = start + 362
    sheet.box(image, horizon - 140, image + 62, horizon - 96, (60, 60, 66))
    sheet.box(image + 4, horizon - 136, image + 58, horizon - 100, _tint(rng, 140, 220, 50))
    for x in (170, 330, 490):
        sheet.polygon([(x, 22), (x + 70, 22), (x + 62, 31), (x + 8, 31)], (235, 250, 252))
    return sheet.finished()


def classroom_background(rng: np.random.Generator) -> np.ndarray:
    """A room with a board, a window, a clock and a shelf of books, uint8 (360, 640, 3)."""
    sheet = Sheet()
    horizon = 212 + rng.uniform(-8, 8)
    wall = _tint(rng, 200, 235, 20)
    sheet.fade(0, horizon, wall, darker(wall, 0.95))
    _floor(sheet, rng, horizon, _tint(rng, 135, 180, 25))
    board = rng.uniform(195, 235)
    sheet.box(board - 6, 50, board + 216, 156, (95, 130, 160))
    green = (78 + int(rng.integers(-15, 15)), 98, 62)
    sheet.box(board, 56, board + 210, 150, green)
    chalk = (205, 215, 210)
    for row, width in ((72, 120), (88, 84), (104, 104)):
        sheet.box(board + 16, row, board + 16 + width, row + 2.2, chalk)
    sheet.disc(board + 172, 98, 22, 22, chalk)
    sheet.disc(board + 172, 98, 19.5, 19.5, green)
    sheet.box(board + 20, 150, board + 190, 155, (150, 170, 185))
    _window(sheet, board + 252, 46, 116, 104)
    _window(sheet, board - 170, 46, 100, 104)
    sheet.disc(board + 105, 32, 13, 13, (50, 50, 55))
    sheet.disc(board + 105, 32, 11, 11, (245, 248, 248))
    sheet.box(board + 104.3, 24, board + 105.7, 33, (40, 40, 40))
    sheet.box(board + 104.3, 31.3, board + 112, 32.7, (40, 40, 40))
    shelf = board + 262
    sheet.box(shelf, horizon - 44, shelf + 130, horizon + 6, (80, 120, 155))
    sheet.box(shelf + 4, horizon - 40, shelf + 126, horizon, (55, 85, 112))
    x = shelf + 6
    while x < shelf + 116:
        width = rng.uniform(5, 10)
        sheet.box(x, horizon - rng.uniform(26, 36), x + width - 1, horizon, _tint(rng, 80, 200, 70))
        x += width
    return sheet.finished()


def yard_background(rng: np.random.Generator) -> np.ndarray:
    """A yard with sky, houses, a hedge, a tree and a path, uint8 (360, 640, 3)."""
    sheet = Sheet()
    horizon = 206 + rng.uniform(-8, 8)
    sheet.fade(0, horizon, (235, 190, 140), (245, 228, 205))
    for _ in range(3):
        x, y = rng.uniform(200, 620), rng.uniform(28, 75)
        for dx, half in ((-22, 15), (0, 21), (23, 14)):
            sheet.disc(x + dx, y, half * 1.3, half * 0.6, (252, 248, 244))
    x = rng.uniform(-20, 40)
    for width, height in ((120, 78), (95, 108), (140, 70), (105, 92), (150, 80)):
        house = _tint(rng, 150, 215, 35)
        top = horizon - height
        sheet.box(x, top, x + width, horizon, house)
        roof = [(x - 6, top), (x + width / 2, top - 30), (x + width + 6, top)]
        sheet.polygon(roof, (70 + int(rng.integers(30)), 80, 150 + int(rng.integers(30))))
        for column in np.arange(x + 16, x + width - 24, 34):
            sheet.box(column, top + 16, column + 16, top + 36, (205, 190, 160))
        x += width + 8
    hedge = (70, 128 + int(rng.integers(20)), 84)
    for x in np.arange(-10, 660, 22):
        sheet.disc(x, horizon - 18, 20, 17 + rng.uniform(0, 4), hedge)
    sheet.box(0, horizon - 20, IMAGE_WIDTH, horizon, hedge)
    grass = (95 + int(rng.integers(25)), 178 + int(rng.integers(20)), 135)
    sheet.fade(horizon, IMAGE_HEIGHT, darker(grass, 0.85), grass)
    path = (165, 195, 212)
    sheet.polygon([(0, 306), (640, 286), (640, 360), (0, 360)], path)
    sheet.polygon([(0, 303), (640, 283), (640, 286), (0, 306)], darker(path, 0.85))
    for _ in range(60):
        x, y = rng.uniform(0, 640), rng.uniform(horizon + 6, 282)
        sheet.polygon([(x, y), (x + 2, y - 6), (x + 4, y)], darker(grass, 0.78))
    trunk = rng.uniform(500, 600)
    sheet.polygon(
        [(trunk - 9, horizon + 22), (trunk - 6, 100), (trunk + 6, 100), (trunk + 11, horizon + 22)],
        (60, 88, 118),
    )
    for dx, dy, half in ((-30, 14, 34), (30, 12, 34), (0, -12, 42), (-8, 22, 30)):
        sheet.disc(trunk + dx, 84 + dy, half, half * 0.85, (75, 142, 92))
    return sheet.finished()


SEAT = 0.19
"""Height of a seat in standing heights of the person it is made for."""

BACKGROUNDS = (corridor_background, classroom_background, yard_background)


def chair(x: float, ground: float, size: float, faces_right: bool, colour: Colour) -> np.ndarray:
    """A chair whose seat middle is at `x`, for a person `size` pixels tall; a transparent sheet."""
    sheet = Sheet(4)
    ahead = 1 if faces_right else -1
    seat, half, leg = ground - SEAT * size, 0.105 * size, 0.014 * size
    dark = darker(colour, 0.6)
    back = x - ahead * half
    for foot in (back, x + ahead * half):
        sheet.box(foot - leg, seat, foot + leg, ground, dark)
    sheet.box(back - leg, seat - 0.3 * size, back + leg, seat, dark)
    sheet.box(back - 1.8 * leg, seat - 0.31 * size, back + 1.8 * leg, seat - 0.1 * size, colour)
    sheet.box(x - half - 2 * leg, seat - leg, x + half + 2 * leg, seat + 1.5 * leg, colour)
    return sheet.finished()


def bench(left: float, right: float, ground: float, size: float, colour: Colour) -> np.ndarray:
    """A bench with a back rest, for persons `size` pixels tall; a transparent sheet."""
    sheet = Sheet(4)
    seat, thick = ground - SEAT * size, 0.022 * size
    dark = darker(colour, 0.6)
    for x in (left + 0.06 * size, right - 0.06 * size):
        sheet.box(x - thick, seat - 0.26 * size, x + thick, ground, dark)
    for row in (0.28, 0.17):
        sheet.box(left, seat - row * size, right, seat - row * size + 2.6 * thick, colour)
    sheet.box(left, seat - thick / 2, right, seat + 1.6 * thick, colour)
    return sheet.finished()


def plant(x: float, ground: float, size: float) -> np.ndarray:
    """A plant in a pot, `size` pixels tall; a transparent sheet."""
    sheet = Sheet(4)
    top = ground - 0.33 * size
    half = 0.17 * size
    for angle in np.linspace(-1.2, 1.2, 7):
        tip = (x + np.sin(angle) * 0.42 * size, top - np.cos(angle) * 0.62 * size)
        aside = np.array([np.cos(angle), np.sin(angle)]) * 0.07 * size
        middle = (np.array([x, top]) + tip) / 2
        leaf = (80, 140 + int(18 * np.cos(angle * 5)), 70)
        sheet.polygon([(x, top), middle - aside, tip, middle + aside], leaf)
    pot = [(x - half, top), (x + half, top), (x + 0.7 * half, ground), (x - 0.7 * half, ground)]
    sheet.polygon(pot, (70, 105, 185))
    sheet.box(x - 1.15 * half, top - 2, x + 1.15 * half, top + 0.06 * size, (60, 90, 165))
    return sheet.finished()


def ball(x: float, y: float, radius: float, colour: Colour) -> np.ndarray:
    """A ball with a light spot; a transparent sheet."""
    sheet = Sheet(4)
    sheet.disc(x, y, radius, radius, darker(colour))
    sheet.disc(x, y, radius - 1, radius - 1, colour)
    sheet.disc(x - 0.3 * radius, y - 0.35 * radius, radius * 0.28, radius * 0.22, (245, 245, 250))
    return sheet.finished()


def shadow(background: np.ndarray, x: float, y: float, half_width: float) -> None:
    """Darken the floor under a person's feet, in place."""
    half_height = half_width * 0.22
    top, bottom = max(0, int(y - half_height)), min(background.shape[0], int(y + half_height) + 2)
    left, right = max(0, int(x - half_width)), min(background.shape[1], int(x + half_width) + 2)
    if top >= bottom or left >= right:
        return
    rows, columns = np.mgrid[top:bottom, left:right]
    far = ((columns - x) / half_width) ** 2 + ((rows - y) / half_height) ** 2
    keep = 1 - 0.28 * np.clip(1.4 * (1 - far), 0, 1)[..., None]
    patch = background[top:bottom, left:right]
    background[top:bottom, left:right] = np.round(patch * keep).astype(np.uint8)
