"""What is drawn of a person: colours, kinds of lines, names that a font can write."""

import re
import shutil

import cv2
import numpy as np
import pytest

from avaflow.annotation.page_files import PAGE_ASSETS
from avaflow.errors import UserError
from avaflow.preview.colours import (
    NOBODYS_COLOUR,
    PERSON_COLOURS,
    colour_index,
    colour_of,
    text_on,
)
from avaflow.preview.drawing import Painter, drawable_names, font_file
from avaflow.preview.sights import ACTS, FOLLOWED, IDLE, UNJUDGED, Sight
from preview_clips import NAMES

BOX = (0.25, 0.4, 0.5, 0.8)
WIDTH, HEIGHT = 401, 301


@pytest.fixture(scope="module")
def painter():
    return Painter(NAMES)


def bgr(colour):
    return tuple(int(colour[at : at + 2], 16) for at in (5, 3, 1))


def drawn(painter, *sights):
    return painter.draw(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), sights)


def share_of(image, colour):
    """The share of pixels along the box's lower edge that have a colour."""
    row = image[round(BOX[3] * (HEIGHT - 1)), round(BOX[0] * 400) : round(BOX[2] * 400) + 1]
    return float((row == bgr(colour)).all(axis=1).mean())


def test_colours_are_those_of_the_page_to_annotate_on():
    text = (PAGE_ASSETS / "colours.js").read_text()
    theirs = re.findall(r"'(#\w+)'", text[text.index("PERSONS = [") : text.index("];")])
    assert list(PERSON_COLOURS) == theirs
    # person 1 has the first there: (id - 1) mod 7
    assert [colour_of(n) for n in (1, 7, 8, 0)] == [theirs[0], theirs[6], theirs[0], NOBODYS_COLOUR]


def test_text_on_every_colour_is_read():
    def luminance(colour):
        parts = [v / 255 for v in bgr(colour)[::-1]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (*PERSON_COLOURS, NOBODYS_COLOUR):
        low, high = sorted([luminance(colour), luminance(text_on(colour))])
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour


@pytest.mark.parametrize("person", [1, 2, 7, 8, 0])
def test_a_box_lies_where_it_is_in_the_persons_colour(painter, person):
    image = drawn(painter, Sight(person, BOX, ACTS, (1,)))
    assert share_of(image, colour_of(person)) == 1.0
    x = round(BOX[0] * 400)
    column = image[150:220, x]
    assert (column == bgr(colour_of(person))).all()
    # Inside nothing is drawn.
    assert (image[150:220, x + 6 : x + 60] == 128).all()


def test_what_is_known_of_a_person_is_seen_without_colours(painter):
    images = {
        state: drawn(painter, Sight(3, BOX, state, (1,) if state == ACTS else ()))
        for state in (ACTS, IDLE, UNJUDGED, FOLLOWED)
    }
    whole = {state: share_of(image, colour_of(3)) for state, image in images.items()}
    assert whole[ACTS] == whole[IDLE] == 1.0
    assert 0.2 < whole[UNJUDGED] < 0.8 and 0.2 < whole[FOLLOWED] < 0.8
    middle = round((BOX[0] + BOX[2]) / 2 * 400)
    edge = round(BOX[3] * (HEIGHT - 1))
    thick = {
        state: int((image[edge - 5 : edge + 6, middle] == bgr(colour_of(3))).all(axis=1).sum())
        for state, image in images.items()
    }
    assert (thick[IDLE], thick[UNJUDGED], thick[FOLLOWED]) == (1, 0, 0) and thick[ACTS] >= 3


def test_texts_say_who_and_what(painter):
    said = [
        painter.text_of(sight)
        for sight in (
            Sight(1, BOX, ACTS, (1, 2)),
            Sight(2, BOX, IDLE),
            Sight(3, BOX, UNJUDGED),
            Sight(4, BOX, FOLLOWED),
            Sight(0, BOX, UNJUDGED),
        )
    ]
    assert said == ["1 walk, raise hand", "2 no action", "3 not judged", "4", "? not judged"]


def test_names_in_other_letters_are_written_or_stand_by_their_ids():
    names = {1: "идти", 2: "跑步", 3: "τρέχω", 4: "run 跑", 5: "sit", 6: "wink 🫠", 7: "يمشي"}
    font = font_file("")
    shown, undrawn = drawable_names(names, font)
    assert shown == names | {2: "action 2", 4: "action 4", 6: "action 6"}
    assert undrawn == ["跑步", "run 跑", "wink 🫠"]
    painter = Painter(names)
    assert painter.text_of(Sight(1, BOX, ACTS, (1, 2, 4))) == "1 идти, action 2, action 4"
    # Two names that no font here writes still look different.
    one, other = (drawn(painter, Sight(1, BOX, ACTS, (n,))) for n in (2, 4))
    assert (one != other).any()
    written, latin = (drawn(painter, Sight(1, BOX, ACTS, (n,))) for n in (1, 5))
    assert (written != latin).any()


def test_letters_that_join_need_what_orders_them(monkeypatch):
    monkeypatch.setattr("avaflow.preview.drawing._orders_letters", lambda: False)
    shown, undrawn = drawable_names({1: "يمشي", 2: "идти"}, font_file(""))
    assert shown == {1: "action 1", 2: "идти"} and undrawn == ["يمشي"]


def test_a_font_of_the_users_is_taken_and_another_file_is_told(tmp_path):
    own = tmp_path / "own.ttf"
    shutil.copy(font_file(""), own)
    assert Painter(NAMES, str(own)).font_path == own
    wrong = tmp_path / "wrong.ttf"
    wrong.write_text("no font")
    with pytest.raises(UserError, match="preview.font: .*wrong.ttf: expected a font file"):
        Painter(NAMES, str(wrong))


def test_texts_of_a_crowd_stay_in_the_image(painter):
    edges = [(0.0, 0.0, 0.1, 0.2), (0.9, 0.0, 1.0, 0.2), (0.0, 0.8, 0.1, 1.0), (0.9, 0.8, 1.0, 1.0)]
    for box in edges:
        image = drawn(painter, Sight(1, box, ACTS, (1, 2)))
        colour = (image == bgr(colour_of(1))).all(axis=2)
        # The text's ground: as many pixels as in the middle of the image, wherever it is.
        middle = drawn(painter, Sight(1, (0.4, 0.4, 0.5, 0.6), ACTS, (1, 2)))
        usual = (middle == bgr(colour_of(1))).all(axis=2).sum()
        assert colour.sum() > 0.75 * usual


def test_an_image_without_persons_is_as_it_was(painter):
    image = cv2.randu(np.zeros((20, 30, 3), np.uint8), 0, 255)
    assert (painter.draw(image, []) == image).all()


def test_the_index_of_a_colour_is_its_place():
    assert [colour_index(n) for n in (1, 2, 7, 8, 15, 0)] == [0, 1, 6, 0, 0, 7]
