"""Persons with their actions as bars, drawn into images of any size.

A thick box is somebody of whom something is said, a thin one somebody of whom nothing is sure
enough, thin corners are a track of which nothing is said at this time, and a box of dashes is
somebody whom the model misses. Beside truth each bar says in a word whether it is right, false or
missed, has a colour that the colour-blind tell apart, and a shape: full, striped, or an outline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from avaflow.prediction.scene import FALSE, MISSED, PREDICTED, RIGHT, TRUE, Said, Shown
from avaflow.preview.colours import DARK, LIGHT, SOFT, colour_of, text_on
from avaflow.preview.drawing import drawable_names, font_file
from avaflow.preview.sights import ACTS, FOLLOWED, UNKNOWN

LEAST_HEIGHT = 360
"""Pixels of a drawn image's height: smaller videos are enlarged, or no text would be legible."""

TEXT_SHARE = 26
"""Lines of text that would fill an image: 14 pixels of 360, 41 of 1080."""

MOST_BARS = 5
"""Bars of one person: more would hide the others; the table and the page have all."""

LONGEST_NAME = 22
"""Letters of an action's name; longer ones are cut."""

WORD_COLOURS = {RIGHT: "#2fc79a", FALSE: "#f0a060", MISSED: "#56b4e9", TRUE: "#a5aebb"}
"""Green, orange and blue of Okabe and Ito, light on dark: told apart by the colour-blind too."""

CORNER_SHARE = 0.25
"""Of a box's shorter side that each of its corners takes."""

HIDDEN_WORDS = 1000
"""Pixels of persons that may rather be hidden than one of other words."""

AWAY = 6
"""Lines of text of persons that may rather be hidden than words be a pixel from their box."""

KEPT_PANELS = 512
"""Panels of text kept as images: what is said changes once a second."""

SHADE = 0.8
"""Share of dark behind text; the image shines through."""


class Place(NamedTuple):
    """Where something is drawn: left, top, right, bottom, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: Place) -> int:
        """Pixels that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, wide) * max(0, high)

    def gap(self, other: Place) -> int:
        """Pixels between both, across and down."""
        across = max(self.left, other.left) - min(self.right, other.right)
        down = max(self.top, other.top) - min(self.bottom, other.bottom)
        return max(0, across) + max(0, down)


def drawn_size(width: int, height: int, most_width: int) -> tuple[int, int]:
    """Width and height of the drawn image of a video, even, without the line below it.

    >>> drawn_size(426, 240, 1920), drawn_size(3840, 2160, 1920), drawn_size(640, 360, 1920)
    ((640, 360), (1920, 1080), (640, 360))
    """
    scale = min(1.0, most_width / width)
    scale = max(scale, LEAST_HEIGHT / height)
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


