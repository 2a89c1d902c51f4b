"""Inputs for a tick, and ticks an hour: the page against VIA 3, on clips whose truth is known.

    uv run python benchmarks/annotating.py [--configfile mine.yaml] [--via via_image_annotator.html]

Two sets: the finished clips of a config (the demo's, unless one is given; run it first), whose
annotations are the truth, and a made-up clip of ten persons and half a minute, each of whom sits,
stands up once and now and then writes. Needs Debian's chromium. For each clip

* on the page, everything is done by real keys in Chromium, from a page without any annotation:
  what most begin with by one key for everybody, Shift where something holds all the time, an
  action's key where it begins or changes while the video plays on, Enter to confirm a person and
  go on to the next. What the page then holds is compared with the truth, tick by tick;
* in VIA by its quickest way, a click on each box that is ticked, a click on each tick, a key for
  each next image. VIA may not be handed on: where a copy of VIA 3 is given, all of it is done
  there by real clicks, and compared with the truth; else it is counted.

What must be said at the least, whatever the interface, is each time that somebody begins to do
something: by so many inputs, and no more, VIA's could be divided.

Boxes that the truth mends, draws or deletes are put in beforehand on both sides and left out of
both counts: a drag costs the same in both. Times are the keystroke-level model's: 0.28 s a key,
1.1 s to point, 0.1 s a press of the mouse, 1.35 s a decision, which is one for each person and
change, in VIA one for each box; on the page also the time that the video plays, at double speed.
Prints inputs for a tick, ticks an hour, and ratios.
"""

import argparse
import json
import random
import re
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
from avaflow.annotation.reopened import opened_project  # noqa: E402
from avaflow.annotation.via import read_project  # noqa: E402
from avaflow.annotation.via_page import clip_page, project_script, read_page  # noqa: E402
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

SETTLING_MS = 300
"""Until VIA has laid out an image that is there."""


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


def beginnings(ticks: set[tuple[int, int, object]]) -> int:
    """How often somebody begins to do something: runs of seconds of a person and an action."""
    return sum((second - 1, *rest) not in ticks for second, *rest in ticks)


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


class Via:
    """A clip's project in a copy of VIA 3, in Chromium, with its boxes and without a tick."""

    def __init__(self, browser, via: Path, folder: Path, results: Path, project: Mapping, actions):
        clip = project["project"]["pname"]
        bare = json.loads(json.dumps(project))
        person = next(i for i, a in project["attribute"].items() if a["aname"] == "person")
        for entry in bare["metadata"].values():
            entry["av"] = {key: value for key, value in entry["av"].items() if key == person}
            shape, x, y, w, h = entry["xy"]  # drawn from right to left, it cannot be clicked again
            entry["xy"] = [shape, min(x, x + w), min(y, y + h), abs(w), abs(h)]
        (folder / "via").mkdir(parents=True)
        (folder / "keyframes").symlink_to((results / "keyframes").resolve())
        opened = opened_project(bare, None, actions)
        page = folder / "via" / f"{clip}.html"
        page.write_text(
            clip_page(read_page(via), clip, opened.project["attribute"]),
            encoding="utf-8",
            errors="surrogateescape",
        )
        page.with_suffix(".js").write_text(project_script(opened), encoding="utf-8")
        self.context = browser.new_context(viewport={"width": 1366, "height": 768})
        self.page = self.context.new_page()
        self.page.goto(page.resolve().as_uri())
        self.page.wait_for_selector("#input")
        self.page.wait_for_timeout(SETTLING_MS)
        self.project, self.person, self.boxes = project, person, bare["metadata"]
        made = (entry.get("avaflow") for entry in project["metadata"].values())
        self.size = next(each["picture"] for each in made if each)

    def tick(self, key: str, entry: Mapping, others: list[Mapping]) -> Counts:
        """Click a box where no other lies, and its ticks."""
        image = self.page.locator("#input").bounding_box()
        x, y = clear_place(entry["xy"][1:], [other["xy"][1:] for other in others])
        width, height = self.size
        self.page.mouse.click(
            image["x"] + x * image["width"] / width, image["y"] + y * image["height"] / height
        )
        clicks = 1
        for attribute, values in entry["av"].items():
            for option in values.split(",") if attribute != self.person and values else ():
                name = self.project["attribute"][attribute]["options"][option]
                self.page.locator(
                    "#smetadata_container label", has_text=re.compile(f"^{re.escape(name)}$")
                ).first.click()
                clicks += 1
        return Counts(points=clicks, presses=clicks, decisions=1)

    def run(self) -> tuple[Counts, int]:
        """Tick all that the project ticks, image by image; what it took, and boxes that differ."""
        total = Counts()
        metadata = self.project["metadata"]
        for number, view in enumerate(self.project["project"]["vid_list"]):
            if number:
                self.page.keyboard.press("n")
                self.page.wait_for_selector("#input")
                self.page.wait_for_timeout(SETTLING_MS)
                total += Counts(keys=1)
            here = {
                key: entry | {"xy": self.boxes[key]["xy"]}
                for key, entry in metadata.items()
                if entry["vid"] == view
            }
            for key, entry in here.items():
                if any(v for a, v in entry["av"].items() if a != self.person):
                    rest = [other for name, other in here.items() if name != key]
                    total += self.tick(key, entry, rest)
        done = self.page.evaluate("JSON.parse(JSON.stringify(via.d.store.metadata))")
        wrong = sum(ticked(done[key]) != ticked(metadata[key]) for key in metadata)
        self.context.close()
        return total, wrong


def ticked(entry: Mapping) -> dict[str, list[str]]:
    """The options of a box in VIA, by attribute, without those that have none."""
    return {a: sorted(value.split(",")) for a, value in entry["av"].items() if value}


