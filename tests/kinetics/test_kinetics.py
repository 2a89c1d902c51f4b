"""A made-up Kinetics: annotations read, videos resized, lists as worked out by hand."""

import csv
import json
import os
import shutil
import signal
import time
import unicodedata
from pathlib import Path

import pytest

from avaflow.bulk.journal import Journal, file_state, is_unchanged
from avaflow.bulk.plan import load_plan, plan_of, read_batch, save_plan
from avaflow.bulk.video_folders import Found, check_apart, list_videos, listed_files
from avaflow.errors import BadVideo, UserError
from avaflow.kinetics.annotations import Annotated, read_annotations
from avaflow.kinetics.batch import run_batch
from avaflow.kinetics.label_ids import (
    check_known,
    disagreements,
    doubts,
    label_ids,
    label_ids_text,
    read_label_ids,
)
from avaflow.kinetics.lists import paths_refused
from avaflow.kinetics.plan import PlanRow, _choose, check_paths
from avaflow.kinetics.video import check_encoder, encoder_options, resize, try_encoder
from avaflow.videos.ffmpeg import ffmpeg_exe
from numbered_videos import make_video, run_ffmpeg, shown_numbers
from workflow_runs import Workspace

pytestmark = pytest.mark.slow

CODED = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
SETTINGS = {
    "short_side": 54,
    "encoder": "libx264",
    "preset": "veryfast",
    "crf": 20,
    "audio": "drop",
    "already_sized": "link",
    "shortest_seconds": 0.3,
    "threads": 1,
    "max_broken_share": 0.5,
}

# ------------------------------------------------------------------ annotations

CSV = """\
label,youtube_id,time_start,time_end,split,is_cc
"shaking, hands",-a_b-1,1,11,train,1
zumba,xyz,12.0,22.0,validate,0
,held,0,10,test,0
"""
JSON = {
    "-a_b-1": {
        "annotations": {"label": "shaking, hands", "segment": [1.0, 11.0]},
        "duration": 10.0,
        "subset": "training",
    },
    "xyz": {"annotations": {"label": "zumba", "segment": [12, 22]}, "subset": "val"},
    "held": {"annotations": {"segment": [0.0, 10.0]}, "subset": "testing"},
}
ROWS = [
    ("train", "-a_b-1_000001_000011", 1, 11, "shaking, hands"),
    ("val", "xyz_000012_000022", 12, 22, "zumba"),
    ("test", "held_000000_000010", 0, 10, ""),
]


def _entry(annotations: str, subset: str = '"train"') -> str:
    return f'{{"a": {{"annotations": {{{annotations}}}, "subset": {subset}}}}}'


def test_times_are_rounded_alike_in_both_forms(tmp_path):
    text = "label,youtube_id,time_start,time_end,split\nfly,a,2.7,12.7,train\n"
    path = tmp_path / "a.csv"
    path.write_text(text)
    rows = read_annotations(path)
    path.write_text(_entry('"segment": [2.7, 12.7], "label": "fly"'))
    assert read_annotations(path) == rows and rows[0].name == "a_000003_000013"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_both_forms_of_annotations_say_the_same(tmp_path, mark):
    assert read_annotations(written(tmp_path / "a.csv", mark + CSV)) == ROWS
    assert read_annotations(written(tmp_path / "a.json", mark + json.dumps(JSON))) == ROWS


def test_no_entry_of_a_json_is_lost_to_another_of_its_id(tmp_path):
    entry = '"xyz": {"annotations": {"label": "%s", "segment": [%d, 9]}, "subset": "train"}'
    text = "{" + entry % ("fly", 0) + "," + entry % ("swim", 4) + "}"
    rows = read_annotations(written(tmp_path / "a.json", text))
    assert [(row.name, row.label) for row in rows] == [
        ("xyz_000000_000009", "fly"),
        ("xyz_000004_000009", "swim"),
    ]


def test_one_label_in_two_spellings_of_unicode_is_one(tmp_path):
    path = tmp_path / "a.csv"
    decomposed = unicodedata.normalize("NFD", "naïve dance")
    path.write_text(f"label,youtube_id,time_start,time_end,split\n{decomposed},a,0,9,train\n")
    assert read_annotations(path)[0].label == "na\u00efve dance"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("label,id\nx,y\n", ["expected the columns label, youtube_id", "found label, id"]),
        ("", ["an empty file"]),
        ('{"a": {"annotations": {}, "subset": "train"}}', ["id a", "segment"]),
        ('{"a": ', ["cut short"]),
        ("youtube_id,time_start,time_end,split\n", ["no annotation in the file"]),
        ("label,youtube_id,time_start,time_end,split\nfly,a,0,inf,train\n", ["line 2", "'inf'"]),
        (_entry('"segment": [null, 10], "label": "fly"'), ["id a", "found None, 10"]),
        (_entry('"segment": [0, 10], "label": 5'), ["id a", "the label as a text, found 5"]),
        (_entry('"segment": [0, 10], "label": "fly"', "null"), ["id a", "0, 10, None"]),
    ],
)
def test_unusable_annotations_are_named(tmp_path, text, parts):
    with pytest.raises(UserError) as error:
        read_annotations(written(tmp_path / "a", text))
    assert all(part in str(error.value) for part in [*parts, str(tmp_path / "a")])


