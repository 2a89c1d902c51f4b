"""Clips show exactly the frames of their seconds, whatever the source is like."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.manifests import read_clip_manifest, write_clip_manifest
from avaflow.tables import KEYFRAMES, read_table
from avaflow.videos.probe import probe
from avaflow.videos.trim import (
    rawframes_of_clip,
    write_frames_manifest,
    write_keyframes_manifest,
)
from cutting import TRIM_SETTINGS, cut_clip
from numbered_videos import make_video, numbered_image, read_number, run_ffmpeg, shown_numbers


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """240 frames at 30 frames a second, one key frame in 250 and B-frames between."""
    return make_video(tmp_path_factory.mktemp("plain") / "plain.mp4", frames=240)


@pytest.mark.parametrize("rawframes", [True, False])
def test_every_frame_of_a_clip_is_the_source_frame_of_its_instant(tmp_path, plain, rawframes):
    manifest, keyframes = cut_clip(tmp_path, plain, 1.5, 150, (2, 3), rawframes)
    assert shown_numbers(tmp_path / "c1.mp4") == list(range(45, 195))
    assert (manifest.frames, manifest.fps, manifest.decode_errors) == (150, 30, 0)
    assert (manifest.width, manifest.height) == (192, 108)
    assert manifest.sha256 == sha256(tmp_path / "c1.mp4")
    # Second 2 of the clip is frame 61 of the clip and frame 105 of the source.
    assert list(keyframes["file"]) == ["c1_000061.jpg", "c1_000091.jpg"]
    shown = [read_number(cv2.imread(str(tmp_path / "keys" / name))) for name in keyframes["file"]]
    assert shown == [105, 135]
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == list(keyframes["file"])
    if rawframes:
        images = sorted((tmp_path / "raw").iterdir())
        assert [p.name for p in images] == [f"img_{n:05d}.jpg" for n in range(1, 151)]
        assert [read_number(cv2.imread(str(p))) for p in images] == list(range(45, 195))
    assert not list(tmp_path.glob(".*")), "temporary files are left behind"


def test_a_clip_is_constant_rate_h264_without_sound(tmp_path):
    source = make_video(tmp_path / "video-only.mp4", frames=120)
    with_sound = tmp_path / "sound.mp4"
    run_ffmpeg(
        *("-i", str(source), "-f", "lavfi", "-i", "sine=440:duration=4"),
        *("-c:v", "copy", "-c:a", "aac", str(with_sound)),
    )
    cut_clip(tmp_path, with_sound, 0.0, 90)
    with av.open(str(tmp_path / "c1.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 30
        assert stream.frames == 90
        times = [frame.time for frame in container.decode(stream)]
    assert np.allclose(times, np.arange(90) / 30, atol=1e-6)


def test_same_inputs_give_the_same_bytes(tmp_path, plain):
    first, _ = cut_clip(tmp_path / "a", plain, 0.7, 150)
    second, _ = cut_clip(tmp_path / "b", plain, 0.7, 150)
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        # Instant n/30 shows the source frame nearest to it, the later one where two are.
        ("60", [2 * n for n in range(90)]),
        ("15", [(n + 1) // 2 for n in range(90)]),
    ],
)
def test_other_rates_become_30_frames_a_second(tmp_path, fps, expected):
    source = make_video(tmp_path / "s.mp4", frames=int(fps) * 4, fps=fps)
    cut_clip(tmp_path, source, 0.0, 90)
    shown = shown_numbers(tmp_path / "c1.mp4")
    # With 15 frames a second an instant half-way between two may show either of them.
    allowed = 1 if fps == "15" else 0
    assert len(shown) == 90
    assert np.abs(np.array(shown) - expected).max() <= allowed
    assert shown == sorted(shown)


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30000/1001", "50"])
def test_an_instant_shows_the_latest_image_begun_by_then(tmp_path, fps):
    top, bottom = (int(part) for part in (fps + "/1").split("/")[:2])
    rate = top / bottom
    source = make_video(tmp_path / "s.mp4", frames=round(rate * 6), fps=fps)
    cut_clip(tmp_path, source, 1.234, 120)
    shown = np.array(shown_numbers(tmp_path / "c1.mp4"))
    # An image's begin counts at the clip frame nearest to it, half a clip frame early at most.
    instants = 1.234 + (np.arange(120) + 0.5) / 30
    earliest = np.floor((instants - 0.002) * rate)
    latest = np.floor((instants + 0.002) * rate)
    assert ((earliest <= shown) & (shown <= latest)).all()


def test_variable_rate_source(tmp_path):
    """Frames at growing distances in Matroska, as screen recorders write them."""
    source = make_video(
        tmp_path / "vfr.mkv",
        frames=60,
        filters="settb=1/1000,setpts='1000*(N/15+0.02*mod(N,3))'",
        output=("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", "-fps_mode", "vfr"),
    )
    times = np.array([n / 15 + 0.02 * (n % 3) for n in range(60)])
    cut_clip(tmp_path, source, 0.5, 90)
    shown = np.array(shown_numbers(tmp_path / "c1.mp4"))
    for n, number in enumerate(shown):
        instant = 0.5 + n / 30
        # The latest frame that began by then; its begin may round by half an output frame.
        begun = [k for k, t in enumerate(times) if t <= instant + 0.5 / 30 + 1e-3]
        begun_early = [k for k, t in enumerate(times) if t <= instant - 0.5 / 30 - 1e-3]
        assert begun_early[-1] <= number <= begun[-1], (n, number)


def test_rotated_phone_video_is_upright(tmp_path):
    upright = make_video(tmp_path / "u.mp4", frames=120)
    rotated = tmp_path / "rotated.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", str(upright), "-c", "copy", str(rotated))
    manifest, _ = cut_clip(tmp_path, rotated, 0.0, 90)
    assert (manifest.width, manifest.height) == (108, 192)
    turned = [shown_numbers(tmp_path / "c1.mp4", quarter) for quarter in (1, 3)]
    assert list(range(90)) in turned


@pytest.mark.parametrize(
    ("size", "expected"), [((193, 109), (192, 108)), ((101, 64), (100, 64)), ((64, 101), (64, 100))]
)
def test_odd_sides_lose_their_last_column_or_row(tmp_path, size, expected):
    output = ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv444p")
    source = make_video(tmp_path / "s.mp4", frames=90, size=size, output=output)
    manifest, _ = cut_clip(tmp_path, source, 0.0, 75)
    assert (manifest.width, manifest.height) == expected
    assert shown_numbers(tmp_path / "c1.mp4")[-1] == 74


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((192, 108), 64, (114, 64)), ((108, 192), 64, (64, 114)), ((192, 108), 216, (384, 216))],
)
def test_short_side(tmp_path, size, side, expected):
    source = make_video(tmp_path / "s.mp4", frames=90, size=size)
    manifest, _ = cut_clip(tmp_path, source, 0.0, 75, short_side=side)
    assert (manifest.width, manifest.height) == expected
    assert shown_numbers(tmp_path / "c1.mp4") == list(range(75))


def test_pixels_become_square(tmp_path):
    source = make_video(tmp_path / "s.mp4", frames=90, size=(144, 108), filters="setsar=4/3")
    manifest, _ = cut_clip(tmp_path, source, 0.0, 75)
    assert (manifest.width, manifest.height) == (192, 108)


def test_ten_bit_source(tmp_path):
    output = ("-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le")
    source = make_video(tmp_path / "s.mp4", frames=90, output=output)
    cut_clip(tmp_path, source, 0.5, 60, rawframes=True, seconds=(1,))
    assert shown_numbers(tmp_path / "c1.mp4") == list(range(15, 75))
    with av.open(str(tmp_path / "c1.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_interlaced_source_is_deinterlaced(tmp_path):
    """Fields of two instants weave combs into moving edges; none may be left."""
    width, height, frames = 192, 108, 90
    fields = []
    for number in range(frames * 2):
        image = np.full((height, width, 3), 30, np.uint8)
        left = number * (width - 40) // (frames * 2)
        image[:, left : left + 30] = 220
        fields.append(image)
    woven = []
    for number in range(frames):
        image = fields[2 * number].copy()
        image[1::2] = fields[2 * number + 1][1::2]
        woven.append(image)
    raw = tmp_path / "raw.rgb"
    raw.write_bytes(b"".join(image.tobytes() for image in woven))
    source = tmp_path / "interlaced.mp4"
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "30"),
        *("-i", str(raw), "-vf", "setfield=tff", "-flags", "+ilme+ildct", "-c:v", "libx264"),
        *("-x264-params", "interlaced=1:tff=1", "-crf", "10", "-pix_fmt", "yuv420p", str(source)),
    )
    assert probe(source).interlaced
    cut_clip(tmp_path, source, 0.0, 75)

    def comb(path):
        with av.open(str(path)) as container:
            images = [f.to_ndarray(format="gray").astype(int) for f in container.decode(video=0)]
        rows = np.stack(images[10:70])
        return np.abs(2 * rows[:, 1:-1] - rows[:, :-2] - rows[:, 2:]).mean()

    assert comb(tmp_path / "c1.mp4") < 0.2 * comb(source)


@pytest.fixture(scope="module")
def long_gop(tmp_path_factory) -> Path:
    """300 frames with a key frame in 250 and B-frames, the hardest to jump into."""
    return make_video(tmp_path_factory.mktemp("gop") / "v.mp4", frames=300)


@pytest.mark.parametrize("start", [0.0, 0.5, 3.7, 5.5])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "flv", "mpg", "avi", "webm"])
def test_starts_are_exact_in_every_container(tmp_path, long_gop, suffix, start):
    source = tmp_path / f"v.{suffix}"
    codec = {
        "mpg": ("-c:v", "mpeg2video", "-g", "60", "-q:v", "3"),
        "avi": ("-c:v", "mpeg4", "-g", "250", "-q:v", "3"),
        "webm": ("-c:v", "libvpx", "-b:v", "800k", "-deadline", "realtime", "-cpu-used", "8"),
    }.get(suffix, ("-c", "copy"))
    run_ffmpeg("-i", str(long_gop), *codec, str(source))
    cut_clip(tmp_path, source, start, 75)
    first = round(start * 30)
    assert shown_numbers(tmp_path / "c1.mp4") == list(range(first, first + 75))


def test_clip_at_the_very_end(tmp_path, plain):
    duration = probe(plain).duration
    assert duration == pytest.approx(8.0, abs=0.001)
    cut_clip(tmp_path, plain, 3.0, 150)
    assert shown_numbers(tmp_path / "c1.mp4") == list(range(90, 240))


def test_video_shorter_than_its_promise_is_an_error_and_leaves_nothing(tmp_path, plain):
    with pytest.raises(UserError, match=r"clip c1 of plain.mp4: expected 200 frames .* after 1"):
        cut_clip(tmp_path, plain, 3.0, 200)
    assert not (tmp_path / "c1.mp4").exists()
    assert not (tmp_path / "keys").exists()


def test_images_fill_no_more_than_a_frame_at_the_end(tmp_path, plain):
    """One frame may be held, because containers round the last frame's length."""
    cut_clip(tmp_path, plain, 3.0, 151)
    assert shown_numbers(tmp_path / "c1.mp4")[-2:] == [239, 239]