def clear_place(box: list[float], others: list[list[float]]) -> tuple[float, float]:
    """A place in a box, in its pixels, that lies in as few of the others as can be."""
    x, y, width, height = box
    places = [
        (x + width * (2 * i + 1) / 10, y + height * (2 * j + 1) / 10)
        for i in range(5)
        for j in range(5)
    ]

    def covered(place: tuple[float, float]) -> tuple[int, float]:
        px, py = place
        inside = sum(a <= px <= a + w and b <= py <= b + h for a, b, w, h in others)
        return inside, abs(px - x - width / 2) + abs(py - y - height / 2)

    return min(places, key=covered)


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
    people = plan(page, truth, clip)
    before = page.keys
    decisions = all_at_once(page, [each for each in people if each[1] or each[2]], clip)
    if page.page.evaluate("avaflow.app.player.rate") != SPEED:
        for _ in range(2):
            page.press("+")  # from 1 to SPEED; the browser keeps it for the clips that follow
    counts = Counts(keys=page.keys - before, decisions=decisions)
    for person, whole, later in people:
        if person["kind"] == "person" and not person["judged"]:
            continue
        counts += say(page, person, whole, later, clip["fps"])
    return counts


def plan(page: Page, truth: Mapping, clip: Mapping) -> list[tuple[dict, list, list]]:
    """Each person with what is said of their whole time, and what while the video plays."""
    seconds = [keyframe["second"] for keyframe in clip["keyframes"]]
    people = []
    for person in truth["persons"]:
        judged = [s for s in seconds if any(a <= s < b for a, b in person["judged"])]
        whole, later = changes_of(person, clip, judged) if judged else ([], [])
        if judged and max(page.seconds_of(person["id"])) > judged[-1]:
            # Judged up to there, no further: said when the keyframe has passed.
            later.append((judged[-1] + 2 * BEFORE_SECONDS, "", ""))
        # What holds from the first second on is said for the whole time, and ended.
        whole += [(name, option) for second, name, option in later if second == judged[0]]
        people.append((person, whole, [each for each in later if each[0] > judged[0]]))
    return people


def say(page: Page, person: Mapping, whole: list, later: list, fps: int) -> Counts:
    """Say of one person what they do, and go on to the next."""
    before = page.keys
    if page.page.evaluate("avaflow.app.chosen") != person["id"]:
        page.page.evaluate(f"avaflow.app.choose({person['id']})")
        page.keys += 2  # the key that asks for a number, and the number
    if person["kind"] != "person":
        page.press({"not a person": "x", "ignored": "i"}[person["kind"]])
        return Counts(keys=page.keys - before, decisions=1)
    for attribute, option in whole:
        page.press(f"Shift+{page.key_of(attribute, option)}")
    watched = 0.0
    if later:
        if not page.page.evaluate("avaflow.app.player.playing"):
            page.press(" ")
        begins = page.page.evaluate("avaflow.app.player.frame")
        for second, attribute, option in later:
            page.until(f"avaflow.app.player.frame >= {fps * (second - BEFORE_SECONDS)}")
            page.press(page.key_of(attribute, option) if option else "Shift+Enter")
        ends = page.page.evaluate("avaflow.app.player.frame")
        watched = max(0, ends - begins) / fps / SPEED
    page.press("n" if later and not later[-1][1] else "Enter")
    return Counts(page.keys - before, decisions=len(whole) + len(later) + 1, watched=watched)


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
    report(counts, via, len(expected), len(expected ^ done), beginnings(expected))


def main() -> None:
    """Do every finished clip of a config both ways, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", default=str(ROOT / "examples" / "demo" / "config.yaml"))
    parser.add_argument("--via", type=Path, help="html file of VIA 3's annotator")
    args = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("no playwright here: it is in the group `dev`, run by `uv run python ...`")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("no chromium on this machine")
    config = load_configs([ROOT / "config.yaml", args.configfile])
    results = Path(config["results"])
    attributes = attributes_from_config(config["actions"])
    page_total, via_total, ticks, wrong, begins, via_wrong = Counts(), Counts(), 0, 0, 0, 0
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
            begins += beginnings(expected)
            if args.via is None:
                via_total += in_via(labels, len(keyframes))
                continue
            with tempfile.TemporaryDirectory() as folder:
                project = json.loads(path.read_text(encoding="utf-8"))
                via = Via(browser, args.via, Path(folder), results, project, attributes)
                counts, differ = via.run()
            via_total, via_wrong = via_total + counts, via_wrong + differ
        print(f"{args.configfile}:")
        if args.via:
            print(f"{args.via.name}, done by real clicks: {via_wrong} boxes not as in the truth")
        report(page_total, via_total, ticks, wrong, begins)
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


def report(page: Counts, via: Counts, ticks: int, wrong: int, begins: int) -> None:
    """Print both sides and their ratios."""
    print(f"{ticks} ticks; on the page {wrong} are not as in the truth")
    for name, counts in (("VIA 3", via), ("the page", page)):
        print(
            f"{name:<10} {counts.inputs:>5} inputs ({counts.inputs / ticks:.2f} a tick), "
            f"{counts.seconds:>6.0f} s by the model, {ticks / counts.seconds * 3600:>6.0f} ticks "
            "an hour"
        )
    print(
        f"the page takes {via.inputs / page.inputs:.1f} times fewer inputs and "
        f"{via.seconds / page.seconds:.1f} times less time; actions begin {begins} times, so at "
        f"most {via.inputs / begins:.1f} times fewer inputs can be"
    )


if __name__ == "__main__":
    main()