def test_all_bad_lines_are_told_together(tmp_path):
    lines = [
        "label,youtube_id,time_start,time_end,split",
        "fly,../up,0,10,train",
        "fly,abc,10,10,train",
        "fly,abc,0,ten,train",
        "fly,abc,0,10,trian",
        ",abc,0,10,train",
        "fly\x07,abc,0,10,train",
        "fly,fine,0,10,train",
    ]
    with pytest.raises(UserError) as error:
        read_annotations(written(tmp_path / "a.csv", "\n".join(lines)))
    told = str(error.value).splitlines()[1:]
    assert [line.split(":")[0].strip(" -") for line in told] == [f"line {n}" for n in range(2, 8)]
    for part, line in zip(
        ["'../up'", "10 and 10", "'ten'", "'trian'", "has no label", "control character"],
        told,
        strict=True,
    ):
        assert part in line


def test_label_ids_follow_the_sorted_labels():
    assert label_ids(["zumba", "Éclair", "abc", "zumba", ""]) == {"abc": 0, "zumba": 1, "Éclair": 2}


def test_label_ids_that_are_given_are_read_as_they_were_written(tmp_path):
    ids = {"zumba": 3, "fly": 0, "na\u00efve dance": 700}
    path = written(tmp_path / "label2id.json", label_ids_text(ids))
    assert read_label_ids(path) == ids and list(read_label_ids(path)) == sorted(ids)
    # PyTorchVideo's names have quotes in them, and there are two spellings of one letter.
    decomposed = unicodedata.normalize("NFD", "na\u00efve dance")
    quoted = {'"fly"': 0, decomposed: 700, "zumba": 3}
    assert read_label_ids(written(path, "\ufeff" + json.dumps(quoted))) == ids


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found no json"),
        ("{}", "found nothing"),
        ('["fly"]', "found a list"),
        ('{"fly": "0"}', "found 'fly': '0'"),
        ('{"fly": true}', "found 'fly': True"),
        ('{"fly": -1}', "found 'fly': -1"),
        ('{" ": 1}', "found ' ': 1"),
        ('{"fly": 1, "swim": 1}', "found the id 1 twice"),
        ('{"fly": 1, "fly": 2}', "found the label 'fly' twice"),
        (None, "this file is missing: correct kinetics.label_ids"),
    ],
)
def test_label_ids_of_another_form_are_refused(tmp_path, text, found):
    path = tmp_path / "label2id.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as told:
        read_label_ids(path)
    assert str(path) in str(told.value) and found in str(told.value)


def test_labels_without_an_id_are_named():
    check_known(["fly", ""], {"fly": 0, "swim": 1}, "ids.json")
    with pytest.raises(UserError, match=r"ids\.json has no id for 2 labels of .*: 'jump', 'run'\."):
        check_known(["run", "fly", "jump"], {"fly": 0}, "ids.json")


def test_ids_that_are_not_the_official_ones_are_told():
    for count in (400, 600, 700):
        official = label_ids(f"class {number:03d}" for number in range(count))
        assert doubts(official, "") == doubts(official, "ids.json") == []
    few = label_ids(["fly", "swim"])
    (told,) = doubts(few, "")
    assert told.startswith("kinetics.annotations: the files name 2 labels, and Kinetics has 400 or")
    (told,) = doubts(few, "ids.json")
    assert told.startswith("kinetics.label_ids: ids.json has 2 labels, and Kinetics has 400 or 600")
    names = sorted(official)
    swapped = official | {names[0]: 1, names[1]: 0}
    (told,) = doubts(swapped, "ids.json")
    assert "ids that do not count its labels from 0 in alphabetical order" in told


def test_files_that_disagree_on_a_label_are_told():
    def row(name, label):
        return Annotated("train", name, 0, 10, label)

    one = [row("a", "fly"), row("b", "fly"), row("b", "swim"), row("c", "jump"), row("t", "")]
    same = [row("a", "fly"), row("b", "swim"), row("t", "dive"), row("d", "run")]
    assert disagreements([("one.csv", one)]) == disagreements([("one", one), ("same", same)]) == []
    other = [row("c", "run"), row("b", "run"), row("a", "fly")]
    assert disagreements([("one.csv", one), ("same.csv", same), ("two.json", other)]) == [
        "kinetics.annotations: one.csv and two.json disagree on the label of 2 videos, such as b: "
        "fly, swim there, run here. It is listed with each; leave one of the files out, or "
        "correct it",
        "kinetics.annotations: same.csv and two.json disagree on the label of 1 video, such as b: "
        "swim there, run here. It is listed with each; leave one of the files out, or correct it",
    ]


@pytest.mark.parametrize(
    ("path", "separator", "told"),
    [
        ("a/b.mp4", "space", ""),
        ("a b/c.mp4", "comma", ""),
        ("a b/c.mp4", "space", "separator: comma"),
        ("a\u00a0b.mp4", "space", "has one"),
        ("a,b.mp4", "comma", "Rename"),
        ("a, b.mp4", "space", "Rename"),
    ],
)
def test_paths_that_readers_would_split_are_refused(path, separator, told):
    refused = paths_refused([path], separator)
    assert bool(refused) == bool(told) and told in refused


# ------------------------------------------------------------------ folders, plan, journal


