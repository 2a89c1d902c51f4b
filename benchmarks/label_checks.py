"""Planted faults in the labels of drawn clips: which of them `label_checks` lists first.

Forty short videos of drawn persons (`drawn_clips.py`) go through the real workflow: persons are
detected, described, followed, and seen by the demo's network for features. Their true labels get
faults, dealt out by a seed:

- 5 in 100 answers are changed for another. An answer is a person on a keyframe and one question:
  an action of an attribute of which several may be chosen, or the one that is chosen, or none.
- All labels of one clip are shifted by a second.
- In another clip the labels of two persons change places from a second on.
- With the workflow: in a third two tracks change numbers from a second on.

The list counts answers: a check of three seconds takes three places, a shift or a swap one. Its
first tenth has as many places as a tenth of all answers that were judged. The harder figure is how
many of the first N places are right, N being the number of changed answers.

    python benchmarks/label_checks.py --folder kept --seeds 5
    python benchmarks/label_checks.py --folder kept --crops

With `--crops` the network sees the true boxes, a little off as a detector's are, and no tracker is
needed: a minute in place of many. The first run draws for some minutes; a folder that is kept is
used again.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from drawn_clips import SECONDS, write_drawn  # noqa: E402

from avaflow.baseline.examples import (  # noqa: E402
    Judged,
    Persons,
    featured_persons,
    join,
    read_vectors,
)
from avaflow.features.files import PERSON_INDEX  # noqa: E402
from avaflow.label_checks.check import LOOKS, SHIFT, SWAP, TICK, Check  # noqa: E402
from avaflow.label_checks.guesses import Guesses, guesses  # noqa: E402
from avaflow.label_checks.looks import looks, seen_in  # noqa: E402
from avaflow.label_checks.questions import Question, questions_of  # noqa: E402
from avaflow.label_checks.ranking import ranked  # noqa: E402
from avaflow.label_checks.table import people, people_of_rows  # noqa: E402
from avaflow.persons.vectors import read_vectors as read_looks  # noqa: E402
from avaflow.project.actions import attributes_from_config  # noqa: E402
from avaflow.tables import (  # noqa: E402
    BOX,
    DETECTIONS,
    LABELS,
    NOBODY,
    TRACKS,
    UNTICKED,
    empty_table,
    read_table,
)

FPS = 30
KEYFRAMES = range(2, SECONDS - 2)

FLIPPED = 0.05
"""Share of answers that are changed."""

FIRST = 0.1
"""Share of all answers that is looked at."""

JITTER = 0.04
"""Standard deviation of a box's sides with `--crops`, in its width and height."""

FOLDS = 5
DEMO = yaml.safe_load((ROOT / "examples/demo/config.yaml").read_text())
DEFAULTS = yaml.safe_load((ROOT / "config.yaml").read_text())
ATTRIBUTES = attributes_from_config(DEMO["actions"])
QUESTIONS = questions_of(ATTRIBUTES)
IDS = {action.name: action.id for each in ATTRIBUTES for action in each.actions}

Rows = dict[str, list[dict]]
"""By clip: persons on keyframes with second, person, box and the ids of what they do."""


@dataclass
class Project:
    """What is known of the drawn clips. `looked` has tracks, detections and vectors by clip, empty
    where nobody was followed."""

    truth: Rows
    featured: pd.DataFrame
    vectors: np.ndarray
    looked: dict[str, tuple[pd.DataFrame, pd.DataFrame, np.ndarray]]

    def persons(self, said: Rows) -> Persons:
        """Features, and what is said, joined."""
        judged = self.judged(said)
        seconds = dict.fromkeys(said, list(KEYFRAMES))
        return join(self.featured, self.vectors, judged, seconds, len(IDS))

    def judged(self, said: Rows) -> dict[str, Judged]:
        """What is said, as tables."""
        return {clip: judged_of(rows) for clip, rows in said.items()}


