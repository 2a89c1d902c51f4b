"""Planted faults in the labels of drawn clips: which of them `label_checks` lists first.

Forty short videos of drawn persons (`drawn_clips.py`) go through the real workflow: persons are
detected, followed and seen by the demo's network for features. Their true labels get faults, by a
seed: 5 in 100 answers are changed for another (an answer is a person on a keyframe and one
question: an action of several, or the one that is chosen of an attribute), the labels of one clip
are shifted by a second, those of two persons change places from a second on in another, and in a
third two tracks change numbers, and with them what their persons look like. Printed is how many
of the changed answers stand in the first tenth of the list, counted in answers judged, and at
which place the others stand.

    python benchmarks/label_checks.py
    python benchmarks/label_checks.py --folder kept --seeds 5

The first run draws for some minutes and runs the workflow; a folder that is kept is used again.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.baseline.examples import Judged, featured_persons, join, read_vectors  # noqa: E402
from avaflow.features.files import PERSON_INDEX  # noqa: E402
from avaflow.label_checks.guesses import guesses  # noqa: E402
from avaflow.label_checks.questions import answers_of, questions_of  # noqa: E402
from avaflow.label_checks.ranking import ranked  # noqa: E402
from avaflow.project.actions import attributes_from_config  # noqa: E402
from avaflow.tables import BOX, LABELS, NOBODY, TRACKS, UNTICKED, empty_table, read_table  # noqa: E402
from drawn_clips import SECONDS, write_drawn  # noqa: E402

FPS = 30
KEYFRAMES = range(2, SECONDS - 2)
FLIPPED = 0.05
FIRST = 0.1
"""Share of the list that counts as its beginning, of the number of answers judged."""

DEMO = yaml.safe_load((ROOT / "examples/demo/config.yaml").read_text())
ATTRIBUTES = attributes_from_config(DEMO["actions"])
IDS = {action.name: action.id for each in ATTRIBUTES for action in each.actions}


def main() -> None:
    """Draw, run the workflow, plant, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--folder", type=Path, help="where videos and features are kept")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="seed of the first clip")
    parser.add_argument("--seeds", type=int, default=5, help="how often faults are planted anew")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avaflow-benchmark-") as folder:
        kept = options.folder or Path(folder)
        seeds = range(options.first, options.first + options.clips)
        made(kept, seeds)
        project = read(kept, seeds)
        shown = [measure(project, seed, options.folds) for seed in range(options.seeds)]
        print(f"mean: {np.mean(shown):.3f} of the changed answers in the first tenth")


def name_of(seed: int) -> str:
    return f"drawn-{seed:03}"


def made(folder: Path, seeds: range) -> None:
    """Videos, and what the workflow makes of them, as far as it is not there."""
    for kind in ("videos", "truth"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        video = folder / "videos" / f"{name_of(seed)}.mp4"
        if not video.exists():
            write_drawn(seed, video, folder / "truth" / f"{name_of(seed)}.csv")
            print(f"{video.name} is drawn", flush=True)
    rows = [f"{name_of(seed)}\tvideos/{name_of(seed)}.mp4\t0\t{SECONDS}\ttrain" for seed in seeds]
    table = "\n".join(["clip\tvideo\tstart\tend\tsplit", *rows]) + "\n"
    (folder / "clips.tsv").write_text(table)
    config = DEMO | {"clips": "clips.tsv", "annotations": "annotations", "results": "results"}
    config["detector"] = DEMO["detector"] | {"weights": str(ROOT / DEMO["detector"]["weights"])}
    config["features"] = DEMO["features"] | {"weights": str(ROOT / DEMO["features"]["weights"])}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"exports": [], "batches": 4}))
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    subprocess.run(
        [*command, "--configfile", "config.yaml", "--", "features", "tracks"],
        cwd=folder,
        check=True,
    )


