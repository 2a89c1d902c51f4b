"""Cuts inside clips: how many are found, by kind, and what is taken for one.

    uv run python benchmarks/cuts.py [--video VIDEO] [--seed 1000] [--cuts 120]

Videos are put together of shots whose cuts are known: hard ones, fades through black, and
dissolves, of 0.3 to 1.6 s; shots are cut out of the demo's scenes, of `--video`, such as a real
street, and out of generated textures. A hard cut counts as found within 2 frames, a fade or
dissolve where the frame that is told lies within it. What is told beside is a false one.

Then videos without a cut, of each of which a false one would be told: flashes, fast pans, camera
shake, zooms, light that goes on, off or slowly, somebody who passes right before the camera; the
demo's videos, and `--video` itself.

All go through x264 and the very filter by which clips are cut.
"""

import argparse
import sys
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
from footage import (
    DEMO,
    FPS,
    HEIGHT,
    ROOT,
    WIDTH,
    View,
    any_shot,
    cut_out,
    encode,
    images_of,
    texture,
)

sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.videos.probe import probe
from avaflow.videos.shot_plan import ShotPlan

KINDS = ("hard", "fade", "dissolve")
HARD_TOLERANCE = 2
"""Frames by which a hard cut may be told beside its place."""

CUTS_A_VIDEO = 4
LIKENESS = 0.6


