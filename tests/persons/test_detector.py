"""The detector wrapper, on an untrained toy model and on the real one where it is there."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
import yaml

import readers
from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.manifests import ClipManifest, write_clip_manifest
from avaflow.persons.detector import (
    Detector,
    _persons,
    detect_clips,
    load_detector,
    quiet_ultralytics,
)
from avaflow.tables import DETECTIONS, OBJECTS, read_table, write_table
from avaflow.videos.frames import ClipVideo, frames_at
from script_runs import run_script
from workflow_runs import DEMO, Workspace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "real"
REAL_MODEL = REAL / "yolo11n_int8_openvino_model"
REAL_VIDEO = REAL / "people.mp4"
CPU = {"device": "cpu", "threads": 2}


def result(boxes_px, scores, height=100, width=200):
    """What ultralytics returns for an image, as far as it is read."""
    import torch

    boxes = SimpleNamespace(xyxy=torch.tensor(boxes_px).view(-1, 4), conf=torch.tensor(scores))
    return SimpleNamespace(orig_shape=(height, width), boxes=boxes)


def test_boxes_are_normalised_clamped_and_sorted():
    found = _persons(result([[20.0, 10, 100, 60], [-8.0, 90, 50, 130]], [0.4, 0.9]))
    np.testing.assert_allclose(
        found, [[0, 0.9, 0.25, 1, 0.9], [0.1, 0.1, 0.5, 0.6, 0.4]], atol=1e-7
    )


def test_boxes_under_one_pixel_are_dropped():
    thin, flat, outside = [10.0, 10, 10.9, 60], [10.0, 10, 60, 10.9], [-30.0, 0, -5, 50]
    kept = [10.0, 10, 11, 11]
    found = _persons(result([thin, kept, flat, outside], [0.9, 0.8, 0.7, 0.6]))
    np.testing.assert_allclose(found, [[0.05, 0.1, 0.055, 0.11, 0.8]], atol=1e-7)


def test_equal_scores_are_ordered_by_place():
    one, two = [50.0, 0, 90, 50], [10.0, 0, 40, 50]
    first = _persons(result([one, two], [0.5, 0.5]))
    assert np.array_equal(first, _persons(result([two, one], [0.5, 0.5])))
    assert first[:, 0].tolist() == [0.05, 0.25]


def test_no_person_is_an_empty_array():
    assert _persons(result([], [])).shape == (0, 5)


class EchoModel:
    """Stands for ultralytics: one box per image, as wide as the image's first pixel says."""

    def __init__(self):
        self.calls = []

    def predict(self, group, batch, **settings):
        self.calls.append([image.shape for image in group])
        assert batch == len(group)
        return [
            result([[0.0, 0, float(p[0, 0, 0]), 10]], [0.5], p.shape[0], p.shape[1]) for p in group
        ]


def images(*sizes):
    return [np.full((h, w, 3), 10 + i, np.uint8) for i, (h, w) in enumerate(sizes)]


def test_images_of_different_sizes_never_share_a_call():
    model = EchoModel()
    frames = images((20, 40), (20, 40), (40, 20), (20, 40))
    found = Detector(model, {}, None).detect(frames)
    assert model.calls == [[(20, 40, 3)] * 2, [(40, 20, 3)], [(20, 40, 3)]]
    assert [
        round(persons[0, 2] * f.shape[1]) for persons, f in zip(found, frames, strict=True)
    ] == [
        10,
        11,
        12,
        13,
    ]


def test_static_exports_get_no_more_than_their_batch():
    model = EchoModel()
    found = Detector(model, {}, 2).detect(images(*[(20, 40)] * 5))
    assert [len(call) for call in model.calls] == [2, 2, 1]
    assert len(found) == 5


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """An untrained YOLO11 of width 0.125, whose second class, person, fires on a whim."""
    quiet_ultralytics()
    import torch
    import ultralytics
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("toy")
    source = Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml"
    layers = yaml.safe_load(source.read_text(encoding="utf-8"))
    layers.update(nc=2, scales={"n": [0.5, 0.125, 256]})
    (folder / "toyn.yaml").write_text(yaml.safe_dump(layers), encoding="utf-8")
    torch.manual_seed(3)
    model = YOLO(str(folder / "toyn.yaml"))
    model.model.names = {0: "ball", 1: "person"}
    for module in model.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # Untrained, signals fade from layer to layer, and all scores come out alike.
            torch.nn.init.constant_(module.weight, 2.5)
    for branch in model.model.model[-1].cv3:
        torch.nn.init.constant_(branch[-1].bias, 0)
        branch[-1].weight.data *= 500
    model.save(folder / "toy.pt")
    return folder / "toy.pt"


