"""Clips whose persons change what they do, with features that tell it, and faults to plant.

As in `learnt_persons`, but answers change from second to second, so that a shift or a change of
places is one. Classes are drawn far apart, as well-separated clouds.
"""

import numpy as np
import pandas as pd

from avaflow.baseline.examples import Judged
from avaflow.features.files import PERSON_INDEX
from avaflow.tables import LABELS, NOBODY, TRACKS, UNTICKED
from learnt_persons import ACTIONS, ATTRIBUTES, DIMENSIONS, FPS, PERSONS, Made, box_of

__all__ = ["ACTIONS", "ATTRIBUTES", "Acted"]

SECONDS = range(2, 10)


class Acted:
    """Who does what: `does[clip][second, person]` is a set of action ids that tests change."""

    def __init__(self, count=12, signal=6.0, seed=3):
        chance = np.random.default_rng(seed)
        self.drawn = signal * chance.normal(size=(5, DIMENSIONS))
        self.noise = np.random.default_rng(seed + 1)
        self.clips = [f"c-{n:02}" for n in range(count)]
        self.does = {clip: self._part(chance) for clip in self.clips}
        self.truth = {
            clip: {key: set(ids) for key, ids in own.items()} for clip, own in self.does.items()
        }
        self.made = self._made()

    def _part(self, chance):
        found = {}
        for person in range(1, PERSONS + 1):
            body, heads = 0, set()
            for second in SECONDS:
                if second == SECONDS[0] or chance.random() < 0.4:
                    body = int(chance.integers(2, 6))
                if chance.random() < 0.5:
                    heads = {one for one in (1, 2) if chance.random() < 0.35}
                found[second, person] = heads | ({body + 1} if body < 5 else set())
        return found

    def _made(self):
        made = Made(dict.fromkeys(self.clips, "train"))
        rows, vectors = [], []
        for clip in self.clips:
            boxes = []
            for second in SECONDS:
                for person in range(1, PERSONS + 1):
                    boxes.append((FPS * second + 1, person, *box_of(person), 0.8))
                    rows.append((f"{clip}_32.npy", clip, second, person, len(boxes) - 1))
                    does = [one - 1 for one in sorted(self.truth[clip][second, person])]
                    cloud = self.noise.normal(size=DIMENSIONS)
                    vectors.append(cloud + self.drawn[does].sum(axis=0))
            made.tracks[clip] = pd.DataFrame(boxes, columns=list(TRACKS))
        made.index = pd.DataFrame(rows, columns=list(PERSON_INDEX))
        made.vectors = np.array(vectors, np.float32)
        return made

    def persons(self):
        """As `join` leaves them, by what is said now."""
        for clip, said in self.does.items():
            labels = [
                (second, person, *box_of(person), action)
                for (second, person), ids in sorted(said.items())
                for action in sorted(ids)
            ]
            idle = [(s, *box_of(person)) for (s, person), ids in sorted(said.items()) if not ids]
            self.made.judged[clip] = Judged(
                pd.DataFrame(labels, columns=list(LABELS)),
                pd.DataFrame(idle, columns=list(UNTICKED)),
                pd.DataFrame([], columns=list(UNTICKED)),
                pd.DataFrame([], columns=list(NOBODY)),
            )
        return self.made.persons()

    def shift(self, clip, late):
        """Labels of a clip come so many seconds late."""
        truth = self.truth[clip]
        for second, person in list(truth):
            self.does[clip][second, person] = set(
                truth.get((second - late, person), truth[second, person])
            )

    def swap(self, clip, one, other, begin):
        """Labels of two persons change places from a second on."""
        for second, person in list(self.truth[clip]):
            if person in (one, other) and second >= begin:
                instead = other if person == one else one
                self.does[clip][second, person] = set(self.truth[clip][second, instead])
