"""Detections and tracks of one's own through the real Snakemake, in place of ours."""

import json
import shutil

import pytest

from avaflow.tables import BOX, DETECTIONS, TRACKS, read_table
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

CLIPS = ["classroom", "corridor", "yard"]


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "w")
    shutil.copy(DEMO / "clips.tsv", workspace.folder / "clips.tsv")
    workspace.results = workspace.folder / "results"
    return workspace


def write_mot(folder, clip, shift=0, ids=True):
    """Two persons who walk to the right, on every fifth frame of eleven seconds."""
    rows = []
    for frame in range(1, 331, 5):
        for person, y in ((3, 20), (9, 120)):
            x = shift + frame / 3
            rows.append(f"{frame},{person if ids else -1},{x:.2f},{y},40,90,0.9,-1,-1,-1")
    folder.mkdir(exist_ok=True)
    (folder / f"{clip}.txt").write_text("\n".join(rows) + "\n")


def test_own_tracks_are_used_as_they_are_and_no_model_is_loaded(workspace):
    own = {"tracks": "mine"}
    for clip in CLIPS:
        write_mot(workspace.folder / "mine", clip)
    run = workspace.run("tracks", "proposals", "via", own=own)
    assert run.status == 0, run.output
    assert run.jobs["read_tracks"] == run.jobs["read_detections"] == 3
    assert not {"detect", "embed", "track"} & set(run.jobs)
    tracks = read_table(workspace.results / "tracks" / "yard.csv", TRACKS)
    assert set(tracks["person_id"]) == {3, 9} and len(tracks) == 2 * 66
    detections = read_table(workspace.results / "detections" / "yard.csv", DETECTIONS)
    assert sorted(map(tuple, detections[BOX].values)) == sorted(map(tuple, tracks[BOX].values))
    project = json.loads((workspace.results / "via" / "yard.json").read_text())
    assert len(project["metadata"]) >= 16
    # Nothing to do, also after a touch; a change of one clip's file is a change of that clip.
    (workspace.folder / "mine" / "yard.txt").touch()
    assert workspace.run("tracks", "proposals", "via", own=own).nothing_to_do
    write_mot(workspace.folder / "mine", "yard", shift=10)
    run = workspace.run("tracks", "proposals", "via", own=own)
    assert run.status == 0, run.output
    assert run.jobs["read_tracks"] == run.jobs["read_detections"] == 1
    assert run.jobs["make_via_project"] == 1
    moved = read_table(workspace.results / "tracks" / "yard.csv", TRACKS)
    assert moved["x1"].min() > tracks["x1"].min()
    assert workspace.run("verify", own=own).status == 0
    # And without them ours find and follow again.
    plan = workspace.plan("tracks")
    assert plan["detect"] == plan["embed"] == 1 and plan["track"] == 3


def test_own_detections_are_followed_by_our_tracker(workspace):
    own = {"detections": "mine"}
    for clip in CLIPS:
        write_mot(workspace.folder / "mine", clip, ids=False)
    run = workspace.run("tracks", own=own)
    assert run.status == 0, run.output
    assert run.jobs["read_detections"] == run.jobs["track"] == 3 and "detect" not in run.jobs
    tracks = read_table(workspace.results / "tracks" / "yard.csv", TRACKS)
    assert len(tracks) == 2 * 66
    assert workspace.run("tracks", own=own).nothing_to_do


def test_what_is_wrong_with_own_files_is_told_before_or_by_their_job(workspace):
    write_mot(workspace.folder / "mine", "yard")
    run = workspace.run("-n", "tracks", own={"tracks": "mine"})
    assert (
        run.status == 1 and "nothing is there of 2 of 3 clips (classroom, corridor)" in run.output
    )
    for clip in ("classroom", "corridor"):
        write_mot(workspace.folder / "mine", clip)
    (workspace.folder / "mine" / "yard.txt").write_text("400,1,20,20,40,60,0.9\n")
    run = workspace.run("tracks", own={"tracks": "mine"})
    assert run.status == 1 and "Traceback" not in run.output
    assert "yard.txt, line 1: frame 400: expected 1 to 330" in run.output
