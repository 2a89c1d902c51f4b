"""To VIA and back: the same labels to the byte, whatever an annotator did to the boxes."""

import copy
import json
import random
from pathlib import Path

import pandas as pd
import pytest

from avaflow.annotation.page.model import annotation_text, parse_annotation
from avaflow.annotation.page.via_exchange import annotation_of_project, project_of_annotation
from avaflow.annotation.readings import ClipFacts, read_finished, reading_of_project
from avaflow.annotation.via import parse_project, project
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import KEYFRAMES, LABELS, TRACKS, UNTICKED, write_table
from page_files import ATTRIBUTES, LEFT, RIGHT, by_chance, page_file, person, span
from via_projects import scrawled

ACTIONS = attributes_from_config([{"attribute": each["name"], **each} for each in ATTRIBUTES])
SECONDS = range(2, 10)
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 1000, 500, f"sha{s}") for s in SECONDS],
    columns=list(KEYFRAMES),
)
MANIFEST = ClipManifest("c-1", "v.mp4", 1.5, 30, 330, 1000, 500, "0" * 64, 0)
PLACES = {1: LEFT, 2: RIGHT, 3: (0.401237, 0.2, 0.503331, 0.812349)}
TRACK_TABLE = pd.DataFrame(
    sorted(
        (frame, number, *box, 0.9)
        for number, box in PLACES.items()
        for frame in range(31 if number == 1 else 91, 312 - 60 * number, 10)
    ),
    columns=list(TRACKS),
)
FACTS = ClipFacts(MANIFEST, KEYFRAME_TABLE, TRACK_TABLE, ACTIONS)


def awaiting():
    return project("c-1", KEYFRAME_TABLE, TRACK_TABLE, ACTIONS, "../keyframes/c-1", 1.5)


def imported(content, tracks=TRACK_TABLE):
    read = parse_project(content, Path("c-1_finish.json"))
    return annotation_of_project(read, KEYFRAME_TABLE, tracks, ACTIONS, MANIFEST)


def tables(reading, folder):
    """The labels and the unticked as files have them."""
    write_table(folder / "labels.csv", reading.labels, LABELS)
    write_table(folder / "unticked.csv", reading.unticked, UNTICKED)
    return [(folder / name).read_text() for name in ("labels.csv", "unticked.csv")]


def of_page(annotation, folder, facts=FACTS):
    path = folder / "page.json"
    path.write_text(annotation_text(annotation))
    return read_finished(path, facts)


def test_ticks_on_neighbouring_keyframes_are_one_span():
    content = awaiting()
    for vid in ("1", "2", "4"):
        content["metadata"][f"{vid}_p1"]["av"]["2"] = "1"
    (one, *_) = imported(content).persons
    spans = [(s.option, s.start, s.end) for s in one.spans]
    assert spans == [("sit", 1.5, 3.5), ("sit", 4.5, 5.5)]
    assert one.judged == ((1.5, 3.5), (4.5, 5.5))
    assert [(s.track, s.first, s.last) for s in one.tracks] == [(1, 31, 251)]


def test_moved_drawn_deleted_and_renumbered_boxes():
    content = awaiting()
    entries = content["metadata"]
    entries["1_p1"]["av"]["2"] = "1"
    entries["2_p1"]["xy"][1] += 40
    del entries["3_p1"]
    entries["4_p1"]["av"]["3"] = "2"  # from second 5 on it is person 2, whose own box goes
    entries["4_p1"]["av"]["1"] = "0"
    for vid in "23456":
        entries.pop(f"{vid}_p2", None)
    for vid in "234567":
        entries.pop(f"{vid}_p3", None)
    entries["8_drawn"] = {"vid": "8", "flg": 0, "z": [], "xy": [2, 5, 5, 50, 50], "av": {"2": "0"}}
    persons = {one.id: one for one in imported(content).persons}
    one, two = persons[1], persons[2]
    assert [(s.track, s.first, s.last) for s in one.tracks] == [(1, 31, 150), (1, 181, 251)]
    assert [box.second for box in one.boxes] == [3] and one.removed == (4,)
    assert [(s.track, s.first, s.last) for s in two.tracks] == [(1, 151, 180)]
    assert [(n, persons[n].tracks[0].track) for n in (3, 5)] == [(3, 3), (5, 2)]
    assert {persons[3].kind, persons[5].kind} == {"not a person"}
    assert [box.second for box in persons[4].boxes] == [9]


