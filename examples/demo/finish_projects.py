"""Annotate the demo's VIA projects from the known truth, as a person would.

    python examples/demo/finish_projects.py --results DIR --annotations DIR --clips clips.tsv

Reads the projects that await annotation (DIR/via, DIR/keyframes) and the truth about the
demo's videos. Ticks every visible person's actions in varying click order; moves boxes that
sit badly, deletes those that show nobody, draws persons who have no box, corrects numbers
of persons who were mixed up, leaves a box unticked, slips once with the mouse. Writes
{clip}_finish.json as VIA 3 saves it, and beside the annotations folder truth_labels.csv:
exactly what was ticked, to test the rest of the workflow against.
"""

import argparse
import csv
import hashlib
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

from avaflow.annotation.via import OWN_KEY, RECTANGLE, write_project  # noqa: E402
from avaflow.boxes import iou_matrix  # noqa: E402
from avaflow.files import write_text  # noqa: E402
from avaflow.project.actions import PERSON_ATTRIBUTE  # noqa: E402
from avaflow.tables import KEYFRAMES, read_table  # noqa: E402
from avaflow.times import parse_time  # noqa: E402

TRUTH_FPS = 30
LEAST_VISIBLE = 0.4
"""Share of a person that has to be seen before somebody would annotate them."""
SEEN_IOU = 0.4
"""A box that overlaps a person by less does not look like theirs."""
GOOD_IOU = 0.7
"""Boxes that fit worse are moved."""
MOVED_EVERY = 7
"""Of the boxes that fit, every so many is moved too: tastes differ."""

TICKED_COLUMNS = [
    *("clip", "second", "truth_person_id", "person"),
    *("x_px", "y_px", "w_px", "h_px", "x1", "y1", "x2", "y2", "actions"),
]


