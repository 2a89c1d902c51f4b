"""A detector fine-tuned on corrected boxes: its dataset, its figures, and that it learns."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.persons.detector_dataset import (
    check_splits,
    dataset_damage,
    image_of,
    judged_keyframes,
    read_labels,
    read_manifest,
    write_dataset,
)
from avaflow.persons.detector_training import (
    TrainingSettings,
    check_base,
    held_out,
    keep_weights,
    map50_of,
    matches,
    measured,
    report_text,
    trained_weights,
)
from avaflow.persons.training_figures import FIGURES, Figures
from avaflow.tables import KEYFRAMES, LABELS, UNTICKED, read_table
from workflow_runs import DEMO, Workspace

WEIGHTS = DEMO / "detector" / "figures.pt"


def keyframes_of(folder: Path, clip: str, seconds) -> pd.DataFrame:
    (folder / clip).mkdir(parents=True)
    rows = []
    for second in seconds:
        file = f"{clip}_{second * 30 + 1:06d}.jpg"
        (folder / clip / file).write_bytes(f"image {clip} {second}".encode())
        rows.append((second, second * 30 + 1, file, 200, 100, sha256(folder / clip / file)))
    return pd.DataFrame(rows, columns=list(KEYFRAMES))


def judged_by_hand(tmp_path, clip):
    """Second 2: two persons, one of them ticked twice; 3: nobody; 4: not in the annotation."""
    labels = pd.DataFrame(
        [(2, 1, 0.1, 0.2, 0.3, 0.6, 1), (2, 1, 0.1, 0.2, 0.3, 0.6, 4)], columns=list(LABELS)
    )
    unticked = pd.DataFrame([(2, 0.5, 0.0, 1.0, 1.0)], columns=list(UNTICKED))
    keyframes = keyframes_of(tmp_path / "keyframes", clip, (2, 3, 4))
    folder = tmp_path / "keyframes" / clip
    return judged_keyframes(clip, keyframes, folder, {3}, labels, unticked)


@pytest.fixture
def dataset(tmp_path):
    judged = {"train": judged_by_hand(tmp_path, "a"), "val": judged_by_hand(tmp_path, "b")}
    folder = tmp_path / "detector_training"
    folder.mkdir()
    assert write_dataset(folder, judged, folder / "images.csv") == 4
    return folder


def test_the_dataset_holds_every_person_once_and_images_of_nobody(dataset):
    text = (dataset / "labels" / "train" / "a_000061.txt").read_text()
    assert text == "0 0.200000 0.400000 0.200000 0.400000\n0 0.750000 0.500000 0.500000 1.000000\n"
    assert (dataset / "labels" / "train" / "a_000091.txt").read_text() == ""
    assert sorted(path.name for path in (dataset / "labels" / "val").iterdir()) == [
        *["b_000061.txt", "b_000091.txt"]
    ]
    assert (dataset / "images" / "val" / "b_000061.jpg").read_bytes() == b"image b 2"
    assert not (dataset / "images" / "val" / "b_000061.jpg").readlink().is_absolute()
    data = yaml.safe_load((dataset / "data.yaml").read_text())
    assert data == {"train": "images/train", "val": "images/val", "names": {0: "person"}}
    rows = read_manifest(dataset / "images.csv")
    assert [(row.split, row.clip, row.second, row.persons) for row in rows] == [
        *[("train", "a", 2, 2), ("train", "a", 3, 0), ("val", "b", 2, 2), ("val", "b", 3, 0)]
    ]
    assert [row.clip for row in held_out(dataset / "images.csv")] == ["b", "b"]
    np.testing.assert_allclose(
        read_labels(dataset / "labels" / "val" / "b_000061.txt"),
        [(0.1, 0.2, 0.3, 0.6), (0.5, 0.0, 1.0, 1.0)],
        atol=1e-6,
    )


def test_a_clip_that_left_leaves_nothing_behind(dataset, tmp_path):
    judged = {"train": judged_by_hand(tmp_path, "c"), "val": judged_by_hand(tmp_path, "d")}
    write_dataset(dataset, judged, dataset / "images.csv")
    found = sorted(path.name for path in dataset.rglob("*.*") if path.parent.name == "train")
    assert found == ["c_000061.jpg", "c_000061.txt", "c_000091.jpg", "c_000091.txt"]


def test_damage_to_the_dataset_is_found(dataset):
    manifest = dataset / "images.csv"
    assert dataset_damage(manifest) == ""
    labels = dataset / "labels" / "val" / "b_000061.txt"
    labels.write_text(labels.read_text()[::-1])
    assert dataset_damage(manifest) == "its labels of b_000061.jpg are others"


def test_clips_to_learn_from_and_to_measure_on():
    check_splits({"a": "train", "b": "val"})
    with pytest.raises(UserError, match=r"no clip of the split val is finished.*a \(train\)"):
        check_splits({"a": "train", "c": "test"})
    with pytest.raises(UserError, match="no clip of the split train is finished.*none"):
        check_splits({})


def test_a_split_without_persons_is_refused(tmp_path):
    judged = judged_by_hand(tmp_path, "a")
    empty = [image for image in judged if not image.boxes]
    with pytest.raises(UserError, match="on the 1 finished images of the split val is no person"):
        write_dataset(tmp_path / "d", {"train": judged, "val": empty}, tmp_path / "d" / "i.csv")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("detections", "truth", "expected"),
    [
        ([], [], (0, 0, 0)),
        ([], [(0, 0, 1, 1)], (0, 1, 0)),
        ([(0, 0, 1, 1)], [], (0, 0, 1)),
        ([(0, 0, 0.5, 1)], [(0, 0, 1, 1)], (1, 0, 0)),  # an overlap of exactly a half
        ([(0, 0, 0.49, 1)], [(0, 0, 1, 1)], (0, 1, 1)),
        ([(0, 0, 1, 1), (0, 0, 0.9, 1)], [(0, 0, 1, 1)], (1, 0, 1)),  # found twice: one is nobody
        ([(0, 0, 0.4, 1), (0.5, 0, 1, 1)], [(0.5, 0, 1, 1), (0, 0, 0.4, 1)], (2, 0, 0)),
    ],
)
def test_matches(detections, truth, expected):
    assert matches(np.array(detections, float).reshape(-1, 4), truth) == expected


def test_what_cannot_be_trained_on(tmp_path):
    folder = tmp_path / "yolo_openvino_model"
    folder.mkdir()
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    for path in (folder, tmp_path / "model.onnx"):
        with pytest.raises(UserError, match="is an exported model, which cannot be trained"):
            check_base(path)
    with pytest.raises(UserError, match=r"gone\.pt is missing"):
        check_base(tmp_path / "gone.pt")
    check_base(WEIGHTS)


def test_weights_in_use_are_never_written_over(tmp_path):
    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    path = keep_weights(content, digest, tmp_path)
    assert path == tmp_path / f"finetuned-{digest[:8]}.pt" and path.read_bytes() == content
    before = path.stat().st_mtime_ns
    keep_weights(content, digest, tmp_path)
    assert path.stat().st_mtime_ns == before
    keep_weights(b"others", hashlib.sha256(b"others").hexdigest(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_report_says_what_was_measured(dataset):
    rows = read_manifest(dataset / "images.csv")
    before = Figures("before", "w.pt", "0" * 64, 2, 2, 1, 1, 3, 0.5, 0.25, 0.125)
    after = before._replace(stage="after", found=2, missed=0, recall=1.0)
    settings = TrainingSettings(3, 320, 16, 0.0002, 0, "cpu")
    text = report_text([before, after], rows, Path("r/finetuned-ab.pt"), "w.pt", settings, 0.3)
    assert "Trained from `w.pt` on 2 keyframes with 2 persons\n(clips a): 3 epochs" in text
    assert "on 2 keyframes with 2 persons of clips that it never saw\n(b)" in text
    assert "| before | 0.500 | 0.250 | 1 | 1 | 3 | 0.125 |\n| after | 1.000 |" in text
    assert "  weights: r/finetuned-ab.pt\n" in text


@pytest.fixture(scope="module")
def demo(tmp_path_factory, followed_demo):
    """The demo with a detector trained for one epoch, in a folder of its own."""
    workspace = Workspace(tmp_path_factory.mktemp("training") / "w")
    followed_demo(workspace)
    shutil.copytree(DEMO / "annotations", workspace.folder / "annotations")
    workspace.results = workspace.folder / "results"
    run = workspace.run("detector_training", detector_training={"epochs": 1})
    assert run.status == 0, run.output
    return workspace


def noisy_weights(path: Path) -> Path:
    """The demo's detector with so much noise on it that it finds nobody any more."""
    from avaflow.persons.detector import quiet_ultralytics

    quiet_ultralytics()
    import torch

    checkpoint = torch.load(WEIGHTS, map_location="cpu", weights_only=False)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in checkpoint["model"].parameters():
            if weight.dim() > 1:
                noise = torch.randn(weight.shape) * weight.float().std() * 0.3
                weight.add_(noise.to(weight.dtype))
    torch.save(checkpoint, path)
    return path


