"""Every image is the one of its number, whatever was asked for and however it was coded."""

import os
import subprocess
import threading
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from avaflow.errors import UserError
from avaflow.manifests import ClipManifest, write_clip_manifest
from avaflow.videos.frames import ClipVideo, clip_videos, frames_at, prefetched

FRAMES = 95
BITS = 8
CELL_PX = 16
WIDTH, HEIGHT = CELL_PX * BITS, 48


def numbered_image(number: int) -> np.ndarray:
    """A texture that moves a pixel a frame, below cells that spell the number in bits.

    Motion makes the coded frames depend on each other, which noise of its own would not.
    """
    texture = np.random.default_rng(1).integers(60, 190, (HEIGHT, WIDTH), np.uint8)
    image = np.roll(texture, number, axis=1)
    for bit in range(BITS):
        image[:CELL_PX, bit * CELL_PX : (bit + 1) * CELL_PX] = 255 * (number >> bit & 1)
    return np.repeat(image[:, :, None], 3, axis=2)


def number_in(image: np.ndarray) -> int:
    """The number spelled by an image of :func:`numbered_image`, after compression."""
    cells = image[4:12, :, 0].reshape(8, BITS, CELL_PX)[:, :, 4:12].mean(axis=(0, 2))
    return int(sum(1 << bit for bit in range(BITS) if cells[bit] > 127))