def test_damage_within_a_source_is_counted(tmp_path, plain):
    content = bytearray(plain.read_bytes())
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle : middle + 400] = b"\xff" * 400
    source = tmp_path / "damaged.mp4"
    source.write_bytes(content)
    manifest, _ = cut_clip(tmp_path, source, 0.0, 240)
    assert manifest.decode_errors > 0


def test_failing_ffmpeg_is_named_with_its_reason(tmp_path, plain):
    with pytest.raises(UserError, match="clip c1 of plain.mp4: ffmpeg could not make it"):
        cut_clip(tmp_path, plain, 0.0, 90, preset="no-such-preset")
    with pytest.raises(UserError, match="no such program"):
        cut_clip(tmp_path, plain, 0.0, 90, ffmpeg="no-such-ffmpeg")


def test_frames_of_a_clip_that_is_cut_already(tmp_path, plain):
    cut_clip(tmp_path, plain, 1.0, 90)
    folder = tmp_path / "later"
    rawframes_of_clip("c1", tmp_path / "c1.mp4", 90, TRIM_SETTINGS, 2, folder, tmp_path / "log")
    images = sorted(folder.iterdir())
    assert [read_number(cv2.imread(str(p))) for p in images] == list(range(30, 120))
    with pytest.raises(UserError, match="expected 91 frames"):
        rawframes_of_clip("c1", tmp_path / "c1.mp4", 91, TRIM_SETTINGS, 2, folder, tmp_path / "log")


def test_manifests_round_trip(tmp_path, plain):
    manifest, keyframes = cut_clip(tmp_path, plain, 0.0, 150, (2, 3), rawframes=True)
    write_clip_manifest(tmp_path / "c1.json", manifest)
    assert read_clip_manifest(tmp_path / "c1.json") == manifest
    write_keyframes_manifest(tmp_path / "c1.csv", keyframes)
    assert read_table(tmp_path / "c1.csv", KEYFRAMES).equals(keyframes)
    write_frames_manifest(tmp_path / "raw.json", "c1", tmp_path / "raw", 150)
    before = (tmp_path / "raw.json").read_text()
    image = tmp_path / "raw" / "img_00077.jpg"
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    write_frames_manifest(tmp_path / "raw.json", "c1", tmp_path / "raw", 150)
    assert (tmp_path / "raw.json").read_text() != before
    (tmp_path / "c1.json").write_text("{}")
    with pytest.raises(UserError, match="not a clip's manifest"):
        read_clip_manifest(tmp_path / "c1.json")


def test_numbered_images_tell_their_number():
    assert [read_number(numbered_image(n, 192, 108)) for n in (0, 1, 2047, 4095)] == [
        0,
        1,
        2047,
        4095,
    ]
