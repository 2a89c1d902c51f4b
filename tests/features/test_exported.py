"""Features by networks that others exported: what they are shown, and what is refused."""

import importlib
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

import onnx_files
from avaflow.errors import UserError
from avaflow.features.crops import crop_px, placed
from avaflow.features.makers import load_maker, weights_files
from avaflow.features.network_files import kind_of
from avaflow.features.persons import person_features_of_batch
from avaflow.features.plan import plan_features
from avaflow.features.videos import Source, deciding, features_of_batch
from avaflow.videos.instants import VideoInstants
from exported_networks import (
    GREEN,
    GREY,
    RED,
    colour_clip,
    colour_tracks,
    everything,
    mean_colour,
    one_step,
    torch_network,
    write_onnx,
    write_torchscript,
)
from numbered_videos import make_video
from onnx_files import node, onnx_bytes
from workflow_runs import ROOT

pytestmark = pytest.mark.slow

SETTINGS = {
    "architecture": "exported",
    "layer": "pooled",
    "num_frames": 4,
    "in_fps": 15,
    "out_fps": 15,
    "windows": "frames",
    "stride": 10,
    "offset": 0,
    "padding": "zeros",
    "size": [32, 24],
    "resize": "square",
    "channels": "rgb",
    "pool": "trained",
    "precision": "full",
    "layout": "cthw",
    "mean": [0.1, 0.2, 0.3],
    "std": [0.5, 0.25, 1.0],
    "box_margin": 0,
    "box_shape": "stretched",
    "batch": 2,
    "device": "cpu",
}
PLAIN = {"mean": [0, 0, 0], "std": [1, 1, 1]}
MADE_WITH = {"weights_sha256": "w", "code": "c"}


def maker(path, **changed):
    return load_maker([str(path)], SETTINGS | changed, threads=1)


def features(path, video, folder, **changed):
    """Features of a whole video through the real extraction."""
    settings = SETTINGS | changed
    source = Source("v", str(video))
    features_of_batch([source], folder, settings, MADE_WITH, lambda: maker(path, **changed))
    return np.load(folder / f"v_{settings['num_frames']}.npy")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("v") / "v.mp4", frames=45, fps="15")


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """One network as torch has it, as TorchScript and as ONNX; no suffix says which is which."""
    folder = tmp_path_factory.mktemp("twins")
    network = torch_network()
    script = write_torchscript(folder / "a.weights", network, (1, 3, 4, 24, 32))
    return network, script, write_onnx(folder / "b.weights", network)


def test_what_a_file_is_its_content_tells(twins):
    assert [kind_of(path) for path in twins[1:]] == ["torchscript", "onnx"]


def test_torchscript_and_onnx_give_the_same_features(tmp_path, twins, video):
    """And just what the network gives for images that are put together here."""
    import cv2

    network, script, onnx = twins
    by_torch = features(script, video, tmp_path / "t")
    by_openvino = features(onnx, video, tmp_path / "o")
    assert by_torch.shape == (5, 5)
    np.testing.assert_allclose(by_openvino, by_torch, rtol=0, atol=1e-4)
    images = np.stack([cv2.resize(load(), (32, 24)) for _, load in VideoInstants(video, 15)])
    whole = (images / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 1]
    for row, centre in enumerate(range(0, 45, 10)):
        window = np.zeros((4, 24, 32, 3))
        for place, frame in enumerate(range(centre - 2, centre + 2)):
            if 0 <= frame < 45:
                window[place] = whole[frame]
        with torch.no_grad():
            expected = network(torch.from_numpy(window).float().permute(3, 0, 1, 2)[None])
        np.testing.assert_allclose(by_torch[row], expected[0].numpy(), rtol=0, atol=1e-4)
    assert np.abs(np.diff(by_torch, axis=0)).max() > 0.01, "all windows look alike"


def test_the_same_run_gives_the_same_bytes(tmp_path, twins, video):
    for path in twins[1:]:
        first, again = (features(path, video, tmp_path / f"{path.stem}{n}") for n in (1, 2))
        assert first.tobytes() == again.tobytes()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return colour_clip(tmp_path_factory.mktemp("clip") / "c.mkv")