@pytest.mark.slow
def test_it_learns(demo, tmp_path):
    from avaflow.persons.detector import load_detector

    folder = demo.results / "detector_training"
    rows = held_out(folder / "images.csv")
    assert len(rows) == 8 and sum(row.persons for row in rows) == 29
    settings = TrainingSettings(6, 320, 4, 0.001, 0, "cpu")
    noisy, better = noisy_weights(tmp_path / "noisy.pt"), tmp_path / "better.pt"
    better.write_bytes(trained_weights(noisy, "person", folder, settings))
    recalls, precisions = [], []
    for weights in (noisy, better):
        detector = load_detector(weights, image_size=320, nms_iou=0.5)
        map50 = map50_of(weights, "person", folder, settings)
        figures = measured("x", detector, weights, "", folder, rows, map50)
        recalls.append(figures.recall)
        precisions.append(figures.map50)
    assert recalls[0] < 0.1 and recalls[1] > 0.4
    assert precisions[0] < 0.1 and precisions[1] > precisions[0] + 0.1
    with pytest.raises(UserError, match="expected a class of .*, found 'dog'. The model knows: pe"):
        trained_weights(noisy, "dog", folder, settings)


@pytest.mark.slow
def test_the_new_weights_are_used_by_the_next_run(demo):
    folder = demo.results / "detector_training"
    table = read_table(folder / "report.csv", FIGURES)
    assert list(table["stage"]) == ["before", "after"]
    assert list(table["weights"])[0] == "figures.pt"
    assert table["recall"][0] > 0.95 and table["precision"][0] > 0.95
    weights = folder / table["weights"][1]
    assert sha256(weights) == table["sha256"][1]
    assert image_of(folder, held_out(folder / "images.csv")[0]).is_file()
    assert demo.run("detector_training", detector_training={"epochs": 1}).nothing_to_do
    named = {"weights": f"results/detector_training/{weights.name}"}
    run = demo.run("detections", detector=named)
    assert run.status == 0 and run.jobs["detect"] == 1, run.output
    assert demo.run("detections", detector=named).nothing_to_do
    # To train on from them is no circle, and begins with them unless others are named.
    base = {"epochs": 1, "weights": str(WEIGHTS)}
    assert demo.plan("detector_training", detector=named)["train_detector"] == 1
    assert demo.plan("detector_training", detector=named, detector_training=base)
    # Their content counts, whatever the date.
    kept = weights.read_bytes()
    shutil.copy(WEIGHTS, weights)
    assert demo.plan("detections", detector=named)["detect"] == 1
    run = demo.run("verify")
    assert run.status == 1 and "report.csv: its weights are others" in run.output
    weights.write_bytes(kept)
    assert demo.run("verify").status == 0


@pytest.mark.slow
def test_training_without_held_out_clips_and_from_an_export(demo):
    table = demo.folder / "clips.tsv"
    kept = table.read_text()
    table.write_text(kept.replace("\tval", "\ttest"))
    run = demo.run("detector_training")
    table.write_text(kept)
    assert run.status == 1 and "Traceback" not in run.output
    assert "no clip of the split val is finished" in run.output and "yard (test)" in run.output
    (demo.folder / "exported_openvino_model").mkdir()
    base = {"weights": "exported_openvino_model"}
    run = demo.run("detector_training", detector_training=base)
    assert run.status == 1 and "Traceback" not in run.output
    assert "exported_openvino_model is an exported model, which cannot be trained" in run.output