@pytest.fixture(scope="module")
def toy_detector(toy) -> Detector:
    return load_detector(toy, confidence=0.5, image_size=160, **CPU)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[ClipVideo]:
    """Two clips of 2 s and different sizes, given in the wrong order."""
    folder = tmp_path_factory.mktemp("videos")
    videos = []
    for clip, (width, height) in {"walk-b": (160, 96), "walk-a": (96, 160)}.items():
        path = folder / f"{clip}.mp4"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i"]
        command += [f"testsrc2=size={width}x{height}:rate=30:duration=2", "-pix_fmt", "yuv420p"]
        subprocess.run([*command, str(path)], check=True)
        videos.append(ClipVideo(clip, str(path), 60, 30, width, height))
    return videos


def test_a_model_finds_its_own_class(toy_detector):
    frame = np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8)
    [found] = toy_detector.detect([frame])
    assert toy_detector.settings["classes"] == [1]
    assert len(found) > 0
    assert (found[:, :4] >= 0).all() and (found[:, :4] <= 1).all()
    assert (found[:, 2:4] > found[:, :2]).all()
    assert (np.diff(found[:, 4]) <= 0).all()
    assert (found[:, 4] >= 0.5).all()


def test_torch_gets_its_threads(toy):
    """ultralytics sets a number of its own when it sets up a model."""
    import torch

    for threads in (1, 2):
        detector = load_detector(toy, image_size=160, threads=threads)
        detector.detect([np.zeros((96, 160, 3), np.uint8)])
        assert torch.get_num_threads() == threads


def table_of(*arguments, **settings) -> pd.DataFrame:
    """The detections of all clips in one table."""
    tables = [table for _, table in detect_clips(*arguments, **settings)]
    return pd.concat(tables, ignore_index=True)


def test_detections_are_sorted_and_include_every_keyframe(toy_detector, clips, tmp_path):
    table = table_of(clips, toy_detector, stride=7, batch=4)
    assert table["clip"].unique().tolist() == ["walk-a", "walk-b"]
    # Each second starts anew: 1, 8, 15, 22, 29 | 31, 38, ...
    assert sorted(set(table["frame"])) == [1, 8, 15, 22, 29, 31, 38, 45, 52, 59]
    order = list(zip(table["clip"], table["frame"], -table["score"], strict=True))
    assert order == sorted(order)
    write_table(tmp_path / "d.csv", table, DETECTIONS)
    assert len(read_table(tmp_path / "d.csv", DETECTIONS)) == len(table)


def test_what_is_found_on_a_clip_does_not_depend_on_its_batch(toy_detector, clips):
    together = dict(detect_clips(clips, toy_detector, stride=7, batch=4))
    alone = dict(detect_clips([clips[0]], toy_detector, stride=7, batch=4))
    assert len(alone["walk-b"]) and alone["walk-b"].equals(together["walk-b"])


def test_twice_the_same(toy_detector, clips):
    first, second = (table_of(clips, toy_detector, stride=15, batch=4) for _ in range(2))
    assert first.equals(second)


def test_detections_are_those_of_their_frame(toy_detector, clips):
    table = table_of(clips, toy_detector, stride=15, batch=4)
    [(_, frame)] = frames_at(clips[0].path, [46])
    [expected] = toy_detector.detect([frame])
    rows = table[(table["clip"] == "walk-b") & (table["frame"] == 46)]
    np.testing.assert_allclose(rows[["x1", "y1", "x2", "y2", "score"]], expected, atol=2e-4)


