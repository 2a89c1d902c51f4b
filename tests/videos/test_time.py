"""The picture of a second, in every kind of file: clips, keyframes, segments and instants."""

import cv2
import pytest

from avaflow.videos.instants import VideoInstants
from avaflow.videos.probe import probe
from cutting import cut_clip
from numbered_videos import read_number, shown_numbers
from video_kinds import Kind, Material, farthest, kinds, truth

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
    pictures = truth(path, kind)
    allowed = max(0.5 / kind.rate, 0.017) + 0.0011  # milliseconds are rounded
    assert pictures[0][0] == pytest.approx(kind.lead, abs=0.05) or "copy-cut" in kind.name
    facts = probe(path)
    assert facts.duration == pytest.approx(pictures[-1][0] + 1 / kind.rate, abs=0.05)
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
        off = farthest(keys, [start + second for second in seconds], pictures)
        shown = shown_numbers(folder / f"{start}" / "c1.mp4")
        all_off = farthest(shown, [start + n / 30 for n in range(frames)], pictures)
        if max(off, all_off) > allowed:
            wrong[start] = (round(off, 4), round(all_off, 4))
    assert not wrong, f"{kind.name}: errors in seconds by start: {wrong}"
    instants = [(k / 10, read_number(load())) for k, load in VideoInstants(path, 10)]
    off = farthest([number for _, number in instants], [time for time, _ in instants], pictures)
    assert off < 0.0011, f"{kind.name}: an instant is {off:.4f} s off"
    assert len(instants) == pytest.approx(facts.duration * 10, abs=1)


@pytest.mark.parametrize("name", FEW)
def test_pictures_of_seconds(tmp_path, material, name):
    check(KINDS[name], tmp_path, material)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(KINDS) - set(FEW)))
def test_pictures_of_seconds_in_every_kind(tmp_path, material, name):
    check(KINDS[name], tmp_path, material)
