"""The clips table: what it may say, and the one message for each thing it may not."""

import pytest

from avaflow.batches import batch_of
from avaflow.errors import UserError
from avaflow.project.clips import (
    Clip,
    address_of,
    cut_into_pieces,
    download_name,
    frame_count,
    leaks,
    read_clips_table,
    resolve_clips,
    shortest_seconds,
    with_known_end,
)
from avaflow.project.config import load_schema
from avaflow.project.shots import cut_into_shots
from avaflow.times import Frame, annotatable_seconds, detection_frames, parse_time
from avaflow.videos.probe import ProbeCache
from avaflow.videos.shots import Cut
from numbered_videos import make_video

HEADER = "clip\tvideo\tstart\tend\tsplit"


@pytest.fixture
def schema(request):
    return load_schema(request.config.rootpath / "schemas" / "clips.schema.yaml")


def write(folder, *rows, header=HEADER):
    path = folder / "clips.tsv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def clip(**values):
    standard = dict(id="a", video="v", source="v", start=0.0, end=20.0, split="train", line=2)
    return Clip(**standard | values)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("12.5", 12.5),
        (".5", 0.5),
        ("01:05", 65),
        ("00:01:05.250", 65.25),
        ("10:00:00", 36000),
        (" 7 ", 7),
    ],
)
def test_times(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "1:75", "1:75:00", "abc", "1e3", "nan", "1,5", "1:2:3:4"]
)
def test_times_that_are_none(text):
    with pytest.raises(ValueError, match="expected seconds or HH:MM:SS.mmm"):
        parse_time(text)


def test_annotatable_seconds_by_hand():
    # 11 s at 30 frames a second, 2 s kept free: 2..9; a reader's 32 frames fit everywhere.
    assert annotatable_seconds(330, 30, 2) == list(range(2, 10))
    # With 1 s kept free, second 1 has only 30 frames before it and second 10 only 30 after it.
    assert annotatable_seconds(330, 30, 1) == list(range(2, 10))
    assert annotatable_seconds(332, 30, 1) == list(range(2, 11))
    assert annotatable_seconds(119, 30, 2) == []
    assert annotatable_seconds(120, 30, 2) == [2]


def test_detection_frames_hold_every_keyframe():
    assert detection_frames(31, 30, 10) == [1, 11, 21, 31]
    # 7 does not divide 30: counting starts anew at the second.
    assert detection_frames(62, 30, 7) == [1, 8, 15, 22, 29, 31, 38, 45, 52, 59, 61]


def test_a_table_is_read(tmp_path, schema):
    path = write(
        tmp_path,
        "a\tv.mp4\t0\t\ttrain",
        "",
        "# a remark",
        "b-2\thttps://example.org/x/My%20film.MOV?key=1\t00:01:00\t90\tval",
        "c\tv.mp4\t1.5\t30\ttest\t10",
        header=HEADER + "\tcut",
    )
    a, b, c = read_clips_table(path, schema, "down")
    assert (a.id, a.source, a.start, a.end, a.cut) == ("a", "v.mp4", 0.0, None, None)
    assert (b.start, b.end, b.is_url, b.line) == (60.0, 90.0, True, 5)
    assert b.source.startswith("down/My-film-") and b.source.endswith(".mov")
    assert c.cut == 10.0


