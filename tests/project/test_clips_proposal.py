"""A clips table proposed for a folder of videos: ranges, ids and splits worked out by hand."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from avaflow.errors import UserError
from avaflow.project.clips import SPLITS, read_clips_table, resolve_clips
from avaflow.project.clips_proposal import (
    ProposalSettings,
    Range,
    Seen,
    choose_splits,
    clip_ids,
    find_videos,
    ranges_of,
    write_clips_table,
)
from avaflow.project.config import load_configs, load_schema
from avaflow.videos.probe import ProbeCache
from numbered_videos import make_video
from workflow_runs import DEMO, ROOT, Workspace

SETTINGS = ProposalSettings(
    every_seconds=1,
    gap_seconds=3,
    min_seconds=6,
    max_seconds=20,
    groups="folder",
    shares={"train": 0.5, "val": 0.25, "test": 0.25},
    seed=0,
    margin=2,
    fps=30,
    offset=900,
)


def looks(text: str, every: float = 1, damages: int = 0) -> Seen:
    return Seen([letter == "x" for letter in text], every, damages)


@pytest.mark.parametrize(
    ("seen", "every", "duration", "expected"),
    [
        ("." * 10 + "xxxx" + "." * 16, 1, 30, [(8, 16)]),  # seconds 10 to 14 and two each side
        ("." * 10 + "xx...xx" + "." * 13, 1, 30, [(8, 19)]),  # a gap of 3 s is joined
        ("." * 5 + "x" + "." * 12 + "x" + "." * 11, 1, 30, [(3, 9), (16, 22)]),  # 5 s made 6
        ("x" + "." * 29, 1, 30, [(0, 6)]),  # at the begin all of it comes after
        ("." * 19 + "x", 1, 20.5, [(14, 20)]),  # and at the end before
        ("x" * 41, 1, 41, [(0, 13), (13, 27), (27, 41)]),  # at most 20 s, equal to a second
        ("x" * 20, 1, 19.995, [(0, 20)]),  # containers round
        ("..x..", 2, 10, [(2, 8)]),  # a look stands for the two seconds after it
        ("x...x", 2, 10, [(0, 10)]),  # widened into each other
    ],
)
def test_ranges(seen, every, duration, expected):
    assert ranges_of(looks(seen, every), duration, SETTINGS) == ([Range(*p) for p in expected], [])


def test_why_a_video_has_no_range():
    assert ranges_of(looks("....."), 5, SETTINGS) == ([], ["nobody was seen"])
    assert ranges_of(looks("xxxxx"), 5, SETTINGS) == (
        [],
        ["its 5.00 s are less than min_seconds, 6"],
    )


def test_ids_are_made_of_names_and_are_all_different():
    counts = {
        "v/a/001.mp4": 1,
        "v/b/001.mp4": 2,
        "v/Straße Köln (1).MOV": 1,
        "v/index.mp4": 1,
        "v/2024_05_06.mp4": 1,
        "v/人.mp4": 1,
        "v/walk-01.mp4": 1,
        "v/walk.mp4": 2,
        "v/WALK-02.mp4": 1,
    }
    ids = clip_ids(counts)
    assert ids["v/a/001.mp4"] == ["a-video-001"]
    assert ids["v/b/001.mp4"] == ["b-video-001-01", "b-video-001-02"]
    assert ids["v/Straße Köln (1).MOV"] == ["Strae-Koln-1"]
    assert ids["v/index.mp4"] == ["index-v2"] and ids["v/人.mp4"] == ["video"]
    assert ids["v/2024_05_06.mp4"] == ["video-2024-05-06"]
    assert ids["v/walk-01.mp4"] == ["walk-01"] and ids["v/walk.mp4"] == ["walk-01-v2", "walk-02"]
    assert ids["v/WALK-02.mp4"] == ["WALK-02-v2"]
    assert [len(own) for own in ids.values()] == list(counts.values())


def test_groups_are_never_parted_and_shares_are_met():
    ranges = {f"v/room{n % 10}/cam{n % 4}_{n}.mp4": [Range(0, 10 + n % 7)] for n in range(200)}
    for groups, name in (("folder", 1), (r"^(cam\d+)_", 2), ("video", 3)):
        splits, remarks = choose_splits(ranges, replace(SETTINGS, groups=groups))
        assert remarks == [] and splits.keys() == ranges.keys()
        of_group = {}
        for video, split in splits.items():
            key = (None, video.split("/")[1], video.split("/")[2].split("_")[0], video)[name]
            of_group.setdefault(key, set()).add(split)
        assert {len(found) for found in of_group.values()} == {1}
        seconds = {split: 0 for split in SPLITS}
        for video, (part,) in ranges.items():
            seconds[splits[video]] += part.end - part.start
        whole = sum(seconds.values())
        # A group of ten is a tenth of all, one of four a quarter.
        slack = {1: 0.1, 2: 0.01, 3: 0.01}[name]
        assert all(abs(seconds[s] / whole - SETTINGS.shares[s]) <= slack for s in SPLITS)
    again = choose_splits(ranges, replace(SETTINGS, groups="video"))
    assert again == choose_splits(ranges, replace(SETTINGS, groups="video"))
    assert again != choose_splits(ranges, replace(SETTINGS, groups="video", seed=1))


def test_remarks_on_groups():
    _, remarks = choose_splits({"v/a.mp4": [Range(0, 9)]}, replace(SETTINGS, groups="^(cam.)"))
    assert remarks == [
        "the names of 1 video do not match groups, so each is a group of its own: v/a.mp4",
        "1 group for 3 splits (train, val, test): some stay empty",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_seconds": 3}, r"min_seconds: 3 is less than a clip needs, 4\.00 s"),
        ({"max_seconds": 11}, "max_seconds: expected at least twice min_seconds, 12"),
        ({"max_seconds": 901}, "901 is more than readers' timestamps hold, 900"),
        ({"shares": {"train": 0, "val": 0, "test": 0}}, "shares: expected parts of train, val, t"),
        ({"groups": "cam"}, "groups: expected `video`, `folder`, or a regular expression with"),
        ({"groups": "(cam"}, r"groups: '\(cam' is no regular expression"),
    ],
)
def test_settings_that_are_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        write_clips_table(tmp_path, tmp_path / "t.tsv", replace(SETTINGS, **changes), None)


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    for place in ("a", "b/deep", "c"):
        (folder / place).mkdir(parents=True)
    make_video(folder / "a" / "walk.mp4", frames=300)
    make_video(folder / "b" / "deep" / "sit.mp4", frames=390)
    shutil.copy(folder / "a" / "walk.mp4", folder / "c" / "copy.mp4")
    whole = (folder / "b" / "deep" / "sit.mp4").read_bytes()
    (folder / "c" / "broken.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "c" / "empty.avi").write_bytes(b"")
    (folder / "c" / "notes.txt").write_text("of the camera")
    (folder / "c" / "{odd}.mp4").write_bytes(whole)
    (folder / ".hidden.mp4").write_bytes(whole)
    return folder


def test_a_table_is_what_its_reader_takes_and_its_end_tells_the_rest(tmp_path, videos):
    table = tmp_path / "clips.tsv"
    seen = {"walk.mp4": "xxxxxxxxxx", "sit.mp4": "......xxxxxxx"}
    proposal = write_clips_table(
        videos, table, SETTINGS, lambda video: looks(seen[video.rsplit("/", 1)[1]], damages=2)
    )
    clips = read_clips_table(table, load_schema(ROOT / "schemas" / "clips.schema.yaml"), tmp_path)
    found, warnings = resolve_clips(clips, ProbeCache(tmp_path / "p"), 30, 2, 900, str(table))
    assert warnings == []
    assert [(clip.id, clip.start, clip.end) for clip in found] == [("walk", 0, 10), ("sit", 4, 13)]
    assert {clip.source for clip in found} == {
        f"{videos}/a/walk.mp4",
        f"{videos}/b/deep/sit.mp4",
    }
    assert len({clip.split for clip in found}) == 2
    end = [line for line in table.read_text().splitlines() if line.startswith("# ")]
    assert len(end) == len(proposal.notes) == 8
    text = "\n".join(end)
    for told in (
        "no videos by their names: c/notes.txt",
        "/c/{odd}.mp4': no row can name it: it holds { or }",
        f"{videos}/c/copy.mp4: the same content as {videos}/a/walk.mp4, left out",
        f"cannot be read: {videos}/c/broken.mp4: ",
        f"cannot be read: {videos}/c/empty.avi: the file is empty (0 bytes)",
        f"{videos}/a/walk.mp4: damaged in 2 places",
    ):
        assert told in text


def test_a_table_that_is_there_is_never_overwritten(tmp_path, videos):
    table = tmp_path / "clips.tsv"
    table.write_text("mine")
    with pytest.raises(UserError, match=r"clips\.tsv: this table is there already.*--output"):
        write_clips_table(videos, table, SETTINGS, None)  # before any look
    assert table.read_text() == "mine"
    table.unlink()
    table.symlink_to(tmp_path / "elsewhere.tsv")
    with pytest.raises(UserError, match="is there already"):
        write_clips_table(videos, table, SETTINGS, None)


def test_nothing_is_written_where_nobody_is_seen(tmp_path, videos):
    table = tmp_path / "clips.tsv"
    with pytest.raises(UserError, match=r"(?s)nothing to make clips of:.*walk\.mp4: nobody was"):
        write_clips_table(videos, table, SETTINGS, lambda video: looks("....."))
    assert not table.exists()
    with pytest.raises(UserError, match="expected a folder of videos, found nothing"):
        write_clips_table(tmp_path / "gone", table, SETTINGS, None)


def test_videos_are_found_at_any_depth(videos):
    found, _ = find_videos(videos)
    assert [path.removeprefix(f"{videos}/") for path in found] == [
        *["a/walk.mp4", "b/deep/sit.mp4", "c/broken.mp4", "c/empty.avi"]
    ]


def test_configs_are_laid_over_each_other(tmp_path):
    (tmp_path / "a.yaml").write_text("trim: {fps: 25, crf: 3}\nclips: a.tsv\n")
    (tmp_path / "b.yaml").write_text("trim: {fps: 50}\n")
    (tmp_path / "c.yaml").write_text("")
    laid = load_configs([tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml")])
    assert laid == {"trim": {"fps": 50, "crf": 3}, "clips": "a.tsv"}
    (tmp_path / "d.yaml").write_text("[1, 2]")
    with pytest.raises(UserError, match=r"d\.yaml: expected a config"):
        load_configs([tmp_path / "d.yaml"])
    with pytest.raises(UserError, match=r"e\.yaml: this config is missing"):
        load_configs([tmp_path / "e.yaml"])


@pytest.mark.slow
def test_the_demo_from_its_folder_of_videos(tmp_path):
    """By the target and by hand the same table, from which the workflow goes on."""
    workspace = Workspace(tmp_path / "w")
    folder = {"videos": "examples/demo/videos", "groups": "video", "min_seconds": 5}
    run = workspace.run("-n", clips_table=folder)
    assert run.status == 0 and "`snakemake clips_table` proposes one for the" in run.output
    run = workspace.run("clips_table", clips_table=folder)
    assert run.status == 0, run.output
    table = workspace.folder / "clips.tsv"
    rows = [row.split("\t") for row in table.read_text().splitlines() if row[0] != "#"]
    assert [row[0] for row in rows[1:]] == ["classroom", "corridor", "yard"]
    assert sorted(row[4] for row in rows[1:]) == ["test", "train", "val"]
    assert all(int(row[3]) - int(row[2]) >= 11 for row in rows[1:])  # they are never empty
    by_hand = [sys.executable, str(ROOT / "scripts" / "clips_table.py"), "examples/demo/videos"]
    by_hand += ["--configfile", "examples/demo/config.yaml", "overlay.yaml"]
    done = subprocess.run(by_hand, cwd=workspace.folder, capture_output=True, text=True)
    assert done.returncode == 1 and "clips.tsv: this table is there already" in done.stderr
    assert "Traceback" not in done.stderr
    by_hand += ["--output", "other.tsv"]
    done = subprocess.run(by_hand, cwd=workspace.folder, capture_output=True, text=True)
    assert done.returncode == 0 and "other.tsv: 3 clips" in done.stdout, done.stderr
    assert (workspace.folder / "other.tsv").read_text() == table.read_text()
    before = table.read_bytes()
    run = workspace.run("clips_table", clips_table=folder)
    assert run.status == 1 and "clips.tsv: this table is there already" in run.output
    assert table.read_bytes() == before
    assert workspace.plan("clips")["trim"] == 3


def test_persons_are_seen_when_they_are_there(tmp_path):
    """The yard with black before and after it, also turned on its side as phones store it."""
    from avaflow.persons.detector import load_detector
    from avaflow.persons.presence import look_through
    from numbered_videos import run_ffmpeg

    padded, turned = tmp_path / "padded.mp4", tmp_path / "turned.mp4"
    run_ffmpeg(
        *("-i", str(DEMO / "videos" / "yard.mp4"), "-t", "20", "-vf"),
        "trim=0:6,setpts=PTS-STARTPTS,tpad=start_duration=4:stop_duration=5:color=black",
        str(padded),
    )
    flat = tmp_path / "flat.mp4"
    run_ffmpeg("-i", str(padded), "-vf", "transpose=clock", str(flat))
    run_ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    detector = load_detector(DEMO / "detector" / "figures.pt", image_size=320)
    for video in (padded, turned):
        found = look_through(video, detector, 1)
        assert found.every == 1 and found.damages == 0
        assert "".join(".x"[seen] for seen in found.seen) == "....xxxxxx....."