def test_nobody_gives_an_empty_table(toy_detector, clips, tmp_path):
    (_, table), *_ = detect_clips(clips, toy_detector, 5, 4, frames_of=lambda video: [])
    write_table(tmp_path / "d.csv", table, DETECTIONS)
    assert (tmp_path / "d.csv").read_text() == ",".join(DETECTIONS) + "\n"


def test_a_broken_clip_is_named_and_holds_up_no_other(toy_detector, clips):
    gone = clips[1]._replace(path="gone.mp4")
    found = []
    with pytest.raises(UserError, match=r"gone\.mp4"):
        for clip, _ in detect_clips([gone, clips[0]], toy_detector, stride=15, batch=4):
            found.append(clip)
    assert found == ["walk-b"]


def test_missing_weights_say_where_to_put_them(tmp_path):
    with pytest.raises(UserError, match=r"nowhere/yolo11n\.pt does not exist\. Put the model"):
        load_detector(tmp_path / "nowhere" / "yolo11n.pt")


@pytest.mark.parametrize("name", ["text.pt", "text.onnx", "text_openvino_model"])
def test_what_is_no_model_is_refused(tmp_path, name):
    broken = tmp_path / name
    if broken.suffix:
        broken.write_text("no weights\n")
    else:
        broken.mkdir()
        (broken / "metadata.yaml").write_text("names: {0: person}\n")
    with pytest.raises(UserError, match=rf"{name} cannot be used as a detection model"):
        load_detector(broken, **CPU)


class Program:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("use", ["detect", "export"])
def test_weights_that_hold_a_program_are_not_read(toy, tmp_path, use):
    import torch

    content = torch.load(toy, weights_only=False) | {"note": Program(tmp_path / "run")}
    torch.save(content, tmp_path / "evil.pt")
    with pytest.raises(UserError, match=r"evil\.pt holds more than a model .*mkdir") as told:
        if use == "detect":
            load_detector(tmp_path / "evil.pt", **CPU)
        else:
            export = runpy.run_path(str(ROOT / "scripts" / "export_detector.py"))["export_openvino"]
            export(tmp_path / "evil.pt", tmp_path / "out", 160)
    assert "ULTRALYTICS_SAFE_LOAD=false" in str(told.value)
    assert not (tmp_path / "run").exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)  # the trap is real
    assert (tmp_path / "run").exists()


def test_weights_that_unpack_to_anything_are_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", bytes(65_000_000))
    with pytest.raises(UserError, match=r"bomb\.pt is a zip of 0\.1 MB whose list"):
        load_detector(tmp_path / "bomb.pt", **CPU)


def test_an_unknown_class_lists_what_there_is(toy):
    with pytest.raises(UserError, match=r"found 'dancer'\. The model knows: ball, person\."):
        load_detector(toy, person_class="dancer", image_size=160, **CPU)


def test_objects_come_with_their_class(toy, toy_detector):
    both = load_detector(toy, objects=["person", "ball"], confidence=0.5, image_size=160, **CPU)
    frame = np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8)
    [found] = both.detect([frame])
    assert set(found[:, 5]) == {0, 1} and both.names == {0: "ball", 1: "person"}
    assert (np.diff(found[:, 4]) <= 0).all()
    # Persons are the same ones as a detector of persons finds.
    [persons] = toy_detector.detect([frame])
    np.testing.assert_allclose(found[found[:, 5] == 1][:, :5], persons, atol=1e-6)
    with pytest.raises(UserError, match=r"alphaction\.objects: expected a class .* 'dancer'"):
        load_detector(toy, objects=["ball", "dancer"], image_size=160, **CPU)