def persons(path, clip, folder, **changed):
    """Features of the red and of the green person through the real extraction."""
    settings = SETTINGS | {"in_fps": 30, "layout": "tchw"} | changed
    person_features_of_batch(
        *([clip], {"c": colour_tracks()}, {"c": [1]}, {"c": "s"}, folder, settings, MADE_WITH),
        lambda: load_maker([str(path)], settings, 1, persons=True),
    )
    assert (folder / "c_4.csv").read_text().split() == [
        *("clip,second,person_id,row", "c,1,1,0", "c,1,2,1")
    ]
    return np.load(folder / "c_4.npy") * 255


def test_a_crop_shows_its_person_and_nobody_else(tmp_path, clip):
    path = mean_colour(tmp_path / "n.onnx")
    found = persons(path, clip, tmp_path / "o", **PLAIN, size=[20, 20])
    np.testing.assert_allclose(found, [RED, GREEN], rtol=0, atol=0.01)


def test_a_margin_shows_what_is_around_as_far_as_the_image_goes(tmp_path, clip):
    """Half a box more on each side makes 60 x 120 of both, the red one's two sides cut off."""
    path = mean_colour(tmp_path / "n.onnx")
    found = persons(path, clip, tmp_path / "o", **PLAIN, size=[60, 120], box_margin=0.5)
    shares = 40 * 100 / (60 * 120), 30 * 60 / (60 * 120)
    expected = [
        share * np.array(colour) + (1 - share) * np.array(GREY)
        for share, colour in zip(shares, (RED, GREEN), strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.01)


def test_padding_keeps_proportions_and_is_the_mean(tmp_path, clip):
    """30 x 60 pixels fill half of a square, 40 x 100 four tenths; the rest is zeros."""
    path = mean_colour(tmp_path / "n.onnx")
    asked = {"size": 100, "box_shape": "padded", "std": [1, 1, 1]}
    found = persons(path, clip, tmp_path / "o", **asked)
    mean = np.array([0.1, 0.2, 0.3]) * 255
    expected = [0.4 * (np.array(RED) - mean), 0.5 * (np.array(GREEN) - mean)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.01)


def test_crops_follow_the_order_of_colours(tmp_path, clip):
    path = mean_colour(tmp_path / "n.onnx")
    found = persons(path, clip, tmp_path / "o", **PLAIN, channels="bgr")
    np.testing.assert_allclose(found, [RED[::-1], GREEN[::-1]], rtol=0, atol=0.01)


def test_features_of_persons_are_the_same_by_both_runtimes(tmp_path, clip, twins):
    by_torch, by_openvino = (
        persons(path, clip, tmp_path / path.stem, layout="cthw", box_shape="padded", box_margin=0.3)
        for path in twins[1:]
    )
    np.testing.assert_allclose(by_openvino, by_torch, rtol=0, atol=1e-2)  # of 255
    assert np.abs(by_torch[0] - by_torch[1]).max() > 1


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((10, 20, 30, 60), 0, (10, 20, 30, 60)),
        ((10, 20, 30, 60), 0.25, (5, 10, 35, 70)),
        ((10, 20, 30, 60), 3, (0, 0, 90, 100)),
        ((95, 95, 100, 100), 0.2, (94, 94, 100, 100)),
        ((100, 100, 100, 100), 0, (99, 99, 100, 100)),
        ((0, 0, 0, 0), 0.5, (0, 0, 1, 1)),
    ],
)
def test_a_crop_stays_inside(box, margin, expected):
    assert crop_px(box, margin, 100, 100) == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (50, 100, (16, 0, 32, 64)),
        (100, 50, (0, 16, 64, 32)),
        (10, 10, (0, 0, 64, 64)),
        (1, 1000, (31, 0, 1, 64)),
    ],
)
def test_where_a_padded_crop_lies(width, height, expected):
    assert placed(width, height, (64, 64), "padded") == expected
    assert placed(width, height, (64, 48), "stretched") == (0, 0, 64, 48)


@pytest.mark.parametrize(
    ("layout", "channels", "axes"),
    [
        ("tchw", "rgb", (0, 1, 4, 2, 3)),
        ("cthw", "rgb", (0, 4, 1, 2, 3)),
        ("cthw", "bgr", (0, 4, 1, 2, 3)),
    ],
)
def test_images_as_a_network_sees_them(tmp_path, layout, channels, axes):
    """A network that gives back what it is shown, against figures worked out here."""
    model = maker(everything(tmp_path / "n"), layout=layout, size=[3, 2], num_frames=2)
    images = np.arange(2 * 2 * 2 * 3 * 3, dtype=np.uint8).reshape(2, 2, 2, 3, 3)
    shown = np.array([[True, True], [False, True]])
    found = model.features(images, shown)
    expected = np.empty(images.shape)
    for colour, (mean, std) in enumerate(((0.1, 0.5), (0.2, 0.25), (0.3, 1.0))):
        expected[..., colour] = (images[..., colour] / 255 - mean) / std
    expected[1, 0] = 0
    assert model.dimensions == 36
    np.testing.assert_allclose(found, expected.transpose(axes).reshape(2, 36), rtol=0, atol=1e-6)


