"""What a page gets: the clip's facts, what was begun, doubts; and pages of hostile names."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from avaflow.annotation.page.data import begun, counts_of, page_data
from avaflow.annotation.page.doubts import near_joins, on_keyframes, short_tracks
from avaflow.annotation.page.model import parse_annotation
from avaflow.annotation.page.pages import (
    copy_assets,
    index_entry,
    read_counts,
    state_of,
    write_clip_page,
    write_counts,
    write_index,
)
from avaflow.annotation.page_files import PAGE_ASSETS, asset_names, asset_sources
from avaflow.annotation.readings import ClipFacts
from avaflow.annotation.via import project, write_project
from avaflow.errors import UserError
from avaflow.manifests import ClipManifest
from avaflow.project.actions import attributes_from_config
from avaflow.tables import DETECTIONS, KEYFRAMES, TRACKS
from page_files import ATTRIBUTES, LEFT, RIGHT, page_file, person, span

ACTIONS = [{"attribute": each["name"], **each} for each in ATTRIBUTES]
SECONDS = range(2, 10)
KEYFRAME_TABLE = pd.DataFrame(
    [(s, 30 * s + 1, f"c-1_{30 * s + 1:06d}.jpg", 1000, 500, f"sha{s}") for s in SECONDS],
    columns=list(KEYFRAMES),
)
MANIFEST = ClipManifest("c-1", "v.mp4", 1.5, 30, 330, 1000, 500, "0" * 64, 0)
TRACK_TABLE = pd.DataFrame(
    sorted((30 * s + 1, n, *box, 0.9) for s in SECONDS for n, box in ((1, LEFT), (2, RIGHT))),
    columns=list(TRACKS),
)
FOLDERS = {"clips": "../clips", "keyframes": "../keyframes"}
NASTY = '</script><script>alert(1)</script><!--"\u202e'


def facts(actions=ACTIONS, tracks=TRACK_TABLE):
    return ClipFacts(MANIFEST, KEYFRAME_TABLE, tracks, attributes_from_config(actions))


def saved(folder, content):
    path = folder / "c-1.json"
    path.write_text(json.dumps(content))
    return path


def two(**changed):
    one = person(1, spans=[span("sit", 2, 5)], judged=[[2, 6]])
    return page_file([one, person(2, box=RIGHT)], **changed)


def test_nothing_is_begun_without_a_file():
    data = page_data(facts(), begun(None, facts(), 50), [], 250, FOLDERS)
    assert data["finished"] is None and data["trouble"] == ""
    assert data["settings"] == {"reaction_ms": 250}
    assert data["keyframes"][0] == {
        "second": 2,
        "frame": 61,
        "image": "../keyframes/c-1/c-1_000061.jpg",
    }
    assert data["tracks"][0]["frames"] == [30 * s + 1 for s in SECONDS]
    assert data["tracks"][0]["boxes"][0] == LEFT
    counts = counts_of(facts(), begun(None, facts(), 50))
    assert (counts.persons, counts.judged, counts.to_judge, counts.state) == (2, 0, 16, "")


def test_boxes_that_reach_out_are_cut_to_the_image():
    tracks = TRACK_TABLE.copy()
    tracks.loc[0, ["x1", "y2"]] = [-0.25, 1.5]
    data = page_data(facts(tracks=tracks), begun(None, facts(), 50), [], 0, FOLDERS)
    assert data["tracks"][0]["boxes"][0] == [0.0, 0.2, 0.2, 1.0]


def test_a_page_file_is_opened_as_it_was_saved(tmp_path):
    start = begun(saved(tmp_path, two()), facts(), 50)
    assert page_data(facts(), start, [], 0, FOLDERS)["finished"] == two()
    counts = counts_of(facts(), start)
    assert (counts.judged, counts.to_judge, counts.ticks) == (4, 16, 3)
    assert (counts.seconds_worked, counts.state) == (12.5, "begun")


def test_options_have_their_present_names(tmp_path):
    actions = json.loads(json.dumps(ACTIONS))
    actions[1] |= {"options": ["stand", "be seated", "walk"], "renamed": {"sit": "be seated"}}
    start = begun(saved(tmp_path, two()), facts(actions), 50)
    assert [one.option for one in start.annotation.persons[0].spans] == ["be seated"]
    content = page_data(facts(actions), start, [], 0, FOLDERS)
    # The page writes the config's attributes into the file, so every span must be of theirs.
    content["finished"]["attributes"] = [
        {key: each[key] for key in ("name", "choose", "options")} for each in content["attributes"]
    ]
    assert (
        parse_annotation(content["finished"], "c-1.json").persons[0].spans[0].option == "be seated"
    )


def test_tracks_of_now_take_over(tmp_path):
    tracks = TRACK_TABLE.assign(person_id=TRACK_TABLE.person_id + 6)
    start = begun(saved(tmp_path, two()), facts(tracks=tracks), 50)
    assert [p.tracks[0].track for p in start.annotation.persons] == [7, 8]


@pytest.mark.parametrize(
    "change, told",
    [
        ({"clip": "c-2"}, "found that of 'c-2'"),
        ({"version": 3}, "expected version 1"),
        ({"attributes": []}, "is not among the file's attributes"),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path, change, told):
    start = begun(saved(tmp_path, two(**change)), facts(), 50)
    assert start.annotation is None and told in start.trouble
    assert counts_of(facts(), start).state == "begun"


def test_a_finished_via_project_is_opened_too(tmp_path):
    content = project(
        "c-1", KEYFRAME_TABLE, TRACK_TABLE, facts().attributes, "../keyframes/c-1", 1.5
    )
    content["metadata"]["1_p1"]["av"]["2"] = "1"
    write_project(tmp_path / "c-1_finish.json", content)
    start = begun(tmp_path / "c-1_finish.json", facts(), 50)
    assert [(s.option, s.start, s.end) for s in start.annotation.persons[0].spans] == [
        ("sit", 1.5, 2.5)
    ]
    counts = counts_of(facts(), start)
    assert (counts.judged, counts.to_judge, counts.state) == (1, 1, "finished")


# ------------------------------------------------------------- doubts


def test_tracks_that_were_hardly_seen_are_doubted():
    more = pd.DataFrame(
        [(40, 3, *RIGHT, 0.9), (45, 4, *RIGHT, 0.9), (50, 4, *RIGHT, 0.9)], columns=list(TRACKS)
    )
    doubts = short_tracks(pd.concat([TRACK_TABLE, more], ignore_index=True))
    assert [doubt.content() for doubt in doubts] == [
        {"kind": "short", "tracks": [3], "frame": 40},
        {"kind": "short", "tracks": [4], "frame": 45},
    ]


def test_nobody_is_asked_about_tracks_that_no_keyframe_shows():
    rows = [(61, 3, *RIGHT, 0.9), (65, 4, *RIGHT, 0.9), (70, 4, *RIGHT, 0.9)]
    tracks = on_keyframes(pd.DataFrame(rows, columns=list(TRACKS)), KEYFRAME_TABLE)
    assert [doubt.tracks for doubt in short_tracks(tracks)] == [(3,)]


def test_pairs_that_were_nearly_joined_are_doubted():
    """Three tracks one after the other, at cosine distances of 0.22 and 0.4 from the first."""
    settings = {"link_distance": 0.2, "link_near_distance": 0.25, "link_near_seconds": 2, "fps": 30}
    frames = {1: (1, 11), 2: (200, 210), 3: (21, 31), 4: (1, 11)}
    turned = {1: 1.0, 2: 1 - 0.22, 3: 1 - 0.4, 4: 1.0}
    rows, vectors = [], []
    for number, cosine in turned.items():
        for frame in frames[number]:
            rows.append((frame, number, number / 10, 0.1, number / 10 + 0.1, 0.9, 0.9))
            vectors.append([cosine, (1 - cosine**2) ** 0.5])
    tracks = pd.DataFrame(rows, columns=list(TRACKS))
    detections = tracks.assign(clip="c-1")[list(DETECTIONS)]
    order = np.random.default_rng(0).permutation(len(rows))
    found = near_joins(tracks, detections.iloc[order], np.array(vectors)[order], settings)
    assert [doubt.content() for doubt in found] == [
        {"kind": "join", "tracks": [2, 3], "frame": 200, "distance": 0.031},
        {"kind": "join", "tracks": [1, 2], "frame": 200, "distance": 0.22},
        {"kind": "join", "tracks": [2, 4], "frame": 200, "distance": 0.22},
    ]
    wider = settings | {"link_near_distance": 0.36}
    pairs = [doubt.tracks for doubt in near_joins(tracks, detections, np.array(vectors), wider)]
    # 3 follows 1 shortly, so the greater threshold is theirs; 1 and 4 are seen together.
    assert (1, 3) in pairs and (1, 4) not in pairs


# ------------------------------------------------------------- pages


def test_hostile_names_stay_texts(tmp_path):
    actions = [{"attribute": NASTY, "choose": "single", "options": ["a", "<b>&"]}]
    data = page_data(facts(actions), begun(None, facts(), 50), [], 0, FOLDERS)
    data["clip"] = "a\"'<b>"
    write_clip_page(tmp_path / "c-1.html", tmp_path / "c-1.js", data)
    text = (tmp_path / "c-1.js").read_text()
    assert "<" not in text
    assert json.loads(text.removeprefix("window.AVAFLOW_CLIP = ")[:-2]) == data
    html = (tmp_path / "c-1.html").read_text()
    assert "<b>" not in html and "&lt;b&gt;" in html
    assert '<script src="c-1.js"></script>' in html


def test_the_list_of_clips(tmp_path):
    counts = counts_of(facts(), begun(None, facts(), 50))
    write_counts(tmp_path / "c-1.counts.json", counts)
    assert read_counts(tmp_path / "c-1.counts.json") == counts
    states = [state_of(counts, *known) for known in ((False, False), (False, True), (True, False))]
    assert states == ["open", "begun", "finished"]
    # Finished by annotations from elsewhere: nothing is left to judge.
    assert index_entry(counts, "train", "finished")["judged"] == 16
    assert index_entry(counts, "train", "open")["judged"] == 0
    write_index(tmp_path / "i.html", tmp_path / "index.js", [index_entry(counts, "val", "open")])
    text = (tmp_path / "index.js").read_text()
    (entry,) = json.loads(text.removeprefix("window.AVAFLOW_INDEX = ")[:-2])["clips"]
    assert entry == {
        **{"clip": "c-1", "page": "c-1.html", "split": "val", "keyframes": 8, "persons": 2},
        **{"judged": 0, "to_judge": 16, "ticks": 0, "seconds_worked": 0, "state": "open"},
        "priority": 0,
    }
    (tmp_path / "c-1.counts.json").write_text("{}")
    with pytest.raises(UserError, match="not the counts of a clip"):
        read_counts(tmp_path / "c-1.counts.json")


def test_assets_are_copied_and_those_of_before_go(tmp_path):
    (tmp_path / "old.js").touch()
    (tmp_path / "mine.txt").touch()
    copy_assets([tmp_path / name for name in asset_names()], asset_sources())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*asset_names(), "mine.txt"])
    names = set()
    for template in ("clip.html.j2", "index.html.j2"):
        text = (PAGE_ASSETS / template).read_text()
        for listed in re.findall(r"for name in \[(.*?)\]", text):
            names |= {f"{name}.js" for name in re.findall(r'"(\w+)"', listed)}
    assert names <= set(asset_names())