def test_a_folder_is_listed_flat_and_by_class(tmp_path):
    for name in ["flat_1.mp4", "some class/in_class.MKV", "some class/half.mp4.part", ".hid.mp4"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"123")
    (tmp_path / "lost.mp4").symlink_to("nowhere")
    listing = list_videos(tmp_path, "videos.train")
    assert {
        stem: [found.path for found in several] for stem, several in listing.videos.items()
    } == {
        "flat_1": [str(tmp_path / "flat_1.mp4")],
        "in_class": [str(tmp_path / "some class/in_class.MKV")],
    }
    assert listing.videos["flat_1"][0].size == 3
    assert set(listing.others) == {"half", "lost"}
    with pytest.raises(UserError, match="videos.train.*found nothing"):
        list_videos(tmp_path / "none", "videos.train")


def test_listed_files_are_those_that_are_there(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.mp4").write_bytes(b"12")
    there, gone = str(tmp_path / "a" / "x.mp4"), str(tmp_path / "b" / "y.mp4")
    (tmp_path / "a" / "dead.mp4").symlink_to("nothing")
    (tmp_path / "c").write_text("a file, no folder")
    last = str(tmp_path / "a" / "z.mp4")
    Path(last).write_bytes(b"123")
    dead, beneath = str(tmp_path / "a" / "dead.mp4"), str(tmp_path / "c" / "w.mp4")
    # One link to nothing hides no other file.
    found = listed_files([there, gone, dead, last, beneath])
    assert {path: file.size for path, file in found.items()} == {there: 2, last: 3}


def test_of_two_files_the_one_of_the_class_with_content_counts():
    empty, other, own = (
        Found("a/fly/x.mp4", 0, 1),
        Found("b/x.mp4", 5, 1),
        Found("c/do_it/x.mp4", 5, 1),
    )
    assert _choose([empty, other, own], "do it") is own
    assert _choose([empty, other], "fly") is other


def test_a_changed_row_changes_the_digest_of_its_batch_alone(tmp_path):
    rows = [("train", f"v{number}", "1") for number in range(50)]
    plan = plan_of(rows, 2, ("split", "name", "x"), 8, {"labels": {}})
    changed = plan_of([*rows[:-1], ("train", "v49", "2")], 2, ("split", "name", "x"), 8, {})
    different = [batch for batch in plan.digests if plan.digests[batch] != changed.digests[batch]]
    assert len(plan.digests) == 8 and len(different) == 1 and plan.digest != changed.digest
    kept = tmp_path / "plan.csv"
    save_plan(plan, kept)
    read = [row for batch in plan.digests for row in read_batch(kept, batch, plan.digests[batch])]
    assert sorted(row["name"] for row in read) == sorted(name for _, name, _ in rows)
    assert load_plan(kept).digests == plan.digests
    with pytest.raises(UserError, match="changed since this run began"):
        read_batch(kept, different[0], changed.digests[different[0]])


def test_a_journal_survives_a_kill_in_the_middle_of_a_line(tmp_path):
    file = tmp_path / "a.mp4"
    file.write_bytes(b"whole")
    journal = Journal(tmp_path / "j.jsonl")
    journal.add("a", "from 1", str(file), file_state(file), {"status": "resized"})
    journal.add("b", "from 1", "", None, {"status": "unreadable"})
    with open(journal.path, "a") as stream:
        stream.write('{"key": "c", "bou')
    again = Journal(journal.path)
    assert again.known("a", "from 1") == {"status": "resized"} and "c" not in again.entries
    assert again.known("b", "from 1") and again.known("b", "from 2") is None
    again.add("d", "from 1", "", None, {"status": "x"})
    assert set(Journal(journal.path).entries) == {"a", "b", "d"}
    file.write_bytes(b"cut")
    assert Journal(journal.path).known("a", "from 1") is None
    again.keep(["a"])
    assert set(Journal(journal.path).entries) == {"a"}


def test_a_journal_holds_no_date_and_knows_a_copy(tmp_path):
    """Two runs at other times, here and on a cluster, keep the same; so does `cp -r` after them."""
    kept = []
    for then in (1_000_000_000, 1_700_000_000):
        file = tmp_path / "a.mp4"
        file.write_bytes(bytes(range(256)) * 1000)
        os.utime(file, (then, then))
        journal = Journal(tmp_path / f"{then}.jsonl")
        journal.add("a", "from 1", str(file), file_state(file), {"status": "resized"})
        kept.append(journal.path.read_bytes())
    assert kept[0] == kept[1]
    file.touch()
    assert Journal(journal.path).known("a", "from 1")


@pytest.mark.parametrize("place", [0, 5_000, 128_000, 251_000, 255_999])
def test_a_journal_notices_another_file_of_the_same_size_and_date(tmp_path, place):
    file = tmp_path / "a.mp4"
    file.write_bytes(bytes(256_000))
    journal = Journal(tmp_path / "j.jsonl")
    journal.add("a", "from 1", str(file), file_state(file), {"status": "resized"})
    then = os.stat(file)
    with open(file, "r+b") as stream:
        stream.seek(place)
        stream.write(b"x")
    os.utime(file, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert journal.known("a", "from 1") is None
    file.unlink()
    assert journal.known("a", "from 1") is None


def test_a_journal_with_dates_of_an_earlier_version_is_read_and_renewed(tmp_path):
    file = tmp_path / "a.mp4"
    file.write_bytes(b"whole")
    found = os.stat(file)
    state = [found.st_size, found.st_mtime_ns]
    entry = {"key": "a", "bound": "from 1", "file": str(file), "state": state, "result": {"n": 1}}
    path = tmp_path / "j.jsonl"
    path.write_text(json.dumps(entry) + "\n")
    assert is_unchanged(file, state)
    journal = Journal(path)
    assert journal.known("a", "from 1") == {"n": 1}
    journal.keep(["a"])
    assert str(found.st_mtime_ns) not in path.read_text()
    os.utime(file, (1, 1))
    assert not is_unchanged(file, state), "its date is all that such a line knows"
    assert Journal(path).known("a", "from 1") == {"n": 1}


def test_two_jobs_never_work_on_one_batch(tmp_path):
    first, second = Journal(tmp_path / "j.jsonl"), Journal(tmp_path / "j.jsonl")
    with first.alone(), pytest.raises(UserError, match="another job still works"), second.alone():
        pass


# ------------------------------------------------------------------ one video


@pytest.fixture
def resized(tmp_path):
    """A function that resizes a video into a folder of its own."""

    def make(source: Path, folder="out", **settings) -> dict:
        into = folder and tmp_path / folder
        if into:
            into.mkdir(exist_ok=True)
        return resize(
            str(source),
            into,
            "clip",
            SETTINGS | settings,
            ffmpeg_exe(),
            tmp_path / "ffmpeg.log",
            Journal(tmp_path / "j.jsonl"),
            "clip",
            "provenance",
        )

    return make


def test_every_image_is_kept_at_the_new_size(tmp_path, resized):
    source = make_video(tmp_path / "a.mp4", frames=45, fps="25")
    result = resized(source)
    assert (result["status"], result["width"], result["height"]) == ("resized", 96, 54)
    assert (result["frames"], result["duration"]) == (45, "1.800")
    assert shown_numbers(Path(result["file"])) == list(range(45))
    content = Path(result["file"]).read_bytes()
    assert resized(source)["sha256"] == result["sha256"]
    assert Path(result["file"]).read_bytes() == content


@pytest.mark.parametrize(
    ("filters", "size"),
    [
        ("scale=101:75", (72, 54)),  # 54 * 101 / 75 = 72.72
        ("scale=75:101", (54, 72)),
        ("scale=96:108,setsar=2", (96, 54)),  # pixels twice as wide as high
    ],
)
def test_sides_are_even_and_pixels_square(tmp_path, resized, filters, size):
    output = ("-c:v", "libx264", "-pix_fmt", "yuv444p")
    result = resized(make_video(tmp_path / "a.mkv", 20, filters=filters, output=output))
    assert (result["width"], result["height"]) == size


def test_a_right_video_is_linked_or_copied_but_not_a_turned_one(tmp_path, resized):
    source = make_video(tmp_path / "a.mp4", frames=20, size=(96, 54))
    linked = resized(source)
    assert linked["status"] == "linked" and Path(linked["file"]).samefile(source)
    copied = resized(source, "other", already_sized="copy")
    path = Path(copied["file"])
    assert copied["status"] == "copied" and path.read_bytes() == source.read_bytes()
    assert not path.is_symlink()
    run_ffmpeg("-display_rotation", "90", "-i", str(source), "-c", "copy", f"{tmp_path}/t.mp4")
    turned = resized(tmp_path / "t.mp4", "turned")
    assert (turned["status"], turned["width"], turned["height"]) == ("resized", 54, 96)


def test_sound_goes_or_stays(tmp_path, resized):
    import av

    source = tmp_path / "s.mp4"
    image = make_video(tmp_path / "a.mp4", frames=30)
    tone = ("-f", "lavfi", "-i", "sine=duration=1")
    run_ffmpeg("-i", str(image), *tone, "-c:v", "copy", "-c:a", "aac", str(source))
    for setting, sounds in (("drop", 0), ("keep", 1)):
        with av.open(resized(source, setting, audio=setting)["file"]) as container:
            assert len(container.streams.audio) == sounds


def test_a_file_takes_the_place_of_its_original_whole(tmp_path, resized):
    source = make_video(tmp_path / "a.mp4", frames=30)
    result = resized(source, None)
    assert result["file"] == str(source) and shown_numbers(source) == list(range(30))
    assert result["bytes"] == source.stat().st_size and result["width"] == 96
    before = source.stat()
    assert resized(source, None)["status"] == "kept"
    assert source.stat().st_mtime_ns == before.st_mtime_ns
    assert not list(tmp_path.glob(".*"))


def test_what_cannot_be_decoded_to_its_end_is_no_video(tmp_path, resized):
    source = make_video(tmp_path / "a.mkv", frames=150)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 4])
    with pytest.raises(BadVideo) as error:
        resized(source)
    assert error.value.status == "unreadable" and "a.mkv" not in error.value.reason
    assert list((tmp_path / "out").iterdir()) == []


