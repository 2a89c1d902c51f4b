"""The colours of persons, the same on sheets, in videos and in the gallery."""

from avaflow.preview.sights import UNKNOWN

PERSON_COLOURS = ("#56b4e9", "#e69f00", "#f0e442", "#cc79a7", "#009e73", "#d55e00", "#0072b2")
"""Those of the page to annotate on (`colours.js`), in turn by person number."""

NOBODYS_COLOUR = "#c8ccd2"
"""Of a person without a number."""

DARK, LIGHT, SOFT = "#10141a", "#ffffff", "#a5aebb"
"""Of text and what is around it; the last for what matters less."""

DARK_TEXT_ABOVE = 0.18
"""Relative luminance, by WCAG's formula, above which dark text has the greater contrast."""


def colour_index(person: int) -> int:
    """The place of a person's colour among the persons' and, behind them, nobody's."""
    count = len(PERSON_COLOURS)
    return count if person == UNKNOWN else (person - 1) % count


def colour_of(person: int) -> str:
    """A person's colour, the same wherever the person is shown.

    >>> colour_of(1), colour_of(8), colour_of(0)
    ('#56b4e9', '#56b4e9', '#c8ccd2')
    """
    return (*PERSON_COLOURS, NOBODYS_COLOUR)[colour_index(person)]


def text_on(colour: str) -> str:
    """The colour of text that is read best on another."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return DARK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > DARK_TEXT_ABOVE else LIGHT
