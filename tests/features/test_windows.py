"""Windows against the known extractor's indexing, written down independently."""

import weakref

import numpy as np
import pytest

from avaflow.features.windows import Windows, stream_windows
from avaflow.videos.instants import UnreadableVideo


class Counted:
    """Instants whose images are their own numbers; notes which were loaded."""

    def __init__(self, frames):
        self.frames_there = frames
        self.loaded = []
        self.idle_until = 0.0

    def __iter__(self):
        for instant in range(self.frames_there):
            yield instant, lambda i=instant: self.load(i)

    def load(self, instant):
        self.loaded.append(instant)
        return np.array([instant])


def rows(windows, frames, seconds=None):
    """(centre, frame numbers, None for zeros) of every window."""
    return [
        (window.centre, [p if p is None else int(p[0]) for p in window.images])
        for window in stream_windows(Counted(frames), windows, seconds)
    ]


def known_extractor(frames, num_frames, in_fps, out_fps):
    """Its windows: one for each frame it holds, empty places where there is no frame."""
    step = int(in_fps / out_fps)
    found = []
    for index in range(frames):
        start, end = int(index - step * num_frames / 2), int(index + step * num_frames / 2)
        window = [None] * num_frames
        for place, frame in enumerate(range(start, end, step)):
            if 0 <= frame <= frames - 1:
                window[place] = frame
        found.append((index, window))
    return found


@pytest.mark.parametrize("frames", [1, 7, 90, 131])
@pytest.mark.parametrize(("in_fps", "out_fps"), [(15, 15), (30, 15), (60, 20)])
def test_rows_and_frames_are_the_known_extractors(frames, in_fps, out_fps):
    windows = Windows(32, in_fps, out_fps, "input_frames")
    assert rows(windows, frames) == known_extractor(frames, 32, in_fps, out_fps)
    # One per frame at out_fps: those of its windows that are centred on such a frame.
    step = in_fps // out_fps
    at_out_fps = rows(Windows(32, in_fps, out_fps), frames)
    assert at_out_fps == known_extractor(frames, 32, in_fps, out_fps)[::step]
    assert len(at_out_fps) == -(-frames // step)


def test_by_hand():
    assert rows(Windows(4, 10, 10), 3) == [
        (0, [None, None, 0, 1]),
        (1, [None, 0, 1, 2]),
        (2, [0, 1, 2, None]),
    ]
    # Every third frame at out_fps 5, of 10 frames a second: frames 0, 6 and 12 of 14.
    assert rows(Windows(4, 10, 5, stride=3), 14) == [
        (0, [None, None, 0, 2]),
        (6, [2, 4, 6, 8]),
        (12, [8, 10, 12, None]),
    ]


def test_an_offset_moves_the_first_window():
    """Of 100 frames: windows at 16, 48, 80, as banks of every 32nd frame have them."""
    windows = Windows(32, 30, 30, "input_frames", stride=32, offset=16)
    found = rows(windows, 100)
    assert [centre for centre, _ in found] == [16, 48, 80] == windows.centres_of(100)
    assert found[0][1] == list(range(32)) and found[1][1] == list(range(32, 64))
    # Counted as the windows are: in frames at out_fps, 3 of which are 6 at in_fps.
    by_frame = Windows(4, 10, 5, stride=3, offset=3)
    assert [centre for centre, _ in rows(by_frame, 20)] == [6, 12, 18]
    on_keyframes = Windows(4, 10, 10, "keyframes", stride=2, offset=1)
    assert [centre for centre, _ in rows(on_keyframes, 60)] == [10, 30, 50]
    assert [centre for centre, _ in rows(on_keyframes, 60, [2, 3, 4, 5])] == [30, 50]
    assert rows(windows, 16) == []


def test_repeated_images():
    windows = Windows(4, 10, 10, padding="repeat")
    assert rows(windows, 3) == [(0, [0, 0, 0, 1]), (1, [0, 0, 1, 2]), (2, [0, 1, 2, 2])]
    assert rows(windows, 1) == [(0, [0, 0, 0, 0])]


def test_keyframes():
    every = Windows(4, 10, 10, "keyframes")
    assert [centre for centre, _ in rows(every, 25)] == [0, 10, 20]
    assert rows(every, 40, [2, 3]) == [(20, [18, 19, 20, 21]), (30, [28, 29, 30, 31])]
    assert rows(every, 40, []) == []
    assert [centre for centre, _ in rows(Windows(4, 10, 10, "keyframes", 2), 45)] == [0, 20, 40]
    assert every.centres_of(25) == [0, 10, 20]


def test_a_keyframe_beyond_the_end():
    with pytest.raises(UnreadableVideo, match="a keyframe at 3 s, but it ends at 2.5 s"):
        rows(Windows(4, 10, 10, "keyframes"), 25, [1, 3, 4])


@pytest.mark.parametrize("kind", ["frames", "input_frames"])
def test_other_windows_take_no_notice_of_keyframes(kind):
    windows = Windows(4, 10, 5, kind, stride=3)
    assert rows(windows, 14, [1, 3, 99]) == rows(windows, 14)


def test_the_defaults_are_what_weights_were_trained_on():
    # PySlowFast's SAMPLING_RATE 2 of videos at 30 frames a second.
    assert Windows().step == 2 and Windows().num_frames == 32


def test_only_wanted_frames_are_loaded_each_once():
    source = Counted(1000)
    list(stream_windows(source, Windows(4, 10, 5, stride=100)))
    # Centres 0, 200, ... 800, two frames apart: from 4 before to 2 after.
    expected = [c + d for c in range(0, 1000, 200) for d in (-4, -2, 0, 2)] + [996, 998]
    assert source.loaded == [frame for frame in expected if frame >= 0]
    assert source.idle_until == (1000 - 4) / 10


def test_what_is_held_does_not_grow_with_the_video():
    """Of all images ever made only those of open windows are alive."""
    most = {}
    for frames in (200, 2000):
        alive = weakref.WeakSet()
        peak = 0

        class Image(np.ndarray):
            __hash__ = object.__hash__

        def prepare(image, alive=alive, kind=Image):
            made = image.view(kind)
            alive.add(made)
            return made

        for _ in stream_windows(Counted(frames), Windows(32, 30, 15), None, prepare):
            peak = max(peak, len(alive))
        most[frames] = peak
    # A window of 32 spans 64 frames, and each of them is in some open window.
    assert most[200] == most[2000] <= 65