def test_windows_line_ends_and_byte_order_mark_are_read(tmp_path, schema):
    path = tmp_path / "clips.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\na\tv.mp4\t0\t9\ttrain\r\n")
    assert [c.id for c in read_clips_table(path, schema, "d")] == ["a"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a b\tv\t0\t9\ttrain", "line 2: clip: expected letters, digits and '-'"),
        ("a_b\tv\t0\t9\ttrain", "letters, digits"),
        ("a.b\tv\t0\t9\ttrain", "letters, digits"),
        ("123\tv\t0\t9\ttrain", "at least one letter"),
        ("../x\tv\t0\t9\ttrain", "letters, digits"),
        ("Index\tv\t0\t9\ttrain", "taken by the index of all clips"),
        ("a\tv\t0\t9\tTrain", "split: expected one of train, val, test, found 'Train'"),
        ("a\tv\t9\t5\ttrain", r"line 2, clip a: the end \(5\) is not after the start \(9\)"),
        ("a\tv\t5\t5\ttrain", "is not after the start"),
        ("a\tv\tx\t5\ttrain", "line 2, clip a: expected seconds or HH:MM:SS.mmm, found 'x'"),
        ("a\tv\t\t5\ttrain", "start: expected a text that is not empty"),
        ("a\tv{x}.mp4\t0\t5\ttrain", r"video: expected a path .* without \{ and \}"),
        ("a\t\t0\t5\ttrain", "video: expected a text that is not empty"),
        ("a\tv\0.mp4\t0\t5\ttrain", r"line 2, clip a: video 'v.x00.mp4' .* control character"),
        (f"a\t{'v' * 252}.mp4\t0\t5\ttrain", r"clip a: video 'v{100}\.\.\.'.* 256 bytes"),
        (f"a\t{'v/' * 3000}\t0\t5\ttrain", "it has 6000 bytes, and systems take 4095"),
        (f"{'a' * 201}\tv\t0\t5\ttrain", "clip: expected at most 200 letters"),
        ("a\thttp://h:99999/v.mp4\t0\t5\ttrain", "'http://h:99999/v.mp4' .* the port in 'h:99"),
        (f"a\tv\t0\t5\ttrain{'n' * 200_000}", "line 2: not a line of a tab-separated table"),
    ],
)
def test_rows_that_are_refused(tmp_path, schema, row, message):
    with pytest.raises(UserError, match=message) as caught:
        read_clips_table(write(tmp_path, row), schema, "d")
    assert str(tmp_path / "clips.tsv") in str(caught.value)


def test_all_problems_are_listed_at_once(tmp_path, schema):
    path = write(
        tmp_path, "a\tv\t9\t5\ttrain", "A\tv\t0\t5\tval", "a\tv\t0\t5\tval", "b\tv\t0\t5\tx"
    )
    with pytest.raises(UserError) as caught:
        read_clips_table(path, schema, "d")
    text = str(caught.value)
    assert "line 2" in text and "line 5" in text
    assert "line 4: clip 'a' is already in line 3" in text


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("clip,video,start,end,split", "columns separated by tabs"),
        (HEADER + "\tlabel", "unknown column 'label'"),
        ("clip\tvideo\tstart\tend", "missing column 'split'"),
        (HEADER + "\tclip", "column 'clip' twice"),
    ],
)
def test_headers_that_are_refused(tmp_path, schema, header, message):
    with pytest.raises(UserError, match=message):
        read_clips_table(write(tmp_path, header=header), schema, "d")


def test_tables_without_clips(tmp_path, schema):
    with pytest.raises(UserError, match="the clips table is missing"):
        read_clips_table(tmp_path / "none.tsv", schema, "d")
    (tmp_path / "empty.tsv").write_text("")
    with pytest.raises(UserError, match="the clips table is empty"):
        read_clips_table(tmp_path / "empty.tsv", schema, "d")
    with pytest.raises(UserError, match="there is no clip in the table"):
        read_clips_table(write(tmp_path), schema, "d")
    (tmp_path / "latin.tsv").write_bytes(HEADER.encode() + b"\n\xe9\tv\t0\t5\ttrain\n")
    with pytest.raises(UserError, match="expected UTF-8"):
        read_clips_table(tmp_path / "latin.tsv", schema, "d")
    with pytest.raises(UserError, match="line 2: expected 5 cells as in the header, found 6"):
        read_clips_table(write(tmp_path, "a\tv\t0\t5\ttrain\tx"), schema, "d")


