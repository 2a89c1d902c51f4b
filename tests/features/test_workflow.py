"""Features as a user gets them: through the real Snakemake."""

import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from avaflow.workflow.closing import FAILED
from avaflow.workflow.records import Records
from exported_networks import mean_colour
from numbered_videos import make_video, numbered_image
from slowfast_weights import one_pathway_network, write_pyslowfast
from workflow_runs import DEFAULT_FEATURES, Workspace

pytestmark = pytest.mark.slow

FEATURES = {"in_fps": 15, "out_fps": 15, "size": 64, "stride": 15, "video_list": "v/list.csv"}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A folder with two videos, one of them deeper, and one that is none."""
    folder = tmp_path_factory.mktemp("v")
    (folder / "deep er").mkdir()
    make_video(folder / "a.mp4", frames=60, fps="15")
    make_video(folder / "deep er" / "b.v2.mp4", frames=10, fps="15")
    (folder / "text.mp4").write_text("a failed download")
    (folder / "list.csv").write_text("text\r\na\r\n\r\ndeep er/b.v2\r\ngone\r\n")
    return folder


def workspace_of(folder, videos, weights, batches=1, **features) -> Workspace:
    made = Workspace(
        folder, clips="", batches=batches, features=FEATURES | {"weights": str(weights)} | features
    )
    shutil.copytree(videos, made.folder / "v")
    return made


def refused(run) -> str:
    assert run.status == 1 and "Traceback" not in run.output, run.output
    assert run.output.count("avaflow error: ") == 1 and "localrule" not in run.output, run.output
    return run.output.split("avaflow error: ")[1]


def rows_of(results) -> dict[str, int]:
    return {
        str(path.relative_to(results)): len(np.load(path))
        for path in sorted(results.rglob("*.npy"))
    }


def test_a_list_of_videos(tmp_path, videos, slowfast):
    workspace = workspace_of(tmp_path / "w", videos, slowfast.pytorchvideo, batches=2)
    run = workspace.run("features", demo=False)
    assert run.status == 0, run.output
    results = workspace.folder / "results" / "features"
    # 60 frames, a window on every 15th; a name keeps its dot, a folder its blank.
    assert rows_of(results) == {"a_32.npy": 4, "deep er/b.v2_32.npy": 1}
    index = pd.read_csv(results / "index.csv")
    assert list(index["name"]) == ["a", "deep er/b.v2", "gone", "text"]
    assert list(index["status"]) == ["made", "made", "skipped", "skipped"]
    assert "of 4 entries 1 have no video, and are passed over: v/gone.mp4" in run.output
    end = run.output[run.output.rindex("avaflow:") :]
    assert "features               2 of 4   results/features/" in end
    assert "no features of gone: v/gone.mp4 is missing" in end
    assert "no features of text: v/text.mp4: expected a video, found a text file" in end
    assert "look at deep er/b.v2: 10 frames are fewer than a window of 32" in end
    readme = (results / "README.md").read_text()
    assert "2 of 4 videos, 5 windows" in readme and "- gone: v/gone.mp4 is missing" in readme
    assert workspace.run(demo=False).nothing_to_do

    # Other windows are made beside what there is.
    plan = workspace.plan(demo=False, features={"num_frames": 64})
    assert plan["extract_features"] == 1

    # A video that comes later makes its own batch stale and no other.
    make_video(workspace.folder / "v" / "gone.mp4", frames=20, fps="15")
    plan = workspace.plan(demo=False)
    plan.pop("all", None)  # makes nothing
    assert plan == {"extract_features": 1, "index_features": 1}

    # Features of a video that is taken off the list are kept, and named.
    (workspace.folder / "v" / "list.csv").write_text("a\n")
    run = workspace.run(demo=False)
    assert run.status == 0, run.output
    assert "no longer listed, and kept: features/deep er/b.v2_32.npy" in run.output
    assert "- deep er/b.v2_32.npy" in (results / "README.md").read_text()

    (results / "a_32.npy").unlink()
    message = refused(workspace.run(demo=False))
    assert "results/features/a_32.npy: expected 36992 bytes and a json beside it" in message
    assert "found nothing: delete results/feature_batches/" in message


def test_folders_of_frames(tmp_path, slowfast):
    folder = tmp_path / "v"
    for name, these in (("whole", range(1, 31)), ("gaps", [1, 2, 4])):
        (folder / name).mkdir(parents=True)
        for number in these:
            image = numbered_image(number, 96, 54)
            cv2.imwrite(str(folder / name / f"img_{number:05d}.jpg"), image)
    (folder / "list.csv").write_text("whole\ngaps\n")
    workspace = workspace_of(
        tmp_path / "w", folder, slowfast.caffe2, inputs="frames", frame_pattern="img_{:05d}.jpg"
    )
    run = workspace.run("features", demo=False)
    assert run.status == 0, run.output
    assert rows_of(workspace.folder / "results" / "features") == {"whole_32.npy": 2}
    assert "no features of gaps: v/gaps: img_00003.jpg missing between img_00001.jpg" in run.output
    # One image replaced in place is a change.
    cv2.imwrite(str(workspace.folder / "v" / "whole" / "img_00007.jpg"), numbered_image(9, 120, 54))
    assert workspace.plan(demo=False)["extract_features"] == 1
    # Weights of another network fail the job, in one message.
    run = workspace.run(demo=False, features={"architecture": "slowfast_r50_4x16"})
    assert run.status == 1 and "Traceback" not in run.output, run.output
    told = run.output.split(FAILED)[1]
    assert "does not hold the weights of slowfast_r50_4x16" in told
    assert told.count("They are weights of slowfast_r50_8x8: set features.architecture") == 1


def test_features_that_continue_a_bank_of_the_known_extractor(tmp_path):
    """Slow 4x16 by another pool, on wide images, in reversed colours, from a window of its own."""
    network = one_pathway_network("slow_r50")
    weights = write_pyslowfast(tmp_path / "slow.pyth", network)
    folder = tmp_path / "v"
    (folder / "f").mkdir(parents=True)
    for number in range(1, 31):
        image = numbered_image(number, 96, 54)
        cv2.imwrite(str(folder / "f" / f"frame_{number:010d}.jpg"), image)
    (folder / "list.csv").write_text("f\n")
    asked = {"architecture": "slow_r50_4x16", "num_frames": 4, "inputs": "frames"}
    asked |= {"windows": "input_frames", "stride": 16, "offset": 8}
    asked |= {"size": [256, 32], "pool": "whole", "channels": "bgr"}
    workspace = workspace_of(tmp_path / "w", folder, weights, **asked)
    run = workspace.run("features", demo=False)
    assert run.status == 0, run.output
    results = workspace.folder / "results" / "features"
    found = np.load(results / "f_4.npy")
    assert found.shape == (2, 2048)
    assert json.loads((results / "f_4.json").read_text())["centres"] == [0.533333, 1.6]
    # What it says, once more by hand: cv2 reads blue first, and nobody turns it round.
    paths = [folder / "f" / f"frame_{number:010d}.jpg" for number in range(1, 31)]
    images = [cv2.resize(cv2.imread(str(path)), (256, 32)) for path in paths]
    for row, centre in enumerate((8, 24)):
        maps = torch.from_numpy(np.stack(images[centre - 2 : centre + 2])).float() / 255
        maps = ((maps - 0.45) / 0.225).permute(3, 0, 1, 2)[None]
        with torch.no_grad():
            for block in network.blocks[:-1]:
                maps = block(maps)
        expected = maps.mean((0, 2, 3, 4)).numpy()
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-4)
    assert "2048 numbers (pooled)" in (results / "README.md").read_text()
    assert workspace.run(demo=False).nothing_to_do
    assert workspace.plan(demo=False, features={"pool": "trained"})["extract_features"] == 1
    message = refused(workspace.run(demo=False, features={"size": [256]}))
    assert "features.size: expected" in message and "[width, height], each from" in message


def test_no_weights_named(tmp_path):
    workspace = Workspace(tmp_path / "w")
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    message = refused(workspace.run("features"))
    begin = "config: features.weights: SlowFast features need trained weights. Download one"
    assert message.startswith(begin)
    assert len(message.splitlines()) <= 10, message
    assert "model_zoo/kinetics/SLOWFAST_8x8_R50.pyth" in message
    assert "model_zoo/kinetics400/SLOWFAST_8x8_R50.pkl" in message
    # Without weights a plain run asks for no features.
    assert not any("features" in name for name in workspace.plan())
    # A list without weights asks for features all the same.
    assert begin in refused(workspace.run(features={"video_list": "v/list.csv"}))


def test_clips_on_default_windows(tmp_path, slowfast):
    """A clip of the demo with windows on frames, as the config has them."""
    features = DEFAULT_FEATURES | {"weights": str(slowfast.pytorchvideo), "size": 32, "stride": 30}
    workspace = Workspace(tmp_path / "w", features=features)
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0\t7\ttrain")
    wanted = "results/features/index.csv"
    run = workspace.run(wanted)
    assert run.status == 0, run.output
    results = workspace.folder / "results" / "features"
    # 210 frames of 30 a second are 105 of 15, and every 30th of them has a window.
    assert rows_of(results) == {"corridor_32.npy": 4}
    assert json.loads((results / "corridor_32.json").read_text())["centres"] == [0, 2, 4, 6]
    # Keyframes are nothing to these windows: the clip is looked at anew, its features are not.
    made = (results / "corridor_32.npy").stat().st_mtime_ns
    manifest = "feature_batches/0.csv"
    before = Records(workspace.folder / "results").of(manifest)
    run = workspace.run(wanted, keyframes={"margin": 3})
    assert run.status == 0, run.output
    log = (workspace.folder / "results" / "logs" / "extract_features" / "0.log").read_text()
    assert "corridor: kept, 4 windows" in log
    after = Records(workspace.folder / "results").of(manifest)
    # The clip's new cut made the job run, not a setting of its own.
    assert (after.settings, after.inputs) == (before.settings, before.inputs)
    assert (results / "corridor_32.npy").stat().st_mtime_ns == made
    plan = workspace.plan(wanted, features={"windows": "keyframes", "stride": 1})
    assert plan["extract_features"] == 1


def test_clips_and_their_persons(tmp_path, slowfast):
    """The demo's own clip: a row a keyframe, and a row for each box of its tracks."""
    features = DEFAULT_FEATURES | {"weights": str(slowfast.pyslowfast), "persons": True}
    features |= {"in_fps": 30, "out_fps": 15, "windows": "keyframes", "stride": 1, "size": 64}
    workspace = Workspace(tmp_path / "w", features=features, rawframes={"enabled": False})
    workspace.config["exports"] = []
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    run = workspace.run("features")
    assert run.status == 0, run.output
    results = workspace.folder / "results"
    # Keyframes of a clip of five seconds are its seconds 2 and 3.
    assert rows_of(results / "features") == {"corridor_32.npy": 2}
    tracks = pd.read_csv(results / "tracks" / "corridor.csv")
    boxes = [
        (second, person)
        for second in (2, 3)
        for person in sorted(tracks.loc[tracks["frame"] == 30 * second + 1, "person_id"])
    ]
    assert len(boxes) >= 2
    index = pd.read_csv(results / "person_features" / "index.csv")
    assert list(index.columns) == ["file", "clip", "second", "person_id", "row"]
    assert list(zip(index["second"], index["person_id"], strict=True)) == boxes
    assert list(index["row"]) == list(range(len(boxes))) and set(index["clip"]) == {"corridor"}
    persons = np.load(results / "person_features" / index["file"][0])
    assert persons.shape == (len(boxes), 2304) and len(np.unique(persons, axis=0)) == len(boxes)
    assert workspace.run("features").nothing_to_do


