"""Features of whole videos and of persons, from files on the disk to files on the disk."""

import json
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from avaflow.errors import UserError
from avaflow.features.checkpoints import load_network
from avaflow.features.files import (
    MANIFEST,
    RowWriter,
    check_any_made,
    check_features_made,
    readme,
    unlisted_arrays,
)
from avaflow.features.network import FeatureModel
from avaflow.features.persons import keyframe_boxes, person_features_of_batch
from avaflow.features.videos import OF_CONTENT, Source, check_finite, features_of_batch
from avaflow.tables import TRACKS, write_table
from avaflow.videos.frames import ClipVideo
from avaflow.videos.instants import VideoInstants
from numbered_videos import make_video
from workflow_runs import ROOT

pytestmark = pytest.mark.slow

SETTINGS = {
    "architecture": "slowfast_r50_8x8",
    "layer": "pooled",
    "num_frames": 32,
    "in_fps": 15,
    "out_fps": 15,
    "windows": "frames",
    "stride": 10,
    "offset": 0,
    "padding": "zeros",
    "size": 64,
    "resize": "square",
    "channels": "rgb",
    "pool": "trained",
    "precision": "full",
    "layout": "tchw",
    "mean": [0.45, 0.45, 0.45],
    "std": [0.225, 0.225, 0.225],
    "box_margin": 0.1,
    "box_shape": "padded",
    "batch": 2,
}
MADE_WITH = {"weights_sha256": "w", "code": "c"}


@pytest.fixture(scope="module")
def model(slowfast):
    network = load_network(slowfast.pytorchvideo, "slowfast_r50_8x8")
    return FeatureModel(network, "slowfast_r50_8x8")


@pytest.fixture(scope="module")
def detection_model(slowfast):
    network = load_network(slowfast.pytorchvideo, "slowfast_r50_8x8", detection=True)
    return FeatureModel(network, "slowfast_r50_8x8")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("v") / "v.mp4", frames=45, fps="15")


def refuse():
    raise AssertionError("the network was loaded although nothing is to be done")


def test_a_video_gives_what_the_plain_model_gives(tmp_path, slowfast, model, video):
    """Each row against the plain network on images put together here."""
    source = Source("deep/v", str(video))
    table = features_of_batch([source], tmp_path, SETTINGS, MADE_WITH, lambda: model)
    features = np.load(tmp_path / "deep" / "v_32.npy")
    record = json.loads((tmp_path / "deep" / "v_32.json").read_text())
    assert features.shape == (5, 2304) and features.dtype == np.float32
    assert record["centres"] == [0, 0.666667, 1.333333, 2, 2.666667]
    assert table.to_dict("records")[0] | {"sha256": "", "bytes": 0} == {
        "name": "deep/v",
        "status": "made",
        "file": "deep/v_32.npy",
        "rows": 5,
        "bytes": 0,
        "sha256": "",
        "damages": 0,
        "note": "",
    }
    import cv2

    images = [cv2.resize(load(), (64, 64)) for _, load in VideoInstants(video, 15)]
    whole = (torch.from_numpy(np.stack(images)).float() / 255 - 0.45) / 0.225
    for row, centre in enumerate(range(0, 45, 10)):
        fast = torch.zeros(1, 3, 32, 64, 64)
        for place, frame in enumerate(range(centre - 16, centre + 16)):
            if 0 <= frame < 45:
                fast[0, :, place] = whole[frame].permute(2, 0, 1)
        maps = [fast[:, :, torch.linspace(0, 31, 8).long()], fast]
        with torch.no_grad():
            for block in slowfast.network.blocks[:6]:
                maps = block(maps)
        np.testing.assert_allclose(features[row], maps.flatten().numpy(), rtol=0, atol=1e-4)


def test_what_is_made_stays_and_what_is_stale_goes(tmp_path, model, video):
    source = Source("v", str(video))

    def run(model, sources=(source,), **changed):
        return features_of_batch(sources, tmp_path, SETTINGS | changed, MADE_WITH, model)

    first = run(lambda: model)
    array, content = tmp_path / "v_32.npy", (tmp_path / "v_32.npy").read_bytes()
    assert run(refuse).equals(first)
    # How it is computed decides nothing; batches may be of any size.
    assert run(refuse, batch=7).equals(first)
    array.write_bytes(content[:-4])
    assert run(lambda: model).equals(first) and array.read_bytes() == content
    with pytest.raises(AssertionError, match="was loaded"):
        run(refuse, stride=9)
    # A video that can no longer be read takes its features with it.
    run(lambda: model)
    gone = Source("v", str(tmp_path / "gone.mp4"))
    table = run(refuse, [gone])
    assert list(table["note"]) == [f"{tmp_path}/gone.mp4 is missing"]
    assert not list(tmp_path.iterdir())


