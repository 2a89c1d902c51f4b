"""Copies of clips in other splits: how many are found, by kind, and what is taken for one.

    uv run python benchmarks/duplicates.py [--video VIDEO] [--seed 1000] [--clips 1000]

Clips are scenes drawn before the demo's three backgrounds, so that a third of them show one and
the same place, and parts of `--video`, such as a real street: its quarters, each early and late.
Of each, copies are made: encoded anew (crf 35, half the size), cropped to 80 % of its sides,
mirrored, and begun 0.5 to 5 s later. Every clip is then held against the copies of all. Last, the
processor seconds that so many clips take, half of them in each split: the same ones, over and
over, each with its eighths in another order. A third of their pairs are of one camera.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from footage import FFMPEG, FPS, ROOT, cut_region, drawn_scene, encode, images_of

sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.videos.duplicates import find_duplicates
from avaflow.videos.motion import moving_images
from avaflow.videos.probe import probe
from avaflow.videos.shot_plan import read_small

CLIP_SECONDS = 8
STREET_SECONDS = 4.8
KINDS = ("as it is", "encoded anew", "cropped", "mirrored", "later")


def motion_of(video: Path, start: float, seconds: float, folder: Path) -> np.ndarray:
    """What a clip of a video keeps for the search."""
    frames = int(seconds * FPS)
    with read_small(video, start, frames, FPS, probe(video), "", folder / "log") as small:
        return moving_images(small, FPS)


def copy_of(video: Path, kind: str, path: Path, random: np.random.Generator) -> Path:
    """A copy of a whole video, changed in this way."""
    left, top = random.uniform(0, 0.2, 2)
    filters, crf = {
        "encoded anew": ("scale=iw/2:ih/2", 35),
        "cropped": (f"crop=iw*0.8:ih*0.8:iw*{left:.3f}:ih*{top:.3f},scale=320:180", 23),
        "mirrored": ("hflip", 23),
        "as it is": ("null", 23),
        "later": ("null", 23),
    }[kind]
    command = [FFMPEG, "-nostdin", "-loglevel", "error", "-y", "-i", str(video), "-vf", filters]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf)]
    subprocess.run([*command, str(path)], check=True)
    return path


def clips_of(arguments, folder: Path):
    """(name, video, seconds, the most seconds that a copy may begin later) of all clips."""
    for number in range(arguments.scenes):
        random = np.random.default_rng([arguments.seed, number])
        background = ("corridor", "classroom", "yard")[number % 3]
        path = folder / f"{background}-{number}.mp4"
        encode(drawn_scene(background, (CLIP_SECONDS + 5) * FPS, random), path, 20)
        yield path.stem, path, CLIP_SECONDS, 5.0
    for video in arguments.video:
        images = images_of(video)
        half = len(images) // 2
        for number in range(4):
            region = number % 2 * 0.5, number // 2 * 0.5
            for when, part in (("early", images[:half]), ("late", images[-half:])):
                path = folder / f"{video.stem}-{number}-{when}.mp4"
                encode(cut_region(part, *region, 0.5), path, 20)
                yield path.stem, path, STREET_SECONDS, 0.0
            # Begun later, only the whole length is long enough.
            path = folder / f"{video.stem}-{number}-whole.mp4"
            encode(cut_region(images, *region, 0.5), path, 20)
            yield path.stem, path, 6.0, 3.0


def unrelated(clip: str, other: str) -> bool:
    """Whether two clips share no moment. A street's `whole` parts hold `early` and `late` ones."""
    (place, part), (other_place, other_part) = clip.rsplit("-", 1), other.rsplit("-", 1)
    if place != other_place or not {part, other_part} <= {"early", "late", "whole"}:
        return clip != other
    return {part, other_part} == {"early", "late"}


def evaluate(originals: dict, copies: dict, many: int, told: bool) -> None:
    """Print recall by kind, false alarms, and the seconds for so many clips."""
    false_alarms = compared = 0
    print(f"{'kind':<14}{'copies':>7}{'found':>6}{'recall':>8}  greatest distance")
    for kind, of_kind in copies.items():
        everything = originals | {f"{clip}@": images for clip, images in of_kind.items()}
        splits = dict.fromkeys(originals, "train") | {f"{clip}@": "val" for clip in of_kind}
        rows = find_duplicates(splits, everything.__getitem__)
        hits = [row for row in rows if row.clip == row.other[:-1]]
        false = [row for row in rows if unrelated(row.clip, row.other[:-1])]
        false_alarms += len(false)
        compared += sum(unrelated(clip, other) for clip in originals for other in of_kind)
        furthest = max((row.distance for row in hits), default=0)
        share = len(hits) / len(of_kind)
        print(f"{kind:<14}{len(of_kind):>7}{len(hits):>6}{share:>8.3f}  {furthest:.2f}")
        if told:
            missed = sorted(set(of_kind) - {row.clip for row in hits})
            print("missed", missed, "false", *false, sep="\n  ")
    print(f"false alarms: {false_alarms} of {compared} pairs of clips that share no moment")
    random = np.random.default_rng(0)
    names = sorted(originals)
    crowd = {}
    for number in range(many):
        images = originals[names[number % len(names)]]
        pieces = np.array_split(images, 8)
        crowd[f"c{number}"] = np.concatenate([pieces[at] for at in random.permutation(8)])
    splits = {clip: ("train", "val")[number % 2] for number, clip in enumerate(crowd)}
    begun = time.process_time()
    find_duplicates(splits, crowd.__getitem__)
    print(f"{many} clips took {time.process_time() - begun:.0f} s of processor")


def main() -> None:
    """Print recall by kind, false alarms, and the seconds that many clips take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, action="append", default=[])
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--scenes", type=int, default=36)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--told", action="store_true", help="name what is missed and false")
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    originals: dict[str, np.ndarray] = {}
    copies: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in KINDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip, video, seconds, most_later in clips_of(arguments, folder):
            originals[clip] = motion_of(video, 0.0, seconds, folder)
            for kind in KINDS:
                later = random.uniform(0.5, most_later) if kind == "later" and most_later else 0.0
                if kind == "later" and not later:
                    continue
                copy = copy_of(video, kind, folder / "copy.mp4", random)
                copies[kind][clip] = motion_of(copy, later, seconds, folder)
    evaluate(originals, copies, arguments.clips, arguments.told)


if __name__ == "__main__":
    main()