def test_persons_by_an_exported_network(tmp_path):
    """The mean colour of each person's crop; another mean is another feature, another pool none."""
    weights = mean_colour(tmp_path / "colour.onnx")
    features = DEFAULT_FEATURES | {
        "weights": str(weights),
        "architecture": "exported",
        "layout": "tchw",
    }
    features |= {"persons": True, "windows": "keyframes", "num_frames": 4, "size": 32}
    features |= {"mean": [0, 0, 0], "std": [1, 1, 1]}
    workspace = Workspace(tmp_path / "w", features=features, rawframes={"enabled": False})
    workspace.config["exports"] = []
    workspace.write_clips("corridor\texamples/demo/videos/corridor.mp4\t0.5\t5.5\ttrain")
    run = workspace.run("features")
    assert run.status == 0, run.output
    results = workspace.folder / "results"
    assert rows_of(results / "features") == {"corridor_4.npy": 2}
    index = pd.read_csv(results / "person_features" / "index.csv")
    found = np.load(results / "person_features" / index["file"][0])
    assert found.shape == (len(index), 3) and len(index) >= 2
    assert found.min() > 0 and found.max() < 1
    readme = (results / "features" / "README.md").read_text()
    assert readme.startswith("# Features\n")
    assert "3 numbers each, by the network that `features.weights` names." in readme
    assert workspace.run("features").nothing_to_do
    array = results / "person_features" / index["file"][0]
    made = array.stat().st_mtime_ns
    run = workspace.run("features", features={"pool": "whole"})
    assert run.status == 0 and array.stat().st_mtime_ns == made, run.output
    run = workspace.run("features", features={"mean": [0.5, 0.5, 0.5]})
    assert run.status == 0, run.output
    assert run.jobs["extract_person_features"] == run.jobs["extract_features"] == 1
    padded = np.load(array)
    assert padded.min() < 0 and not np.allclose(padded, found)
    # A network that is no such: one message, before any job.
    weights.write_bytes(weights.read_bytes()[:40])
    message = refused(workspace.run("features"))
    assert message.startswith("config: features.weights: ") and "is cut short" in message


def test_the_demos_own_features(tmp_path):
    """As its config asks for them: nothing but where the network lies."""
    features = {"weights": "examples/demo/features/figures.onnx"}
    workspace = Workspace(tmp_path / "w", features=features, rawframes={"enabled": False})
    workspace.config["exports"] = []
    workspace.write_clips("classroom\texamples/demo/videos/classroom.mp4\t1\t6\ttrain")
    run = workspace.run()
    assert run.status == 0, run.output
    results = workspace.folder / "results"
    index = pd.read_csv(results / "person_features" / "index.csv")
    persons = np.load(results / "person_features" / "classroom_8.npy")
    assert persons.shape == (len(index), 96) and set(index["second"]) == {2, 3}
    assert len(np.unique(persons, axis=0)) == len(index) >= 6
    assert workspace.run().nothing_to_do