def test_encoders_are_looked_for_and_take_their_own_options(tmp_path):
    check_encoder(ffmpeg_exe(), "libx264")
    bare = tmp_path / "ffmpeg"
    bare.write_text("#!/bin/sh\necho ' V....D libx264  H.264'\n")
    bare.chmod(0o755)
    with pytest.raises(UserError, match="has no h264_nvenc; of these it has libx264"):
        check_encoder(str(bare), "h264_nvenc")
    bare.write_text(
        "#!/bin/sh\necho '[h264_nvenc @ 0x55e1] Cannot load libcuda.so.1' >&2; exit 1\n"
    )
    with pytest.raises(UserError, match="does not run on this machine: Cannot load libcuda.so.1"):
        try_encoder(str(bare), SETTINGS | {"encoder": "h264_nvenc"})
    options = encoder_options(SETTINGS | {"encoder": "h264_nvenc", "preset": "medium"})
    assert options == {"preset": "p4", "rc": "vbr", "cq": 20, "b:v": 0}
    quick = encoder_options(SETTINGS | {"encoder": "h264_qsv", "preset": "ultrafast"})
    assert quick == {"preset": "veryfast", "global_quality": 20}


def plan_row(name: str, source: Path | str, label: str = "fly") -> dict:
    stat = os.stat(source) if source else None
    return {
        "split": "train",
        "name": name,
        "start": "0",
        "end": "10",
        "label": label,
        "source": str(source),
        "bytes": str(stat.st_size) if stat else "",
        "changed": str(stat.st_mtime_ns) if stat else "",
        "instead": "",
        "note": "",
    }