def test_a_network_of_images_gives_the_mean_over_a_windows_images(tmp_path):
    model = maker(everything(tmp_path / "n", 3), layout="chw", size=[2, 1], num_frames=3, **PLAIN)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 1, 2, 3)).astype(np.uint8)
    shown = np.array([[True, True, True], [False, True, False]])
    found = model.features(images, shown)
    each = images.transpose(0, 1, 4, 2, 3).reshape(2, 3, 6) / 255
    np.testing.assert_allclose(found, [each[0].mean(0), each[1, 1]], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("operation", "attributes", "expected"),
    [
        # Maps keep their channels: two axes of places behind them.
        ("Relu", {}, lambda images: images.mean((2, 3))),
        # Tokens keep their length.
        (
            "ReduceMean",
            {"axes": [3], "keepdims": 0},
            lambda images: images.mean(3).mean(1),
        ),
    ],
)
def test_maps_and_tokens_are_pooled(tmp_path, operation, attributes, expected):
    path = one_step(tmp_path / "n", operation, ["n", 3, "h", "w"], **attributes)
    model = maker(path, layout="chw", size=[5, 4], num_frames=1, **PLAIN)
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 4, 5, 3)).astype(np.uint8)
    found = model.features(images, np.ones((2, 1), bool))
    np.testing.assert_allclose(
        found, expected(images[:, 0].transpose(0, 3, 1, 2) / 255), rtol=0, atol=1e-6
    )


def test_a_network_of_a_fixed_number_of_windows(tmp_path):
    """Three windows by a network that takes two at a time."""
    path = one_step(tmp_path / "n", "Flatten", [2, 1, 3, 1, 2], axis=1)
    model = maker(path, layout="tchw", size=[2, 1], num_frames=1, batch=7, **PLAIN)
    images = np.arange(18, dtype=np.uint8).reshape(3, 1, 1, 2, 3)
    found = model.features(images, np.ones((3, 1), bool)) * 255
    np.testing.assert_allclose(found, images.transpose(0, 1, 4, 2, 3).reshape(3, 6), atol=1e-4)


def traced(folder, forward, shape=(1, 3, 4, 24, 32)):
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv3d(4, 2, 1)

        def forward(self, images):
            return forward(self, images)

    return write_torchscript(folder / "n.pt", Network(), shape)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda f: everything(f / "n", 3),
            "given 2 x 3 x 4 x 24 x 32 numbers (windows, channels, time, height, width): it takes "
            "any x any x any x any. Set features.layout, size and num_frames to",
        ),
        (
            lambda f: one_step(f / "n", "Flatten", ["n", 4, "t", "h", "w"], axis=1),
            "it takes any x 4 x any x any x any. Set",
        ),
        (
            lambda f: traced(f, lambda n, x: n.conv(x).mean((2, 3, 4)), (1, 4, 4, 24, 32)),
            "to have 4 channels, but got 3 channels",
        ),
        (
            lambda f: one_step(f / "n", "ReduceMean", ["n", 3, "t", "h", "w"], keepdims=0),
            "expected 2 rows of numbers, one a window, found an array of one number",
        ),
        (
            lambda f: traced(f, lambda n, x: x.mean((0, 2, 3, 4))[None]),
            "expected 2 rows of numbers, one a window, found an array of 1 x 3",
        ),
    ],
)
def test_networks_that_do_not_take_such_images(tmp_path, make, expected):
    with pytest.raises(UserError) as told:
        maker(make(tmp_path))
    assert expected in str(told.value) and str(told.value).startswith("features.weights: ")


def test_features_that_are_no_numbers(tmp_path, video):
    """The root of what lies below the mean."""
    path = one_step(tmp_path / "n", "Sqrt", ["n", 3, "t", "h", "w"])
    with pytest.raises(UserError, match=r"^v: the feature of the window centred on 0\.000 s holds"):
        features(path, video, tmp_path / "o")
    assert not list((tmp_path / "o").iterdir())


