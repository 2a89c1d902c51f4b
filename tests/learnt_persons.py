"""Clips with persons, labels and made-up features, as the stages before a baseline leave them.

Each clip has three persons on keyframes 2 to 7, side by side; a feature is the sum of what its
person's actions are drawn as and noise. `talk` and `bow` may be done together, of `stand`, `sit`
and `walk` a person does one or none.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from avaflow.baseline.examples import Judged, featured_persons, join
from avaflow.features.files import PERSON_INDEX
from avaflow.project.actions import attributes_from_config
from avaflow.tables import LABELS, NOBODY, TRACKS, UNTICKED

FPS = 30
SECONDS = list(range(2, 8))
PERSONS = 3
DIMENSIONS = 16
ACTIONS = [
    {"attribute": "head", "choose": "multiple", "options": ["talk", "bow"]},
    {"attribute": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
]
ATTRIBUTES = attributes_from_config(ACTIONS)


def box_of(person):
    """Box of person 1, 2 or 3: side by side, without overlap."""
    return (0.3 * person - 0.25, 0.1, 0.3 * person - 0.05, 0.9)


@dataclass
class Made:
    """Tables by clip, and features."""

    splits: dict[str, str]
    tracks: dict[str, pd.DataFrame] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    index: pd.DataFrame | None = None
    vectors: np.ndarray | None = None

    def persons(self):
        featured = featured_persons(self.index, self.tracks, FPS)
        place = {key: at for at, key in enumerate(_keys(self.index))}
        order = [place[key] for key in _keys(featured)]
        seconds = {clip: SECONDS for clip in self.splits}
        return join(featured, self.vectors[order], self.judged, seconds, 5)

    @property
    def groups(self):
        return {clip: clip for clip in self.splits}


def _keys(table):
    return list(zip(table["file"], table["row"], strict=True))


def made_up(splits, signal=6.0, seed=1):
    """Persons of clips by split; with `signal` 0 features say nothing of labels."""
    chance = np.random.default_rng(seed)
    drawn = chance.normal(size=(5, DIMENSIONS))
    made = Made(splits)
    rows, vectors = [], []
    for clip in splits:
        boxes, labels, idle = [], [], []
        ticks = {person: doing(chance) for person in range(1, PERSONS + 1)}
        for second in SECONDS:
            for person, ids in ticks.items():
                box = box_of(person)
                boxes.append((FPS * second + 1, person, *box, 0.8))
                labels += [(second, person, *box, action) for action in ids]
                idle += [] if ids else [(second, *box)]
                rows.append((f"{clip}_32.npy", clip, second, person, len(boxes) - 1))
                vector = chance.normal(size=DIMENSIONS)
                vectors.append(vector + signal * sum(drawn[action - 1] for action in ids))
        made.tracks[clip] = pd.DataFrame(boxes, columns=list(TRACKS))
        made.judged[clip] = Judged(
            pd.DataFrame(labels, columns=list(LABELS)),
            pd.DataFrame(idle, columns=list(UNTICKED)),
            pd.DataFrame([], columns=list(UNTICKED)),
            pd.DataFrame(
                [(s,) for s in SECONDS if s not in {row[0] for row in labels}],
                columns=list(NOBODY),
            ),
        )
    made.index = pd.DataFrame(rows, columns=list(PERSON_INDEX))
    made.vectors = np.array(vectors, np.float32)
    return made


def doing(chance):
    """Actions of a person: now and then none."""
    ids = [action for action in (1, 2) if chance.random() < 0.35]
    body = int(chance.integers(0, 4))
    return [*ids, *([2 + body] if body else [])]


def clips(train=8, val=4, test=0):
    """Splits of so many clips."""
    counts = {"train": train, "val": val, "test": test}
    return {f"{split}-{n}": split for split, count in counts.items() for n in range(count)}
