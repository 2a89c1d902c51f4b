"""Segments: exactly the frames of each second, whatever the source, and what is refused."""

import av
import numpy as np
import pytest
from PIL import Image

from avaflow.errors import UserError
from avaflow.videos.segments import (
    read_segments_manifest,
    second_of_name,
    segment_count,
    segment_name,
    segments_digest,
    write_segments_manifest,
)
from cutting import cut_clip, cut_into_segments
from numbered_videos import make_video, read_number, run_ffmpeg, shown_numbers

pytestmark = pytest.mark.slow


def decoded(path):
    with av.open(str(path)) as container:
        frames = [f for f in container.decode(video=0)]
    return frames


def image(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_every_frame_of_every_segment_of_a_source_of_the_same_rate(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=160, fps="25")
    manifest = cut_into_segments(video, tmp_path / "out")
    assert (manifest.segments, manifest.frames, manifest.left_out) == (6, 25, 0.4)
    names = [f"{900 + second}" for second in range(6)]
    assert sorted(p.name for p in (tmp_path / "out/a/clips").iterdir()) == [
        f"{name}.mp4" for name in names
    ]
    for second, name in enumerate(names):
        clip = tmp_path / f"out/a/clips/{name}.mp4"
        assert shown_numbers(clip) == list(range(25 * second, 25 * second + 25))
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            assert stream.average_rate == 25 and stream.codec_context.name == "h264"
            assert not container.streams.audio
            assert [frame.pts for frame in container.decode(video=0)][0] == 0
        assert read_number(image(tmp_path / f"out/a/keyframes/{name}.jpg")) == 25 * second


# At second s a video of rate r shows its frame floor(s * r), but one that begins within half a
# frame of 25 a second after it counts as begun: 23.976 * 3 = 71.93, and frame 72 begins 3 ms later.
AT_SECONDS = {
    "24": [0, 24, 48, 72, 96],
    "24000/1001": [0, 24, 48, 72, 96],
    "30": [0, 30, 60, 90, 120],
    "50": [0, 50, 100, 150, 200],
}


@pytest.mark.parametrize("fps", AT_SECONDS)
def test_sources_of_other_rates_give_25_frames_and_the_frame_of_the_second(tmp_path, fps):
    expected = AT_SECONDS[fps]
    video = make_video(tmp_path / "v.mp4", frames=expected[1] * 5 + 1, fps=fps)
    manifest = cut_into_segments(video, tmp_path / "out")
    assert manifest.segments == 5
    for second, number in enumerate(expected):
        name = 900 + second
        frames = shown_numbers(tmp_path / f"out/a/clips/{name}.mp4")
        assert len(frames) == 25 and frames[0] == number and frames == sorted(frames)
        assert read_number(image(tmp_path / f"out/a/keyframes/{name}.jpg")) == number


def test_a_variable_rate_source_shows_at_each_second_what_it_shows_then(tmp_path):
    # Frames 0, 1, 2, ... at 30 a second, of which the even ones between 1 s and 3 s are dropped.
    video = make_video(
        tmp_path / "v.mkv",
        frames=150,
        output=("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", "-fps_mode", "vfr"),
        filters="select='not(between(n,30,90)*not(mod(n,2)))'",
    )
    assert cut_into_segments(video, tmp_path / "out").segments == 5
    # At 1 s frame 30 is dropped: 29 is still shown, for 31 begins 33 ms later.
    for second, number in enumerate([0, 29, 59, 89, 120]):
        frames = shown_numbers(tmp_path / f"out/a/clips/{900 + second}.mp4")
        assert len(frames) == 25 and frames[0] == number


@pytest.mark.parametrize("fps", ["24000/1001", "30000/1001"])
def test_segments_begin_with_the_images_that_people_annotate(tmp_path, fps):
    """Over 20 s NTSC rates drift by 20 ms: half a frame at 25 fps and more than at 30."""
    video = make_video(tmp_path / "v.mp4", frames=round(20.2 * eval(fps)), fps=fps)
    manifest = cut_into_segments(video, tmp_path / "out")
    assert manifest.segments == 20
    clip, _ = cut_clip(tmp_path / "trimmed", video, 0.0, 30 * 20, (2, 3))
    annotated = shown_numbers(tmp_path / "trimmed" / "c1.mp4")[::30]
    begins = [shown_numbers(tmp_path / f"out/a/clips/{900 + s}.mp4")[0] for s in range(20)]
    assert clip.frames == 600 and begins == annotated


def test_a_range_in_the_middle_of_a_video(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=300, fps="30")
    manifest = cut_into_segments(video, tmp_path / "out", start=2.5, end=5.9)
    assert manifest.segments == 3 and manifest.left_out == pytest.approx(0.4)
    firsts = [shown_numbers(tmp_path / f"out/a/clips/{n}.mp4")[0] for n in (900, 901, 902)]
    assert firsts == [75, 105, 135]


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((960, 540), 360, (640, 360)),
        ((540, 960), 360, (360, 640)),  # portrait
        ((192, 108), 360, (192, 108)),  # never enlarged
        ((854, 480), 360, (640, 360)),  # 640.5: the nearest even side
        ((191, 109), 360, (190, 108)),  # even sides
        ((192, 108), "keep", (192, 108)),
        ((960, 540), 256, (456, 256)),
    ],
)
def test_sizes(tmp_path, size, side, expected):
    output = ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv444p")
    video = make_video(tmp_path / "v.mp4", frames=30, size=size, output=output)
    manifest = cut_into_segments(video, tmp_path / "out", short_side=side)
    assert (manifest.width, manifest.height) == expected
    (frame, *_) = decoded(tmp_path / "out/a/clips/900.mp4")
    assert (frame.width, frame.height) == expected
    assert image(tmp_path / "out/a/keyframes/900.jpg").shape[:2] == expected[::-1]