def zipped(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"n/{name}", content)
    return held.getvalue()


def of_two_inputs() -> bytes:
    """As ONNX, with `input` a second time under another name."""
    whole = onnx_bytes(
        [node("Add", ["images", "others"], "found")],
        {},
        ("images", ["n", 3]),
        ("found", ["n", 3]),
    )
    given = b"\x5a" + bytes([whole[whole.index(b"\x5a") + 1]])
    begin = whole.index(given)
    one = whole[begin : begin + 2 + given[1]]
    graph = whole[whole.index(b"\x3a") + 2 : -6] + one.replace(b"images", b"others")
    return whole[: whole.index(b"\x3a")] + b"\x3a" + bytes([len(graph)]) + graph + whole[-6:]


def state_dict() -> bytes:
    held = io.BytesIO()
    torch.save(torch_network().state_dict(), held)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a failed download", "is neither ONNX nor TorchScript, or is cut short. Expected a"),
        (b"\x08\x08", "is neither ONNX nor TorchScript"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "is neither ONNX nor TorchScript"),
        (b"\xff" * 40, "is neither ONNX nor TorchScript"),
        (b"\x3a\x03abc", "cannot be read by OpenVINO ("),
        (state_dict(), "holds weights without their network. Expected a network with its"),
        (state_dict()[:900], "is cut short (900 bytes)"),
        (zipped(a="b"), "holds a zip of other files. Expected"),
        (zipped(**{"constants.pkl": "b", "code/a.py": "c"}), "cannot be read by torch ("),
        (of_two_inputs(), "expected a network of one input, the images, found 2"),
    ],
)
def test_files_that_are_no_network(tmp_path, content, expected):
    path = tmp_path / "n.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError) as told:
        maker(path)
    assert expected in str(told.value) and str(path) in str(told.value)


def test_a_network_cut_short(tmp_path, twins):
    for whole in twins[1:]:
        path = tmp_path / whole.name
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
        with pytest.raises(UserError, match="cut short"):
            maker(path)


def test_onnx_that_names_other_files(tmp_path, monkeypatch):
    """Its weights would lie outside of what is recorded, or anywhere on the disk."""
    (tmp_path / "w.bin").write_bytes(np.ones(3, np.float32).tobytes())

    def outside(name, values):
        def counted(field, content):
            return bytes([field << 3 | 2, len(content)]) + content

        entry = counted(1, b"location") + counted(2, b"w.bin")
        return b"\x08\x03\x10\x01" + counted(8, name.encode()) + counted(13, entry) + b"\x70\x01"

    monkeypatch.setattr(onnx_files, "_tensor", outside)
    shapes = ("images", ["n", 3]), ("found", ["n", 3])
    steps = [node("Add", ["images", "weights"], "found")]
    path = tmp_path / "n.onnx"
    path.write_bytes(onnx_bytes(steps, {"weights": np.ones(3, np.float32)}, *shapes))
    assert kind_of(path) == "onnx"
    with pytest.raises(UserError, match="cannot be read by OpenVINO"):
        maker(path)
    # With the path OpenVINO would have read them: that is what is kept from it.
    import openvino

    assert openvino.Core().read_model(path).inputs


def test_settings_that_mean_nothing_to_a_network_make_nothing_anew():
    ours = SETTINGS | {"architecture": "slowfast_r50_8x8"}
    assert deciding(ours, ()) == deciding(ours | {"mean": [0, 0, 0], "box_margin": 1}, ())
    assert deciding(SETTINGS, ()) == deciding(SETTINGS | {"pool": "whole", "layer": "logits"}, ())
    assert deciding(SETTINGS, ()) != deciding(SETTINGS | {"mean": [0, 0, 0]}, ())
    assert deciding(SETTINGS, ()) != deciding(SETTINGS | {"layout": "tchw"}, ())


def planned(path, **changed):
    asked = {"weights": str(path), "video_list": "", "persons": False}
    return plan_features(SETTINGS | asked | changed, ["c"], 1, "results")


def test_wrong_files_are_told_before_any_job_runs(tmp_path, twins):
    assert planned(twins[1]).batches and planned(twins[2], num_frames=7).batches
    (tmp_path / "n.onnx").write_text("a failed download")
    with pytest.raises(UserError, match=r"config: features.weights: .*neither ONNX nor"):
        planned(tmp_path / "n.onnx")
    with pytest.raises(UserError, match=r"none\.onnx is missing\. Expected a network with its"):
        planned(tmp_path / "none.onnx")
    with pytest.raises(UserError, match=r"is ONNX, which runs on the processor here"):
        planned(twins[2], device=0)


