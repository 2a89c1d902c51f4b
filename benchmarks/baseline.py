"""The baseline's course on made-up features: seconds and memory.

Persons are of clips of 60 s with three persons each; a feature is noise and what the person's
actions are drawn as. What is timed is all that the job does but reading tables and pictures: who
is who, cross-validation, training, judging and the predictions. On one core
1,000 person-seconds took 6 s and 10,000 half a minute; 100,000 take minutes.

    python benchmarks/baseline.py
    python benchmarks/baseline.py --persons 1000 --numbers 2304
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.baseline.course import run_course  # noqa: E402
from avaflow.baseline.examples import Judged, featured_persons, join  # noqa: E402
from avaflow.baseline.files import predictions_text  # noqa: E402
from avaflow.features.files import PERSON_INDEX  # noqa: E402
from avaflow.project.actions import attributes_from_config  # noqa: E402
from avaflow.tables import LABELS, NOBODY, TRACKS, UNTICKED, empty_table  # noqa: E402

FPS = 30
SECONDS = range(2, 58)
PERSONS = 3
SPLITS = ("train", "train", "train", "train", "val")
BODY = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--persons", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--numbers", type=int, default=256, help="length of a feature")
    parser.add_argument("--actions", type=int, default=10)
    options = parser.parse_args()
    for count in options.persons:
        measure(count, options.numbers, options.actions)


def measure(count: int, numbers: int, actions: int) -> None:
    """One course; the peak is the process's so far, so that sizes come from small to large."""
    several = [f"a{n}" for n in range(actions - BODY)]
    config = [
        {"attribute": "head", "choose": "multiple", "options": several},
        {"attribute": "body", "choose": "single", "options": [f"b{n}" for n in range(BODY)]},
    ]
    clips = max(5, round(count / (len(SECONDS) * PERSONS)))
    splits = {f"clip-{n}": SPLITS[n % len(SPLITS)] for n in range(clips)}
    tracks, judged, index, vectors = made_up(splits, numbers, actions)
    begin, busy = time.perf_counter(), time.process_time()
    featured = featured_persons(index, tracks, FPS)
    persons = join(featured, vectors, judged, dict.fromkeys(splits, list(SECONDS)), actions)
    attributes = attributes_from_config(config)
    course = run_course(persons, splits, {clip: clip for clip in splits}, attributes, 5, 0)
    size = len(predictions_text(persons.featured, course.scored, 900))
    val = course.evaluations[0].annotated.mean
    print(
        f"{len(vectors):,} person-seconds, {numbers} numbers, {actions} actions: "
        f"{time.perf_counter() - begin:.0f} s, processor {time.process_time() - busy:.0f} s, "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB, "
        f"mAP on val {val:.2f}, predictions {size / 1e6:.0f} MB",
        flush=True,
    )


def made_up(splits: dict[str, str], numbers: int, actions: int):
    """Tracks and judgements by clip, the index, and features in its order."""
    chance = np.random.default_rng(0)
    drawn = chance.normal(size=(actions, numbers)).astype(np.float32)
    tracks, judged, rows, parts = {}, {}, [], []
    for clip in sorted(splits):
        boxes, labels, idle = [], [], []
        for second in SECONDS:
            for person in range(1, PERSONS + 1):
                box = (0.3 * person - 0.25, 0.1, 0.3 * person - 0.05, 0.9)
                ids = [n + 1 for n in range(actions - BODY) if chance.random() < 0.1]
                ids += [actions - int(n) for n in chance.integers(0, BODY + 1, 1) if n < BODY]
                boxes.append((FPS * second + 1, person, *box, 0.8))
                labels += [(second, person, *box, action) for action in ids]
                idle += [] if ids else [(second, *box)]
                rows.append((f"{clip}_32.npy", clip, second, person, len(boxes) - 1))
                vector = 5 * chance.normal(size=numbers).astype(np.float32)
                parts.append(vector + drawn[[one - 1 for one in ids]].sum(axis=0))
        tracks[clip] = pd.DataFrame(boxes, columns=list(TRACKS))
        judged[clip] = Judged(
            pd.DataFrame(labels, columns=list(LABELS)),
            pd.DataFrame(idle, columns=list(UNTICKED)),
            empty_table(UNTICKED),
            empty_table(NOBODY),
        )
    return tracks, judged, pd.DataFrame(rows, columns=list(PERSON_INDEX)), np.array(parts)


if __name__ == "__main__":
    main()
