"""AVA's file list as a clips table, through the real Snakemake."""

import csv
import shutil

import pytest

from avaflow.ava_kinetics.movies import Movie, clip_ids, read_file_list, splits_of
from avaflow.errors import UserError
from avaflow.project.clips import Clip, check_length
from avaflow.times import annotatable_seconds, timestamp_of_second
from numbered_videos import run_ffmpeg
from workflow_runs import Workspace

pytestmark = pytest.mark.slow


def test_ids_become_clip_ids_of_their_own():
    assert clip_ids(["-5KQ66BBWC4", "_5KQ66BBWC4", "053oq2xB3oU"]) == {
        "-5KQ66BBWC4": "ava--5KQ66BBWC4",
        "_5KQ66BBWC4": "ava--5KQ66BBWC4-2",
        "053oq2xB3oU": "ava-053oq2xB3oU",
    }
    # Case alone does not tell two files apart everywhere.
    assert clip_ids(["aB", "Ab"]) == {"Ab": "ava-Ab", "aB": "ava-aB-2"}


def test_the_15th_to_30th_minute_has_avas_own_timestamps():
    clip = Clip("ava-a", "a.mkv", "a.mkv", 900.0, 1800.0, "train", 2)
    check_length(clip, 30, 2, 900)
    seconds = annotatable_seconds(27000, 30, 2)
    stamps = [timestamp_of_second(second, 900) for second in seconds]
    assert stamps == list(range(902, 1799))
    with pytest.raises(UserError, match="901 s is too long.*at most 900 s"):
        check_length(Clip("b", "b", "b", 0.0, 901.0, "train", 2), 30, 2, 900)


def test_file_lists_and_splits(tmp_path):
    path = tmp_path / "ava_file_names_test_v2.1.txt"
    path.write_text("--205wugM18.mkv\n\n_2Isct32.3.mp4\n")
    assert read_file_list(path) == [
        Movie("--205wugM18", "--205wugM18.mkv", True),
        Movie("_2Isct32.3", "_2Isct32.3.mp4", True),
    ]
    for split in ("train", "val"):
        (tmp_path / f"{split}.csv").write_text("both,0902,0,0,1,1,3,1\n")
    with pytest.raises(UserError, match="both is in train too"):
        splits_of({split: tmp_path / f"{split}.csv" for split in ("train", "val")})


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Workspace:
    """Five movies in AVA's lists: two whole, one short, one broken, one missing; one unknown."""
    workspace = Workspace(tmp_path_factory.mktemp("ava") / "w", clips="")
    folder = workspace.folder
    (folder / "movies").mkdir()
    for name, seconds in (("-5KQ66BBWC4.mkv", 1810), ("short_film1.mp4", 600)):
        source = f"testsrc=s=64x48:r=1:d={seconds}"
        run_ffmpeg("-f", "lavfi", "-i", source, "-preset", "ultrafast", f"{folder}/movies/{name}")
    # Converted since, so another suffix than in the list.
    shutil.copy(folder / "movies" / "-5KQ66BBWC4.mkv", folder / "movies" / "_a1_val_mov.mkv")
    (folder / "movies" / "broken_mov1.mp4").write_bytes(b"\0\1\2" * 100)
    names = ["-5KQ66BBWC4.mkv", "short_film1.mp4", "_a1_val_mov.mp4", "broken_mov1.mp4"]
    names += ["gone_movie1.webm", "in_no_split.mp4"]
    (folder / "ava_file_names_trainval_v2.1.txt").write_text("\n".join(names) + "\n")
    (folder / "annotations_ava").mkdir()
    train = ["-5KQ66BBWC4", "short_film1", "broken_mov1", "gone_movie1"]
    for split, ids in (("train", train), ("val", ["_a1_val_mov"])):
        rows = [f"{name},0902,0.1,0.1,0.9,0.9,{action},1\n" for name in ids for action in (3, 4)]
        (folder / "annotations_ava" / f"ava_{split}_v2.2.csv").write_text("".join(rows))
    workspace.config["ava"] = {
        "file_lists": ["ava_file_names_trainval_v2.1.txt"],
        "movies": "movies",
        "annotations": "annotations_ava",
    }
    run = workspace.run("ava_clips")
    assert run.status == 0, run.output
    return workspace