def test_one_sha256_per_video(tmp_path, schema):
    rows = [f"a\tv\t0\t5\ttrain\t{'0' * 64}", f"b\tv\t5\t9\ttrain\t{'1' * 64}"]
    with pytest.raises(UserError, match="line 3: sha256 of v differs from the one in line 2"):
        read_clips_table(write(tmp_path, *rows, header=HEADER + "\tsha256"), schema, "d")
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        read_clips_table(
            write(tmp_path, "a\tv\t0\t5\ttrain\tzz", header=HEADER + "\tsha256"), schema, "d"
        )


def test_download_names_are_safe_and_unique():
    one = download_name("https://example.org/a/../../etc/passwd")
    assert "/" not in one and one.startswith("passwd-") and one.endswith(".mp4")
    assert download_name("https://a/x.mp4?k=1") != download_name("https://a/x.mp4?k=2")
    assert "secret" not in download_name("https://a/x.mp4?token=secret")


def test_cut_gives_consecutive_pieces():
    pieces, left = cut_into_pieces(clip(start=1.0, end=31.0, cut=10.0), 30, 2)
    assert [(p.id, p.start, p.end) for p in pieces] == [
        ("a-001", 1.0, 11.0),
        ("a-002", 11.0, 21.0),
        ("a-003", 21.0, 31.0),
    ]
    assert left == "" and all(p.cut is None for p in pieces)


def test_cut_keeps_a_last_piece_that_can_be_annotated():
    pieces, left = cut_into_pieces(clip(end=25.0, cut=10.0), 30, 2)
    assert [p.end for p in pieces] == [10.0, 20.0, 25.0] and not left
    pieces, left = cut_into_pieces(clip(end=23.0, cut=10.0), 30, 2)
    assert [p.end for p in pieces] == [10.0, 20.0]
    assert left == (
        "clip a: the last 3.00 s of the range are left out, because a piece needs at least 4.00 s"
    )


def test_cut_pieces_have_equal_frames_without_drift():
    """12.34 s is no whole number of frames: pieces stay within one frame of their place."""
    pieces, _ = cut_into_pieces(clip(end=1234.0, cut=12.34), 30, 2)
    assert len(pieces) == 100
    assert {frame_count(p.start, p.end, 30) for p in pieces} == {370}
    assert pieces[-1].end == pytest.approx(1234.0)


class KnownCuts:
    """In place of a plan: every range has these cuts."""

    def __init__(self, *cuts: tuple[int, int, int]):
        self.known = [Cut(*map(Frame, cut)) for cut in cuts]

    def cuts(self, *_arguments):
        return self.known


def test_shots_gives_a_piece_to_each_shot(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=900)
    rows = [clip(source=str(video), start=2.0, end=30.0, at_cuts=True)]

    # A hard cut, a dissolve of 20 frames, and a shot of 2 s, which is too short.
    def divide(*cuts):
        return lambda row: cut_into_shots(row, probes, KnownCuts(*cuts), 30, 2)

    probes = ProbeCache(tmp_path / "p.json")
    plan = divide((241, 241, 240), (491, 481, 500), (561, 561, 560))
    clips, told = resolve_clips(rows, probes, 30, 2, 900, "t", plan)
    assert [(c.id, c.start, c.end) for c in clips] == [
        ("a-001", 2.0, 10.0),
        ("a-002", 10.0, 18.0),
        ("a-004", pytest.approx(2 + 560 / 30, abs=1e-6), 30.0),
    ]
    assert all(not c.at_cuts and c.end_given == c.end for c in clips)
    assert told == [
        "clip a: its shot 3, from 18.67 to 20.67 s of the video, is left out, because a clip "
        "needs at least 4.00 s"
    ]
    short = divide(*((frame, frame, frame - 1) for frame in range(61, 840, 60)))
    with pytest.raises(UserError, match="none of its 14 shots is as long as a clip has to be"):
        resolve_clips(rows, probes, 30, 2, 900, "t", short)


