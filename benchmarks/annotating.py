"""Inputs for a tick, and ticks an hour: the page against VIA 3, on clips whose truth is known.

    uv run --with playwright python benchmarks/annotating.py [--configfile mine.yaml]

Two sets: the finished clips of a config (the demo's, unless one is given; run it first), whose
annotations are the truth, and a made-up clip of ten persons and half a minute, each of whom sits,
stands up once and now and then writes. Needs Debian's chromium. For each clip

* on the page, everything is done by real keys in Chromium, from a page without any annotation:
  play, an action's key where it begins or changes, Shift where it holds all the time, Enter to
  confirm a person. What the page then holds is compared with the truth, tick by tick;
* in VIA, which may not be handed on and is not run here, inputs are counted by what its quickest
  way takes: a click on each box that is ticked, a click on each tick, a key for each next image.

Boxes that the truth mends, draws or deletes are put in beforehand on the page and left out of both
counts: a drag costs the same in both. Times are the keystroke-level model's: 0.28 s a key, 1.1 s
to point, 0.1 s a press of the mouse, 1.35 s a decision, which is one for each person and change,
in VIA one for each box; on the page also the time that the video plays, at double speed. Prints
inputs for a tick, ticks an hour, and ratios.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.annotation.page.labels import labels_of_annotation  # noqa: E402
from avaflow.annotation.page.model import annotation_content, parse_annotation  # noqa: E402
from avaflow.annotation.page.pages import copy_assets, write_clip_page  # noqa: E402
from avaflow.annotation.page.via_exchange import annotation_of_project  # noqa: E402
from avaflow.annotation.page_files import asset_names  # noqa: E402
from avaflow.annotation.via import read_project  # noqa: E402
from avaflow.manifests import read_clip_manifest  # noqa: E402
from avaflow.project.actions import attributes_from_config  # noqa: E402
from avaflow.project.config import load_configs  # noqa: E402
from avaflow.tables import KEYFRAMES, LABELS, TRACKS, read_table  # noqa: E402

KEY, POINT, PRESS, DECIDE = 0.28, 1.1, 0.1, 1.35
"""Seconds of the keystroke-level model (Card, Moran and Newell) for a key by a good typist, a
movement of the mouse to a target, a press of its button, and a decision."""

SPEED = 2.0
"""How fast the video plays, against life."""

BEFORE_SECONDS = 0.4
"""How long before a keyframe its key is pressed while the video plays: in time for it."""

FPS, LENGTH, PERSONS = 30, 32, 10
"""Of the made-up clip: frames a second, seconds, persons."""

WORTH_ALL = 2
"""Persons for whom one key for everybody is worth more than a key each."""

PATIENCE_SECONDS = 30


class Counts(NamedTuple):
    """What somebody did: keys, movements of the mouse, presses, decisions, seconds watched."""

    keys: int = 0
    points: int = 0
    presses: int = 0
    decisions: int = 0
    watched: float = 0.0

    @property
    def inputs(self) -> int:
        """Keys and clicks."""
        return self.keys + self.presses

    @property
    def seconds(self) -> float:
        """Time by the keystroke-level model."""
        by_hand = self.keys * KEY + self.points * POINT + self.presses * PRESS
        return by_hand + self.decisions * DECIDE + self.watched

    def __add__(self, other):
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


def in_via(labels, images: int) -> Counts:
    """VIA's quickest way: each box that is ticked is clicked, then each of its ticks."""
    boxes = len(labels[["second", "person_id"]].drop_duplicates())
    clicks = boxes + len(labels)
    return Counts(keys=images - 1, points=clicks, presses=clicks, decisions=boxes)


def changes_of(person: Mapping, clip: Mapping, seconds: list[int]) -> tuple[list, list]:
    """Keys for the whole time, and (second, option) at which one is pressed while it plays.

    `seconds` are the person's keyframes. On each the page has what was said last before.
    """
    whole, later = [], []
    for attribute in clip["attributes"]:
        own = [span for span in person["spans"] if span["attribute"] == attribute["name"]]
        at = {s: [o["option"] for o in own if o["from"] <= s < o["to"]] for s in seconds}
        if attribute["choose"] == "single":
            values = [at[s][0] if at[s] else None for s in seconds]
            present = next((value for value in values if value), None)
            if present is None:
                continue
            whole.append((attribute["name"], present))
            for second, value in zip(seconds, values, strict=True):
                if value != present:
                    # Another option cuts the one before; the same key ends it.
                    later.append((second, attribute["name"], value or present))
                    present = value
        else:
            for option in attribute["options"]:
                held = [option in at[s] for s in seconds]
                if all(held):
                    whole.append((attribute["name"], option))
                    continue
                before = False
                for second, now in zip(seconds, held, strict=True):
                    if now != before:
                        later.append((second, attribute["name"], option))
                    before = now
    return whole, sorted(later)


