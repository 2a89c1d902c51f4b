"""How far annotators agree: textbook examples worked out by hand, and persons told by boxes."""

import pandas as pd
import pytest

from avaflow.annotation.page.agreement import (
    Compared,
    Sight,
    cohens_kappa,
    krippendorffs_alpha,
    matched,
    measures,
    persons_shown,
    questions_of,
)
from avaflow.annotation.page.agreement_table import (
    ALL_CLIPS,
    MEASURES,
    Measure,
    agreement_rows,
    read_agreement,
)
from avaflow.errors import UserError
from avaflow.project.actions import attributes_from_config
from avaflow.tables import table_of, write_table

ATTRIBUTES = attributes_from_config(
    [
        {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
        {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
    ]
)
TALK, BOW, STAND, SIT, WALK = 1, 2, 3, 4, 5
LEFT, RIGHT = (0.1, 0.2, 0.3, 0.8), (0.6, 0.2, 0.8, 0.8)


def sight(second, person, box, *actions, judged=True):
    return Sight(second, person, box, judged, frozenset(actions))


def test_kappa_of_the_textbook():
    """Fifty proposals by two readers: both yes 20, both no 15, the first alone 5, the other 10.

    They agree on 35 of 50: 0.7. The first says yes to 25, the other to 30, so that chance gives
    0.5 * 0.6 + 0.5 * 0.4 = 0.5. Kappa is (0.7 - 0.5) / (1 - 0.5) = 0.4.
    """
    pairs = [(1, 1)] * 20 + [(0, 0)] * 15 + [(1, 0)] * 5 + [(0, 1)] * 10
    assert cohens_kappa(pairs) == pytest.approx(0.4, abs=1e-12)


def test_kappa_at_its_ends():
    assert cohens_kappa([(1, 1), (0, 0)]) == 1.0
    assert cohens_kappa([(1, 0), (0, 1)]) == -1.0
    assert cohens_kappa([(1, 1), (1, 0), (0, 1), (0, 0)]) == 0.0
    assert cohens_kappa([(1, 1), (1, 0)]) == 0.0, "one who always says yes tells nothing"
    assert cohens_kappa([(0, 0)] * 49) is None, "nobody ever said anything else"
    assert cohens_kappa([]) is None


def test_alpha_of_the_textbook():
    """Krippendorff's own example: four observers, twelve units, some not seen by all.

    Pairable are the 40 values of units 1 to 11. Units in which not all say the same: 2 (1 2 3 3)
    no: by unit the coincidences that differ, each divided by its number of values less one, are
    unit 2 (2 2 3 2): 6/3 = 2, unit 6 (1 2 3 4): 12/3 = 4, unit 8 (1 1 2 1): 6/3 = 2, and unit 3
    (3 3 3 3), 1, 4, 5, 7, 9, 10, 11 none: 8 in all. Of the values 1, 2, 3, 4, 5 there are 9, 13,
    10, 5, 3; 40**2 - (81 + 169 + 100 + 25 + 9) = 1216. Alpha is 1 - 39 * 8 / 1216 = 0.743.
    """
    observers = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    units = [
        [value for value in unit if value != "."]
        for unit in zip(*(row.split() for row in observers), strict=True)
    ]
    assert sum(len(unit) for unit in units if len(unit) > 1) == 40
    assert krippendorffs_alpha(units) == pytest.approx(1 - 39 * 8 / 1216, abs=1e-12)
    assert round(krippendorffs_alpha(units), 3) == 0.743


def test_alpha_of_two_observers_by_hand():
    """Krippendorff's ten units with 0 and 1: four differ, which makes 8 coincidences; there are 14
    zeros and 6 ones, so 400 - 196 - 36 = 168 would by chance. 1 - 19 * 8 / 168 = 0.095."""
    one, other = "0100000010", "1110010000"
    assert krippendorffs_alpha(list(zip(one, other, strict=True))) == pytest.approx(16 / 168)


def test_alpha_at_its_ends():
    assert krippendorffs_alpha([(1, 1, 1), (0, 0, 0)]) == 1.0
    assert krippendorffs_alpha([(1, 1), (1, 1)]) is None
    assert krippendorffs_alpha([(1,), (0,)]) is None, "nothing was answered by two"


def test_boxes_are_matched_with_the_most_overlap_in_all():
    # Each overlaps the first of the right by more than a half; alone the second has no other.
    left = [(0.0, 0.0, 0.4, 1.0), (0.1, 0.0, 0.5, 1.0)]
    right = [(0.05, 0.0, 0.45, 1.0), (0.0, 0.0, 0.4, 0.6)]
    assert matched(left, right) == [(0, 1), (1, 0)]
    assert matched([LEFT], [RIGHT]) == []
    whole, half = (0.0, 0.0, 0.5, 1.0), (0.0, 0.0, 0.5, 0.5)
    assert matched([whole], [half]) == [(0, 0)]
    assert matched([whole], [(0.0, 0.0, 0.5, 0.49)]) == []
    assert matched([], [LEFT]) == []


def compared(**sights):
    return Compared(sorted(sights), persons_shown(sights))


def row_of(rows, clip="c", measure="kappa", action="", annotators="anna ben"):
    wanted = (clip, measure, action, annotators)
    (row,) = [r for r in rows if (r.clip, r.measure, r.action, r.annotators) == wanted]
    return row


def test_measures_of_two_annotators():
    """Ids differ between the two: boxes tell who is who."""
    anna = [
        sight(2, 1, LEFT, STAND), sight(2, 2, RIGHT, SIT, TALK),
        sight(3, 1, LEFT, STAND), sight(3, 2, RIGHT, SIT),
        sight(4, 1, LEFT, SIT), sight(5, 1, LEFT, SIT), sight(5, 2, RIGHT, SIT),
        sight(6, 1, LEFT, SIT),
    ]  # fmt: skip
    ben = [
        sight(2, 9, LEFT, STAND), sight(2, 1, RIGHT, SIT),
        sight(3, 9, LEFT, SIT), sight(3, 1, RIGHT, SIT),
        sight(4, 1, RIGHT, SIT), sight(5, 9, LEFT, judged=False), sight(5, 1, RIGHT, SIT),
    ]  # fmt: skip
    rows = measures({"c": compared(anna=anna, ben=ben)}, ATTRIBUTES)
    # Both judged five: sit is (no no), (yes yes), (no yes), (yes yes), (yes yes). Observed 4/5, by
    # chance 3/5 * 4/5 + 2/5 * 1/5 = 14/25: (20 - 14) / (25 - 14).
    sit = row_of(rows, action="sit")
    assert (sit.attribute, sit.value, sit.units, sit.agreed) == ("body", "0.5455", 5, 4)
    assert row_of(rows, action="talk")[5:] == ("0.0000", 5, 4)
    assert row_of(rows, action="walk")[5:] == ("", 5, 5)
    # On second 4 each has one whom the other lacks; on second 5 Ben has not judged the left one
    # yet, and on second 6 nobody.
    assert row_of(rows, measure="boxes")[5:] == ("0.7143", 7, 5)
    assert len(rows) == 6


def test_measures_of_three_annotators_and_of_all_clips():
    same = [sight(2, 1, LEFT, SIT), sight(3, 1, LEFT, STAND)]
    other = [sight(2, 1, LEFT, SIT), sight(3, 1, LEFT, SIT)]
    first = compared(anna=same, ben=same, carl=other)
    second = compared(anna=same, ben=other)
    rows = measures({"c": first, "d": second}, ATTRIBUTES)
    # Six values, 4 yes and 2 no; on one of two units 1 of 3 differs: 4/2 = 2 coincidences.
    assert row_of(rows, "c", "alpha", "sit", "anna ben carl")[5:] == (
        f"{1 - 5 * 2 / (36 - 16 - 4):.4f}", 2, 1,
    )  # fmt: skip
    assert row_of(rows, "c", action="sit").value == "1.0000"
    # Of both clips together: (yes yes), (no no), (yes yes), (no yes).
    assert row_of(rows, ALL_CLIPS, action="sit")[5:] == ("0.5000", 4, 3)
    assert not [row for row in rows if row.clip == "d" and "carl" in row.annotators]
    assert row_of(rows, ALL_CLIPS, "boxes")[5:] == ("1.0000", 4, 4)


def test_questions_are_what_they_differ_on():
    anna = [sight(2, 1, LEFT, STAND, TALK), sight(3, 1, LEFT, SIT), sight(4, 1, LEFT, SIT)]
    ben = [sight(2, 7, LEFT, SIT, TALK), sight(3, 7, RIGHT), sight(4, 7, LEFT, judged=False)]
    shown = persons_shown({"ben": ben, "anna": anna})
    found = [(q.second, q.shown.box, q.action, q.votes) for q in questions_of(shown, range(1, 6))]
    assert found == [
        (2, LEFT, STAND, {"anna": True, "ben": False}),
        (2, LEFT, SIT, {"anna": False, "ben": True}),
        (3, LEFT, 0, {"anna": True, "ben": False}),
        (3, RIGHT, 0, {"anna": False, "ben": True}),
    ]


def test_rows_of_all_clips_begin_with_the_least():
    rows = [("a", "0.9000"), ("b", ""), ("b", "0.1000"), ("*", "0.5000"), ("*", "0.2000")]
    table = pd.DataFrame(rows, columns=["clip", "value"])
    assert agreement_rows(table)["value"].tolist() == ["0.2000", "0.5000"]
    alone = agreement_rows(table[table["clip"] != "*"])
    assert alone["value"].tolist() == ["0.1000", "0.9000", ""]


def test_a_written_table_is_read_back(tmp_path):
    path = tmp_path / "agreement.csv"
    rows = [
        Measure("a", "ann bob", "body", "sit", "kappa", "0.9", 4, 3),
        Measure(ALL_CLIPS, "ann bob", "body", "sit", "kappa", "0.5", 9, 6),
        Measure(ALL_CLIPS, "ann bob", "body", "stand", "kappa", "", 9, 9),
    ]
    write_table(path, table_of(rows, Measure), MEASURES)
    assert read_agreement(path)["action"].tolist() == ["sit", "stand"]
    path.write_text("clip,annotators\n")
    with pytest.raises(UserError):
        read_agreement(path)