def test_a_batch_fails_above_the_limit_only(tmp_path, caplog):
    import logging

    good = make_video(tmp_path / "good.mp4", frames=20, size=(96, 54))
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"")

    def run(broken: int, max_broken_share: float) -> list[dict]:
        rows = [plan_row(f"v{n:02}", bad if n < broken else good) for n in range(20)]
        rows += [plan_row(f"m{n:02}", "") for n in range(30)]
        return run_batch(
            rows,
            tmp_path / "videos",
            Journal(tmp_path / "j.jsonl"),
            SETTINGS | {"max_broken_share": max_broken_share},
            ffmpeg_exe(),
            tmp_path / "b.ffmpeg.log",
            logging.getLogger("test"),
        )

    statuses = [row["status"] for row in run(5, 0.25)]
    assert statuses == ["unreadable"] * 5 + ["linked"] * 15 + ["missing"] * 30
    with pytest.raises(UserError) as error:
        run(6, 0.25)
    for part in ("6 of 20 videos", "max_broken_share (0.25)", "train/v00", "empty (0 bytes)"):
        assert part in str(error.value)


# ------------------------------------------------------------------ the whole


def csv_text(rows) -> str:
    lines = ["label,youtube_id,time_start,time_end,split"]
    return "\n".join([*lines, *(",".join(map(str, row)) for row in rows)]) + "\n"


def annotated(number: int) -> tuple:
    return f"class {number % 7}", f"v-{number:03d}_", 3, 13, "train"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> dict[str, Path]:
    """Videos of a kind, made once: to be resized, right already, too short."""
    folder = tmp_path_factory.mktemp("kinds")
    return {
        "wide": make_video(folder / "wide.mp4", 12, "24", (96, 64), CODED),
        "right": make_video(folder / "right.mp4", 12, "24", (48, 32), CODED),
        "blink": make_video(folder / "blink.mp4", 4, "24", (96, 64), CODED),
        "matroska": make_video(folder / "m.mkv", 12, "24", (96, 64), CODED),
    }


def made_up(workspace: Workspace, small, count: int = 240) -> None:
    """Kinetics with planted faults: train by class in a csv, val flat in a json."""
    folder = workspace.folder
    rows = []
    for number in range(count):
        row = annotated(number)
        place = folder / "train" / row[0] / f"{row[1]}_000003_000013.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(small["right" if number % 4 else "wide"], place)
        rows.append(row)

    def put(name: str, kind: str = "wide") -> Path:
        return Path(shutil.copy(small[kind], folder / "train" / name))

    rows.append(("gone", "gone-1", 0, 10, "train"))
    rows.append(("class 0", "-trunc_1", 0, 10, "train"))
    whole = put("-trunc_1_000000_000010.mp4")
    whole.write_bytes(whole.read_bytes()[:700])
    rows.append(("class 0", "_zero-", 0, 10, "train"))
    put("_zero-_000000_000010.mp4").write_bytes(b"")
    rows.append(("class 1", "not_mp4", 0, 10, "train"))
    put("not_mp4_000000_000010.mp4", "matroska")
    rows.append(("class 1", "half", 0, 10, "train"))
    put("half_000000_000010.mp4.part")
    rows.append(("class 1", "LOUD", 0, 10, "train"))
    put("LOUD_000000_000010.MP4")
    rows += [("jump", "twice_2", 1, 11, "train"), ("fly ball", "twice_2", 1, 11, "train")]
    put("twice_2_000001_000011.mp4")
    rows += [("jump", "over-lap", 0, 10, "train"), ("fly ball", "over-lap", 5, 15, "train")]
    put("over-lap_000000_000010.mp4")
    put("over-lap_000005_000015.mp4")
    rows.append(("日本 語", "uni-1", 0, 10, "train"))
    put("uni-1_000000_000010.mp4")
    rows.append(("jump", "blink", 0, 10, "train"))
    put("blink_000000_000010.mp4", "blink")
    rows.append(("jump", "page", 0, 10, "train"))
    put("page_000000_000010.mp4").write_text("<html>Video unavailable</html>")
    rows.append(("jump", "list", 0, 10, "train"))
    put("list_000000_000010.mp4").write_text("#EXTM3U\nhttp://127.0.0.1:9/x.ts\n")
    rows.append(("jump", "jump", 0, 10, "train"))
    rows.append(("jump", "jump", 0, 10, "train"))  # the same line twice
    put("jump_000000_000010.mp4")
    (folder / "train.csv").write_text(csv_text(rows), encoding="utf-8")

    (folder / "val").mkdir()
    entries = {}
    for number in range(20):
        name = f"val{number:02d}"
        entry = {"label": "class 0", "segment": [0.0, 10.0]}
        entries[name] = {"annotations": entry, "subset": "val"}
        shutil.copy(small["right"], folder / "val" / f"{name}_000000_000010.mp4")
    entries["gone-1"] = {
        "annotations": {"label": "ever only here", "segment": [0.0, 10.0]},
        "subset": "val",
    }
    (folder / "val.json").write_text(json.dumps(entries))