def read_truth(path: Path) -> dict[int, list[dict]]:
    """Truth rows by 0-based frame of the source: person, box (x1..y2 in 0..1), actions."""
    by_frame = defaultdict(list)
    with open(path, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            by_frame[int(row["frame"])].append(
                {
                    "person": int(row["person_id"]),
                    "box": tuple(float(row[side]) for side in ("x1", "y1", "x2", "y2")),
                    "visible": float(row["visible"]),
                    "actions": [a for a in row["actions"].split(";") if a],
                }
            )
    return by_frame


def matches(boxes: np.ndarray, persons: np.ndarray) -> dict[int, int]:
    """Index of the person that each box shows; boxes of nobody are left out."""
    from scipy.optimize import linear_sum_assignment

    overlap = iou_matrix(boxes, persons)
    return {
        int(b): int(p)
        for b, p in zip(*linear_sum_assignment(-overlap), strict=True)
        if overlap[b, p] >= SEEN_IOU
    }


def numbers_of_persons(persons: set[int], seen: Counter, used: set[int]) -> dict[int, int]:
    """The number each true person keeps: the track they were mostly given, or a new one.

    `seen` counts (person, track) over all keyframes; `used` are all tracks of the project.
    """
    numbers: dict[int, int] = {}
    for (person, track), _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        if person not in numbers and track not in numbers.values():
            numbers[person] = track
    fresh = max(used, default=0) + 1
    for person in sorted(persons - set(numbers)):
        numbers[person] = fresh
        fresh += 1
    return numbers


def finish(
    project: dict, keyframes: list[dict], truth: dict[int, list[dict]], first_frame: int
) -> tuple[dict, list[dict]]:
    """The finished project and what was ticked (rows of :data:`TICKED_COLUMNS`).

    `keyframes` are rows of the clip's manifest, `first_frame` the source frame of the
    clip's frame 1.
    """
    clip = project["project"]["pname"]
    finished = json.loads(json.dumps(project))
    attribute_of, option_of, person_aid = _options(project)
    fname = {vid: _file(project, vid)["fname"] for vid in project["project"]["vid_list"]}
    vid_of = {name: vid for vid, name in fname.items()}

    shown, found, seen = {}, {}, Counter()
    for keyframe in keyframes:
        second, vid = keyframe["second"], vid_of[keyframe["file"]]
        persons = truth.get(first_frame + keyframe["frame"] - 1, [])
        keys = [k for k, entry in project["metadata"].items() if entry["vid"] == vid]
        boxes = np.array([_normalised(project["metadata"][k]["xy"], keyframe) for k in keys])
        match = matches(boxes.reshape(-1, 4), np.array([p["box"] for p in persons]).reshape(-1, 4))
        shown[second] = persons
        found[second] = {match[i]: key for i, key in enumerate(keys) if i in match}
        for i, key in enumerate(keys):
            if i in match:
                person = persons[match[i]]["person"]
                seen[person, project["metadata"][key][OWN_KEY]["track"]] += 1
            else:
                del finished["metadata"][key]
    numbers = numbers_of_persons(
        {person["person"] for persons in shown.values() for person in persons},
        seen,
        {entry[OWN_KEY]["track"] for entry in project["metadata"].values()},
    )
    ticked: list[dict] = []
    handled = drawn = 0
    redrawn = False
    seconds = sorted(shown)
    for keyframe in sorted(keyframes, key=lambda k: k["second"]):
        second, vid = keyframe["second"], vid_of[keyframe["file"]]
        for index, person in enumerate(shown[second]):
            key = found[second].get(index)
            if person["visible"] < LEAST_VISIBLE:
                continue  # a box there stays, without a tick
            true_px = _px(person["box"], keyframe)
            number = str(numbers[person["person"]])
            redraw = (
                second >= seconds[len(seconds) // 2]
                and not redrawn
                and key is not None
                and str(project["metadata"][key][OWN_KEY]["track"]) == number
            )
            if key and second == seconds[-1] and key == max(found[second].values()):
                continue  # forgotten: found, but never ticked
            if redraw:
                # Some rather delete a box and draw their own, without giving a number.
                del finished["metadata"][key]
                key, number, redrawn = None, "", True
            elif not key and drawn % 2:
                number = ""
            if key:
                entry = finished["metadata"][key]
                handled += 1
                fit = iou_matrix(
                    np.array([_normalised(entry["xy"], keyframe)]), np.array([person["box"]])
                )[0, 0]
                if fit < GOOD_IOU or handled % MOVED_EVERY == 0:
                    entry["xy"] = [RECTANGLE, *true_px]
                entry["av"][person_aid] = number
            else:
                drawn += 1
                key = f"{vid}_{_random_name(clip, second, person['person'])}"
                entry = {"vid": vid, "flg": 0, "z": [], "xy": [RECTANGLE, *true_px], "av": {}}
                if redraw:
                    # Its left edge was dragged over to the right: VIA keeps such a width.
                    x, y, w, h = true_px
                    entry["xy"] = [RECTANGLE, x + w, y, -w, h]
                if number:
                    entry["av"][person_aid] = number
                finished["metadata"][key] = entry
            for aid, options in _clicks(person["actions"], attribute_of, handled + second):
                entry["av"][aid] = ",".join(option_of[option] for option in options)
            ticked.append(_row(clip, second, person, number, entry["xy"], keyframe))
    vid = project["project"]["vid_list"][0]
    finished["metadata"][f"{vid}_{_random_name(clip, 0, 0)}"] = {
        "vid": vid, "flg": 0, "z": [], "xy": [RECTANGLE, 3.2, 4.7, 1, 1], "av": {},
    }  # fmt: skip
    return finished, ticked


def _options(project: dict) -> tuple[dict[str, str], dict[str, str], str]:
    """Attribute id and option id of each action; the id of the person attribute."""
    attribute_of, option_of, person_aid = {}, {}, ""
    for aid, attribute in project["attribute"].items():
        if attribute["aname"] == PERSON_ATTRIBUTE:
            person_aid = aid
        for oid, name in attribute["options"].items():
            attribute_of[name], option_of[name] = aid, oid
    return attribute_of, option_of, person_aid


def _clicks(actions: list[str], attribute_of: dict, turn: int) -> list[tuple[str, list[str]]]:
    """Options to click by attribute, in an order that varies with `turn`."""
    ordered = actions[::-1] if turn % 2 else actions
    by_attribute = defaultdict(list)
    for action in ordered:
        by_attribute[attribute_of[action]].append(action)
    return list(by_attribute.items())


def _row(clip: str, second: int, person: dict, number: str, xy: list, keyframe: dict) -> dict:
    x1, y1, x2, y2 = _normalised(xy, keyframe)
    sides = {"x1": min(x1, x2), "y1": min(y1, y2), "x2": max(x1, x2), "y2": max(y1, y2)}
    return {
        "clip": clip,
        "second": second,
        "truth_person_id": person["person"],
        "person": number,
        **{name: f"{value:.3f}" for name, value in zip(TICKED_COLUMNS[4:8], xy[1:], strict=True)},
        **{name: f"{min(max(value, 0.0), 1.0):.6f}" for name, value in sides.items()},
        "actions": ";".join(person["actions"]),
    }


def _file(project: dict, vid: str) -> dict:
    return project["file"][project["view"][vid]["fid_list"][0]]


def _normalised(xy: list, keyframe: dict) -> tuple[float, float, float, float]:
    _, x, y, w, h = xy
    width, height = keyframe["width"], keyframe["height"]
    return x / width, y / height, (x + w) / width, (y + h) / height


def _px(box: tuple, keyframe: dict) -> list[float]:
    x1, y1, x2, y2 = box
    width, height = keyframe["width"], keyframe["height"]
    sides = (x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height)
    return [round(side, 3) for side in sides]  # as VIA rounds


def _random_name(*parts: object) -> str:
    """Eight characters, as VIA names a drawn box; the same for the same parts."""
    return hashlib.sha1(repr(parts).encode()).hexdigest()[:8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True, help="the clips table")
    parser.add_argument("--truth", type=Path, default=HERE / "truth", help="folder of truth csvs")
    arguments = parser.parse_args()
    lines = [",".join(TICKED_COLUMNS)]
    with open(arguments.clips, encoding="utf-8", newline="") as stream:
        clips = [row for row in csv.DictReader(stream, delimiter="\t")]
    for row in clips:
        clip = row["clip"]
        awaiting = arguments.results / "via" / f"{clip}.json"
        manifest = arguments.results / "keyframes" / f"{clip}.csv"
        truth = read_truth(arguments.truth / f"{Path(row['video']).stem}.csv")
        finished, ticked = finish(
            json.loads(awaiting.read_text(encoding="utf-8")),
            read_table(manifest, KEYFRAMES).to_dict("records"),
            truth,
            first_frame=round(parse_time(row["start"]) * TRUTH_FPS),
        )
        write_project(arguments.annotations / f"{clip}_finish.json", finished)
        lines += [",".join(str(line[name]) for name in TICKED_COLUMNS) for line in ticked]
        print(f"{clip}: {len(ticked)} boxes ticked")
    write_text(arguments.annotations.parent / "truth_labels.csv", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