class Noughts:
    """A network that gives a nought a window, and remembers an image of each."""

    dimensions = 1
    whole_images = False

    def __init__(self):
        self.seen = []

    def features(self, images, shown):
        self.seen += list(images[:, 16])
        return np.zeros((len(images), 1), np.float32)


def test_records_that_do_not_know_newer_settings_yet(tmp_path, video):
    """What they stand for was made as the defaults say, and is not made anew."""
    source, model = Source("v", str(video)), Noughts()

    def run(model, **changed):
        return features_of_batch([source], tmp_path, SETTINGS | changed, MADE_WITH, model)

    first = run(lambda: model)
    record = json.loads((tmp_path / "v_32.json").read_text())
    assert [record.pop(name) for name in ("offset", "channels", "pool")] == [0, "rgb", "trained"]
    (tmp_path / "v_32.json").write_text(json.dumps(record))
    assert run(refuse).equals(first)
    for changed in ({"offset": 1}, {"channels": "bgr"}, {"pool": "whole"}):
        with pytest.raises(AssertionError, match="was loaded"):
            run(refuse, **changed)
        run(lambda: model)


def test_colours_and_sizes_as_a_network_sees_them(tmp_path):
    """A folder of one colour: its blue, green and red come first where `bgr` is asked for."""
    import cv2

    model = Noughts()
    (tmp_path / "f").mkdir()
    for number in range(1, 4):
        image = np.full((90, 160, 3), (200, 100, 10), np.uint8)  # blue, green, red
        cv2.imwrite(str(tmp_path / "f" / f"{number}.png"), image)
    for channels in ("rgb", "bgr"):
        settings = SETTINGS | {"channels": channels, "size": [96, 64], "resize": "crop"}
        source = Source("f", str(tmp_path / "f"), "{}.png")
        features_of_batch([source], tmp_path / "o", settings, MADE_WITH, lambda: model)
    rgb, bgr = model.seen
    assert rgb.shape == bgr.shape == (64, 96, 3)
    assert rgb[0, 0].tolist() == [10, 100, 200] and bgr[0, 0].tolist() == [200, 100, 10]


def test_a_video_that_ends_before_the_first_window(tmp_path, model):
    short = make_video(tmp_path / "short.mp4", frames=10, fps="15")
    settings = SETTINGS | {"windows": "input_frames", "stride": 32, "offset": 16}
    table = features_of_batch(
        [Source("short", str(short))], tmp_path, settings, MADE_WITH, lambda: model
    )
    assert list(table["rows"]) == [0] and np.load(tmp_path / "short_32.npy").shape == (0, 2304)
    assert table["note"][0] == (
        "no window: it has 10 frames, and ends before the first that features.offset asks for"
    )


def test_unreadable_videos_are_recorded_and_passed_over(tmp_path, model, video):
    (tmp_path / "text.mp4").write_text("not a video")
    short = make_video(tmp_path / "short.mp4", frames=10, fps="15")
    sources = [
        Source("text", str(tmp_path / "text.mp4")),
        Source("short", str(short)),
        Source("folder", str(tmp_path / "no-folder"), "frame_{}.jpg"),
    ]
    table = features_of_batch(sources, tmp_path / "out", SETTINGS, MADE_WITH, lambda: model)
    assert list(table["name"]) == ["folder", "short", "text"]
    assert list(table["status"]) == ["skipped", "made", "skipped"]
    assert list(table["rows"]) == [0, 1, 0]
    assert "no-folder: cannot be read as a folder" in table["note"][0]
    assert table["note"][1] == "10 frames are fewer than a window of 32, so every window is padded"
    assert "expected a video, found a text file" in table["note"][2]
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["short_32.json", "short_32.npy"]


def test_features_that_are_no_numbers_are_an_error(tmp_path, slowfast, video):
    network = load_network(slowfast.pytorchvideo, "slowfast_r50_8x8")
    network.blocks[4].multipathway_blocks[0].res_blocks[0].branch1_conv.weight[5] = torch.nan
    broken = FeatureModel(network, "slowfast_r50_8x8")
    with pytest.raises(UserError, match=r"^v: the feature of the window centred on 0\.000 s holds"):
        features_of_batch([Source("v", str(video))], tmp_path, SETTINGS, MADE_WITH, lambda: broken)
    assert not list(tmp_path.iterdir())
    rows = np.zeros((3, 4))
    rows[1, 2] = np.inf
    with pytest.raises(UserError, match=r"centred on 1\.500 s"):
        check_finite(rows, "v", [1.0, 1.5, 2.0])


def test_rows_written_in_parts_are_numpys_own_bytes():
    rows = np.random.default_rng(0).normal(size=(12345, 3)).astype(np.float32)
    ours, numpys = BytesIO(), BytesIO()
    writer = RowWriter(ours, 3)
    writer.write(rows[:7])
    writer.write(rows[7:])
    writer.finish()
    np.save(numpys, rows)
    assert ours.getvalue() == numpys.getvalue()