def test_shots_of_a_video_that_is_not_there_are_told_once(tmp_path):
    rows = [
        clip(id="gone", source=str(tmp_path / "gone.mp4"), line=4, at_cuts=True),
        clip(id="far", video="https://e/x.mp4", source="not-there", line=5, at_cuts=True),
    ]
    probes = ProbeCache(tmp_path / "p.json")
    with pytest.raises(UserError) as caught:
        resolve_clips(
            *(rows, probes, 30, 2, 900, "t"),
            lambda row: cut_into_shots(row, probes, KnownCuts(), 30, 2),
        )
    text = str(caught.value)
    assert text.count("clip gone") == 1 and "the video is missing" in text
    assert "clip far: to divide it at its cuts takes the video" in text


def test_the_column_cut_takes_seconds_or_shots(tmp_path, schema):
    header = HEADER + "\tcut"
    rows = read_clips_table(
        write(tmp_path, "a\tv\t0\t50\ttrain\tshots", header=header), schema, "d"
    )
    assert (rows[0].at_cuts, rows[0].cut) == (True, None)
    with pytest.raises(UserError, match="known_as names one clip"):
        table = write(tmp_path, "a\tv\t0\t50\ttrain\tshots\t1", header=header + "\tknown_as")
        read_clips_table(table, schema, "d")


def test_cut_of_a_video_not_downloaded_needs_an_end():
    with pytest.raises(UserError, match="run `snakemake videos` first"):
        cut_into_pieces(clip(end=None, cut=10.0), 30, 2)


def test_ends_are_held_against_the_video():
    assert with_known_end(clip(end=None), 12.5).end == 12.5
    assert with_known_end(clip(end=12.54), 12.5).end == 12.54
    with pytest.raises(UserError, match=r"its end, 20 s, lies past the end of v, 12.500 s"):
        with_known_end(clip(), 12.5)
    with pytest.raises(UserError, match="it starts at 20 s, but v ends at 12.500 s"):
        with_known_end(clip(start=20.0, end=30.0), 12.5)


def test_resolving_names_short_long_and_missing(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=300)
    rows = [
        clip(id="short", source=str(video), end=3.0, line=2),
        clip(id="late", source=str(video), end=11.0, line=3),
        clip(id="gone", source=str(tmp_path / "gone.mp4"), line=4),
        clip(id="long", video="https://e/x.mp4", source="not-there", end=2000.0, line=5),
    ]
    with pytest.raises(UserError) as caught:
        resolve_clips(rows, ProbeCache(tmp_path / "p.json"), 30, 2, 900, "clips.tsv")
    text = str(caught.value)
    assert "line 2, clip short: 3.000 s is too short" in text
    assert "line 3, clip late: its end, 11 s, lies past the end" in text
    assert "line 4, clip gone:" in text and "the video is missing" in text
    assert "line 5, clip long: 2000 s is too long" in text and "at most 900 s" in text


def test_resolving_cuts_and_finds_ends(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=300)
    rows = [clip(source=str(video), end=None, cut=5.0)]
    clips, warnings = resolve_clips(rows, ProbeCache(tmp_path / "p.json"), 30, 2, 900, "t")
    assert [(c.id, c.start, c.end) for c in clips] == [("a-001", 0.0, 5.0), ("a-002", 5.0, 10.0)]
    assert warnings == []
    rows.append(clip(id="a-001", source=str(video), end=9.0, line=3))
    with pytest.raises(UserError, match="clip 'a-001' is already in line 2"):
        resolve_clips(rows, ProbeCache(tmp_path / "p.json"), 30, 2, 900, "t")


def test_shortest_clip_has_exactly_one_second():
    assert shortest_seconds(30, 2) == 4
    assert annotatable_seconds(round(shortest_seconds(30, 2) * 30), 30, 2) == [2]
    assert annotatable_seconds(round(shortest_seconds(30, 1) * 30) + 1, 30, 1) == [2]