def main() -> None:
    """Draw, run, plant, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--folder", type=Path, help="where videos and features are kept")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="seed of the first clip")
    parser.add_argument("--seeds", type=int, default=5, help="how often faults are planted anew")
    parser.add_argument("--crops", action="store_true", help="without the workflow")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avaflow-benchmark-") as temporary:
        folder = options.folder or Path(temporary)
        seeds = range(options.first, options.first + options.clips)
        draw(folder, seeds)
        project = of_crops(folder, seeds) if options.crops else of_workflow(folder, seeds)
        shown = [measure(project, seed) for seed in range(options.seeds)]
    tenth, precise = np.mean(shown, axis=0)
    print(f"mean of {len(shown)}: {tenth:.3f} in the first tenth, {precise:.3f} as many as changed")


# ------------------------------------------------------------------ videos and features


def name_of(seed: int) -> str:
    return f"drawn-{seed:03}"


def draw(folder: Path, seeds: range) -> None:
    """Videos and their truth, as far as they are not there."""
    for kind in ("videos", "truth"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        video = folder / "videos" / f"{name_of(seed)}.mp4"
        if not video.exists():
            write_drawn(seed, video, folder / "truth" / f"{name_of(seed)}.csv")
            print(f"{video.name} is drawn", flush=True)


def of_workflow(folder: Path, seeds: range) -> Project:
    """By the workflow, from the videos on."""
    rows = [f"{name_of(seed)}\tvideos/{name_of(seed)}.mp4\t0\t{SECONDS}\ttrain" for seed in seeds]
    table = "\n".join(["clip\tvideo\tstart\tend\tsplit", *rows]) + "\n"
    (folder / "clips.tsv").write_text(table)
    config = DEMO | {"clips": "clips.tsv", "annotations": "annotations", "results": "results"}
    for part in ("detector", "features"):
        config[part] = DEMO[part] | {"weights": str(ROOT / DEMO[part]["weights"])}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"exports": [], "batches": 4}))
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    command += ["--configfile", "config.yaml", "--", "results/person_features/index.csv"]
    subprocess.run(command, cwd=folder, check=True)
    results = folder / "results"
    clips = [name_of(seed) for seed in seeds]
    tracks = {clip: read_table(results / f"tracks/{clip}.csv", TRACKS) for clip in clips}
    index = read_table(results / "person_features/index.csv", PERSON_INDEX)
    featured = featured_persons(index, tracks, FPS)
    manifests = sorted((results / "person_feature_batches").glob("*.csv"))
    looked = {
        clip: (
            tracks[clip],
            read_table(results / f"detections/{clip}.csv", DETECTIONS),
            read_looks(results / f"embeddings/{clip}.npz"),
        )
        for clip in clips
    }
    vectors = read_vectors(featured, manifests, results / "person_features")
    return Project({clip: truth_of(folder, clip) for clip in clips}, featured, vectors, looked)


def of_crops(folder: Path, seeds: range) -> Project:
    """From the videos alone, by true boxes."""
    import av

    from avaflow.features.exported import ExportedModel, look_of
    from avaflow.features.network_files import load_exported

    settings = DEFAULTS["features"] | DEMO["features"]
    network = load_exported(ROOT / settings["weights"], settings, 1)
    model = ExportedModel(network, look_of(settings))
    truth = {name_of(seed): truth_of(folder, name_of(seed)) for seed in seeds}
    rows, vectors = [], []
    for clip, persons in truth.items():
        chance = np.random.default_rng([5, int(clip.rsplit("-", 1)[1])])
        with av.open(str(folder / "videos" / f"{clip}.mp4")) as container:
            frames = [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
        height, width = frames[0].shape[:2]
        for second in KEYFRAMES:
            here = [row for row in persons if row["second"] == second]
            boxes = np.array([row["box"] for row in here])
            sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
            boxes = np.clip(boxes + JITTER * sides * chance.normal(size=boxes.shape), 0, 1)
            # Eight images at 7.5 a second around the keyframe, of a video with 15.
            at = second * len(frames) // SECONDS
            window = np.stack([frames[at + step] for step in range(-8, 8, 2)])[None]
            box_px = boxes * [width, height, width, height]
            shown = np.ones((1, window.shape[1]), bool)
            vectors.append(model.roi_features(window, shown, [box_px]))
            rows += [
                (clip, second, row["person"], *box, 0.9)
                for row, box in zip(here, boxes.tolist(), strict=True)
            ]
    columns = ["clip", "second", "person_id", *BOX, "score"]
    return Project(truth, pd.DataFrame(rows, columns=columns), np.concatenate(vectors), {})


def truth_of(folder: Path, clip: str) -> list[dict]:
    """Persons on keyframes with box and what they do."""
    with open(folder / "truth" / f"{clip}.csv", encoding="utf-8", newline="") as stream:
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
    """What an annotator would have said, as tables; numbers are no track's."""
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


