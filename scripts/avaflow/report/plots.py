"""The drawings of the report page: SVG with real text, which a page takes up as it is.

Nothing tells by colour alone: bars carry their numbers, groups their names. The colours are those
of Okabe and Ito, which colour-blind people tell apart. Lines and letters take the colour of the
text around them, and the ground is left out, so that a drawing fits a light page and a dark one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any, NamedTuple

import matplotlib
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from avaflow.report.numbers import BINS, MANY_BOXES

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
COLOURS = {"train": BLUE, "val": ORANGE, "test": GREEN}

INK = "#010203"
"""Stands for the colour of the text around a drawing, which only the page knows."""

TEXT_SIZE = 9
"""Size of letters, in the units in which a drawing is :data:`WIDTH` wide."""

WIDTH = 330
"""Width of every drawing in those units: it fills a telephone's screen, where letters come out at
their size, and three stand side by side on a laptop's."""

UNITS_PER_INCH = 72

LETTER = 0.56 * TEXT_SIZE
"""Width of a letter, in units: on the safe side for most writing."""

LABEL_LETTERS = 26
"""Longer names are cut in drawings; the table beside has them whole."""

MOST_TOGETHER = 12
"""Actions in the drawing of what occurs together: more make fields too small for a number."""

LENGTH_BARS = 12
"""Bars at most in the histogram of how long persons are followed."""


class Drawing(NamedTuple):
    """An SVG element, and what it shows in words, for those who do not see it."""

    svg: Markup
    words: str


def shortened(name: str, most: int = LABEL_LETTERS) -> str:
    """A name that fits beside a bar.

    >>> shortened("carry something heavy up the stairs", 12)
    'carry somet…'
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"


# ------------------------------------------------------------- drawings


def actions_of_split(split: str, ticks: pd.Series, names: Mapping[int, str]) -> Drawing:
    """A bar an action with its number of ticks in a split; `ticks` are by the actions' ids."""
    values = dict(zip((names[a] for a in ticks.index), ticks.tolist(), strict=True))
    told = [short_number(count) for count in values.values()]
    words = f"Ticks per action in {split}"
    return level_bars(f"actions-{split}", values, told, words, COLOURS[split])


def actions_together(matrix: pd.DataFrame, names: Mapping[int, str]) -> Drawing:
    """A field for each two actions with the number of persons that have both; the fuller, the
    more. Of many actions those that are ticked most."""
    counts: dict[tuple[int, int], int] = {
        (a, b): int(count)
        for a, row in zip(matrix.index, matrix.to_numpy(), strict=True)
        for b, count in zip(matrix.index, row, strict=True)
    }
    order = sorted(matrix.index, key=lambda action: (-counts[action, action], action))
    shown = sorted(order[:MOST_TOGETHER])
    labels = [shortened(names[action], 18) for action in shown]
    left, overhang = _room(labels), 0.6 * _room(labels[-1:])
    side = min(24, (WIDTH - left - overhang) / max(len(shown), 1))
    top = 0.75 * left + 6
    most = max((counts[a, b] for a in shown for b in shown if a != b), default=0)
    height = top + side * len(shown) + 6
    words = "How often one person has two actions at once: " + "; ".join(
        f"{names[a]} and {names[b]} {counts[a, b]}"
        for place, a in enumerate(shown)
        for b in shown[place + 1 :]
        if counts[a, b]
    )
    with _figure(WIDTH, height) as (figure, finish):
        axes = _axes(figure, left, top, side * len(shown), side * len(shown))
        axes.set(xlim=(0, len(shown)), ylim=(len(shown), 0))
        for row, a in enumerate(shown):
            for column, b in enumerate(shown):
                count = counts[a, b]
                fill = 0.08 + 0.6 * count / most if count and a != b else 0.0
                corner = (column + 0.03, row + 0.03)
                axes.add_patch(Rectangle(corner, 0.94, 0.94, fc=BLUE, alpha=fill, lw=0))
                # What an action has with itself is how often it is ticked: told, but no pair.
                weight = "bold" if a == b else "normal"
                number = f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k"
                size = TEXT_SIZE if LETTER * len(number) < side - 4 else TEXT_SIZE - 3
                if count:
                    how = {"ha": "center", "va": "center", "weight": weight, "size": size}
                    _text(axes, column + 0.5, row + 0.55, number, **how)
        for place, label in enumerate(labels):
            _text(axes, -0.2, place + 0.55, label, ha="right", va="center")
            _text(axes, place + 0.4, -0.15, label, ha="left", va="bottom", rotation=45)
        axes.axis("off")
        return finish("together", f"{words}.")