KINETICS = {
    "annotations": ["train.csv", "val.json"],
    "videos": {"train": "train", "val": "val"},
    "short_side": 32,
    "shortest_seconds": 0.3,
    "batches": 6,
}
IDS = {f"class {number}": number for number in range(7)} | {
    "ever only here": 7,
    "fly ball": 8,
    "gone": 9,
    "jump": 10,
    "日本 語": 11,
}


def expected_train(count: int = 240) -> list[str]:
    """The lines of train.csv, by hand."""
    names = [
        "LOUD_000000_000010.mp4 1",
        "jump_000000_000010.mp4 10",
        "not_mp4_000000_000010.mp4 1",
        "over-lap_000000_000010.mp4 10",
        "over-lap_000005_000015.mp4 8",
        "twice_2_000001_000011.mp4 10",
        "twice_2_000001_000011.mp4 8",
        "uni-1_000000_000010.mp4 11",
        *(f"v-{number:03d}__000003_000013.mp4 {number % 7}" for number in range(count)),
    ]
    return sorted(f"videos/train/{name}" for name in names)


@pytest.fixture(scope="module")
def kinetics(tmp_path_factory, small) -> Workspace:
    """The made-up Kinetics, prepared."""
    workspace = Workspace(tmp_path_factory.mktemp("kinetics") / "w", clips="", kinetics=KINETICS)
    made_up(workspace, small)
    videos = list((workspace.folder / "train").rglob("*.*"))
    before = {path: os.lstat(path).st_mtime_ns for path in videos}
    run = workspace.run("kinetics", demo=False)
    assert run.status == 0, run.output
    assert {path: os.lstat(path).st_mtime_ns for path in before} == before
    workspace.said = run.output
    return workspace


def test_lists_are_as_worked_out_by_hand(kinetics):
    folder = kinetics.folder / "results" / "kinetics"
    assert (folder / "train.csv").read_text().splitlines() == expected_train()
    assert (folder / "val.csv").read_text().splitlines() == [
        f"videos/val/val{number:02d}_000000_000010.mp4 0" for number in range(20)
    ]
    assert json.loads((folder / "label2id.json").read_text()) == IDS
    assert list(json.loads((folder / "label2id.json").read_text())) == sorted(IDS)
    # As PySlowFast reads them: two parts a line, and every file opens at the right size.
    import decord

    for line in expected_train()[:30]:
        path, _ = line.split()
        reader = decord.VideoReader(str(folder / path))
        assert len(reader) == 12 and reader[0].shape[:2] == (32, 48)


def test_the_table_accounts_for_every_annotated_video(kinetics):
    path = kinetics.folder / "results" / "kinetics" / "videos.csv"
    with open(path, newline="", encoding="utf-8") as stream:
        rows = {(r["split"], r["name"], r["label"]): r for r in csv.DictReader(stream)}
    # 240 + 16 lines of 14 faults, one of them twice the same; 20 + 1 in val.
    assert len(rows) == 240 + 15 + 21

    def row(name, label, split="train"):
        return rows[split, name, label]

    assert row("v-004__000003_000013", "class 4")["status"] == "resized"
    assert row("v-005__000003_000013", "class 5")["status"] == "linked"
    for name, label, status, reason in [
        ("gone-1_000000_000010", "gone", "missing", "no file of this name"),
        ("-trunc_1_000000_000010", "class 0", "unreadable", "no video could be read"),
        ("_zero-_000000_000010", "class 0", "unreadable", "the file is empty (0 bytes)"),
        ("half_000000_000010", "class 1", "missing", ".mp4.part is there"),
        ("blink_000000_000010", "jump", "too short", "0.17 s, less than 0.3 s"),
        ("page_000000_000010", "jump", "unreadable", "a text file"),
        ("list_000000_000010", "jump", "unreadable", "this is a playlist"),
    ]:
        found = row(name, label)
        assert (found["status"], found["file"], found["frames"]) == (status, "", "")
        assert reason in found["reason"], found
    assert row("twice_2_000001_000011", "jump")["note"] == "also annotated as fly ball"
    assert row("gone-1_000000_000010", "gone")["note"] == "also in val"
    made = row("over-lap_000005_000015", "fly ball")
    assert (made["duration"], made["frames"], made["width"]) == ("0.500", "12", "48")
    file = kinetics.folder / made["file"]
    assert int(made["bytes"]) == file.stat().st_size
    assert "Kinetics train     67 resized, 180 linked, 2 missing, 4 unreadable, 1 too short" in (
        kinetics.said
    )