# ------------------------------------------------------------------ faults


@dataclass
class Faults:
    """Where they are: changed answers by clip, second, person and place among the questions."""

    flips: set[tuple[str, int, int, int]]
    shifted: str
    late: int
    swapped: str
    pair: tuple[int, int]
    begin: int


def planted(truth: Rows, rng: np.random.Generator) -> tuple[Rows, Faults]:
    """Labels with faults, and these."""
    said = {clip: [row | {"ids": set(row["ids"])} for row in rows] for clip, rows in truth.items()}
    shifted, swapped = (str(one) for one in rng.choice(sorted(said), 2, replace=False))
    late = int(rng.choice([-1, 1]))
    ids = {(row["second"], row["person"]): row["ids"] for row in truth[shifted]}
    for row in said[shifted]:
        # At its end nobody knows: what is true there stays.
        row["ids"] = set(ids.get((row["second"] - late, row["person"]), row["ids"]))
    pair, begin = pair_to_swap(truth[swapped], rng)
    ids = {(row["second"], row["person"]): row["ids"] for row in truth[swapped]}
    for row in said[swapped]:
        if row["person"] in pair and row["second"] >= begin:
            other = pair[1 - pair.index(row["person"])]
            row["ids"] = set(ids.get((row["second"], other), row["ids"]))
    flips = set()
    for clip, rows in said.items():
        for row in rows:
            for number, question in enumerate(QUESTIONS):
                if rng.random() < FLIPPED:
                    change(row["ids"], question, rng)
                    flips.add((clip, row["second"], row["person"], number))
    return said, Faults(flips, shifted, late, swapped, pair, begin)


def change(ids: set[int], question: Question, rng: np.random.Generator) -> None:
    """Another answer to a question."""
    now = ids & set(question.action_ids)
    others = [one for one in question.action_ids if one not in now and (one or now)]
    new = int(rng.choice(others))
    ids -= now
    if new:
        ids.add(new)


def pair_to_swap(rows: list[dict], rng: np.random.Generator) -> tuple[tuple[int, int], int]:
    """Two persons of a clip, and a second; they do different things on two keyframes after it at
    least, as a change of places that changes no label is no fault in the labels."""
    does: dict[int, dict[int, set[int]]] = defaultdict(dict)
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


def swapped_tracks(
    tracks: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, tuple[int, int], int] | None:
    """A clip's tracks, of which two that are there all the time change numbers from a second on."""
    seconds = (tracks["frame"] - 1) // FPS
    spans = seconds.groupby(tracks["person_id"]).agg(["min", "max"])
    long = spans[(spans["min"] <= 1) & (spans["max"] >= SECONDS - 2)].index.tolist()
    if len(long) < 2:
        return None
    one, other = sorted(int(each) for each in rng.choice(long, 2, replace=False))
    begin = int(rng.integers(4, SECONDS - 3))
    numbers = tracks["person_id"].where(
        seconds < begin, tracks["person_id"].replace({one: other, other: one})
    )
    return tracks.assign(person_id=numbers), (one, other), begin


# ------------------------------------------------------------------ what is found