def test_arrays_cut_short_by_hand_are_named(tmp_path, model, video):
    table = features_of_batch(
        [Source("v", str(video))], tmp_path, SETTINGS, MADE_WITH, lambda: model
    )
    manifest = tmp_path / "0.csv"
    write_table(manifest, table, MANIFEST)
    check_features_made([manifest, tmp_path / "1.csv"], tmp_path)
    (tmp_path / "v_32.npy").write_bytes(b"short")
    with pytest.raises(UserError, match=r"v_32.npy: expected 46208 bytes .* found 5 bytes: delete"):
        check_features_made([manifest], tmp_path)


def test_other_windows_than_keyframes_do_not_depend_on_keyframes(tmp_path, model, video):
    def run(model, **changed):
        source = Source("v", str(video), seconds=changed.pop("seconds", None))
        settings = SETTINGS | {"stride": 30} | changed
        return features_of_batch([source], tmp_path, settings, MADE_WITH, model)

    first = run(lambda: model)
    assert list(first["status"]) == ["made"] and list(first["rows"]) == [2]
    # Neither a second that is not in the video nor another margin changes anything.
    assert run(refuse, seconds=(1, 9)).equals(first)
    assert list(run(lambda: model, windows="keyframes", stride=1, seconds=(1, 2))["rows"]) == [2]
    with pytest.raises(AssertionError, match="was loaded"):
        run(refuse, windows="keyframes", stride=1, seconds=(1,))


def test_a_video_read_in_part_is_not_called_short(tmp_path, model, video):
    """Of 90 frames those of the window of second 0 are read, 31: fewer than a window's 64."""
    settings = SETTINGS | {"in_fps": 30, "windows": "keyframes", "stride": 1}
    source = Source("v", str(video), seconds=(0,))
    table = features_of_batch([source], tmp_path, settings, MADE_WITH, lambda: model)
    assert list(table["note"]) == [""]


def test_what_is_kept_is_told_in_the_log(tmp_path, model, video, caplog):
    caplog.set_level("INFO")
    for _ in range(2):
        features_of_batch(
            [Source("v", str(video))], tmp_path, SETTINGS | {"stride": 99}, MADE_WITH, lambda: model
        )
    assert [one for one in caplog.messages if "window" in one] == [
        "v: 1 window",
        "v: kept, 1 window",
    ]


def test_one_frame_is_no_frames(tmp_path, model):
    one = make_video(tmp_path / "one.mp4", frames=1, fps="15")
    table = features_of_batch(
        [Source("one", str(one))], tmp_path, SETTINGS, MADE_WITH, lambda: model
    )
    assert table["note"][0] == "1 frame is fewer than a window of 32, so every window is padded"


