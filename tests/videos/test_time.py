"""The image of a second, in every kind of file: clips, keyframes, segments and instants."""

import cv2
import pytest

from avaflow.errors import UserError
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.filters import find_jump, first_image
from avaflow.videos.instants import VideoInstants
from avaflow.videos.probe import probe
from cutting import cut_clip, cut_into_segments, resize_video
from numbered_videos import make_video, read_number, run_ffmpeg, shown_numbers
from video_kinds import CODECS, SIZE, Kind, Material, farthest, kinds, truth

KINDS = {kind.name: kind for kind in kinds()}
STARTS = (0.0, 0.5, 3.7, 5.5)
FEW = ("mp4-still", "ts-sound-early", "avi-h264b", "mkv-sound", "ts-copy-cut")


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return Material(tmp_path_factory.mktemp("material"))


def check(kind: Kind, folder, material: Material) -> None:
    """Keyframes and clips at four starts, the file's end, and all instants."""
    path = folder / f"v.{kind.suffix}"
    kind.make(path, material)
    images = truth(path, kind)
    allowed = max(0.5 / kind.rate, 0.017) + 0.0011  # milliseconds are rounded
    assert images[0][0] == pytest.approx(kind.lead, abs=0.05) or "copy-cut" in kind.name
    facts = probe(path)
    assert facts.duration == pytest.approx(images[-1][0] + 1 / kind.rate, abs=0.05)
    assert probe(path, clock_checked=True).duration == pytest.approx(facts.duration, abs=1e-6)
    wrong = {}
    for start in STARTS:
        frames = min(45, int((facts.duration - start) * 30 + 0.5))
        seconds = range(frames // 30 + 1) if frames % 30 else range(frames // 30)
        _, keyframes = cut_clip(
            folder / f"{start}", path, start, frames, list(seconds), preset="ultrafast"
        )
        keys = [
            read_number(cv2.imread(str(folder / f"{start}" / "keys" / name)))
            for name in keyframes["file"]
        ]
        off = farthest(keys, [start + second for second in seconds], images)
        shown = shown_numbers(folder / f"{start}" / "c1.mp4")
        all_off = farthest(shown, [start + n / 30 for n in range(frames)], images)
        if max(off, all_off) > allowed:
            wrong[start] = (round(off, 4), round(all_off, 4))
    assert not wrong, f"{kind.name}: errors in seconds by start: {wrong}"
    instants = [(k / 10, read_number(load())) for k, load in VideoInstants(path, 10)]
    off = farthest([number for _, number in instants], [time for time, _ in instants], images)
    assert off < 0.0011, f"{kind.name}: an instant is {off:.4f} s off"
    assert len(instants) == pytest.approx(facts.duration * 10, abs=1)


@pytest.mark.parametrize("name", FEW)
def test_images_of_seconds(tmp_path, material, name):
    check(KINDS[name], tmp_path, material)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(KINDS) - set(FEW)))
def test_images_of_seconds_in_every_kind(tmp_path, material, name):
    check(KINDS[name], tmp_path, material)


def still_video(path, until: float, encoder=CODECS["h264b"]):
    """Images 0 to 149 until second 5, a still one until `until`, then 150 to 179."""
    times = f"settb=1/1000,setpts='1000*if(lt(N,150),N/30,{until}+(N-150)/30)'"
    output = ("-c:v", *encoder, "-pix_fmt", "yuv420p", "-fps_mode", "passthrough")
    return make_video(path, 180, "30", SIZE, output, times)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "flv", "ts"])
def test_a_image_that_stands_still_long_before_a_clip(tmp_path, suffix):
    source = still_video(tmp_path / f"v.{suffix}", 15)
    cut_clip(tmp_path / "clip", source, 6.5, 240, range(8))
    assert shown_numbers(tmp_path / "clip" / "c1.mp4") == [149] * 240
    keys = sorted((tmp_path / "clip" / "keys").iterdir())
    assert [read_number(cv2.imread(str(key))) for key in keys] == [149] * 8
    cut_clip(tmp_path / "over", source, 14.0, 60, (0, 1))
    assert shown_numbers(tmp_path / "over" / "c1.mp4") == [149] * 30 + list(range(150, 180))


def test_a_image_that_stands_still_for_an_hour(tmp_path):
    source = still_video(tmp_path / "v.mp4", 3600)
    cut_clip(tmp_path / "clip", source, 1800.5, 60, (0, 1))
    assert shown_numbers(tmp_path / "clip" / "c1.mp4") == [149] * 60


