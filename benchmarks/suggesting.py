"""What suggestions spare an annotator: precision, coverage, inputs, on clips of known truth.

    uv run python benchmarks/suggesting.py --keep FOLDER [--clips 40] [--real 3]

Forty clips of four persons are drawn by the demo's generator (benchmarks/drawn_scenes.py), cut,
and their persons found, followed and described by the workflow itself with the demo's networks:
figures are those of that small network, which has learnt these very actions. A simulated annotator
finishes the clips that the queue puts first, until each action has ten ticks at least; what is
then suggested of all the others is held against the truth, tick by tick. An annotator works on the
persons that were found; who was not found is left out on both sides.

Inputs are keys as benchmarks/annotating.py counts them, without suggestions and with: on all clips
by a model of the page (what a key sets from where on, until where), and with --real N on N clips
by real keys in Chromium, where what the page then holds is compared with the truth.

FOLDER keeps videos and results, so that a second run needs neither to be made again.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.baseline.examples import Judged, featured_persons, read_vectors  # noqa: E402
from avaflow.boxes import iou_matrix  # noqa: E402
from avaflow.features.files import PERSON_INDEX  # noqa: E402
from avaflow.project.actions import all_actions, attributes_from_config  # noqa: E402
from avaflow.suggestions.files import clip_content, write_clip  # noqa: E402
from avaflow.suggestions.learning import learn  # noqa: E402
from avaflow.suggestions.persons import examples_of  # noqa: E402
from avaflow.suggestions.queue import queue_of  # noqa: E402
from avaflow.suggestions.spans import suggested_spans  # noqa: E402
from avaflow.tables import (  # noqa: E402
    KEYFRAMES,
    LABELS,
    NOBODY,
    TRACKS,
    UNTICKED,
    Keyframe,
    empty_table,
    read_table,
    rows_of,
)

START, END = 1, 12
"""Seconds of a clip in its video."""

FPS = 30

SAME_IOU = 0.5
"""From which overlap on a track's box shows a person of the truth."""

ENOUGH = 10
"""Ticks of each action that the annotator gives before suggestions are asked for."""

PRECISION, FOLDS = 0.95, 5

BEFORE_SECONDS = 0.4
"""How long before a keyframe its key is pressed while the video plays, as in annotating.py."""

WORTH_ALL = 2
"""Persons for whom one key for everybody is worth more than a key each, as in annotating.py."""


class Clip(NamedTuple):
    """What is known of a clip: seconds of each track on which the truth is known, and what is done
    there, by track and second."""

    name: str
    doing: dict[int, dict[int, frozenset[str]]]


