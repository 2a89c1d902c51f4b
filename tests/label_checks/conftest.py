"""A project with planted faults, checked once, and what the page gets of it."""

import pytest

from acting_persons import ATTRIBUTES, SECONDS, Acted
from avaflow.label_checks.guesses import guesses
from avaflow.label_checks.page import Film, page_data
from avaflow.label_checks.ranking import ranked
from avaflow.label_checks.table import left_to_check, people, people_of_rows
from learnt_persons import FPS


class Planted:
    """A missing talk, a body that is another's, a shifted clip, and two changed for one another."""

    def __init__(self):
        self.acted = Acted(count=8)
        does = self.acted.does
        self.acted.shift("c-02", 1)
        self.acted.swap("c-05", 1, 3, 5)
        self.forgotten = next(key for key, ids in sorted(does["c-01"].items()) if 1 in ids)
        does["c-01"][self.forgotten].discard(1)
        self.persons = self.acted.persons()
        judged = self.acted.made.judged
        self.numbers = people(self.persons, judged)
        own = people_of_rows(self.persons, judged, self.numbers)
        self.found = guesses(self.persons, self.acted.made.groups, ATTRIBUTES, 3, own)
        self.checks = ranked(self.found)
        frames = FPS * (SECONDS[-1] + 2)
        self.films = {
            clip: Film(FPS, frames, 192, 108, self.acted.made.tracks[clip])
            for clip in self.acted.clips
        }

    def left(self, kept=None):
        return left_to_check(self.checks, self.numbers, kept or {})

    def data(self, kept=None):
        checks, rows = self.left(kept)
        return page_data(checks, rows, self.found, self.films, self.numbers, kept or {})


@pytest.fixture(scope="session")
def planted():
    return Planted()
