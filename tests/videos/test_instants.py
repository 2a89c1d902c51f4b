"""Images at regular instants: every image says its own number."""

import cv2
import numpy as np
import pytest

from avaflow.videos.instants import FolderInstants, UnreadableVideo, VideoInstants, frame_matcher
from numbered_videos import make_video, numbered_image, read_number, run_ffmpeg


def numbers(source):
    return [read_number(load()) for _, load in source]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """90 numbered frames at 30 a second."""
    return make_video(tmp_path_factory.mktemp("v") / "v.mp4", frames=90)


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (30, list(range(90))),
        (15, list(range(0, 90, 2))),
        (60, [k // 2 for k in range(180)]),
        (20, [3 * k // 2 for k in range(60)]),
        (25, [6 * k // 5 for k in range(75)]),
    ],
)
def test_any_rate(video, fps, expected):
    source = VideoInstants(video, fps)
    assert numbers(source) == expected
    assert source.frames == len(expected) and source.damages == 0


def test_times_rounded_to_milliseconds(tmp_path):
    path = make_video(tmp_path / "v.mkv", frames=60, fps="30")
    assert numbers(VideoInstants(path, 30)) == list(range(60))


def test_changing_rate_and_b_frames(tmp_path, video):
    # Frames 0..29 at 30 a second, then every frame twice as long.
    path = tmp_path / "v.mp4"
    slower = "setpts='if(lt(N,30),N/30,1+(N-30)/15)/TB'"
    run_ffmpeg(
        *("-i", str(video), "-vf", slower, "-fps_mode", "vfr"),
        *("-c:v", "libx264", "-bf", "3", str(path)),
    )
    expected = list(range(30)) + [30 + k // 2 for k in range(120)]
    found = numbers(VideoInstants(path, 30))
    assert found[:149] == expected[:149] and len(found) in (149, 150)


def test_idle_stretches_give_the_same_images(video):
    source = VideoInstants(video, 30)
    found = {}
    for instant, load in source:
        source.idle_until = 2.5
        if instant >= 75:
            found[instant] = read_number(load())
    assert found == {k: k for k in range(75, 90)}


def test_a_turned_video_stands_upright(tmp_path, video):
    path = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", str(video), "-c", "copy", str(path))
    upright = tmp_path / "upright.png"
    # ffmpeg turns images by itself, as players do.
    run_ffmpeg("-i", str(path), "-frames:v", "1", str(upright))
    expected = cv2.imread(str(upright))[:, :, ::-1]
    _, load = next(iter(VideoInstants(path, 30)))
    assert load().shape == expected.shape == (192, 108, 3)
    assert np.abs(load().astype(int) - expected).mean() < 5


@pytest.mark.parametrize("turn", ["", "90", "180", "270"])
def test_colours_and_turns_are_ffmpegs(tmp_path, turn):
    """Four patches of different colours, as ffmpeg itself decodes and turns them."""
    image = np.zeros((96, 128, 3), np.uint8)
    image[:48, :64], image[:48, 64:] = (220, 30, 30), (30, 220, 30)
    image[48:, :64], image[48:, 64:] = (30, 30, 220), (200, 200, 40)
    flat, path, raw = tmp_path / "flat.mp4", tmp_path / "v.mp4", tmp_path / "raw"
    cv2.imwrite(str(tmp_path / "p.png"), image[:, :, ::-1])
    still = ("-loop", "1", "-i", str(tmp_path / "p.png"), "-frames:v", "3")
    run_ffmpeg(*still, "-pix_fmt", "yuv420p", "-c:v", "libx264", str(flat))
    run_ffmpeg(
        *(("-display_rotation", turn) if turn else ()), "-i", str(flat), "-c", "copy", str(path)
    )
    run_ffmpeg("-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", str(raw))
    shape = (128, 96, 3) if turn in ("90", "270") else (96, 128, 3)
    expected = np.frombuffer(raw.read_bytes(), np.uint8).reshape(shape)
    _, load = next(iter(VideoInstants(path, 25)))
    assert load().shape == shape
    assert np.abs(load().astype(int) - expected).mean() < 5
    if not turn:
        assert np.abs(load()[10, 10].astype(int) - (220, 30, 30)).max() < 12


def test_the_end_is_known_only_where_it_was_reached(video):
    source = VideoInstants(video, 30)
    next(iter(source))
    assert not source.ended
    list(source)
    assert source.ended


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"#EXTM3U\n", "this is a playlist"),
        (b"", "is empty"),
        (bytes(range(256)) * 40, "no video could be read"),
    ],
)
def test_unreadable(tmp_path, content, expected):
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(UnreadableVideo, match=expected):
        list(VideoInstants(tmp_path / "v.mp4", 30))


def test_a_video_cut_short(tmp_path, video):
    path = make_video(
        tmp_path / "v.mp4",
        frames=150,
        output=("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableVideo, match="the file was cut short"):
        list(VideoInstants(path, 30))


def test_damage_inside_is_counted_and_shown_over(tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=90, output=("-c:v", "mjpeg", "-q:v", "3"))
    content = bytearray(path.read_bytes())
    # Every image of this kind stands alone; frame 40 loses its header.
    starts = [i for i in range(len(content) - 2) if content[i : i + 3] == b"\xff\xd8\xff"]
    content[starts[40] : starts[41]] = bytes(starts[41] - starts[40])
    path.write_bytes(content)
    source = VideoInstants(path, 30)
    assert numbers(source) == [39 if k == 40 else k for k in range(90)]
    assert source.damages == 1


def write_frames(folder, these, pattern="frame_{:010d}.jpg"):
    folder.mkdir(exist_ok=True)
    for number in these:
        cv2.imwrite(str(folder / pattern.format(number)), numbered_image(number, 96, 54))
    return folder


def test_a_folder_of_frames_in_order_and_in_rgb(tmp_path):
    folder = write_frames(tmp_path / "f", range(1, 13))
    (folder / "notes.txt").write_text("not a frame")
    assert numbers(FolderInstants(folder, "frame_{:010d}.jpg")) == list(range(1, 13))
    blue = np.zeros((32, 32, 3), np.uint8)
    blue[:, :, 0] = 255
    cv2.imwrite(str(folder / "frame_0000000013.jpg"), blue)
    *_, (_, load) = FolderInstants(folder, "frame_{:010d}.jpg")
    assert load()[16, 16].argmax() == 2  # cv2 writes blue first, we read it last


def test_numbers_without_leading_zeros(tmp_path):
    folder = write_frames(tmp_path / "f", range(8, 12), "{}.png")
    assert numbers(FolderInstants(folder, "{}.png")) == [8, 9, 10, 11]


def test_gaps_are_named(tmp_path):
    folder = write_frames(tmp_path / "f", [1, 2, 5, 6, 8])
    with pytest.raises(
        UnreadableVideo, match=r"frame_0000000003\.jpg, .*4\.jpg, .*7\.jpg missing"
    ) as told:
        list(FolderInstants(folder, "frame_{:010d}.jpg"))
    assert str(told.value).endswith("Write the frames anew, or number them without a gap")


def test_a_folder_without_such_frames(tmp_path):
    folder = write_frames(tmp_path / "f", [1, 2])
    with pytest.raises(
        UnreadableVideo,
        match=r"called like img_00001\.jpg .* found frame_0000000001\.jpg and 1 more",
    ):
        list(FolderInstants(folder, "img_{:05d}.jpg"))


def test_a_frame_that_is_no_image(tmp_path):
    folder = write_frames(tmp_path / "f", [1, 2])
    (folder / "frame_0000000002.jpg").write_text("no")
    with pytest.raises(UnreadableVideo, match="frame_0000000002.jpg: cannot be read as an image"):
        numbers(FolderInstants(folder, "frame_{:010d}.jpg"))


@pytest.mark.parametrize("pattern", ["frame.jpg", "{}{}.jpg", "a/{}.jpg", "{name}.jpg", "{:x}y{"])
def test_patterns_that_cannot_be(pattern):
    with pytest.raises(ValueError, match=r"[{f/]"):
        frame_matcher(pattern)