def test_movies_become_clips_or_are_told(project):
    made = project.folder / "results" / "ava"
    assert (made / "clips.tsv").read_text() == (
        "clip\tvideo\tstart\tend\tsplit\tknown_as\n"
        "ava--5KQ66BBWC4\tmovies/-5KQ66BBWC4.mkv\t900\t1800\ttrain\t-5KQ66BBWC4\n"
        "ava--a1-val-mov\tmovies/_a1_val_mov.mkv\t900\t1800\tval\t_a1_val_mov\n"
    )
    with open(made / "movies.csv", newline="") as stream:
        told = {row["youtube_id"]: (row["status"], row["reason"]) for row in csv.DictReader(stream)}
    assert told["short_film1"] == ("too short", "it ends at 600.0 s")
    assert told["gone_movie1"] == ("missing", "no file gone_movie1.webm")
    assert told["broken_mov1"][0] == "unreadable" and told["in_no_split"][0] == "without split"
    assert len(told) == 6


def test_avas_csv_is_an_existing_annotation_of_these_clips(project):
    """The plan knows both clips as finished, and passes over the movies that are missing."""
    files = [f"annotations_ava/ava_{split}_v2.2.csv" for split in ("train", "val")]
    actions = [{"attribute": "does", "options": ["bend", "bow", "crawl", "dance"]}]
    changed = {"clips": "results/ava/clips.tsv", "existing": {"files": files}, "actions": actions}
    run = project.run("-n", **changed)
    assert run.status == 1 and "no clip 'short_film1' is in the clips table" in run.output
    changed["existing"]["other_clips"] = "skip"
    run = project.run("-n", **changed)
    assert run.status == 0, run.output
    assert run.jobs["import_existing"] == 1 and run.jobs["read_labels"] == 2
    assert "broken_mov1, gone_movie1, short_film1 are no clips of the clips table" in run.output


def test_the_main_job_takes_the_table_and_frames_get_avas_names(project):
    plan = project.plan("ava_folder", clips="results/ava/clips.tsv")
    assert plan == {"ava_folder": 1, "link_ava_folder": 1, "trim": 2}
    # What the main job would make, stood in for: 27,000 images a movie are not for a test.
    from avaflow.ava_kinetics.movies import link_ava_folder

    results = project.folder / "results"
    frames = results / "rawframes" / "ava--5KQ66BBWC4"
    frames.mkdir(parents=True)
    rows = [
        {"clip": "ava--5KQ66BBWC4", "youtube_id": "-5KQ66BBWC4"},
        {"clip": "ava-other", "youtube_id": "other"},
    ]
    annotations = project.folder / "annotations_ava"
    listing = results / "ava" / "links.tsv"
    link_ava_folder(rows, ["ava--5KQ66BBWC4"], str(annotations), results, listing)
    assert (results / "ava" / "rawframes" / "-5KQ66BBWC4").samefile(frames)
    assert not (results / "ava" / "rawframes" / "other").exists()
    assert (results / "ava" / "annotations").samefile(annotations)
    # A movie that is in the list no more leaves no link, with or without its frames.
    link_ava_folder(rows, [], str(annotations), results, listing)
    assert not (results / "ava" / "rawframes" / "-5KQ66BBWC4").is_symlink()
    assert frames.is_dir()


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"file_lists": ["none.txt"]}, ["ava.file_lists", "none.txt is missing"]),
        ({"movies": "elsewhere"}, ["ava.movies", "elsewhere"]),
        ({"annotations": "movies"}, ["ava.annotations", "movies/ava_train_v2.2.csv is missing"]),
    ],
)
def test_mistakes_are_told_before_any_work(project, changed, parts):
    run = project.run("-n", "ava_clips", ava=changed)
    assert run.status == 1 and run.output.count("avaflow error: ") == 1, run.output
    assert "Traceback" not in run.output
    for part in parts:
        assert part in run.output.split("avaflow error: ")[1], run.output
