"""Boxes, numbers and actions of persons, drawn into images.

Four things can be known of a person, and each looks different, not by its colour alone: a thick
box has actions, a thin one was judged and does none of them, thick corners were not judged, thin
corners are a track of which nobody says anything. The colour is the person's.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from avaflow.errors import UserError
from avaflow.preview.colours import (
    DARK,
    LIGHT,
    NOBODYS_COLOUR,
    PERSON_COLOURS,
    SOFT,
    colour_index,
    text_on,
)
from avaflow.preview.sights import ACTS, FOLLOWED, IDLE, UNJUDGED, UNKNOWN, Sight

EDGE = DARK
"""Around every line, so that it is seen on any background."""

LINE_PX = {ACTS: 3, IDLE: 1, UNJUDGED: 4, FOLLOWED: 2}
"""Width of a line by what is known."""

BOXED = (ACTS, IDLE)
"""What has a whole box; the others have its corners."""

CORNER_SHARE = 0.25
"""Of a box's shorter side that each of its corners takes."""

LONGEST_LINE = 26
"""Characters of a line of text above a box."""

CAPTION_PX = 22
"""Height of the line below an image."""

WORDS = {IDLE: "no action", UNJUDGED: "not judged"}


class Painter:
    """Draws sights into images of one size or another.

    `names` are the names of actions by id, `font` is a font file, empty for DejaVu Sans.
    """

    def __init__(self, names: Mapping[int, str], font: str = "", font_px: int = 13):
        import supervision as sv

        self.font_path = font_file(font)
        self.names, self.undrawn = drawable_names(names, self.font_path)
        colours = [*PERSON_COLOURS, NOBODYS_COLOUR]
        self._palette = sv.ColorPalette.from_hex(colours)
        self._texts = sv.RichLabelAnnotator(
            color=self._palette,
            text_color=sv.ColorPalette.from_hex([text_on(colour) for colour in colours]),
            font_path=str(self.font_path),
            font_size=font_px,
            text_padding=3,
            smart_position=True,
            max_line_length=LONGEST_LINE,
        )

    def draw(self, image: np.ndarray, sights: Sequence[Sight]) -> np.ndarray:
        """An image (uint8, BGR) with sights drawn into it."""
        import supervision as sv

        height, width = image.shape[:2]
        # Lines are drawn around whole pixels: those of the last column have to be seen.
        scale = np.array([width - 1, height - 1] * 2)
        scene = np.ascontiguousarray(image).copy()
        for state in (FOLLOWED, UNJUDGED, IDLE, ACTS):
            chosen = [sight for sight in sights if sight.state == state]
            for sight in chosen:
                box_px = np.array([sight.box]) * scale
                detection = sv.Detections(xyxy=box_px)
                colour = np.array([colour_index(sight.person)])
                for annotator in self._lines(state, box_px[0]):
                    scene = annotator.annotate(scene, detection, colour)
        if sights:
            boxes_px = np.array([sight.box for sight in sights]) * scale
            scene = self._texts.annotate(
                scene,
                sv.Detections(xyxy=boxes_px),
                [self.text_of(sight) for sight in sights],
                np.array([colour_index(sight.person) for sight in sights]),
            )
        return scene

    def text_of(self, sight: Sight) -> str:
        """What is written above a box."""
        who = "?" if sight.person == UNKNOWN else str(sight.person)
        said = ", ".join(self.names[each] for each in sight.action_ids)
        return " ".join(filter(None, [who, said or WORDS.get(sight.state, "")]))

    def caption(self, width: int, left: str, right: str = "") -> np.ndarray:
        """A line of text as an image of this width, dark, to stand below another."""
        from PIL import Image, ImageDraw

        line = Image.new("RGB", (width, CAPTION_PX), DARK)
        draw = ImageDraw.Draw(line)
        middle = CAPTION_PX // 2
        draw.text((6, middle), left, LIGHT, font=self._caption_font, anchor="lm")
        draw.text((width - 6, middle), right, SOFT, font=self._caption_font, anchor="rm")
        return np.array(line)[:, :, ::-1]

    @cached_property
    def _caption_font(self) -> Any:
        from PIL import ImageFont

        return ImageFont.truetype(str(self.font_path), 13)

    def _lines(self, state: str, box_px: np.ndarray) -> list[Any]:
        """What draws a box of this state: its dark edge, then its line."""
        import supervision as sv

        thick = LINE_PX[state]
        edge = sv.ColorPalette.from_hex([EDGE])
        colours = [(edge, thick + 2), (self._palette, thick)]
        if state in BOXED:
            return [sv.BoxAnnotator(color=colour, thickness=px) for colour, px in colours]
        side = min(box_px[2] - box_px[0], box_px[3] - box_px[1])
        length = max(4, round(CORNER_SHARE * side))
        return [
            sv.BoxCornerAnnotator(color=colour, thickness=px, corner_length=length)
            for colour, px in colours
        ]


# ---------------------------------------------------------------- fonts


def font_file(configured: str) -> Path:
    """The font to write with: the user's, or DejaVu Sans, which comes with matplotlib."""
    if not configured:
        import matplotlib

        return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    from PIL import ImageFont

    try:
        ImageFont.truetype(configured, 12)
    except OSError as error:
        raise UserError(
            f"config: preview.font: {configured}: expected a font file (.ttf, .otf or .ttc), and "
            f"it cannot be opened ({error}). Correct the path, or leave it empty for DejaVu Sans."
        ) from None
    return Path(configured)


def drawable_names(names: Mapping[int, str], font: Path) -> tuple[dict[int, str], list[str]]:
    """Names of actions as a font can write them, and those that it cannot.

    A name with a letter that the font lacks would come out as empty boxes, the same for every
    such name: its id stands for it, `action 3`.
    """
    from matplotlib.ft2font import FT2Font

    face = FT2Font(str(font))
    shown, undrawn = {}, []
    for number, name in names.items():
        whole = all(face.get_char_index(ord(letter)) for letter in name if letter.isprintable())
        if whole and name.isprintable() and (_orders_letters() or not _needs_order(name)):
            shown[number] = name
        else:
            shown[number] = f"action {number}"
            undrawn.append(name)
    return shown, undrawn


def _needs_order(name: str) -> bool:
    """Whether a name is written from right to left, or of letters that join."""
    return any(unicodedata.bidirectional(letter) in ("R", "AL", "NSM") for letter in name)


def _orders_letters() -> bool:
    """Whether Pillow can put letters in such order here."""
    from PIL import features

    return bool(features.check("raqm") and features.check("fribidi"))