class Page:
    """The page of a clip in Chromium, and what was pressed on it."""

    def __init__(self, browser, path: Path):
        self.context = browser.new_context(viewport={"width": 1366, "height": 768})
        self.page = self.context.new_page()
        self.page.goto(path.resolve().as_uri())
        self.until("Boolean(window.avaflow && avaflow.app && avaflow.app.boxes.area)")
        self.until("avaflow.app.player.stills || avaflow.app.player.video.readyState > 1")
        self.keys = 0

    def until(self, script: str) -> None:
        """Wait until a script is true."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not self.page.evaluate(script):
            if time.monotonic() > ends:
                raise SystemExit(f"the page never came so far: {script}")
            self.page.wait_for_timeout(10)

    def press(self, key: str) -> None:
        """A real key."""
        self.page.keyboard.press(key)
        self.keys += 1

    def key_of(self, attribute: str, option: str) -> str:
        """The key of an action, as the page gives it."""
        name = json.dumps([attribute, option])
        return self.page.evaluate(
            f"avaflow.app.keys.command(avaflow.app.optionCommand({{name: {json.dumps(attribute)}}},"
            f" {json.dumps(option)})).key"
        ) or sys.exit(f"no key for {name}")

    def seconds_of(self, person: int) -> list[int]:
        """The keyframes on which a person has a box."""
        return self.page.evaluate(
            "(id) => { const {app, tracks} = avaflow, {clip} = app;"
            " const one = app.history.present.doc.persons.find((p) => p.id === id);"
            " return clip.keyframes.filter((k) => tracks.boxAt(one, k.frame, clip))"
            ".map((k) => k.second); }",
            person,
        )

    def document(self) -> dict:
        """What the page would save."""
        return self.page.evaluate("JSON.parse(JSON.stringify(avaflow.app.history.present.doc))")


def all_at_once(page: Page, people: list[tuple[dict, list, list]], clip: Mapping) -> int:
    """Say for everybody in the picture what most of them begin with; the decisions it took.

    Takes what was said out of the keys of those whom it reached.
    """
    first = clip["keyframes"][0]
    page.page.evaluate(f"avaflow.app.seekFrame({first['frame']})")
    page.until("!avaflow.app.player.seeking")
    decisions = 0
    for attribute in clip["attributes"]:
        if attribute["choose"] != "single":
            continue
        name = attribute["name"]
        wanted = [option for _, whole, _ in people for own, option in whole if own == name]
        if not wanted:
            continue
        common = max(sorted(set(wanted)), key=wanted.count)
        if wanted.count(common) < WORTH_ALL:
            continue
        page.press(f"Alt+{page.key_of(name, common)}")
        decisions += 1
        document = {person["id"]: person for person in page.document()["persons"]}
        for person, whole, _ in people:
            spans = document[person["id"]]["spans"]
            begins = min(s for s in page.seconds_of(person["id"]))
            said = [s["option"] for s in spans if s["from"] <= begins and s["attribute"] == name]
            if said == [common] and (name, common) in whole:
                whole.remove((name, common))
    return decisions


def annotate(page: Page, truth: Mapping, clip: Mapping) -> Counts:
    """Say of every person what the truth says, by keys.

    What most begin with is said for all at once. Then the video plays on and on: Enter confirms
    a person and goes on to the next, at their first keyframe.
    """
    watched, decisions = 0.0, 0
    seconds = [keyframe["second"] for keyframe in clip["keyframes"]]
    people = []
    for person in truth["persons"]:
        judged = [s for s in seconds if any(a <= s < b for a, b in person["judged"])]
        whole, later = changes_of(person, clip, judged) if judged else ([], [])
        if judged and max(page.seconds_of(person["id"])) > judged[-1]:
            later.append((judged[-1] + BEFORE_SECONDS, "", ""))  # judged up to there, no further
        # What holds from the first second on is said for the whole time, and ended.
        whole += [(name, option) for second, name, option in later if second == judged[0]]
        later = [change for change in later if change[0] > judged[0]]
        people.append((person, whole, later))
    judged_ones = [each for each in people if each[1] or each[2]]
    if judged_ones:
        decisions += all_at_once(page, judged_ones, clip)
    if page.page.evaluate("avaflow.app.player.rate") != SPEED:
        for _ in range(2):
            page.press("+")  # from 1 to SPEED; the browser keeps it for the clips that follow
    for person, whole, later in people:
        if person["kind"] == "person" and not (whole or later or person["judged"]):
            continue
        if page.page.evaluate("avaflow.app.chosen") != person["id"]:
            page.page.evaluate(f"avaflow.app.choose({person['id']})")
            page.keys += 2  # the key that asks for a number, and the number
        if person["kind"] != "person":
            page.press({"not a person": "x", "ignored": "i"}[person["kind"]])
            decisions += 1
            continue
        decisions += len(whole) + len(later) + 1
        for attribute, option in whole:
            page.press(f"Shift+{page.key_of(attribute, option)}")
        if later and not page.page.evaluate("avaflow.app.player.playing"):
            page.press(" ")
        begins = page.page.evaluate("avaflow.app.player.frame")
        for second, attribute, option in later:
            frame = clip["fps"] * (second - BEFORE_SECONDS)
            page.until(f"avaflow.app.player.frame >= {frame}")
            page.press(page.key_of(attribute, option) if option else "Shift+Enter")
        if later:
            ends = page.page.evaluate("avaflow.app.player.frame")
            watched += max(0, ends - begins) / clip["fps"] / SPEED
        if later and not later[-1][1]:
            page.press("n")  # judged up to there; on to the next
        else:
            page.press("Enter")
    return Counts(keys=page.keys, decisions=decisions, watched=watched)


def made_up(folder: Path) -> tuple[dict, dict]:
    """A clip of PERSONS persons and LENGTH seconds with its page; the page's data, the truth."""
    chance = random.Random(3)
    (folder / "clips").mkdir(parents=True)
    (folder / "annotate").mkdir()
    copy_assets(folder / "annotate" / "assets" / name for name in asset_names())
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin"]
    source = f"testsrc2=s=640x360:r={FPS}:d={LENGTH}"
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    subprocess.run([*ffmpeg, "-f", "lavfi", "-i", source, *encode, folder / "clips/made-up.mp4"])
    subprocess.run([*ffmpeg, "-i", folder / "clips/made-up.mp4", "-vf", "fps=1", folder / "%d.jpg"])
    attributes = [
        {"name": "body", "choose": "single", "options": ["sit", "stand"], "keys": ["1", "2"]},
        {"name": "hands", "choose": "multiple", "options": ["write", "raise"], "keys": ["3", "4"]},
    ]
    keyframes = [
        {"second": s, "frame": FPS * s + 1, "image": f"../{s + 1}.jpg"}
        for s in range(2, LENGTH - 1)
    ]
    frames = list(range(1, FPS * LENGTH + 1, FPS // 3))
    tracks, persons = [], []
    for number in range(1, PERSONS + 1):
        x = number / (PERSONS + 2)
        box = [round(x, 6), 0.3, round(x + 0.06, 6), 0.8]
        tracks.append({"id": number, "frames": frames, "boxes": [box] * len(frames)})
        up, begins = chance.randrange(5, LENGTH - 5), chance.randrange(4, LENGTH - 12)
        spans = [("body", "sit", 0, up), ("body", "stand", up, LENGTH)]
        spans.append(("hands", "write", begins, begins + 8))
        persons.append(
            {
                "id": number,
                "kind": "person",
                "spans": [
                    dict(zip(("attribute", "option", "from", "to"), span, strict=True))
                    for span in spans
                ],
                "judged": [[0, LENGTH]],
            }
        )
    data = {
        "version": 1,
        "clip": "made-up",
        "video": "../clips/made-up.mp4",
        "fps": FPS,
        "frames": FPS * LENGTH,
        "width": 640,
        "height": 360,
        "start": 0.0,
        "keyframes": keyframes,
        "attributes": attributes,
        "tracks": tracks,
        "doubts": [],
        "finished": None,
        "annotator": "",
        "settings": {"reaction_ms": 0},
    }
    page = folder / "annotate" / "made-up.html"
    write_clip_page(page, page.with_suffix(".js"), data)
    return data, {"persons": persons}


def ticks_of(document: Mapping, clip: Mapping) -> set[tuple[int, int, str]]:
    """Second, person and option of every judged tick of a made-up clip, all of whom are seen."""
    return {
        (keyframe["second"], person["id"], span["option"])
        for keyframe in clip["keyframes"]
        for person in document["persons"]
        if any(a <= keyframe["second"] < b for a, b in person["judged"])
        for span in person["spans"]
        if span["from"] <= keyframe["second"] < span["to"]
    }


def steady(browser) -> None:
    """The made-up clip both ways."""
    with tempfile.TemporaryDirectory() as folder:
        data, truth = made_up(Path(folder))
        page = Page(browser, Path(folder, "annotate", "made-up.html"))
        counts = annotate(page, truth, data)
        done, expected = ticks_of(page.document(), data), ticks_of(truth, data)
        page.context.close()
    boxes = len({(second, person) for second, person, _ in expected})
    clicks = boxes + len(expected)
    via = Counts(len(data["keyframes"]) - 1, clicks, clicks, boxes)
    report(counts, via, len(expected), len(expected ^ done))


def main() -> None:
    """Do every finished clip of a config both ways, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", default=str(ROOT / "examples" / "demo" / "config.yaml"))
    args = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("no playwright here: run by `uv run --with playwright python ...`")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("no chromium on this machine")
    config = load_configs([ROOT / "config.yaml", args.configfile])
    results = Path(config["results"])
    attributes = attributes_from_config(config["actions"])
    page_total, via_total, ticks, wrong = Counts(), Counts(), 0, 0
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in sorted(Path(config["annotations"]).glob("*_finish.json")):
            clip = path.name.removesuffix("_finish.json")
            keyframes = read_table(results / "keyframes" / f"{clip}.csv", KEYFRAMES)
            tracks = read_table(results / "tracks" / f"{clip}.csv", TRACKS)
            manifest = read_clip_manifest(results / "clips" / f"{clip}.json")
            labels = read_table(results / "labels" / f"{clip}.csv", LABELS)
            truth = annotation_of_project(
                read_project(path), keyframes, tracks, attributes, manifest
            )
            facts = (keyframes, tracks, attributes, manifest)
            done, counts = on_page(browser, results, clip, truth, facts)
            expected = said(labels)
            ticks += len(expected)
            wrong += len(expected ^ said(done))
            page_total += counts
            via_total += in_via(labels, len(keyframes))
        print(f"{args.configfile}:")
        report(page_total, via_total, ticks, wrong)
        print(f"{PERSONS} persons, {LENGTH} seconds, steady:")
        steady(browser)
        browser.close()


def said(labels) -> set[tuple[int, int, int]]:
    """Second, person and action of every tick."""
    return set(labels[["second", "person_id", "action_id"]].itertuples(index=False, name=None))


def on_page(browser, results: Path, clip: str, truth, facts):
    """The labels of what was said on the page, and what it took."""
    content = annotation_content(truth)
    page = Page(browser, results / "annotate" / f"{clip}.html")
    data = page.page.evaluate("window.AVAFLOW_CLIP")
    # Boxes and identities as the truth has them, and nothing said or judged.
    bare = json.loads(json.dumps(content))
    for person in bare["persons"]:
        person |= {"spans": [], "judged": [], "kind": "person"}
    page.page.evaluate(
        "(doc) => avaflow.app.editState((state) => ({...state, doc: {...state.doc, ...doc}}))", bare
    )
    counts = annotate(page, content, data)
    document = {**content, **page.document()}
    page.context.close()
    labels, *_ = labels_of_annotation(parse_annotation(document, clip), clip, *facts)
    return labels, counts


def report(page: Counts, via: Counts, ticks: int, wrong: int) -> None:
    """Print both sides and their ratios."""
    print(f"{ticks} ticks; on the page {wrong} are not as in the truth")
    for name, counts in (("VIA, counted", via), ("the page, done", page)):
        print(
            f"{name:<15} {counts.inputs:>5} inputs ({counts.inputs / ticks:.2f} a tick), "
            f"{counts.seconds:>6.0f} s by the model, {ticks / counts.seconds * 3600:>6.0f} ticks "
            "an hour"
        )
    print(
        f"the page takes {via.inputs / page.inputs:.1f} times fewer inputs and "
        f"{via.seconds / page.seconds:.1f} times less time"
    )


if __name__ == "__main__":
    main()