def test_nothing_to_do_the_second_time_and_one_batch_for_one_video(kinetics, small):
    assert kinetics.run("kinetics", demo=False).nothing_to_do
    one = {"resize_kinetics": 1, "list_kinetics": 1}

    def made_by(jobs):
        return {rule: jobs[rule] for rule in jobs if rule != "kinetics"}  # that makes nothing

    train = kinetics.folder / "train"
    file = train / "class 6" / "v-006__000003_000013.mp4"
    # Moved: one batch. Put back, and another that was missing is there: again one.
    file.rename(train / file.name)
    assert made_by(kinetics.plan("kinetics", demo=False)) == one
    (train / file.name).rename(file)
    shutil.copy(small["right"], train / "gone-1_000000_000010.mp4")
    made = kinetics.folder / "results" / "kinetics" / "videos" / "train"
    times = {path: path.lstat().st_mtime_ns for path in made.iterdir()}
    run = kinetics.run("kinetics", demo=False)
    assert run.status == 0 and made_by(run.jobs) == one
    (new,) = set(made.iterdir()) - set(times)
    assert new.name == "gone-1_000000_000010.mp4"
    (train / new.name).unlink()
    # A limit that decides about failing only makes no video anew.
    run = kinetics.run("kinetics", demo=False, kinetics={"max_broken_share": 0.9})
    assert run.status == 0
    listed = (kinetics.folder / "results" / "kinetics" / "train.csv").read_text().splitlines()
    assert listed == expected_train()
    assert times == {path: path.lstat().st_mtime_ns for path in times}


def test_ids_that_are_given_never_change(tmp_path, small):
    """Of ids for more labels, counted otherwise, each label keeps its own; only lists are made."""
    settings = KINETICS | {"batches": 2, "max_missing_share": 0.9, "max_broken_share": 0.9}
    kinetics = Workspace(tmp_path / "w", clips="", kinetics=settings)
    made_up(kinetics, small, count=7)
    run = kinetics.run("kinetics", demo=False)
    assert run.status == 0, run.output
    told = run.output
    assert "avaflow warning: kinetics.annotations: the files name 12 labels, and Kinetics" in told
    assert "train.csv and val.json disagree on the label of 1 video, such as gone-1_000000" in told
    ids = {label: 100 - number for label, number in IDS.items()} | {"another": 5}
    (kinetics.folder / "ids.json").write_text(json.dumps(ids))
    given = {"label_ids": "ids.json"}
    run = kinetics.run("kinetics", demo=False, kinetics=given)
    assert run.status == 0 and set(run.jobs) - {"kinetics", "all"} == {"list_kinetics"}, run.output
    assert "kinetics.label_ids: ids.json has 13 labels, and Kinetics has 400 or" in run.output
    folder = kinetics.folder / "results" / "kinetics"
    assert json.loads((folder / "label2id.json").read_text()) == ids
    lines = (folder / "train.csv").read_text().splitlines()
    assert lines == sorted(
        f"{path} {100 - int(number)}" for path, number in map(str.split, expected_train(7))
    )
    # Another content of the file is seen, and one that lacks a label is refused.
    (kinetics.folder / "ids.json").write_text(json.dumps(ids | {"another": 6}))
    plan = kinetics.plan("kinetics", demo=False, kinetics=given)
    assert plan.get("list_kinetics") == 1 and "resize_kinetics" not in plan
    (kinetics.folder / "ids.json").write_text(json.dumps({"jump": 0}))
    run = kinetics.run("-n", "kinetics", demo=False, kinetics=given)
    assert run.status == 1 and "ids.json has no id for 11 labels" in run.output, run.output
    run = kinetics.run("-n", "kinetics", demo=False, strict=True)
    assert run.status == 1 and "`strict` is set, so these warnings stop" in run.output, run.output
    assert kinetics.run("kinetics", demo=False).status == 0
    assert json.loads((folder / "label2id.json").read_text()) == IDS


def test_a_killed_run_goes_on_with_what_is_left(tmp_path, small):
    workspace = Workspace(tmp_path / "w", clips="", kinetics=KINETICS | {"batches": 2})
    made_up(workspace, small, count=120)
    for path in (workspace.folder / "train").glob("class */*"):
        shutil.copy(small["wide"], path)
    process = workspace.start("kinetics", demo=False, own_group=True)
    made = workspace.folder / "results" / "kinetics" / "videos" / "train"
    until = time.monotonic() + 60
    while not made.exists() or len(list(made.glob("[!.]*"))) < 30:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    early = {path: path.stat().st_mtime_ns for path in made.glob("[!.]*")}
    assert 30 <= len(early) < 120
    assert not (workspace.folder / "results" / "kinetics" / "train.csv").exists()
    assert workspace.run("--unlock", demo=False).status == 0
    run = workspace.run("kinetics", demo=False)
    assert run.status == 0, run.output
    redone = [path for path, when in early.items() if path.stat().st_mtime_ns != when]
    # At most the one video of each batch that was between its line in the journal and its name.
    assert len(redone) <= 2
    folder = workspace.folder / "results" / "kinetics"
    assert (folder / "train.csv").read_text().splitlines() == expected_train(120)
    assert not list(made.glob(".*"))