def encode(path: Path, *options: str) -> Path:
    """An mp4 of FRAMES numbered images, 30 a second."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "rawvideo"]
    command += ["-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "30", "-i", "pipe:0"]
    command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", *options, str(path)]
    images = b"".join(numbered_image(n).tobytes() for n in range(1, FRAMES + 1))
    subprocess.run(command, input=images, check=True)
    return path


CODINGS = {
    "pyramid": ["-bf", "3", "-b_strategy", "0", "-x264-params", "b-pyramid=normal:ref=4"],
    "flat": ["-bf", "4", "-b_strategy", "0", "-x264-params", "b-pyramid=none", "-g", "30"],
    "no-b": ["-bf", "0", "-g", "12"],
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {name: encode(folder / f"{name}.mp4", *how) for name, how in CODINGS.items()}


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips["pyramid"]


def test_the_test_clip_has_b_frames_that_others_need(clip):
    import av

    with av.open(str(clip)) as container:
        kinds = [
            av.video.frame.PictureType(int(frame.pict_type)).name
            for frame in container.decode(video=0)
        ]
    assert len(kinds) == FRAMES
    assert kinds.count("B") > FRAMES // 2


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(
    "wanted",
    [
        list(range(1, FRAMES + 1)),
        list(range(1, FRAMES + 1, 5)),
        [1],
        [FRAMES],
        [2, 3, 40, 41, 43, 94],
        [7, 37, 67],
    ],
)
def test_images_carry_their_numbers(clips, coding, wanted):
    given = list(frames_at(clips[coding], wanted))
    assert [frame for frame, _ in given] == wanted
    assert [number_in(image) for _, image in given] == wanted
    assert all(image.shape == (HEIGHT, WIDTH, 3) for _, image in given)
    assert all(image.dtype == np.uint8 for _, image in given)


@pytest.mark.parametrize("coding", CODINGS)
def test_leaving_out_frames_changes_no_pixel_of_the_others(clips, coding):
    every = dict(frames_at(clips[coding], range(1, FRAMES + 1)))
    wanted = sorted(np.random.default_rng(5).choice(np.arange(1, FRAMES + 1), 20, replace=False))
    for frame, image in frames_at(clips[coding], [int(frame) for frame in wanted], threads=2):
        assert np.array_equal(image, every[frame])


def test_colour_order_is_bgr(tmp_path):
    blue = tmp_path / "blue.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += ["-i", "color=blue:size=64x64:rate=30:duration=0.1", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(blue)], check=True)
    [(_, image)] = frames_at(blue, [2])
    assert image[32, 32, 0] > 230
    assert image[32, 32, 1:].max() < 25


def test_nothing_wanted_opens_nothing():
    assert list(frames_at("no such file.mp4", [])) == []


@pytest.mark.parametrize("wanted", [[0, 1], [3, 2], [2, 2]])
def test_frames_must_ascend_from_1(clip, wanted):
    with pytest.raises(ValueError, match="ascending"):
        next(frames_at(clip, wanted))


def test_a_video_that_ends_early_is_named(clip):
    with pytest.raises(UserError, match=r"pyramid\.mp4: expected frame 120.*after frame 95"):
        list(frames_at(clip, [1, 90, 120]))


def test_a_truncated_file_is_named(clip, tmp_path):
    broken = tmp_path / "broken.mp4"
    # The index lies at the end of an mp4 that is not prepared for streaming.
    broken.write_bytes(clip.read_bytes()[:-500])
    with pytest.raises(UserError, match=r"broken\.mp4.*cannot be read"):
        list(frames_at(broken, [1]))


def test_lost_images_are_noticed(clip, tmp_path):
    fast = tmp_path / "fast.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-c", "copy"]
    subprocess.run([*command, "-movflags", "+faststart", str(fast)], check=True)
    fast.write_bytes(fast.read_bytes()[: fast.stat().st_size // 2])
    with pytest.raises(UserError, match=r"fast\.mp4"):
        list(frames_at(fast, range(1, FRAMES + 1)))


def test_missing_text_and_audio_files_are_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.mp4.*No such file"):
        list(frames_at(tmp_path / "gone.mp4", [1]))
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    with pytest.raises(UserError, match=r"text\.mp4"):
        list(frames_at(tmp_path / "text.mp4", [1]))
    sound = tmp_path / "sound.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    subprocess.run([*command, "-i", "sine=duration=0.2", str(sound)], check=True)
    with pytest.raises(UserError, match=r"sound\.mp4: expected a video stream"):
        list(frames_at(sound, [1]))


def test_a_playlist_posing_as_a_clip_is_not_followed(clip, tmp_path):
    (tmp_path / "real.mp4").write_bytes(clip.read_bytes())
    posing = tmp_path / "posing.mp4"
    posing.write_text("ffconcat version 1.0\nfile 'real.mp4'\n")
    with pytest.raises(UserError, match=r"posing\.mp4: cannot be read"):
        list(frames_at(posing, [1]))


def test_a_variable_rate_is_refused(clip, tmp_path):
    uneven = tmp_path / "uneven.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip)]
    command += ["-vf", "setpts='(N+0.4*mod(N,2))/30/TB'", "-fps_mode", "vfr"]
    subprocess.run([*command, "-enc_time_base", "1/15360", str(uneven)], check=True)
    with pytest.raises(UserError, match=r"uneven\.mp4: expected a constant"):
        list(frames_at(uneven, range(1, 60)))


def test_reading_stops_after_the_last_wanted_frame(clip, tmp_path):
    import av

    short = tmp_path / "short.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-c", "copy"]
    subprocess.run([*command, "-movflags", "+faststart", str(short)], check=True)
    with av.open(str(short)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.pos]
    # Everything after the first half is gone, so reading on would meet the end of the file.
    short.write_bytes(short.read_bytes()[: places[50]])
    assert [frame for frame, _ in frames_at(short, [1, 10, 20])] == [1, 10, 20]


def test_prefetching_changes_nothing(clip):
    wanted = list(range(1, FRAMES + 1, 3))
    ahead = list(prefetched(frames_at(clip, wanted), depth=2))
    assert [number_in(image) for _, image in ahead] == wanted


def test_prefetching_runs_ahead_no_further_than_its_depth():
    made = []

    def produce():
        for number in range(50):
            made.append(number)
            yield number

    items = prefetched(produce(), depth=3)
    assert next(items) == 0
    deadline = time.monotonic() + 2
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 5  # one used, three waiting, one in the producer's hands
    assert list(items) == list(range(1, 50))


def test_prefetching_hands_on_errors_where_they_happen():
    def produce():
        yield 1
        raise UserError("the clip broke")

    items = prefetched(produce())
    assert next(items) == 1
    with pytest.raises(UserError, match="the clip broke"):
        next(items)


def test_prefetching_ends_its_thread_when_the_consumer_stops():
    closed = threading.Event()

    def produce():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    items = prefetched(produce(), depth=1)
    next(items)
    items.close()
    assert closed.wait(2)
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def manifest(folder: Path, clip: str) -> Path:
    path = folder / f"{clip}.json"
    write_clip_manifest(path, ClipManifest(clip, "v.mp4", 0.0, 30, 330, 640, 360, "0" * 64, 0))
    return path


def test_clip_videos_are_sorted_and_checked(tmp_path):
    b, a = manifest(tmp_path, "b"), manifest(tmp_path, "a")
    assert clip_videos(["b", "a"], ["b.mp4", "a.mp4"], [b, a]) == [
        ClipVideo("a", "a.mp4", 330, 30, 640, 360),
        ClipVideo("b", "b.mp4", 330, 30, 640, 360),
    ]
    with pytest.raises(UserError, match=r"manifest of clip 'a', found that of 'b'"):
        clip_videos(["a", "b"], ["a.mp4", "b.mp4"], [b, a])


def test_memory_stays_flat(tmp_path):
    """600 images of 0.7 MB pass; held together they would take 400 MB."""
    resource = pytest.importorskip("resource")
    long = tmp_path / "long.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += ["-i", "color=gray:size=640x360:rate=30:duration=20", "-preset", "ultrafast"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(long)], check=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = sum(1 for _ in prefetched(frames_at(long, range(1, 601))))
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert count == 600
    assert grown_kb / (1024 if os.uname().sysname == "Darwin" else 1) < 150_000