def measure(project: Project, seed: int) -> tuple[float, float]:
    """Plant by a seed, check, and print what is found where."""
    rng = np.random.default_rng([11, seed])
    said, faults = planted(project.truth, rng)
    persons = project.persons(said)
    judged = project.judged(said)
    own = people_of_rows(persons, judged, people(persons, judged))
    found = guesses(persons, {clip: clip for clip in said}, ATTRIBUTES, FOLDS, own)
    tracks = {clip: one[0] for clip, one in project.looked.items()}
    changed = plant_in_tracks(tracks, rng, {faults.shifted, faults.swapped})
    seen = {
        clip: seen_in(tracks[clip], one[1], one[2], FPS) for clip, one in project.looked.items()
    }
    listed = ranked(found, looks(seen))
    return told(listed, found, persons, said, faults, changed, seed)


def plant_in_tracks(tracks, rng: np.random.Generator, others: set[str]):
    """Two tracks of a clip that has no other fault change numbers; which and from when on."""
    for clip in rng.permutation(sorted(set(tracks) - others)):
        made = swapped_tracks(tracks[str(clip)], rng)
        if made:
            tracks[str(clip)], pair, begin = made
            return str(clip), pair, begin
    return None


def told(
    listed: list[Check],
    found: Guesses,
    persons: Persons,
    said: Rows,
    faults: Faults,
    changed: tuple[str, tuple[int, int], int] | None,
    seed: int,
) -> tuple[float, float]:
    """Print places; the shares found in the first tenth, and among as many as were changed."""
    boxes = {
        (c, row["second"], row["box"]): row["person"] for c, rows in said.items() for row in rows
    }
    judged = persons.judged[["clip", "second", *BOX]].itertuples(index=False, name=None)
    persons_at = [boxes[clip, second, tuple(box)] for clip, second, *box in judged]
    who = {
        (str(clip), int(second), int(track)): persons_at[row]
        for clip, second, track, row in zip(
            found.clips, found.seconds, found.tracks, found.rows, strict=True
        )
    }
    known = {(clip, second, person) for (clip, second, _), person in who.items()}
    wanted = {flip for flip in faults.flips if flip[:3] in known}
    names = [set(guess.question.names) for guess in found.questions]
    hits: list[bool] = []
    places: dict[str, tuple] = {}
    alarms = 0
    for check in listed:
        place = len(hits) + 1
        if check.kind == TICK:
            number = next(n for n, own in enumerate(names) if check.labelled in own)
            for second in range(check.first, check.last + 1):
                person = who[check.clip, second, check.tracks[0]]
                hits.append((check.clip, second, person, number) in wanted)
            continue
        hits.append(False)
        about = (place, round(check.score, 2), check.predicted, check.first)
        couple = tuple(sorted(who.get((check.clip, check.look, t), 0) for t in check.tracks))
        if check.kind == SHIFT and check.clip == faults.shifted:
            places.setdefault("shift", about)
        elif check.kind == SWAP and (check.clip, couple) == (faults.swapped, faults.pair):
            places.setdefault("swap", about)
        elif check.kind == LOOKS and changed and (check.clip, check.tracks) == changed[:2]:
            places.setdefault("tracks", about)
        elif check.kind in (SHIFT, SWAP, LOOKS) and check.score >= 0.5:
            alarms += 1
    first = round(FIRST * found.entries())
    tenth = sum(hits[:first]) / len(wanted)
    precise = sum(hits[: len(wanted)]) / len(wanted)
    lost = len(faults.flips) - len(wanted)
    print(
        f"seed {seed}: {found.entries()} answers, {len(wanted)} changed ({lost} more of persons "
        f"without a track); in the first {first} places {tenth:.3f} of them, in the first "
        f"{len(wanted)} {precise:.3f}"
    )
    for what, planted_as in (
        ("shift", f"{faults.shifted} by {faults.late} s"),
        ("swap", f"{faults.swapped} persons {faults.pair} from {faults.begin}"),
        ("tracks", changed),
    ):
        if planted_as:
            print(
                f"  {what} {planted_as}: place, score, told, from {places.get(what, 'NOT FOUND')}"
            )
    print(f"  other shifts, swaps and looks from 0.5 on: {alarms}", flush=True)
    return tenth, precise


if __name__ == "__main__":
    main()