class ScenePainter:
    """Draws what :class:`avaflow.prediction.scene.Scene` gives into images of one height.

    `names` are those of actions by id, `font` is a font file, empty for DejaVu Sans.
    """

    def __init__(self, names: Mapping[int, str], height: int, font: str = ""):
        from PIL import ImageFont

        path = font_file(font)
        self.names, self.undrawn = drawable_names(names, path)
        self.font_px = max(12, round(height / TEXT_SHARE))
        self.line_px = max(1, round(height / 360))
        self.font = ImageFont.truetype(str(path), self.font_px)
        self.small = ImageFont.truetype(str(path), max(11, round(self.font_px * 0.85)))
        self.row_px = round(self.font_px * 1.6)
        self.caption_px = 2 * round(self.font_px * 0.9)
        self.panel = lru_cache(KEPT_PANELS)(self._panel)

    # ---------------------------------------------------------------- images

    def draw(self, image: np.ndarray, shown: Sequence[Shown]) -> np.ndarray:
        """An image (uint8, BGR) with everybody drawn into it."""
        scene = np.ascontiguousarray(image).copy()
        for one in shown:
            self._outline(scene, one)
        boxes = [self._box_px(scene, one) for one in shown]
        placed: list[Place] = []
        # Who is in front, lower in the image, has the first choice of a place.
        order = sorted(range(len(shown)), key=lambda at: -boxes[at].bottom)
        for at in order:
            one = shown[at]
            panel = self.panel(one.sight.person, one.sight.state, one.said, one.missed)
            place = self._free_place(scene, panel, boxes[at], placed, boxes)
            placed.append(place)
            self._leader(scene, one.sight.person, boxes[at], place)
            _blend(scene, panel, place)
        return scene

    def caption(self, width: int, left: str, right: str) -> np.ndarray:
        """A line of text as an image of this width, dark, to stand below another."""
        from PIL import Image, ImageDraw

        line = Image.new("RGB", (width, self.caption_px), DARK)
        draw = ImageDraw.Draw(line)
        middle, edge = self.caption_px // 2, self.font_px // 2
        room = width - 3 * edge - draw.textlength(right, font=self.small)
        while left and draw.textlength(left, font=self.small) > room:
            left = left[:-2].rstrip("…") + "…" if len(left) > 2 else ""
        draw.text((edge, middle), left, LIGHT, font=self.small, anchor="lm")
        draw.text((width - edge, middle), right, SOFT, font=self.small, anchor="rm")
        return np.array(line)[:, :, ::-1]

    # ---------------------------------------------------------------- boxes

    def _box_px(self, scene: np.ndarray, one: Shown) -> Place:
        height, width = scene.shape[:2]
        x1, y1, x2, y2 = one.sight.box
        # Lines are drawn around whole pixels: those of the last column have to be seen.
        right, bottom = width - 1, height - 1
        return Place(round(x1 * right), round(y1 * bottom), round(x2 * right), round(y2 * bottom))

    def _outline(self, scene: np.ndarray, one: Shown) -> None:
        import supervision as sv

        place = self._box_px(scene, one)
        detection = sv.Detections(xyxy=np.array([place], float))
        index = np.array([0])
        thick = self.line_px * (3 if one.sight.state == ACTS else 1)
        for hexa, px in ((DARK, thick + 2 * self.line_px), (colour_of(one.sight.person), thick)):
            colour = sv.ColorPalette.from_hex([hexa])
            annotator: Any
            if one.missed:
                _dashes(scene, place, sv.Color.from_hex(hexa).as_bgr(), px, 6 * self.line_px)
                continue
            if one.sight.state == FOLLOWED:
                side = min(place.right - place.left, place.bottom - place.top)
                length = max(4, round(CORNER_SHARE * side))
                annotator = sv.BoxCornerAnnotator(color=colour, thickness=px, corner_length=length)
            else:
                annotator = sv.BoxAnnotator(color=colour, thickness=px)
            annotator.annotate(scene, detection, index)

    # ---------------------------------------------------------------- text

    def _panel(self, person: int, state: str, said: tuple[Said, ...], missed: bool) -> np.ndarray:
        """A person's number and bars, (height, width, 4): BGR, and how much it hides."""
        from PIL import Image, ImageDraw

        pad = max(3, round(self.font_px * 0.3))
        rows = list(said[:MOST_BARS])
        more = len(said) - len(rows)
        who = "?" if person == UNKNOWN else str(person)
        head = f"{who} not found" if missed else who
        names = [_short(self.names.get(one.action_id, f"action {one.action_id}")) for one in rows]
        values = [_value(one) for one in rows]
        wide = max((self._wide(name) for name in names), default=0)
        valued = max((self._wide(value, small=True) for value in values), default=0)
        width = max(
            self._wide(head) + 2 * pad, wide + valued + (4 * pad if rows else 0), self.font_px * 2
        )
        head_px = round(self.font_px * 1.35)
        height = head_px + self.row_px * len(rows) + (self.row_px if more else 0)
        made = Image.new("RGB", (width, height), DARK)
        hides = np.full((height, width), SHADE, np.float32)
        draw = ImageDraw.Draw(made)
        colour = colour_of(person)
        wide_head = self._wide(head) + 2 * pad
        draw.rectangle((0, 0, wide_head - 1, head_px - 1), fill=colour)
        hides[:head_px] = 0
        hides[:head_px, :wide_head] = 1
        draw.text((pad, head_px // 2), head, text_on(colour), font=self.font, anchor="lm")
        for at, (one, name, value) in enumerate(zip(rows, names, values, strict=True)):
            top = head_px + at * self.row_px
            middle = top + round(self.font_px * 0.68)
            draw.text((pad, middle), name, LIGHT, font=self.font, anchor="lm")
            fill = WORD_COLOURS.get(one.mark, LIGHT)
            draw.text((width - pad, middle), value, fill, font=self.small, anchor="rm")
            self._bar(draw, one, (pad, top + self.row_px - max(3, pad), width - pad), colour)
        if more:
            text = f"and {more} more"
            middle = head_px + len(rows) * self.row_px + self.row_px // 2
            draw.text((pad, middle), text, SOFT, font=self.small, anchor="lm")
        strong = np.array(made).max(axis=2) > 60
        hides[head_px:][strong[head_px:]] = 1
        return np.dstack([np.array(made)[:, :, ::-1], (hides * 255).astype(np.uint8)])

    def _bar(self, draw: Any, one: Said, where: tuple[int, int, int], colour: str) -> None:
        """A bar: full, or by its mark striped or an outline; an empty one shows the whole."""
        left, top, right = where
        thick = max(2, round(self.font_px * 0.18))
        share = 1.0 if one.score is None else one.score
        end = left + round((right - left) * share)
        fill = WORD_COLOURS.get(one.mark, colour)
        draw.rectangle((left, top, right, top + thick), fill="#3a434e")
        if one.mark == MISSED:
            draw.rectangle((left, top, right, top + thick), fill=DARK, outline=fill)
        elif one.mark == FALSE:
            step = 2 * thick
            for x in range(left, max(left + 1, end), step):
                draw.rectangle((x, top, min(end, x + thick), top + thick), fill=fill)
        else:
            draw.rectangle((left, top, max(left, end), top + thick), fill=fill)

    def _wide(self, text: str, small: bool = False) -> int:
        font = self.small if small else self.font
        return int(np.ceil(font.getlength(text)))

    # ---------------------------------------------------------------- places

    def _free_place(
        self,
        scene: np.ndarray,
        panel: np.ndarray,
        box: Place,
        placed: Sequence[Place],
        boxes: Sequence[Place],
    ) -> Place:
        """Where a panel hides least: above its box, beside it, below it, or in it; in a crowd
        anywhere near."""
        height, width = panel.shape[:2]
        room = max(0, scene.shape[1] - width), max(0, scene.shape[0] - height)

        def best(corners: Sequence[tuple[int, int]]) -> tuple[int, Place]:
            found = []
            for rank, (x, y) in enumerate(corners):
                left, top = min(max(0, x), room[0]), min(max(0, y), room[1])
                place = Place(left, top, left + width, top + height)
                # Other words hidden are worse than persons hidden; away from the own box nobody
                # knows whose words these are.
                cost = HIDDEN_WORDS * sum(place.overlap(other) for other in placed)
                cost += sum(place.overlap(other) for other in boxes)
                cost += rank + (abs(left - x) + abs(top - y)) * self.font_px
                cost += place.gap(box) * AWAY * self.font_px
                found.append((cost, place))
            return min(found)

        beside = [
            (box.left, box.top - height),
            (box.right - width, box.top - height),
            (box.right, box.top),
            (box.left - width, box.top),
            (box.left, box.bottom),
            (box.left, box.top),
            (box.left, box.bottom - height),
        ]
        cost, place = best(beside)
        if cost < HIDDEN_WORDS:
            return place
        step = max(1, height // 3)
        rows = range(box.top - 3 * height, box.bottom + 2 * height, step)
        columns = range(box.left - 2 * width, box.right + width, max(1, width // 3))
        return min((cost, place), best([(x, y) for y in rows for x in columns]))[1]

    def _leader(self, scene: np.ndarray, person: int, box: Place, place: Place) -> None:
        """A line from a box to words that found no room beside it."""
        if place.gap(box) <= self.line_px * 4:
            return
        import cv2
        import supervision as sv

        begin = (
            min(max(place.left + self.font_px // 2, box.left), box.right),
            box.bottom if place.top > box.top else box.top,
        )
        end = (
            min(max(begin[0], place.left), place.right - 1),
            place.top if place.top > box.top else place.bottom,
        )
        for hexa, px in ((DARK, 3 * self.line_px), (colour_of(person), self.line_px)):
            cv2.line(scene, begin, end, sv.Color.from_hex(hexa).as_bgr(), px)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _value(one: Said) -> str:
    """What stands at the end of a bar: the score, and in a word how it compares."""
    score = "" if one.score is None else f"{one.score:.2f}"
    word = one.mark if one.mark not in (PREDICTED, TRUE) else ""
    return " ".join(filter(None, [score, word]))


def _blend(scene: np.ndarray, panel: np.ndarray, place: Place) -> None:
    """Lay a panel over an image; what would stand outside is cut."""
    target = scene[place.top : place.bottom, place.left : place.right]
    part = panel[: target.shape[0], : target.shape[1]]
    hides = part[:, :, 3:].astype(np.float32) / 255
    target[:] = (part[:, :, :3] * hides + target * (1 - hides)).astype(np.uint8)


def _dashes(scene: np.ndarray, place: Place, colour: tuple, px: int, dash: int) -> None:
    import cv2

    sides = [
        ((place.left, place.top), (place.right, place.top)),
        ((place.right, place.top), (place.right, place.bottom)),
        ((place.left, place.bottom), (place.right, place.bottom)),
        ((place.left, place.top), (place.left, place.bottom)),
    ]
    for begin, end in sides:
        length = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]))
        for at in range(0, length, 2 * dash):
            to = min(length, at + dash)
            horizontal = begin[1] == end[1]
            one = (begin[0] + at, begin[1]) if horizontal else (begin[0], begin[1] + at)
            other = (begin[0] + to, begin[1]) if horizontal else (begin[0], begin[1] + to)
            cv2.line(scene, one, other, colour, px)


def legend(marks: bool, least: float) -> str:
    """What the line below an image says of bars."""
    told = f"actions from {least:g}"
    return f"{told}: right, false, missed" if marks else told
