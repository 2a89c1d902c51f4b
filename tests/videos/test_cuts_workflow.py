"""A video with a hard cut through the real Snakemake: told, tracks parted, divided on request."""

import json
import shutil

import pytest

from avaflow.tables import TRACKS, read_table
from numbered_videos import run_ffmpeg
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

FRAMES = 330
CUT_FRAME = 151
"""Second 6 of the video, where the corridor gives way to the classroom, is second 5 of the clip."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """One clip over the cut, and one person who stands at one place of the image all the time."""
    workspace = Workspace(tmp_path_factory.mktemp("cuts") / "w", own={"detections": "mine"})
    workspace.results = workspace.folder / "results"
    run_ffmpeg(
        *(
            "-i",
            str(DEMO / "videos" / "corridor.mp4"),
            "-i",
            str(DEMO / "videos" / "classroom.mp4"),
        ),
        *("-filter_complex", "[0]trim=end=6[a];[1]trim=end=6[b];[a][b]concat"),
        *("-pix_fmt", "yuv420p", str(workspace.folder / "edited.mp4")),
    )
    rows = [f"{frame},-1,300,100,60,160,0.9,-1,-1,-1" for frame in range(1, FRAMES + 1, 5)]
    (workspace.folder / "mine").mkdir()
    (workspace.folder / "mine" / "edited.txt").write_text("\n".join(rows) + "\n")
    workspace.write_clips("edited\tedited.mp4\t1\t12\ttrain")
    return workspace


def ids_by_frame(workspace) -> dict[int, int]:
    tracks = read_table(workspace.results / "tracks" / "edited.csv", TRACKS)
    return dict(zip(tracks["frame"], tracks["person_id"], strict=True))


def test_a_cut_is_told_and_parts_tracks(workspace):
    run = workspace.run()
    assert run.status == 0, run.output
    manifest = json.loads((workspace.results / "clips" / "edited.json").read_text())
    assert manifest["cuts"] == [CUT_FRAME]
    told = "cut: clip edited of edited.mp4: another shot begins at second 5.00 of the clip."
    assert told in run.output
    assert told in (workspace.results / "report.md").read_text()
    ids = ids_by_frame(workspace)
    assert len(ids) == 66
    assert {ids[frame] for frame in ids if frame < CUT_FRAME} == {1}
    assert {ids[frame] for frame in ids if frame >= CUT_FRAME} == {2}
    run = workspace.run("report", strict=True)
    assert run.status != 0 and told in run.output
    assert workspace.run("verify").status == 0


def test_tracks_may_go_on_and_cuts_may_stay_unknown(workspace):
    run = workspace.run("tracks", cuts={"end_tracks": False})
    assert run.status == 0, run.output
    assert run.jobs["track"] == 1 and "trim" not in run.jobs
    assert set(ids_by_frame(workspace).values()) == {1}
    run = workspace.run("clips", cuts={"find": False})
    assert run.status == 0, run.output
    assert "cuts" not in (workspace.results / "clips" / "edited.json").read_text()


def test_shots_in_the_clips_table_divides_at_the_cut(workspace, tmp_path):
    divided = Workspace(tmp_path / "w")
    shutil.copy(workspace.folder / "edited.mp4", divided.folder)
    header = "clip\tvideo\tstart\tend\tsplit\tcut"
    divided.write_clips("edited\tedited.mp4\t1\t12\ttrain\tshots", header=header)
    run = divided.run("clips")
    assert run.status == 0, run.output
    manifests = sorted((divided.folder / "results" / "clips").glob("*.json"))
    facts = [json.loads(path.read_text()) for path in manifests]
    assert [(f["clip"], f["start"], f["frames"]) for f in facts] == [
        ("edited-001", 1.0, 150),
        ("edited-002", 6.0, 180),
    ]
    assert all("cuts" not in entry for entry in facts)
    assert run.output.count("looking for cuts in edited.mp4") == 1
    again = divided.run("clips")
    assert again.nothing_to_do and "looking for cuts" not in again.output