@pytest.mark.parametrize("seed", range(150))
def test_labels_are_the_same_bytes_through_a_page_file(tmp_path, seed):
    rng = random.Random(seed)
    content = scrawled(awaiting(), rng, (1000, 500))
    tracks = TRACK_TABLE
    if seed % 3 == 0:  # and after a new run of the tracker
        tracks = tracks.assign(person_id=tracks.person_id.map({1: 2, 2: 3, 3: 1}))
        tracks = tracks.sort_values(["frame", "person_id"], ignore_index=True)
    facts = ClipFacts(MANIFEST, KEYFRAME_TABLE, tracks, ACTIONS)
    read = parse_project(content, Path("c-1_finish.json"))
    try:
        expected = tables(reading_of_project(read, facts), tmp_path)
    except UserError as error:
        assert "cannot be used" in str(error)
        content = without_slips(content)
        read = parse_project(content, Path("c-1_finish.json"))
        try:
            expected = tables(reading_of_project(read, facts), tmp_path)
        except UserError:
            pytest.skip("chance made a project that nobody can use")
    assert tables(of_page(imported(content, tracks), tmp_path, facts), tmp_path) == expected


def without_slips(content):
    """A project by chance with what makes it useless taken out: odd numbers, points, doubles."""
    content = copy.deepcopy(content)
    fields = {aid for aid, each in content["attribute"].items() if each["aname"] == "person"}
    for key, entry in list(content["metadata"].items()):
        x, y, w, h = entry["xy"][1:]
        sides = sorted((x, x + w)), sorted((y, y + h))
        inside = [min(b, most) - max(a, 0) for (a, b), most in zip(sides, (1000, 500), strict=True)]
        if min(inside) < 3:
            del content["metadata"][key]
        for aid in fields:
            entry["av"][aid] = key.partition("_p")[2] if "_p" in key else ""
    return content


def test_chance_makes_projects_that_can_be_used(tmp_path):
    """Else the test above would hold nothing."""
    usable = 0
    for seed in range(150):
        content = without_slips(scrawled(awaiting(), random.Random(seed), (1000, 500)))
        try:
            reading_of_project(parse_project(content, Path("c-1_finish.json")), FACTS)
            usable += 1
        except UserError:
            pass
    assert usable > 100


@pytest.mark.parametrize("seed", range(60))
def test_a_page_file_gives_the_same_labels_as_its_project(tmp_path, seed):
    content = by_chance(random.Random(seed))
    spare = person(99, box=RIGHT, seconds=[5], judged=[[0, 11]], spans=[span("bow", 0, 11, "head")])
    content["persons"].append(spare)
    tracks = pd.DataFrame(
        sorted(
            (frame, stretch["track"], *box, 0.9)
            for one in content["persons"]
            for stretch in one["tracks"]
            for frame, *box in stretch["anchors"]
        ),
        columns=list(TRACKS),
    )
    annotation = parse_annotation(content, "c-1.json")
    facts = ClipFacts(MANIFEST, KEYFRAME_TABLE, tracks, ACTIONS)
    made, _ = project_of_annotation(annotation, KEYFRAME_TABLE, tracks, ACTIONS, MANIFEST)
    read = parse_project(json.loads(json.dumps(made)), Path("c-1_finish.json"))
    labels = tables(of_page(annotation, tmp_path, facts), tmp_path)[0]
    assert tables(reading_of_project(read, facts), tmp_path)[0] == labels
    # And back again.
    again = annotation_of_project(read, KEYFRAME_TABLE, tracks, ACTIONS, MANIFEST)
    assert tables(of_page(again, tmp_path, facts), tmp_path)[0] == labels


def test_what_via_can_say_comes_back_from_a_page_file():
    content = awaiting()
    entries = content["metadata"]
    entries["1_p1"]["av"] |= {"1": "1,0", "2": "2"}
    entries["2_p1"]["xy"][1] += 12.5
    entries["2_p1"]["av"]["3"] = "1"
    del entries["3_p1"]
    entries["5_x"] = {"vid": "5", "flg": 0, "z": [], "xy": [2, 1, 1, 50, 60], "av": {"2": "0"}}
    made, lost = project_of_annotation(
        imported(content), KEYFRAME_TABLE, TRACK_TABLE, ACTIONS, MANIFEST
    )
    assert lost == []

    def said(content):
        return sorted(
            (
                box.image,
                tuple(round(side, 3) for side in box.box_px),
                tuple(sorted(box.ticks)),
                box.person or "4",
                (box.origin.track, tuple(round(side, 3) for side in box.origin.box_px))
                if box.origin
                else (),
            )
            for box in parse_project(content, Path("a.json")).boxes
        )

    assert said(made) == said(content)


def test_what_via_cannot_say_is_told():
    one = person(1, spans=[span("sit", 2.2, 5)], judged=[[2, 9]])
    annotation = parse_annotation(page_file([one, person(2, box=RIGHT, kind="ignored")]), "c.json")
    _, lost = project_of_annotation(annotation, KEYFRAME_TABLE, TRACK_TABLE, ACTIONS, MANIFEST)
    assert lost[0].startswith("5 boxes are judged to do nothing")
    assert len(lost) == 3
    other = ClipManifest("c-2", "v.mp4", 1.5, 30, 330, 1000, 500, "0" * 64, 0)
    with pytest.raises(UserError, match="expected the annotation of clip 'c-2'"):
        project_of_annotation(annotation, KEYFRAME_TABLE, TRACK_TABLE, ACTIONS, other)