def blend(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share[:, None, None, None]
    return (one * (1 - share) + other * share).round().astype(np.uint8)


def join(
    shots: list[np.ndarray], kinds: list[str], random: np.random.Generator
) -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    """The shots one after the other, and for each cut its kind, first and last frame (from 1)."""
    made = shots[0]
    truth = []
    for shot, kind in zip(shots[1:], kinds, strict=True):
        length = int(random.uniform(0.3, 1.6) * FPS)
        if kind == "hard":
            truth.append((kind, len(made) + 1, len(made) + 1))
            made = np.concatenate([made, shot])
        elif kind == "dissolve":
            share = np.arange(1, length + 1) / (length + 1)
            truth.append((kind, len(made) - length + 1, len(made)))
            mixed = blend(made[-length:], shot[:length], share)
            made = np.concatenate([made[:-length], mixed, shot[length:]])
        else:
            out, into = length // 2 + 1, int(random.uniform(0.15, 0.8) * FPS)
            held = int(random.uniform(0, 0.5) * FPS)
            black = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
            truth.append((kind, len(made) - out + 1, len(made) + held + into))
            dark = blend(made[-out:], black, np.arange(1, out + 1) / out)
            light = blend(black, shot[:into], np.arange(1, into + 1) / into)
            made = np.concatenate([made[:-out], dark, black.repeat(held, 0), light, shot[into:]])
    return made, truth


def made_up_video(videos: list[Path], kinds: list[str], random: np.random.Generator):
    """Images with a cut of each of these kinds, and the truth about them."""
    shots: list[np.ndarray] = []
    views: list[View] = []
    while len(shots) <= len(kinds):
        view, shot = any_shot(videos, int(random.uniform(2.5, 5) * FPS), random)
        # The same place again is no cut but a jump in time.
        if not views or view.overlap(views[-1]) < 0.3:
            shots.append(shot)
            views.append(view)
    return join(shots, kinds, random)


def score(truth, found: list[int], counts: dict[str, list[int]]) -> None:
    """Add what was found, missed and told falsely to the counts of each kind."""
    left = list(found)
    for kind, first, last in truth:
        reach = HARD_TOLERANCE if kind == "hard" else 0
        hits = [frame for frame in left if first - reach <= frame <= last + reach]
        counts[kind][0 if hits else 1] += 1
        if hits:
            left.remove(hits[0])
    for frame in left:
        nearest = min(truth, key=lambda cut: abs(frame - (cut[1] + cut[2]) / 2))
        counts[nearest[0]][2] += 1


def wide_picture(videos: list[Path], random: np.random.Generator) -> np.ndarray:
    """A still of several images' width, for a camera to pan over."""
    tiles = []
    for _ in range(3):
        video = videos[int(random.integers(len(videos)))]
        images = images_of(video)
        image = cv2.resize(images[int(random.integers(len(images)))], (WIDTH * 2, HEIGHT * 2))
        tiles += [image, image[:, ::-1]]
    return np.concatenate(tiles, axis=1)


def window(picture: np.ndarray, x: float, y: float, scale: float = 1.0) -> np.ndarray:
    size = (round(WIDTH * scale), round(HEIGHT * scale))
    image = cv2.getRectSubPix(picture, size, (x + WIDTH / 2, y + HEIGHT / 2))
    return cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def uncut(videos: list[Path], random: np.random.Generator):
    """(what happens, images) of videos without a cut."""
    length = 4 * FPS

    def shot():
        return cut_out(videos[int(random.integers(len(videos)))], length, random)[1]

    flashes = shot().astype(np.float32)
    for at in (20, 50, 85):
        for offset in range(int(random.integers(1, 6))):
            flashes[at + offset] += random.uniform(90, 255)
    yield "flashes", np.clip(flashes, 0, 255).astype(np.uint8)

    picture = wide_picture(videos, random)
    width = picture.shape[1]
    y = HEIGHT * random.uniform(0.2, 0.8)
    ways = np.arange(length) / FPS * WIDTH * random.uniform(0.5, 3.0)  # up to 3 widths a second
    reach = width - WIDTH
    xs = np.abs((ways + reach) % (2 * reach) - reach)
    yield "fast pan", np.stack([window(picture, x, y) for x in xs])
    blurred = [
        np.mean([window(picture, x + part, y) for part in np.linspace(0, 12, 7)], axis=0)
        for x in xs
    ]
    yield "blurred pan", np.stack(blurred).astype(np.uint8)

    still = picture[:, : WIDTH * 2]
    jitter = random.normal(0, 0.03, (length, 2)).clip(-0.07, 0.07) * [WIDTH, WIDTH]
    moves = [[WIDTH / 2, HEIGHT / 2] + step for step in jitter]
    yield "shake", np.stack([window(still, x, y) for x, y in moves])

    scales = np.concatenate([np.linspace(1.6, 0.5, 40), np.full(length - 40, 0.5)])
    yield "zoom", np.stack([window(still, WIDTH / 2, HEIGHT / 2, s) for s in scales])

    dimmed = shot().astype(np.float32)
    gain = np.interp(np.arange(length), [0, 40, 70, length], [1, 1, 0.3, 0.3])
    yield "dimmed", (dimmed * gain[:, None, None, None]).astype(np.uint8)
    lit = shot().astype(np.float32)
    gain = np.where(np.arange(length) < 60, 0.35, 1.0)
    yield "light on", (lit * gain[:, None, None, None]).astype(np.uint8)

    passer = shot().copy()
    cloth = texture(WIDTH, HEIGHT, random).astype(np.uint8)
    for frame in range(length):
        x = round((frame - 30) * WIDTH / random.uniform(24, 26) - WIDTH * 0.7)
        left, right = max(0, x), min(WIDTH, x + round(WIDTH * 0.8))
        if left < right:
            passer[frame, :, left:right] = cloth[:, left - x : right - x]
    yield "passer-by", passer


def cuts_of(path: Path, frames: int, folder: Path) -> list[int]:
    """The frames at which `shots` in the clips table's column `cut` would divide a video."""
    plan = ShotPlan(folder / "none.json", FPS, LIKENESS, "", folder)
    return [cut.frame for cut in plan.cuts("made-up", str(path), 0.0, frames, probe(path))]


def found_in(images: np.ndarray, folder: Path) -> list[int]:
    """What is found in images once they are a video."""
    path = folder / "made.mp4"
    encode(images, path)
    return cuts_of(path, len(images), folder)


def main() -> None:
    """Print found, missed and false ones, precision, recall and F1 for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, action="append", default=[])
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--cuts", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5, help="of videos without a cut")
    parser.add_argument("--told", action="store_true", help="name each miss and false one")
    arguments = parser.parse_args()
    videos = [*DEMO, *arguments.video]
    counts = {kind: [0, 0, 0] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name, redirect_stderr(StringIO()):
        folder = Path(name)
        for number in range(arguments.cuts // CUTS_A_VIDEO):
            random = np.random.default_rng([arguments.seed, number])
            kinds = [KINDS[(number + i) % len(KINDS)] for i in range(CUTS_A_VIDEO)]
            images, truth = made_up_video(videos, kinds, random)
            found = found_in(images, folder)
            score(truth, found, counts)
            if arguments.told:
                print(number, truth, found)
        total = np.sum(list(counts.values()), axis=0).tolist()
        print(f"{'kind':<12}{'found':>6}{'missed':>7}{'false':>6}{'F1':>7}")
        for kind, (hit, missed, false) in [*counts.items(), ("all", total)]:
            f1 = 2 * hit / (2 * hit + missed + false)
            print(f"{kind:<12}{hit:>6}{missed:>7}{false:>6}{f1:>7.3f}")
        false_ones: dict[str, int] = {}
        for number in range(arguments.rounds):
            random = np.random.default_rng([arguments.seed, number, 1])
            for what, images in uncut(videos, random):
                found = found_in(images, folder)
                false_ones[what] = false_ones.get(what, 0) + len(found)
                if arguments.told and found:
                    print(number, what, found)
        told = ", ".join(f"{what} {count}" for what, count in false_ones.items())
        print(f"told in {arguments.rounds} videos each without a cut: {told}")
        for video in videos:
            frames = int(probe(video).duration * FPS)
            print(f"told in {video.name}: {len(cuts_of(video, frames, folder))}")


if __name__ == "__main__":
    main()