@pytest.mark.parametrize("name", ["ts-sound-early", "avi-h264b", "mp4-still"])
def test_segments_show_what_clips_show(tmp_path, material, name):
    path = tmp_path / f"v.{KINDS[name].suffix}"
    KINDS[name].make(path, material)
    images = truth(path, KINDS[name])
    for start in (0.0, 3.7):
        cut_into_segments(path, tmp_path / f"{start}", start, start + 3)
        folder = tmp_path / f"{start}" / "a"
        firsts = [shown_numbers(folder / "clips" / f"{n}.mp4")[0] for n in (900, 901, 902)]
        keys = [read_number(cv2.imread(str(folder / f"keyframes/{n}.jpg"))) for n in (900, 901)]
        assert farthest(firsts, [start, start + 1, start + 2], images) < 0.018
        assert keys == firsts[:2]


@pytest.mark.parametrize("sound", ["drop", "keep"])
@pytest.mark.parametrize("name", ["ts-sound-early", "mp4-sound-early", "mkv-sound", "avi-h264b"])
def test_a_resized_video_has_its_sources_seconds(tmp_path, material, name, sound):
    path = tmp_path / f"v.{KINDS[name].suffix}"
    KINDS[name].make(path, material)
    images = truth(path, KINDS[name])
    resize_video(path, tmp_path / "out", short_side=64, audio=sound)
    instants = [
        (k / 10, read_number(load())) for k, load in VideoInstants(tmp_path / "out/v.mp4", 10)
    ]
    shown = [number for _, number in instants]
    off = farthest(shown, [time for time, _ in instants], images)
    assert off < 0.018 and len(shown) == pytest.approx(images[-1][0] * 10, abs=2)


@pytest.mark.parametrize("fields", ["ts", "mpg", "mp4"])
def test_interlaced_images(tmp_path, fields):
    codec = ("libx264", "-x264-params", "tff=1:bframes=2") if fields == "mp4" else CODECS["mpeg2"]
    output = ("-c:v", *codec, "-flags", "+ilme+ildct", "-pix_fmt", "yuv420p")
    path = make_video(tmp_path / f"v.{fields}", 200, "25", SIZE, output, "setfield=tff")
    assert probe(path).interlaced
    for start in (0.0, 3.7):
        cut_clip(tmp_path / f"{start}", path, start, 75, (0, 1, 2))
        keys = sorted((tmp_path / f"{start}" / "keys").iterdir())
        images = [(number / 25, number) for number in range(200)]
        shown = [read_number(cv2.imread(str(key))) for key in keys]
        assert farthest(shown, [start, start + 1, start + 2], images) < 0.021


def test_an_index_saves_reading_and_decoding(tmp_path):
    """A clip in the middle of a long video costs what one at its beginning does."""
    output = ("-c:v", *CODECS["h264"], "-pix_fmt", "yuv420p")
    path = make_video(tmp_path / "v.mp4", 3000, "30", SIZE, output)
    facts = probe(path)
    assert find_jump(path, 90.0, 0.0, facts, ffmpeg_exe()) == 90.0
    assert first_image(path, 90.0, facts, ffmpeg_exe()) == pytest.approx(90.0)


def joined(path, material, *options: str, sound: bool = True):
    """Two recordings one behind the other, byte by byte; the options are of the second."""
    pieces = []
    extra = ("-f", "lavfi", "-i", "sine=440:duration=7", "-c:a", "mp2") if sound else ()
    for number, given in enumerate([(), options]):
        piece = path.with_suffix(f".{number}{path.suffix}")
        source = material.images("mpeg2")
        run_ffmpeg("-i", str(source), *extra, "-c:v", "copy", *given, str(piece))
        pieces.append(piece.read_bytes())
    path.write_bytes(b"".join(pieces))
    return path


@pytest.mark.parametrize("suffix", ["ts", "m2ts", "mpg"])
def test_a_clock_that_jumps_back_is_told(tmp_path, material, suffix):
    path = joined(tmp_path / f"v.{suffix}", material)
    told = (
        r"its clock jumps at second (6|7)\.\d+ back to second -?0\.\d+: the file was put together"
    )
    with pytest.raises(UserError, match=told) as error:
        probe(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("sound", [True, False])
def test_a_clock_that_jumps_on_is_told_and_the_advice_heals(tmp_path, material, sound):
    path = joined(tmp_path / "v.ts", material, "-output_ts_offset", "100", sound=sound)
    with pytest.raises(UserError, match=r"jumps at second [67]\.\d+ on to second (99|100)\.\d+"):
        probe(path)
    healed = tmp_path / "healed.mkv"
    run_ffmpeg("-i", str(path), "-c", "copy", str(healed))
    assert probe(healed).duration == pytest.approx(14, abs=0.3)


def test_a_clock_that_goes_on_is_no_jump(tmp_path, material):
    path = joined(tmp_path / "v.ts", material, "-output_ts_offset", "7.1")
    assert probe(path).duration == pytest.approx(14.1, abs=0.1)
