"""The workflow on a real street video with a real YOLO, where they lie beside the project.

They belong to nobody here and are not part of the project: without them these tests skip.
"""

import json
import re

import av
import cv2
import numpy as np
import pytest

from avaflow.formats.proposals import read_proposals
from avaflow.tables import KEYFRAMES, TRACKS, read_table
from workflow_runs import ROOT, Workspace

REAL = ROOT.parent / "shared" / "real"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (REAL / "people.mp4").exists(),
        reason="needs ../shared/real: a street video and YOLO11n",
    ),
]


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    workspace = Workspace(
        tmp_path_factory.mktemp("street") / "w",
        detector={"weights": str(REAL / "yolo11n_int8_openvino_model")},
        via={"page": str(ROOT / "tests" / "annotation" / "stand_in_via.html")},
        batches=1,
    )
    workspace.write_clips(f"street\t{REAL / 'people.mp4'}\t0\t\ttrain")
    run = workspace.run(demo=False)
    assert run.status == 0, run.output
    workspace.first_run = run
    workspace.results = workspace.folder / "results"
    return workspace


def test_people_are_found_and_followed(street):
    """About ten people are in view; those who stay in view keep their number."""
    tracks = read_table(street.results / "tracks" / "street.csv", TRACKS)
    keyframes = read_table(street.results / "keyframes" / "street.csv", KEYFRAMES)
    assert list(keyframes["second"]) == list(range(2, 9))
    on_keyframes = tracks[tracks["frame"].isin(keyframes["frame"])]
    per_keyframe = on_keyframes.groupby("frame").size()
    assert len(per_keyframe) == 7
    assert 8 <= per_keyframe.mean() <= 20
    assert not tracks.duplicated(["frame", "person_id"]).any()
    # The detector looks at 61 frames; several people are followed through nearly all of them.
    looks = tracks.groupby("person_id").size()
    assert (looks >= 30).sum() >= 5, looks.sort_values().tail(10).to_dict()


def test_proposals_are_the_boxes_of_the_keyframes(street):
    path = street.results / "dataset" / "annotations" / "dense_proposals_train.pkl"
    proposals = read_proposals(path)
    assert set(proposals) == {f"street,{second + 900:04d}" for second in range(2, 9)}
    tracks = read_table(street.results / "tracks" / "street.csv", TRACKS)
    for second in range(2, 9):
        rows = tracks[tracks["frame"] == 30 * second + 1]
        boxes = proposals[f"street,{second + 900:04d}"]
        assert sorted(map(tuple, boxes[:, :4].round(6))) == sorted(
            map(tuple, rows[["x1", "y1", "x2", "y2"]].to_numpy().round(6))
        )


def test_a_page_per_clip_finds_its_images(street):
    via = street.results / "via"
    project = json.loads((via / "street.json").read_text())
    for file in project["file"].values():
        image = cv2.imread(str((via / file["src"]).resolve()))
        assert image.shape == (1080, 1920, 3)
    page = (via / "street.html").read_text()
    assert 'src="street.js"' in page
    script = (via / "street.js").read_text()
    loaded = json.loads(re.match(r"window.VIA_PROJECT = (.*);\nwindow", script)[1])
    assert loaded == project
    index = (via / "index.html").read_text()
    assert 'href="street.html"' in index and "awaiting" in index


def test_the_run_says_who_is_awaited(street):
    assert "awaiting a person: street" in street.first_run.output
    assert "results/annotate/index.html" in street.first_run.output


def test_segments_have_25_frames_and_begin_with_the_frame_of_their_second(street):
    run = street.run("segments", demo=False)
    assert run.status == 0, run.output
    folder = street.results / "segments" / "street"
    seconds = 10
    assert len(list((folder / "clips").iterdir())) == seconds
    source = cv2.VideoCapture(str(REAL / "people.mp4"))
    rate = source.get(cv2.CAP_PROP_FPS)
    for second in range(seconds):
        source.set(cv2.CAP_PROP_POS_FRAMES, round(second * rate))
        _, true = source.read()
        true = cv2.resize(true, (640, 360), interpolation=cv2.INTER_AREA).astype(float)
        with av.open(str(folder / "clips" / f"{900 + second}.mp4")) as container:
            frames = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]
        assert len(frames) == 25
        keyframe = cv2.imread(str(folder / "keyframes" / f"{900 + second}.jpg"))
        assert np.abs(keyframe - true).mean() < 4
        # The right frame is far closer than the one a fifth of a second on.
        assert np.abs(frames[0] - true).mean() < 0.6 * np.abs(frames[5] - true).mean()