def test_an_export_of_torchs_own(tmp_path, twins, video):
    """Runs where the exporter's packages are, which the workflow itself does without."""
    pytest.importorskip("onnxscript", reason="torch exports ONNX by onnxscript")
    path = tmp_path / "n.onnx"
    torch.onnx.export(
        *(twins[0], (torch.rand(2, 3, 4, 24, 32),), str(path)),
        dynamo=True,
        external_data=False,
        dynamic_shapes=({0: "n"},),
    )
    found = features(path, video, tmp_path / "o")
    np.testing.assert_allclose(found, features(twins[1], video, tmp_path / "t"), rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def videomae(tmp_path_factory):
    """A folder as Hugging Face has it, of a very small VideoMAE with made-up weights."""
    transformers = pytest.importorskip("transformers", reason="videomae needs transformers")
    torch.manual_seed(0)
    config = transformers.VideoMAEConfig(
        image_size=32,
        patch_size=16,
        num_frames=4,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
    )
    folder = tmp_path_factory.mktemp("videomae")
    network = transformers.VideoMAEModel(config).eval()
    network.save_pretrained(folder)
    return network, folder


OF_VIDEOMAE = {"architecture": "videomae", "size": 32, "layout": "chw"}


def test_videomae_from_a_folder(videomae):
    network, folder = videomae
    asked = SETTINGS | OF_VIDEOMAE
    assert planned(folder, **OF_VIDEOMAE).batches
    model = load_maker(weights_files(str(folder), "videomae"), asked, 1)
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 32, 3)).astype(np.uint8)
    found = model.features(images, np.ones((2, 4), bool))
    seen = torch.from_numpy((images / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 1]).float()
    with torch.no_grad():
        expected = network(seen.permute(0, 1, 4, 2, 3)).last_hidden_state.mean(1).numpy()
    assert found.shape == (2, 24)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_videomae_whose_weights_do_not_fit(tmp_path, videomae):
    """Nothing is made up: transformers by itself would fill in what is missing by chance."""
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((videomae[1] / name).read_bytes())
    told = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(told | {"num_hidden_layers": 3}))
    with pytest.raises(UserError, match=r"weights of VideoMAE are missing .*are never made up"):
        load_maker([tmp_path / "config.json"], SETTINGS | OF_VIDEOMAE, 1)


def test_folders_that_are_no_videomae(tmp_path):
    with pytest.raises(UserError, match=r"found no config\.json and no model\.safetensors"):
        planned(tmp_path, **OF_VIDEOMAE)
    (tmp_path / "model.safetensors").write_text("")
    config = tmp_path / "config.json"
    config.write_text("[1")
    with pytest.raises(UserError, match=r"config\.json is no JSON of a model"):
        planned(tmp_path, **OF_VIDEOMAE)
    config.write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(UserError, match="expected the model_type videomae, found 'vit'"):
        planned(tmp_path, **OF_VIDEOMAE)
    config.write_text(json.dumps({"model_type": "videomae", "image_size": 64, "num_frames": 16}))
    with pytest.raises(UserError) as told:
        planned(tmp_path, **OF_VIDEOMAE)
    assert "size: expected 64, as" in str(told.value) and "found 32" in str(told.value)
    assert "num_frames: expected 16, as" in str(told.value) and "found 4" in str(told.value)


def test_videomae_without_transformers(tmp_path, monkeypatch):
    from avaflow.features import network_files

    def none(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(network_files, "import_module", none)
    assert importlib.import_module is not none
    with pytest.raises(UserError, match="not installed. Add it: uv run --group videomae snakemake"):
        load_maker([tmp_path / "config.json"], SETTINGS | OF_VIDEOMAE, 1)


def test_onnx_needs_no_torch(tmp_path):
    """Importing torch takes longer than the features of a short clip."""
    path = mean_colour(tmp_path / "n.onnx")
    program = (
        "import json, sys; from avaflow.features.makers import load_maker; "
        "load_maker([sys.argv[1]], json.loads(sys.argv[2]), 1); "
        "import avaflow.features.persons, avaflow.features.videos; "
        "sys.exit('torch' in sys.modules)"
    )
    settings = json.dumps(SETTINGS | {"layout": "tchw"})
    command = [sys.executable, "-c", program, str(path), settings]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")})