def test_leakage_names_the_clips():
    rows = [clip(id="a"), clip(id="b", split="val"), clip(id="c", video="w", source="w")]
    (sentence,) = leaks(rows)
    assert "a (train), b (val)" in sentence and "of v" in sentence
    assert leaks(rows[::2]) == []


def test_leakage_sees_one_video_behind_two_names(tmp_path):
    (tmp_path / "v.mp4").touch()
    (tmp_path / "w.mp4").symlink_to("v.mp4")
    names = [str(tmp_path / name) for name in ("v.mp4", "./v.mp4", "w.mp4")]
    for name in names:
        rows = [clip(id="a", source=names[0]), clip(id="b", source=name, split="val")]
        assert len(leaks(rows)) == 1


def test_lines_end_at_line_ends_alone(tmp_path, schema):
    odd = "a\u2028film.mp4"
    rows = f"{HEADER}\ra\t{odd}\t0\t5\ttrain\rb\tv\t0\t5\ttrain\r"
    (tmp_path / "clips.tsv").write_bytes(rows.encode())
    found = read_clips_table(tmp_path / "clips.tsv", schema, "d")
    assert [row.video for row in found] == [odd, "v"]


SECRET = "https://me:password@e.org/v.mp4?token=sesame"


def test_secrets_of_an_address_are_in_no_message(tmp_path, schema):
    rows = [
        f"a\t{SECRET}\t0\t5\ttrain\t{'0' * 64}",
        f"b\t{SECRET}\t0\t5\ttrain\t{'1' * 64}",
        f"c\t{SECRET}{{x}}\t0\t5\ttrain",
        f"d\t{SECRET.replace('e.org', 'e.org:port')}\t0\t5\ttrain",
    ]
    with pytest.raises(UserError) as caught:
        read_clips_table(write(tmp_path, *rows, header=HEADER + "\tsha256"), schema, "d")
    messages = [str(caught.value)]
    assert messages[0].count("https://e.org") == 3
    with pytest.raises(UserError) as caught:
        with_known_end(clip(video=SECRET, start=20.0), 9)
    messages.append(str(caught.value))
    with pytest.raises(UserError) as caught:
        cut_into_pieces(clip(video=SECRET, end=None, cut=5.0), 30, 2)
    messages.append(str(caught.value))
    messages += leaks([clip(video=SECRET), clip(video=SECRET, id="b", split="val")])
    assert len(messages) == 4
    for message in messages:
        assert "e.org" in message
        assert "password" not in message and "sesame" not in message


def test_a_job_finds_its_address_in_the_table(tmp_path):
    rows = ["a\tv.mp4\t0\t5\ttrain", f"b\t{SECRET}\t0\t5\ttrain"]
    assert address_of(write(tmp_path, *rows), download_name(SECRET)) == SECRET
    with pytest.raises(UserError, match="no row has the address of other.mp4"):
        address_of(write(tmp_path, *rows), "other.mp4")


def test_addresses_are_recorded_without_their_secrets():
    assert clip(video=SECRET).shown_video == "https://e.org/v.mp4"
    assert clip(video="a?b.mp4").shown_video == "a?b.mp4"


def test_an_open_end_stays_open_whatever_the_video_turns_out_to_be(tmp_path, schema):
    """The end as given goes into the cut's params: a download must not make it stale."""
    (row,) = read_clips_table(write(tmp_path, "a\tv\t0\t\ttrain"), schema, "d")
    assert with_known_end(row, 12.5).end == 12.5
    assert with_known_end(row, 12.5).end_given is None


def test_batches_do_not_move_when_rows_come_and_go():
    ids = [f"clip-{n}" for n in range(200)]
    batches = {name: batch_of(name, 16) for name in ids}
    assert len(set(batches.values())) == 16
    assert all(len(batch) == 2 for batch in batches.values())
    assert batch_of("clip-7", 16) == batches["clip-7"]
    assert batch_of("a", 1) == "0"