def test_objects_reach_alphaction_through_the_workflow(toy, tmp_path):
    workspace = Workspace(
        tmp_path / "w",
        detector={"weights": str(toy), "image_size": 160, "confidence": 0.5},
        alphaction={"person_score": 0.5, "objects": ["ball"], "object_score": 0.6},
    )
    shutil.copy(DEMO / "clips.tsv", workspace.folder / "clips.tsv")
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    run = workspace.run("alphaction")
    assert run.status == 0, run.output
    results = workspace.folder / "results"
    folder = results / "dataset/alphaction"
    loaded = json.loads((folder / "annotations/train_min.json").read_text())
    images = {image["id"]: image for image in loaded["images"]}
    boxes = json.loads((folder / "boxes/train_object_bbox.json").read_text())
    assert boxes and {box["category_id"] for box in boxes} == {2}
    per_image = Counter(box["image_id"] for box in boxes)
    assert set(per_image) <= set(images) and max(per_image.values()) <= 5
    for number, image in images.items():
        table = read_table(results / f"objects/{image['movie']}.csv", OBJECTS)
        shown = table[table["frame"] == 30 * (image["timestamp"] - 900) + 1].head(5)
        assert set(table["name"]) == {"ball"} and (table["score"] >= 0.6).all()
        own = [box for box in boxes if box["image_id"] == number]
        assert [box["score"] for box in own] == pytest.approx(shown["score"].tolist(), abs=1e-6)
        x, y, w, h = np.array([box["bbox"] for box in own]).reshape(-1, 4).T
        np.testing.assert_allclose(x / image["width"], shown["x1"], atol=2e-4)
        np.testing.assert_allclose((y + h) / image["height"], shown["y2"], atol=2e-4)
    # AlphAction's dataset class finds them where the catalog says.
    samples = readers.alphaction_samples(folder, "train", decode=False)
    assert sum(len(sample.objects) for sample in samples) == len(boxes)
    # What is asked of objects changes nothing about persons.
    plan = workspace.plan("alphaction", alphaction={"object_score": 0.9})
    assert set(plan) - {"alphaction"} == {"detect_objects", "export_alphaction"}
    plan = workspace.plan("alphaction", alphaction={"objects": []})
    assert set(plan) - {"alphaction"} == {"export_alphaction"}
    run = workspace.run("-n", "alphaction", alphaction={"objects": ["person"]})
    assert run.status != 0 and "'person' is detector.person_class" in run.output


def test_a_gpu_that_is_not_there_is_named(toy):
    with pytest.raises(UserError, match="detector.device: '97'"):
        load_detector(toy, device="97")


def test_loading_leaves_the_home_folder_alone(toy, tmp_path):
    """And asks for nothing over the network, even where there is one."""
    program = (
        "import sys; from avaflow.persons.detector import load_detector\n"
        "load_detector(sys.argv[1], image_size=160)\n"
        "from ultralytics import settings\n"
        "from ultralytics.utils import ONLINE, AUTOINSTALL\n"
        "print(ONLINE, AUTOINSTALL, settings['sync'])\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("YOLO_", "XDG_", "MPL"))}
    environment = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", program, str(toy)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "False", "False"]
    assert list(home.rglob("*")) == []


def test_a_toy_is_exported_whole_and_twice_the_same(toy, tmp_path):
    pytest.importorskip("openvino")

    folder = tmp_path / "models" / "toy_openvino_model"
    program = (
        "import runpy, sys\n"
        "made = runpy.run_path(sys.argv[1])['export_openvino'](sys.argv[2], sys.argv[3], 160)\n"
        "print(sorted(made.items()))\n"
    )
    script = str(ROOT / "scripts" / "export_detector.py")
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, script, str(toy), str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.yaml", "toy.bin", "toy.xml"]
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]
    assert [path.name for path in toy.parent.iterdir() if path.is_dir()] == []

    frame = np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8)
    exported = load_detector(folder, confidence=0.5, image_size=160, **CPU)
    assert exported.batch_limit is None
    compiled = exported.model.predictor.model.backend.ov_compiled_model
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 2
    [found] = exported.detect([frame])
    assert len(found) > 0
    with pytest.raises(UserError, match="expected .pt weights"):
        runpy.run_path(script)["export_openvino"](folder, tmp_path / "x", 160)