def test_in_place_with_paths_that_hold_spaces(tmp_path, small):
    in_place = {"in_place": True, "separator": "comma"}
    workspace = Workspace(tmp_path / "w", clips="", kinetics=KINETICS | in_place)
    folder = workspace.folder / "train" / "fly ball"
    folder.mkdir(parents=True)
    for name in ("a_1", "b-2"):
        shutil.copy(small["wide"], folder / f"{name}_000000_000010.mp4")
    rows = [("fly ball", name, 0, 10, "train") for name in ("a_1", "b-2")]
    (workspace.folder / "train.csv").write_text(csv_text(rows))
    workspace.config["kinetics"] |= {"annotations": ["train.csv"], "videos": {"train": "train"}}
    run = workspace.run("kinetics", demo=False)
    assert run.status == 0, run.output
    listed = (workspace.folder / "results" / "kinetics" / "train.csv").read_text()
    assert listed.splitlines() == [
        "train/fly ball/a_1_000000_000010.mp4,0",
        "train/fly ball/b-2_000000_000010.mp4,0",
    ]
    assert len(shown_numbers(folder / "a_1_000000_000010.mp4")) == 12
    # What was put in place does not look like new work, but another file does.
    assert workspace.run("kinetics", demo=False).nothing_to_do
    bytes_before = (folder / "b-2_000000_000010.mp4").read_bytes()
    shutil.copy(small["matroska"], folder / "a_1_000000_000010.mp4")
    run = workspace.run("kinetics", demo=False)
    assert run.status == 0 and run.jobs["resize_kinetics"] == 1
    assert (folder / "b-2_000000_000010.mp4").read_bytes() == bytes_before
    # Switched off, everything of the user's stays, and the new folder gets files of its own.
    shutil.copy(small["wide"], folder / "b-2_000000_000010.mp4")
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    run = workspace.run("kinetics", demo=False, kinetics={"in_place": False})
    assert run.status == 0, run.output
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept
    made = workspace.folder / "results" / "kinetics"
    lines = (made / "train.csv").read_text().splitlines()
    assert lines == [f"videos/train/{name}_000000_000010.mp4,0" for name in ("a_1", "b-2")]
    assert all((made / line.split(",")[0]).stat().st_size for line in lines)
    # Switched on again, what lies in the folder does not pass for work in place.
    run = workspace.run("kinetics", demo=False)
    assert run.status == 0, run.output
    assert (folder / "b-2_000000_000010.mp4").read_bytes() == bytes_before
    assert "train/fly ball/b-2_000000_000010.mp4,0" in (made / "train.csv").read_text()


@pytest.mark.parametrize("suffix", [".avi", ".mpg", ".webm"])
def test_in_place_takes_no_kind_of_file_that_h264_does_not_fit(suffix):
    rows = [PlanRow("train", "a", "0", "9", "fly", f"train/a{suffix}", "1", "1", "", "")]
    settings = {"in_place": True, "path_prefix": "", "separator": "space"}
    with pytest.raises(UserError, match=f"(?s)cannot hold H.264.*first train/a{suffix}"):
        check_paths(rows, settings)
    check_paths(rows, settings | {"in_place": False})


def test_originals_that_lie_where_results_go_are_refused(tmp_path):
    made = tmp_path / "results" / "kinetics" / "videos"
    (made / "val").mkdir(parents=True)
    (tmp_path / "link").symlink_to(made)
    for folder in (made, made / "val", tmp_path / "link"):
        with pytest.raises(UserError, match="kinetics.videos.val is .* originals would be overwri"):
            check_apart(folder, made, "kinetics.videos.val")
    check_apart(tmp_path / "results" / "kinetics" / "videos2", made, "kinetics.videos.val")


def test_a_file_of_an_earlier_place_is_left_alone(tmp_path, resized):
    source = make_video(tmp_path / "a.mp4", frames=20)
    first = Path(resized(source, "one")["file"])
    second = Path(resized(source, "two")["file"])
    assert first.exists() and second.exists() and first.parent != second.parent


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        (
            {"videos": {"train": "elsewhere", "val": "val"}},
            ["videos.train", "elsewhere", "nothing"],
        ),
        ({"videos": {"train": "val"}}, ["254 of 254 annotated", "'val00_000000_000010'"]),
        ({"videos": {"train": "", "val": ""}}, ["no folder of videos"]),
        ({"videos": {"test": "val"}}, ["no annotation is of this split"]),
        ({"path_prefix": "/my data/"}, ["kinetics.path_prefix", "a space"]),
        ({"in_place": True}, ["240 paths have one", "separator: comma", "in_place: false"]),
        ({"annotations": ["none.csv"]}, ["none.csv", "missing"]),
        (
            {"videos": {"val": "results/kinetics/videos/val"}},
            ["kinetics.videos.val", "originals would be overwritten"],
        ),
        ({"encoder": "h264_videotoolbox"}, ["has no h264_videotoolbox"]),
    ],
)
def test_mistakes_are_told_before_any_work(kinetics, changed, parts):
    run = kinetics.run("-n", "kinetics", demo=False, kinetics=changed)
    assert run.status == 1 and run.output.count("avaflow error: ") == 1, run.output
    assert "Traceback" not in run.output
    for part in parts:
        assert part in run.output.split("avaflow error: ")[1], run.output
