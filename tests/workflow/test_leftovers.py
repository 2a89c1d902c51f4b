"""What an earlier state left in the dataset is removed; what is a user's own stays."""

import pytest

from avaflow.formats.links import link_dataset
from avaflow.workflow.leftovers import drop_leftovers

EVERYTHING = [
    "annotations/train.csv",
    "annotations/train_excluded_timestamps.csv",
    "annotations/val.csv",
    "annotations/val_excluded_timestamps.csv",
    "annotations/included_timestamps.txt",
    "annotations/action_list.pbtxt",
    "annotations/label_map.txt",
    "annotations/dense_proposals_val.pkl",
    "tables/train.csv",
    "tables/train_idle.csv",
    "tables/val.csv",
    "tables/val_idle.csv",
    "README.md",
    "CITATION.cff",
    "croissant.json",
    "manifest.json",
    "mmaction2/README.md",
    "mmaction2/slowfast_frames.py",
    "mmaction2/slowfast_video.py",
    "mmaction2/demo_with_boxes.py",
    "mmaction2/my_own.py",
    "slowfast/README.md",
    "slowfast/SLOWFAST.yaml",
    "slowfast/label_map.json",
    "slowfast/frame_lists/train.csv",
    "slowfast/frame_lists/val.csv",
    "slowfast/ava_val_predicted_boxes.csv",
    "datumaro/annotations/ava_val_v2.2.csv",
    "datumaro/frames/a/a_902.jpg",
]
ALL = ["mmaction2", "slowfast", "datumaro"]


@pytest.fixture
def results(tmp_path):
    for name in EVERYTHING:
        path = tmp_path / "dataset" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    for clip in ("a", "b"):
        (tmp_path / "rawframes" / clip).mkdir(parents=True)
        (tmp_path / "clips").mkdir(exist_ok=True)
        (tmp_path / "clips" / f"{clip}.mp4").touch()
    link_dataset(tmp_path, ["a", "b"], True, tmp_path / "dataset" / "links.tsv")
    return tmp_path


def left(results):
    dataset = results / "dataset"
    files = (path for path in dataset.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(dataset)) for path in files} - {"links.tsv"}


def test_a_present_dataset_is_left_alone(results):
    assert drop_leftovers(results, ["train", "val"], ALL, True) == []
    assert left(results) == set(EVERYTHING)


def test_a_split_that_lost_its_last_clip(results):
    drop_leftovers(results, ["train"], ALL, True)
    gone = {
        "annotations/val.csv",
        "annotations/val_excluded_timestamps.csv",
        "tables/val.csv",
        "tables/val_idle.csv",
        "slowfast/frame_lists/val.csv",
        "slowfast/ava_val_predicted_boxes.csv",
    }
    assert left(results) == set(EVERYTHING) - gone


def test_an_export_that_was_switched_off(results):
    drop_leftovers(results, ["train", "val"], ["mmaction2"], False)
    names = {name for name in EVERYTHING if not name.startswith(("slowfast", "datumaro"))}
    assert left(results) == names - {"mmaction2/slowfast_frames.py"}


def test_alphaction_of_annotations_by_hand_outlives_the_rest(results):
    for name in ("README.md", "annotations/train.json", "boxes/train_person_bbox.json"):
        path = results / "dataset/alphaction" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    drop_leftovers(results, [], ["alphaction"], True)
    assert (results / "dataset/alphaction/annotations/train.json").exists()
    drop_leftovers(results, [], [], True)
    assert not (results / "dataset/alphaction/annotations").exists()


def test_without_annotations_there_is_no_dataset(results):
    drop_leftovers(results, [], [], True)
    assert left(results) == {"annotations/dense_proposals_val.pkl", "mmaction2/my_own.py"}
    assert not (results / "dataset" / "links.tsv").exists()
    assert list((results / "dataset" / "clips").iterdir()) == []
    assert (results / "clips" / "a.mp4").exists() and (results / "rawframes" / "a").is_dir()