def test_weights_that_nobody_publishes_are_refused(tmp_path):

    download = runpy.run_path(str(ROOT / "scripts" / "fetch_detector.py"))["download_weights"]
    with pytest.raises(UserError, match="found 'mine.pt'"):
        download("mine.pt", tmp_path / "mine.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_says_where_to_put_the_file(tmp_path, monkeypatch):

    from ultralytics.utils import downloads

    def fail(path, **_):
        Path(path).write_text("half a fi")
        raise ConnectionError("Environment may be offline.")

    monkeypatch.setattr(downloads, "attempt_download_asset", fail)
    download = runpy.run_path(str(ROOT / "scripts" / "fetch_detector.py"))["download_weights"]
    target = tmp_path / "models" / "yolo11n.pt"
    with pytest.raises(UserError, match=r"may be offline.*put it to .*models/yolo11n\.pt"):
        download("yolo11n.pt", target)
    monkeypatch.setattr(
        downloads, "attempt_download_asset", lambda path: Path(path).write_text("<html>sign in")
    )
    with pytest.raises(UserError, match="not a weights file"):
        download("yolo11n.pt", target)
    assert not target.exists()


def test_a_downloaded_file_arrives_whole(toy, tmp_path, monkeypatch):

    from ultralytics.utils import downloads

    monkeypatch.setattr(
        downloads,
        "attempt_download_asset",
        lambda path: Path(path).write_bytes(toy.read_bytes()),
    )
    download = runpy.run_path(str(ROOT / "scripts" / "fetch_detector.py"))["download_weights"]
    download("yolo11n.pt", tmp_path / "models" / "yolo11n.pt")
    assert (tmp_path / "models" / "yolo11n.pt").read_bytes() == toy.read_bytes()


def test_the_detect_script_looks_at_clips_that_need_it(toy, clips, tmp_path):
    results = tmp_path / "results"
    names = [video.clip for video in clips]
    for video in clips:
        facts = (video.fps, video.frames, video.width, video.height)
        manifest = ClipManifest(video.clip, "v.mp4", 0.0, *facts, "0" * 64, 0)
        write_clip_manifest(results / f"clips/{video.clip}.json", manifest)
        shutil.copy(video.path, results / f"clips/{video.clip}.mp4")
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings = {**config["detector"], "confidence": 0.5, "image_size": 160, "stride": 15}

    def run() -> None:
        run_script(
            "detect",
            results,
            tmp_path / "log.txt",
            input={
                "manifests": [str(results / f"clips/{name}.json") for name in names],
                "clips": [str(results / f"clips/{name}.mp4") for name in names],
                "weights": [str(toy)],
            },
            output={"batch": str(results / "detections/0.batch.json")},
            params={
                "members": names,
                "member_suffix": ".csv",
                "weights": str(toy),
                "detector": settings,
            },
            threads=2,
        )

    run()
    tables = {name: read_table(results / f"detections/{name}.csv", DETECTIONS) for name in names}
    assert all(set(table["clip"]) == {name} for name, table in tables.items())
    assert all(sorted(set(table["frame"])) == [1, 16, 31, 46] for table in tables.values())
    checksums = json.loads((results / "detections/0.batch.json").read_text())
    assert checksums == {name: sha256(results / f"detections/{name}.csv") for name in names}
    before = {name: (results / f"detections/{name}.csv").stat().st_mtime_ns for name in names}
    (results / f"detections/{names[1]}.csv").unlink()
    run()
    assert (results / f"detections/{names[0]}.csv").stat().st_mtime_ns == before[names[0]]
    assert read_table(results / f"detections/{names[1]}.csv", DETECTIONS).equals(tables[names[1]])


@pytest.mark.skipif(not REAL_MODEL.is_dir(), reason=f"no real model in {REAL_MODEL}")
def test_the_real_model_finds_the_people_of_a_street():
    detector = load_detector(REAL_MODEL, confidence=0.3, image_size=320, **CPU)
    assert detector.batch_limit == 1
    frames = [frame for _, frame in frames_at(REAL_VIDEO, [1, 31, 61, 91, 121])]
    found = detector.detect(frames)
    # About ten persons are in view all along.
    assert all(8 <= len(persons) <= 16 for persons in found)
    assert min(persons[:, 4].min() for persons in found) >= 0.3
    assert np.array_equal(detector.detect(frames[2:3])[0], found[2])