class Project:
    """What is known of the drawn clips: features, tracks, and who truly does what."""

    def __init__(self, folder: Path, seeds: range):
        self.clips = [name_of(seed) for seed in seeds]
        results = folder / "results"
        self.tracks = {
            clip: read_table(results / "tracks" / f"{clip}.csv", TRACKS) for clip in self.clips
        }
        index = read_table(results / "person_features/index.csv", PERSON_INDEX)
        self.featured = featured_persons(index, self.tracks, FPS)
        manifests = sorted((results / "person_feature_batches").glob("*.csv"))
        self.vectors = read_vectors(self.featured, manifests, results / "person_features")
        self.truth = {clip: truth_of(folder / "truth" / f"{clip}.csv") for clip in self.clips}

    def persons(self, said):
        judged = {clip: judged_of(rows) for clip, rows in said.items()}
        seconds = dict.fromkeys(said, list(KEYFRAMES))
        return join(self.featured, self.vectors, judged, seconds, len(IDS))


def read(folder: Path, seeds: range) -> Project:
    return Project(folder, seeds)


def truth_of(path: Path) -> list[dict]:
    """Persons on keyframes with box and what they do."""
    with open(path, encoding="utf-8", newline="") as stream:
        return [
            {
                "second": int(row["second"]),
                "person": int(row["person"]),
                "box": tuple(float(row[side]) for side in BOX),
                "ids": {IDS[name] for name in row["actions"].split(";") if name},
            }
            for row in csv.DictReader(stream)
            if int(row["second"]) in KEYFRAMES
        ]


def judged_of(rows: list[dict]) -> Judged:
    """What an annotator would have said, as tables."""
    labels = [
        (row["second"], 100 + row["person"], *row["box"], action)
        for row in rows
        for action in sorted(row["ids"])
    ]
    idle = [(row["second"], *row["box"]) for row in rows if not row["ids"]]
    return Judged(
        pd.DataFrame(labels, columns=list(LABELS)),
        pd.DataFrame(idle, columns=list(UNTICKED)),
        empty_table(UNTICKED),
        empty_table(NOBODY),
    )


def planted(truth: dict[str, list[dict]], rng: np.random.Generator):
    """Labels with faults; where they are: changed answers by (clip, second, person, question), the
    shifted clip, and the clip, second and two persons that change places."""
    said = {clip: [row | {"ids": set(row["ids"])} for row in rows] for clip, rows in truth.items()}
    shifted, swapped = (str(one) for one in rng.choice(sorted(said), 2, replace=False))
    late = int(rng.choice([-1, 1]))
    ids = {(row["second"], row["person"]): row["ids"] for row in said[shifted]}
    for row in said[shifted]:
        # At its ends nobody knows: the nearest second stands for it.
        row["ids"] = set(ids.get((row["second"] - late, row["person"]), row["ids"]))
    pair, begin = pair_to_swap(said[swapped], rng)
    ids = {(row["second"], row["person"]): row["ids"] for row in said[swapped]}
    for row in said[swapped]:
        if row["person"] in pair and row["second"] >= begin:
            other = pair[1 - pair.index(row["person"])]
            row["ids"] = set(ids.get((row["second"], other), row["ids"]))
    flips = {}
    for clip, rows in said.items():
        for row in rows:
            for number, question in enumerate(questions_of(ATTRIBUTES)):
                if rng.random() >= FLIPPED:
                    continue
                now = row["ids"] & set(question.action_ids)
                choices = [
                    one for one in question.action_ids if not ({one} == now or not (one or now))
                ]
                new = int(rng.choice(choices))
                row["ids"] = (row["ids"] - now) | ({new} if new else set())
                flips[clip, row["second"], row["person"], number] = new
    return said, flips, (shifted, late), (swapped, begin, pair)