def test_every_setting_is_one_of_content_or_of_another_known_kind():
    """A new setting has to be put where it belongs, or arrays that are stale would be kept."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())["features"]
    which = {"weights", "video_list", "root", "inputs", "video_suffix", "frame_pattern", "persons"}
    how = {"batch", "device", "threads"}
    assert set(OF_CONTENT) | which | how == set(config)
    assert len(OF_CONTENT) + len(which) + len(how) == len(config)


def manifest_of(*rows):
    return pd.DataFrame(rows, columns=list(MANIFEST))


def test_strict_stops_on_damage():
    fine = ("a", "made", "a_32.npy", 1, 9344, "s", 0, "10 frames are fewer than a window of 32")
    hurt = ("b", "made", "b_32.npy", 1, 9344, "s", 2, "damaged in 2 places")
    check_any_made(manifest_of(fine), strict=True)
    check_any_made(manifest_of(fine, hurt), strict=False)
    with pytest.raises(UserError, match=r"`strict` is set.*\n  - b: damaged in 2 places$"):
        check_any_made(manifest_of(fine, hurt), strict=True)


def test_damage_is_counted(tmp_path, model):
    path = make_video(tmp_path / "v.mp4", frames=45, fps="15", output=("-c:v", "mjpeg"))
    content = bytearray(path.read_bytes())
    starts = [i for i in range(len(content) - 2) if content[i : i + 3] == b"\xff\xd8\xff"]
    content[starts[20] : starts[21]] = bytes(starts[21] - starts[20])
    path.write_bytes(content)
    for _ in range(2):  # once made, once kept
        table = features_of_batch(
            [Source("v", str(path))], tmp_path / "out", SETTINGS, MADE_WITH, lambda: model
        )
        assert list(table["damages"]) == [1]
        assert table["note"][0] == "damaged in 1 place; the image before was shown on"


def test_what_is_no_longer_listed_is_named(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a_32.npy", "a_64.npy", "deep/b_32.npy", ".half.npy"):
        (tmp_path / name).write_text("")
    table = manifest_of(("a", "made", "a_32.npy", 1, 9344, "s", 0, ""))
    left = unlisted_arrays(table, tmp_path)
    assert left == ["a_64.npy", "deep/b_32.npy"]
    text = readme(table, SETTINGS, 2304, left)
    assert "1 of 1 video, 1 window of 32 frames" in text
    assert text.endswith("- a_64.npy\n- deep/b_32.npy\n") and "## No longer listed" in text
    assert "No longer" not in readme(table, SETTINGS, 2304)
    assert "2304 numbers (pooled)" in text and "pool: whole" not in text
    other = readme(table, SETTINGS | {"architecture": "i3d_r50_8x8", "pool": "whole"}, 2048)
    assert "2048 numbers (pooled)" in other and "averaged as a whole (`pool: whole`)" in other


def test_persons_rows_follow_the_boxes(tmp_path, slowfast, detection_model):
    """Two persons on second 1 and one on second 2, held against the model called by hand."""
    path = make_video(tmp_path / "c.mp4", frames=90, fps="30", size=(128, 96))
    clip = ClipVideo("c", str(path), 90, 30, 128, 96)
    tracks = pd.DataFrame(
        [
            (31, 2, 0.5, 0.1, 0.9, 0.9, 0.8),
            (31, 1, 0.0, 0.0, 0.4, 1.0, 0.9),
            (36, 1, 0.1, 0.0, 0.5, 1.0, 0.9),
            (61, 2, 0.6, 0.1, 1.0, 0.9, 0.7),
        ],
        columns=list(TRACKS),
    )
    settings = SETTINGS | {"in_fps": 30, "out_fps": 15, "resize": "crop"}
    arguments = ([clip], {"c": tracks}, {"c": [1, 2]}, {"c": "s"}, tmp_path / "out", settings)
    table = person_features_of_batch(*arguments, MADE_WITH, lambda: detection_model)
    assert list(table["rows"]) == [3]
    assert (tmp_path / "out" / "c_32.csv").read_text() == (
        "clip,second,person_id,row\nc,1,1,0\nc,1,2,1\nc,2,2,2\n"
    )
    features = np.load(tmp_path / "out" / "c_32.npy")
    assert features.shape == (3, 2304)
    import cv2

    # The whole image, 64 pixels high and 85 wide; nothing is cropped away.
    images = [cv2.resize(load(), (85, 64)) for _, load in VideoInstants(path, 30)]
    window = np.zeros((1, 32, 64, 85, 3), np.uint8)
    shown = np.zeros((1, 32), bool)
    for place, frame in enumerate(range(60 - 32, 60 + 32, 2)):
        if frame < 90:
            window[0, place], shown[0, place] = images[frame], True
    box = np.float32([[0.6 * 85, 0.1 * 64, 85, 0.9 * 64]])
    expected = detection_model.roi_features(window, shown, [box])
    np.testing.assert_allclose(features[2:], expected, rtol=0, atol=1e-4)
    # And once made, it stays, until a box moves; a table changed by hand is fixed.
    (tmp_path / "out" / "c_32.csv").write_text("c,1,9,0\n")
    assert person_features_of_batch(*arguments, MADE_WITH, refuse).equals(table)
    assert (tmp_path / "out" / "c_32.csv").read_text().endswith("c,1,2,1\nc,2,2,2\n")
    tracks.loc[0, "x1"] = 0.55
    with pytest.raises(AssertionError, match="was loaded"):
        person_features_of_batch(*arguments, MADE_WITH, refuse)


def test_a_clip_without_persons(tmp_path, detection_model):
    clip = ClipVideo("c", "no-video.mp4", 90, 30, 128, 96)
    tracks = pd.DataFrame({name: [] for name in TRACKS})
    table = person_features_of_batch(
        *([clip], {"c": tracks}, {"c": [1]}, {"c": "s"}, tmp_path, SETTINGS),
        *(MADE_WITH, lambda: detection_model),
    )
    assert list(table["status"]) == ["made"] and np.load(tmp_path / "c_32.npy").shape == (0, 2304)
    assert (tmp_path / "c_32.csv").read_text() == "clip,second,person_id,row\n"


def test_boxes_are_those_of_keyframes():
    tracks = pd.DataFrame(
        [(f, p, 0.1, 0.2, 0.3, 0.4, 0.9) for f in (60, 61, 62, 91) for p in (2, 1)],
        columns=list(TRACKS),
    )
    boxes = keyframe_boxes(tracks, [2, 3, 4], 30)
    assert boxes[["second", "person_id"]].to_numpy().tolist() == [[2, 1], [2, 2], [3, 1], [3, 2]]
