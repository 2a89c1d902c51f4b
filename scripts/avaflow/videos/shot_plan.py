"""Cuts of whole ranges of videos, found before any clip is cut: `shots` in the clips table.

Every image of a range is decoded for it once, by all cores; a file keeps what was found for the
next start. 1080p takes about a sixth of its length on two cores.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from avaflow.files import write_text
from avaflow.times import Frame
from avaflow.videos.ffmpeg import ffmpeg_exe, run_ffmpeg
from avaflow.videos.filters import constant_rate, source_images
from avaflow.videos.probe import VideoFacts
from avaflow.videos.shots import Cut, find_cuts, images_in, small_output

FINDING = 1
"""Version of how cuts are found: what another one found is looked for anew."""

ALL_CORES = 0
"""ffmpeg's word for as many threads as there are cores."""


class ShotPlan:
    """The cuts of ranges of videos, kept in a file by each video's path, size and change time."""

    def __init__(self, path: str | Path, fps: int, likeness: float, ffmpeg: str, logs: Path):
        self.path, self.fps, self.likeness = Path(path), fps, likeness
        self.ffmpeg, self.logs = ffmpeg, logs
        self._known: dict[str, list[list[int]]] = {}
        self._asked: set[str] = set()
        self._changed = False
        try:
            loaded = json.loads(self.path.read_text(encoding="utf-8"))
            self._known = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            pass  # nothing kept yet, or a file that was cut short: all is looked at anew

    def cuts(
        self, clip: str, source: str, start: float, frames: int, facts: VideoFacts
    ) -> list[Cut]:
        """The cuts in so many frames of a video from second `start` on; `clip` is for messages."""
        stat = os.stat(source)
        how = f"{start:.6f}|{frames}|{self.fps}|{self.likeness:g}|{FINDING}"
        key = f"{source}|{stat.st_size}|{stat.st_mtime_ns}|{how}"
        self._asked.add(key)
        known = self._known.get(key)
        if known is not None:
            with suppress(TypeError):
                return [Cut(*(Frame(int(frame)) for frame in cut)) for cut in known]
        # It takes long enough to wonder.
        print(f"avaflow: looking for cuts in {source} ...", file=sys.stderr, flush=True)
        found = self._find(clip, Path(source), start, frames, facts)
        self._known[key] = [list(cut) for cut in found]
        self._changed = True
        return found

    def _find(
        self, clip: str, source: Path, start: float, frames: int, facts: VideoFacts
    ) -> list[Cut]:
        log = self.logs / f"{clip}.log"
        with read_small(source, start, frames, self.fps, facts, self.ffmpeg, log) as small:
            return find_cuts(small, self.fps, self.likeness)

    def save(self) -> None:
        """Write what was found, if anything is new, keeping only what this run asked for."""
        if not self._changed:
            return
        kept = {key: cuts for key, cuts in self._known.items() if key in self._asked}
        # A full or read-only disk costs the next start some time, and is no reason to stop here.
        with suppress(OSError):
            write_text(self.path, json.dumps(kept, sort_keys=True) + "\n")
        self._changed = False


@contextmanager
def read_small(
    source: Path, start: float, frames: int, fps: int, facts: VideoFacts, ffmpeg: str, log: Path
) -> Iterator[np.ndarray]:
    """Small images of so many frames of a video from second `start` on, while they are needed."""
    exe = ffmpeg_exe(ffmpeg)
    stream = source_images(source, start, facts, exe, ALL_CORES)
    stream = constant_rate(stream, facts, frames, fps, "keep")
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.rgb")
        run_ffmpeg([small_output(stream, small, frames)], exe, log, f"{source}", small)
        yield images_in(small)


def shots_between(cuts: Iterable[Cut], frames: int) -> list[tuple[Frame, Frame]]:
    """First and last frame of each shot; what lies within a fade or dissolve is in none."""
    shots = []
    begin = 1
    for cut in cuts:
        shots.append((Frame(begin), Frame(cut.first - 1)))
        begin = cut.last + 1
    return [*shots, (Frame(begin), Frame(frames))]