def boxes_per_keyframe(counts: Mapping[int, int]) -> Drawing:
    """Keyframes by the number of persons on them."""
    most = max(counts, default=0)
    bars = {
        f"{number}+" if number == MANY_BOXES else str(number): counts.get(number, 0)
        for number in range(most + 1)
    }
    words = "Keyframes by the number of persons on them"
    return histogram("boxes", bars, "persons on a keyframe", "keyframes", words)


def over_one(name: str, counts: Mapping[int, int], across: str, up: str, words: str) -> Drawing:
    """A histogram over 0..1, of what :func:`avaflow.report.numbers.binned` counted."""
    bars = {f"{place / BINS:.2f}": counts.get(place, 0) for place in range(BINS)}
    return histogram(name, bars, across, up, words, every=4)


def lengths(seconds: pd.Series) -> Drawing:
    """Persons by how long they are followed."""
    longest = float(seconds.max()) if len(seconds) else 0.0
    width = next(
        step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 1e9) if longest / step < LENGTH_BARS
    )
    places = (seconds // width).astype(int).value_counts()
    bars = {
        f"{place * width:g}": int(places.get(place, 0))
        for place in range(int(longest // width) + 1)
    }
    across = f"seconds from first to last box, by {width:g}"
    return histogram("lengths", bars, across, "persons", "Persons by how long they are followed")


def gaps(numbers: pd.Series) -> Drawing:
    """Persons by how often they were lost and found again."""
    counts = numbers.clip(upper=5).value_counts()
    bars = {f"{n}+" if n == 5 else str(n): int(counts.get(n, 0)) for n in range(6)}
    words = "Persons by how often they are lost and found again"
    return histogram("gaps", bars, "times lost and found again", "persons", words)


def histogram(
    name: str, bars: Mapping[str, int], across: str, up: str, words: str, every: int = 1
) -> Drawing:
    """Upright bars, each with its number; of the names below every so many-th is written."""
    told = "; ".join(f"{label}: {count}" for label, count in bars.items() if count)
    with _figure(WIDTH, 156) as (figure, finish):
        axes = _axes(figure, 10, 16, WIDTH - 20, 100)
        places = range(len(bars))
        axes.axhline(0, color=INK, linewidth=1, clip_on=False)
        axes.bar(places, list(bars.values()), width=0.92, color=BLUE)
        axes.set_xlim(-0.6, len(bars) - 0.4)
        most = max(bars.values(), default=0) or 1
        axes.set_ylim(0, most)
        roomy = (WIDTH - 20) / max(len(bars), 1)
        for place, count in zip(places, bars.values(), strict=True):
            number = short_number(count)
            # Where numbers would run into each other, the highest bar says what it stands for.
            if count and (count == most or roomy > LETTER * len(number)):
                size = TEXT_SIZE if roomy > LETTER * len(number) + 3 else TEXT_SIZE - 2
                _text(axes, place, count, number, ha="center", va="bottom", size=size)
        for place, label in list(enumerate(bars))[::every]:
            below = -0.03 * most
            left = place - 0.5 if every > 1 else place
            _text(axes, left, below, label, ha="center", va="top")
        _text(axes, 0.5, -0.28, f"{across} ({up} above)", transform=axes.transAxes, ha="center")
        axes.axis("off")
        return finish(name, f"{words}. {told}." if told else f"{words}: none.")


def level_bars(
    name: str, values: Mapping[str, float], told: Sequence[str], words: str, colour: str = BLUE
) -> Drawing:
    """Lying bars from the top down, with their names before and `told` behind them."""
    labels = [shortened(label) for label in values]
    height = 10 + 15 * len(labels)
    left, right = _room(labels), _room(told) + 4
    listed = "; ".join(f"{key} {text}" for key, text in zip(values, told, strict=True))
    with _figure(WIDTH, height) as (figure, finish):
        axes = _axes(figure, left, 4, WIDTH - left - right, height - 8)
        numbers = list(values.values())
        axes.barh(range(len(numbers)), numbers, height=0.76, color=colour)
        most = max(numbers, default=0) or 1
        axes.set(ylim=(len(numbers) - 0.4, -0.6), xlim=(0, most))
        for place, (label, number) in enumerate(zip(labels, numbers, strict=True)):
            _text(axes, -0.02 * most, place, label, ha="right", va="center_baseline")
            _text(axes, number + 0.02 * most, place, told[place], va="center_baseline")
        axes.axis("off")
        return finish(name, f"{words}. {listed}.")


# ------------------------------------------------------------- parts of drawings


Finish = Callable[[str, str], Drawing]


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, Finish]]:
    """A figure of a size in units, and what makes a drawing of it, by its name on the page."""
    settings: Any = {
        "svg.fonttype": "none",  # letters stay letters: found by search, read aloud, in any font
        "font.family": "sans-serif",
        "font.size": TEXT_SIZE,
        "text.color": INK,
        "axes.edgecolor": INK,
        "text.parse_math": False,  # a dollar in an action's name is a dollar
        "path.simplify": False,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The page's own fonts draw the letters, whatever matplotlib has.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width / UNITS_PER_INCH, height / UNITS_PER_INCH))

        def finish(name: str, words: str) -> Drawing:
            # Names of parts inside a page's drawings must differ, and be the same at each run.
            with matplotlib.rc_context({"svg.hashsalt": name}):
                text = StringIO()
                nothing = dict.fromkeys(["Creator", "Date", "Format", "Type"])
                figure.savefig(text, format="svg", transparent=True, metadata=nothing)
            return Drawing(_inline(text.getvalue(), words), words)

        yield figure, finish


def _inline(svg: str, words: str) -> Markup:
    """A drawing as a page takes it up: without head, sizes and rules for the whole page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    # Nobody refers to these, and on a page names are to be had once.
    svg = re.sub(r' id="[a-z0-9]+(_[0-9]+)+"|<defs>\s*</defs>', "", svg)
    svg = re.sub(r"font-family: [^;\"]*; ", "", svg).replace(INK, "currentColor")
    head, rest = svg.split(">", 1)
    view = re.search(r'viewBox="[^"]+"', head)
    assert view is not None  # matplotlib always writes it
    label = escape(words)
    return Markup(f'<svg {view[0]} role="img" aria-label="{label}">{rest.strip()}')


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in units, counted from the upper left corner."""
    whole_width, whole_height = figure.get_size_inches() * UNITS_PER_INCH
    below = whole_height - top - height
    place = (left / whole_width, below / whole_height, width / whole_width, height / whole_height)
    axes = figure.add_axes(place)
    axes.patch.set_visible(False)
    return axes


def _text(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    axes.text(x, y, text, **how)


def _room(labels: Sequence[str]) -> float:
    """Units that the longest of these names needs."""
    return 8 + LETTER * max(map(len, labels), default=0)


def short_number(value: float) -> str:
    """A number of few letters.

    >>> short_number(950), short_number(12_340), short_number(2_000_000)
    ('950', '12.3k', '2M')
    """
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / min(size, 1e3 if letter == 'k' else size):.3g}{letter}"
    return f"{value:,.0f}"