def prepare(folder: Path, clips: int, cores: int) -> Path:
    """Make what is missing of videos and results; the folder of results."""
    for kind in ("videos", "truth", "annotations"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    rows = ["clip\tvideo\tstart\tend\tsplit"]
    for seed in range(clips):
        name = f"scene-{seed:02d}"
        video, truth = folder / "videos" / f"{name}.mp4", folder / "truth" / f"{name}.csv"
        if not (video.exists() and truth.exists()):
            from drawn_scenes import write_video

            write_video(seed, video, truth)
            print(f"{video} drawn", flush=True)
        rows.append(f"{name}\t{video}\t{START}\t{END}\ttrain")
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    demo = yaml.safe_load((ROOT / "examples" / "demo" / "config.yaml").read_text())
    for section, key in (("detector", "weights"), ("features", "weights")):
        demo[section][key] = str(ROOT / demo[section][key])
    demo |= {name: str(folder / name) for name in ("annotations", "results")}
    demo |= {"clips": str(folder / "clips.tsv"), "exports": []}
    # Every frame that is shown twice would be taken for a still.
    demo["cuts"] = {"find": False}
    (folder / "config.yaml").write_text(yaml.safe_dump(demo))
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
    command += ["annotate", "suggestions", "--cores", str(cores)]
    command += ["--configfile", str(folder / "config.yaml")]
    run = subprocess.run(command, cwd=folder, env=dict(os.environ))
    if run.returncode:
        sys.exit("the workflow failed, see above")
    return folder / "results"


def read_clip(folder: Path, results: Path, name: str) -> Clip:
    """The tracks of a clip on its keyframes, and what they do by the truth."""
    truth = pd.read_csv(folder / "truth" / f"{name}.csv", keep_default_na=False)
    tracks = read_table(results / "tracks" / f"{name}.csv", TRACKS)
    doing: dict[int, dict[int, frozenset[str]]] = defaultdict(dict)
    for keyframe in rows_of(read_table(results / "keyframes" / f"{name}.csv", KEYFRAMES), Keyframe):
        here = tracks[tracks["frame"] == keyframe.frame]
        there = truth[truth["frame"] == START * FPS + keyframe.frame - 1]
        if not len(here) or not len(there):
            continue
        sides = ["x1", "y1", "x2", "y2"]
        overlap = iou_matrix(here[sides].to_numpy(float), there[sides].to_numpy(float))
        for row, number in enumerate(here["person_id"].tolist()):
            best = int(overlap[row].argmax())
            if overlap[row, best] >= SAME_IOU:
                done = str(there.iloc[best]["actions"])
                doing[number][keyframe.second] = frozenset(filter(None, done.split(";")))
    return Clip(name, dict(doing))


def judged_as(clip: Clip, tracks: pd.DataFrame, ids: Mapping[str, int]) -> Judged:
    """What an annotator says who knows the truth."""
    labels, idle = [], []
    for number, seconds in clip.doing.items():
        for second, done in seconds.items():
            row = tracks[(tracks["person_id"] == number) & (tracks["frame"] == FPS * second + 1)]
            box = row.iloc[0][["x1", "y1", "x2", "y2"]].tolist()
            labels += [(second, number, *box, ids[name]) for name in done]
            idle += [] if done else [(second, *box)]
    return Judged(
        pd.DataFrame(labels, columns=list(LABELS)),
        pd.DataFrame(idle, columns=list(UNTICKED)),
        empty_table(UNTICKED),
        empty_table(NOBODY),
    )


# ------------------------------------------------------------- inputs


def keys_for(
    shown: dict[int, set[str]],
    bounds: set[float],
    done: Mapping[int, frozenset[str]],
    attribute,
) -> list[tuple[int, str]]:
    """Second and option of each key by which an attribute comes to be as it is done.

    `shown` are the options that the page has at each second, `bounds` the times at which its spans
    begin or end. A key where its option is set ends it there, until the span's end; else it sets
    it from there until the next bound of the attribute, or of the option where several may hold.
    """
    seconds = sorted(done)
    pressed = []
    for option_group in [attribute.names] if attribute.single else [[n] for n in attribute.names]:
        now = {s: next((o for o in option_group if o in shown.get(s, ())), None) for s in seconds}
        want = {s: next((o for o in option_group if o in done[s]), None) for s in seconds}
        own = {b for b, option in bounds if option in option_group}
        for at, second in enumerate(seconds):
            if now[second] == want[second]:
                continue
            key = want[second] or now[second]
            pressed.append((second, key))
            until = min((b for b in own if b > second), default=np.inf)
            for later in seconds[at:]:
                if later >= until:
                    break
                now[later] = want[second]
            own.add(second - 0.5)
    return sorted(pressed)


class Choice(NamedTuple):
    """An attribute as keys see it."""

    names: list[str]
    single: bool


def edges_of(spans: Sequence[tuple]) -> set[tuple[str, float]]:
    """Option and time of each beginning and end; spans of an option that touch are one."""
    found: set[tuple[str, float]] = set()
    for option, begin, end, _ in spans:
        found ^= {(option, begin), (option, end)}
    return found


def presses(
    clip: Clip, choices: Sequence[Choice], accepted: Mapping[int, list] | None
) -> tuple[int, dict[int, list[tuple[int, str]]]]:
    """Keys for a clip, and which by person; `accepted` spans by track are all taken first, also
    what is not sure."""
    keys, plays = 0, False
    by_person: dict[int, list[tuple[int, str]]] = {}
    for number, done in sorted(clip.doing.items()):
        spans = (accepted or {}).get(number, [])
        shown = {s: {o for o, a, b, _ in spans if a <= s < b} for s in done}
        bounds = {(edge, o) for o, edge in edges_of(spans)}
        by_person[number] = [
            press for choice in choices for press in keys_for(shown, bounds, done, choice)
        ]
    if accepted is None:
        # What most begin with is said for all in the picture by one key.
        first = min((min(done) for done in clip.doing.values()), default=0)
        for choice in choices:
            if not choice.single:
                continue
            begins = Counter(
                key
                for pressed in by_person.values()
                for second, key in pressed
                if second == first and key in choice.names
            )
            if begins and begins.most_common(1)[0][1] >= WORTH_ALL:
                name = begins.most_common(1)[0][0]
                keys += 1
                for pressed in by_person.values():
                    if (first, name) in pressed:
                        pressed.remove((first, name))
    else:
        keys += all_keys(accepted)
    for number, pressed in by_person.items():
        keys += len(pressed) + 1  # Enter
        plays |= any(second > min(clip.doing[number]) for second, _ in pressed)
    return keys + plays, by_person


# ------------------------------------------------------------- the simulation


class Simulation:
    """Features of all persons, and an annotator who knows the truth."""

    def __init__(self, folder: Path, results: Path, names: Sequence[str], attributes):
        self.attributes = attributes
        self.actions = [action.name for action in all_actions(attributes)]
        ids = {action.name: action.id for action in all_actions(attributes)}
        self.tracks = {n: read_table(results / "tracks" / f"{n}.csv", TRACKS) for n in names}
        self.clips = {name: read_clip(folder, results, name) for name in names}
        self.judged = {n: judged_as(c, self.tracks[n], ids) for n, c in self.clips.items()}
        index = read_table(results / "person_features" / "index.csv", PERSON_INDEX)
        self.featured = featured_persons(index, self.tracks, FPS)
        manifests = sorted((results / "person_feature_batches").glob("*.csv"))
        self.vectors = read_vectors(self.featured, manifests, results / "person_features")
        self.groups = {name: name for name in names}

    def learnt(self, done: Sequence[str]):
        """What is learnt from the clips that are done."""
        judged = {name: self.judged[name] for name in done}
        number = len(self.actions)
        examples = examples_of(self.featured, self.vectors, judged, self.groups, number)
        return learn(examples, self.vectors, self.attributes, FOLDS, PRECISION)

    def waiting(self, done: Sequence[str]):
        """Rows and places of all persons of the other clips."""
        rows = np.flatnonzero(~self.featured["clip"].isin(list(done)).to_numpy(bool))
        places = self.featured.iloc[rows][["clip", "second", "person_id"]]
        return rows, places.reset_index(drop=True)

    def queue(self, learnt, done: Sequence[str]) -> list[str]:
        """The clips that await the annotator, in the order of the queue."""
        rows, places = self.waiting(done)
        vectors = self.vectors[rows]
        names = [name for name in self.clips if name not in done]
        splits = dict.fromkeys(names, "train")
        scores = learnt.scores(vectors)
        queue = queue_of(names, splits, places, vectors, scores, learnt, self.actions)
        return [row.clip for row in queue]

    def suggested(self, learnt, done: Sequence[str]):
        """Spans suggested of the others, by clip."""
        rows, places = self.waiting(done)
        scores = learnt.scores(self.vectors[rows])
        return suggested_spans(learnt, places, scores, self.attributes)

    def ticks(self, names: Sequence[str]) -> Counter:
        """Ticks of clips by action."""
        return Counter(
            name
            for each in names
            for seconds in self.clips[each].doing.values()
            for done in seconds.values()
            for name in done
        )

    def judge(self, learnt, done: Sequence[str], spans) -> tuple[int, int, int]:
        """Suggested ticks that can be judged, those that are right, and all ticks; printed too."""
        given, right = Counter(), Counter()
        for clip, each in spans.items():
            for span in filter(lambda span: span.sure, each):
                for second, doing in self.clips[clip].doing.get(span.track, {}).items():
                    if span.start <= second < span.end:
                        given[span.option] += 1
                        right[span.option] += span.option in doing
        left = self.ticks([name for name in self.clips if name not in done])
        for at, name in enumerate(self.actions):
            bar = learnt.bars[at]
            print(
                f"  {name:<8} {learnt.counts[at]:>4} labels, "
                + (f"bar {bar:.3f}" if bar is not None else "not suggested")
                + f": {given[name]:>4} suggested, {right[name]:>4} right, of {left[name]:>4} ticks"
            )
        return given.total(), right.total(), left.total()


def accepted_of(spans) -> dict[int, list[tuple[str, float, float, bool]]]:
    """Option, beginning, end of what is suggested, and whether it is sure, by track."""
    found = defaultdict(list)
    for span in spans:
        found[span.track].append((span.option, span.start, span.end, span.sure))
    return found


def all_keys(accepted: Mapping[int, list]) -> int:
    """How often one key takes all of a clip: for what is sure, and again for what is not."""
    return len({each[3] for own in accepted.values() for each in own})


def choices_of(simulation: Simulation) -> list[Choice]:
    """The attributes as keys see them."""
    return [
        Choice([action.name for action in attribute.actions], not attribute.multiple)
        for attribute in simulation.attributes
    ]


def count_inputs(simulation: Simulation, done: Sequence[str], spans) -> None:
    """Keys on all clips that are left, by the model."""
    choices = choices_of(simulation)
    left = [clip for name, clip in simulation.clips.items() if name not in done]
    without = sum(presses(clip, choices, None)[0] for clip in left)
    accepted = {clip.name: accepted_of(spans.get(clip.name, [])) for clip in left}
    given = sum(presses(clip, choices, accepted[clip.name])[0] for clip in left)
    persons = sum(len(clip.doing) for clip in left)
    print(
        f"inputs by the model, {len(left)} clips, {persons} persons: {without} without "
        f"suggestions, {given} with: {given / without:.2f}"
    )


# ------------------------------------------------------------- real keys


def document_of(clip: Clip, tracks: pd.DataFrame, attribute_of: Mapping[str, str]) -> dict:
    """The truth as the page would have it: who is no person of the truth is not a person."""
    persons = []
    for number in sorted(set(tracks["person_id"].tolist())):
        seconds = clip.doing.get(number, {})
        spans = [
            {"attribute": attribute_of[name], "option": name, "from": s - 0.5, "to": s + 0.5}
            for s, done in sorted(seconds.items())
            for name in sorted(done)
        ]
        judged = [[min(seconds) - 0.5, max(seconds) + 0.5]] if seconds else []
        kind = "person" if seconds else "not a person"
        persons.append({"id": number, "kind": kind, "spans": spans, "judged": judged})
    return {"persons": persons}


def ticks_on(document: Mapping, clip: Clip) -> set[tuple[int, int, str]]:
    """Second, person and option of what a document of the page ticks where the truth is known."""
    return {
        (second, person["id"], span["option"])
        for person in document["persons"]
        for second in clip.doing.get(person["id"], {})
        for span in person["spans"]
        if span["from"] <= second < span["to"]
    }


def with_suggestions(page, clip: Clip, numbers: Sequence[int], choices, accepted, attribute_of):
    """Take all that is sure by one key, then say what differs from the truth, person by person."""
    for _ in range(all_keys(accepted)):
        page.press("Alt+a")
    _, by_person = presses(clip, choices, accepted)
    for number in numbers:
        if not page.seconds_of(number):
            continue
        if page.page.evaluate("avaflow.app.chosen") != number:
            page.page.evaluate(f"avaflow.app.choose({number})")
            page.keys += 2  # the key that asks for a number, and the number
        if number not in clip.doing:
            page.press("x")
            page.press("n")
            continue
        for second, option in by_person[number]:
            ahead = f"avaflow.app.player.frame >= {FPS * (second - BEFORE_SECONDS)}"
            if not page.page.evaluate(ahead):
                if not page.page.evaluate("avaflow.app.player.playing"):
                    page.press(" ")
                page.until(ahead)
            page.press(page.key_of(attribute_of[option], option))
        page.press("Enter")


def by_real_keys(simulation: Simulation, results: Path, names: Sequence[str], spans) -> None:
    """Some clips in Chromium, without suggestions and with them."""
    from annotating import Page, annotate
    from playwright.sync_api import sync_playwright

    attribute_of = {a.name: each.name for each in simulation.attributes for a in each.actions}
    choices = choices_of(simulation)
    total, wrong, ticks = Counter(), Counter(), 0
    with sync_playwright() as started:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in names:
            clip, tracks = simulation.clips[name], simulation.tracks[name]
            truth = document_of(clip, tracks, attribute_of)
            expected = ticks_on(truth, clip)
            ticks += len(expected)
            for kind in ("without", "with"):
                page = Page(browser, results / "annotate" / f"{name}.html")
                if kind == "without":
                    annotate(page, truth, page.page.evaluate("window.AVAFLOW_CLIP"))
                else:
                    numbers = [person["id"] for person in truth["persons"]]
                    accepted = accepted_of(spans.get(name, []))
                    with_suggestions(page, clip, numbers, choices, accepted, attribute_of)
                total[kind] += page.keys
                wrong[kind] += len(expected ^ ticks_on(page.document(), clip))
                page.context.close()
        browser.close()
    print(
        f"inputs by real keys, {len(names)} clips, {ticks} ticks: {total['without']} without "
        f"suggestions ({wrong['without']} ticks not as in the truth), {total['with']} with "
        f"({wrong['with']}): {total['with'] / total['without']:.2f}"
    )


def main() -> None:
    """Make, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, required=True, help="folder of what is made")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--real", type=int, default=0, help="clips to do by real keys too")
    args = parser.parse_args()
    folder = args.keep.resolve()
    results = prepare(folder, args.clips, args.cores)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    attributes = attributes_from_config(config["actions"])
    names = [f"scene-{seed:02d}" for seed in range(args.clips)]
    simulation = Simulation(folder, results, names, attributes)
    done: list[str] = []
    learnt = simulation.learnt(done)
    while min(simulation.ticks(done)[name] for name in simulation.actions) < ENOUGH:
        done.append(simulation.queue(learnt, done)[0])
        learnt = simulation.learnt(done)
        if len(done) <= 3:
            print(f"after {len(done)} clips:")
            report(*simulation.judge(learnt, done, simulation.suggested(learnt, done)))
    ticks = simulation.ticks(done)
    print(f"{len(done)} clips done in the queue's order, {ticks.total()} ticks: {dict(ticks)}")
    spans = simulation.suggested(learnt, done)
    report(*simulation.judge(learnt, done, spans))
    count_inputs(simulation, done, spans)
    if args.real:
        for name in names:
            content = clip_content(name, spans.get(name, []), PRECISION, learnt.digest(), FPS)
            path = results / "suggestions" / f"{name}.json"
            write_clip(path, path.with_suffix(".js"), content)
        left = [name for name in names if name not in done]
        by_real_keys(simulation, results, left[: args.real], spans)


def report(given: int, right: int, ticks: int) -> None:
    """Print precision and coverage."""
    if given:
        print(
            f"precision {right / given:.3f} ({right} of {given} suggested ticks), coverage "
            f"{right / ticks:.3f} of {ticks} ticks"
        )
    else:
        print(f"nothing suggested, of {ticks} ticks")


if __name__ == "__main__":
    main()