def pair_to_swap(rows: list[dict], rng: np.random.Generator):
    """Two persons of a clip who do different things, and a second in the middle of it.

    A change of places that changes no label is no fault in the labels.
    """
    does = defaultdict(dict)
    for row in rows:
        does[row["person"]][row["second"]] = row["ids"]
    begin = int(rng.integers(3, 6))
    options = []
    for one in sorted(does):
        for other in sorted(does):
            both = [s for s in does[one] if s in does[other] and s >= begin]
            if one < other and sum(does[one][s] != does[other][s] for s in both) >= 2:
                options.append((one, other))
    return options[rng.integers(len(options))], begin


def measure(project: Project, seed: int, folds: int) -> float:
    """Plant by a seed, check, and print what is found where."""
    rng = np.random.default_rng([11, seed])
    said, flips, (shifted, late), (swapped, begin, pair) = planted(project.truth, rng)
    persons = project.persons(said)
    groups = {clip: clip for clip in project.clips}
    found = guesses(persons, groups, ATTRIBUTES, folds)
    listed = ranked(found)
    # Whom a row of the list is about, in terms of the truth.
    person_at = person_of_track(persons, said)
    known = {
        (str(found.clips[row]), int(found.seconds[row]), person_at[int(found.rows[row])], number)
        for row in range(len(found.rows))
        for number in range(len(found.questions))
    }
    wanted = {key for key in flips if key in known}
    print(
        f"seed {seed}: {len(found.rows)} persons on keyframes, {found.entries()} answers, "
        f"{len(flips)} changed ({len(flips) - len(wanted)} of persons without a track)"
    )
    show(listed, wanted, found, person_at, seed, shifted, late, swapped, pair, begin)
    return RESULTS[-1]


RESULTS: list[float] = []


def person_of_track(persons, said) -> dict[int, int]:
    """The true person of each judged row."""
    by_box = {
        (clip, row["second"], row["box"]): row["person"]
        for clip, rows in said.items()
        for row in rows
    }
    judged = persons.judged
    return {
        number: by_box[row[0], row[1], tuple(row[2:6])]
        for number, row in enumerate(judged[["clip", "second", *BOX]].itertuples(index=False))
    }


def show(listed, wanted, found, person_at, seed, shifted, late, swapped, pair, begin) -> None:
    row_at = {
        (str(found.clips[row]), int(found.seconds[row]), int(found.tracks[row])): int(
            found.rows[row]
        )
        for row in range(len(found.rows))
    }
    names = [set(guess.question.names) for guess in found.questions]
    hits, places, used = set(), {}, 0
    first = FIRST * found.entries()
    curve = []
    shift_place = swap_place = None
    for check in listed:
        if check.kind == "tick":
            number = next(i for i, own in enumerate(names) if check.labelled in own)
            for second in range(check.first, check.last + 1):
                used += 1
                row = row_at[check.clip, second, check.tracks[0]]
                key = (check.clip, second, person_at[row], number)
                curve.append(key in wanted)
                if key in wanted:
                    places[key] = used
        else:
            used += 1
            curve.append(False)
        if check.kind == "shift" and check.clip == shifted and shift_place is None:
            shift_place = (used, check.score, check.predicted)
        if check.kind == "swap" and check.clip == swapped and swap_place is None:
            who = {person_at[row_at[check.clip, check.look, track]] for track in check.tracks}
            if who == set(pair):
                swap_place = (used, check.score, check.first, check.last)
    in_first = sum(place <= first for place in places.values())
    at_faults = sum(curve[: len(wanted)])
    print(
        f"  {in_first} of {len(wanted)} in the first tenth: {in_first / len(wanted):.3f}; "
        f"of the first {len(wanted)} places {at_faults} are right: {at_faults / len(wanted):.3f}"
    )
    print(
        f"  shifted {shifted} by {late}: place {shift_place}; swapped {swapped} {pair} from {begin}: {swap_place}"
    )
    others = [
        (c.kind, c.clip, round(c.score, 2))
        for c in listed
        if c.kind in ("shift", "swap", "looks", "count")
        and c.clip not in (shifted, swapped)
        and c.score > 0.3
    ]
    print("  others:", others)
    RESULTS.append(in_first / len(wanted))


if __name__ == "__main__":
    main()