def test_longer_segments_overlap_so_that_each_second_has_one(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=160, fps="30")
    manifest = cut_into_segments(video, tmp_path / "out", segment_seconds=3, fps=30)
    assert (manifest.segments, manifest.frames) == (3, 90)
    for second in range(3):
        shown = shown_numbers(tmp_path / f"out/a/clips/{900 + second}.mp4")
        assert shown == list(range(30 * second, 30 * second + 90))
        jpeg = tmp_path / f"out/a/keyframes/{900 + second}.jpg"
        assert read_number(image(jpeg)) == 30 * second


def test_numbering_in_sequence_and_offset_zero(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=75, fps="25")
    manifest = cut_into_segments(video, tmp_path / "out", numbering="sequence")
    assert sorted(p.name for p in (tmp_path / "out/a/keyframes").iterdir()) == [
        "0001.jpg",
        "0002.jpg",
        "0003.jpg",
    ]
    assert manifest.name(0) == "0001"
    cut_into_segments(video, tmp_path / "zero", offset=0)
    for second in range(3):
        assert shown_numbers(tmp_path / f"zero/a/clips/{second}.mp4")[0] == 25 * second
        jpeg = tmp_path / f"zero/a/keyframes/{second}.jpg"
        assert read_number(image(jpeg)) == 25 * second


def test_names():
    assert segment_name(2, "timestamp", 900) == "902"
    assert segment_name(0, "sequence", 900) == "0001"
    assert second_of_name("902", "timestamp", 900) == 2
    assert second_of_name("0902", "timestamp", 900) is None
    assert second_of_name("899", "timestamp", 900) is None
    assert second_of_name("0003", "sequence", 900) == 2
    assert second_of_name("0000", "sequence", 900) is None
    assert second_of_name("3", "sequence", 900) is None
    assert second_of_name("x", "sequence", 900) is None


def test_counts():
    assert segment_count(25, 25, 1) == 1
    assert segment_count(24, 25, 1) == 0
    assert segment_count(274, 25, 1) == 10
    assert segment_count(150, 30, 2) == 4


def test_less_than_a_second_is_refused_and_leaves_nothing(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=20, fps="25")
    with pytest.raises(UserError, match=r"clip a of .*v\.mp4: the clip has 0\.800 s, which is le"):
        cut_into_segments(video, tmp_path / "out")
    assert not (tmp_path / "out/a").exists()


def test_a_source_that_ends_early_is_refused_and_leaves_nothing(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=100, fps="25")
    with pytest.raises(UserError, match=r"expected 6 segments of 25 frames.*end after 4"):
        cut_into_segments(video, tmp_path / "out", end=6.0)
    assert not (tmp_path / "out/a").exists()


def test_sound_and_rotation(tmp_path):
    plain = make_video(tmp_path / "plain.mp4", frames=50, fps="25")
    turned = tmp_path / "turned.mp4"
    sound = ("-f", "lavfi", "-i", "sine=440:d=2")
    run_ffmpeg("-display_rotation", "90", "-i", str(plain), *sound, "-c:v", "copy", str(turned))
    manifest = cut_into_segments(turned, tmp_path / "out")
    assert (manifest.width, manifest.height) == (108, 192)
    numbers = shown_numbers(tmp_path / "out/a/clips/901.mp4", rotate=-1)
    assert numbers == list(range(25, 50))


def test_the_same_bytes_again_and_the_manifest(tmp_path):
    video = make_video(tmp_path / "v.mp4", frames=60, fps="25")
    first, second = (
        cut_into_segments(video, tmp_path / "one"),
        cut_into_segments(video, tmp_path / "two"),
    )
    assert first == second
    assert segments_digest(tmp_path / "one/a", 2, "timestamp", 900) == (first.bytes, first.sha256)
    path = tmp_path / "m.json"
    write_segments_manifest(path, first)
    assert read_segments_manifest(path) == first
    path.write_text("{}")
    with pytest.raises(UserError, match="this is not a manifest of segments"):
        read_segments_manifest(path)
