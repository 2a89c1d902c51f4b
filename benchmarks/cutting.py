"""Clips, frames and keyframes: avaflow against the hand-made way and against bare ffmpeg.

    uv run python benchmarks/cutting.py [--video VIDEO] [--rounds 3]

Three clips of 11 s at 1080p, three ways, in turn, on all cores:

* by hand, as guides have it: one ffmpeg per clip at its default preset, then one for all
  frames at -q:v 1, then the chosen frames copied to three places;
* avaflow: `snakemake clips rawframes keyframes`, its start-up included;
* bare ffmpeg: the very commands that avaflow ran, one after the other, and nothing else.

Without `--video` a moving, noisy image is made up. Prints medians and ratios.
"""

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[1]
CLIPS, SECONDS, FPS = 3, 11, 30
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
QUIET = [FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]


def make_source(folder: Path, video: Path | None, seconds: int) -> Path:
    """A 1080p source of so many seconds: the given video in a loop, or a made-up image."""
    source = folder / "source.mp4"
    if video:
        image = ["-stream_loop", "-1", "-i", str(video), "-vf", "scale=1920:1080,fps=30"]
    else:
        pattern = "mandelbrot=s=1920x1080:r=30:end_scale=0.01:end_pts=900"
        image = ["-f", "lavfi", "-i", pattern, "-vf", "noise=alls=6:allf=t"]
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    subprocess.run([*QUIET, *image, "-t", str(seconds), "-an", *encoder, str(source)], check=True)
    return source


def by_hand(source: Path, folder: Path) -> None:
    """The guides' way."""
    for number in range(CLIPS):
        clip = folder / f"{number}.mp4"
        start = str(number * SECONDS)
        cut = ["-ss", start, "-t", str(SECONDS), "-i", str(source), "-r", str(FPS), "-an"]
        subprocess.run([*QUIET, *cut, str(clip)], check=True)
        frames = folder / f"frames-{number}"
        frames.mkdir()
        pattern = str(frames / "img_%05d.jpg")
        subprocess.run([*QUIET, "-i", str(clip), "-r", str(FPS), "-q:v", "1", pattern], check=True)
        for copy in ("choose", "detect", "annotate"):
            place = folder / f"{copy}-{number}"
            place.mkdir()
            for second in range(2, SECONDS - 1):
                shutil.copy(frames / f"img_{FPS * second + 1:05d}.jpg", place)


def with_avaflow(source: Path, folder: Path) -> list[list[str]]:
    """avaflow's way; returns the ffmpeg commands that it ran."""
    rows = [
        f"clip-{number}\t{source}\t{number * SECONDS}\t{(number + 1) * SECONDS}\ttrain"
        for number in range(CLIPS)
    ]
    (folder / "clips.tsv").write_text("\n".join(["clip\tvideo\tstart\tend\tsplit", *rows]) + "\n")
    weights = folder / "none.pt"
    weights.write_bytes(b"not used by these targets")
    (folder / "config.yaml").write_text(f"detector: {{weights: {weights}}}\n")
    targets = ["clips", "rawframes", "keyframes"]
    subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "all"]
        + ["--configfile", "config.yaml", "--quiet", "all", "--", *targets],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    logs = sorted((folder / "results" / "logs" / "trim").glob("*.ffmpeg.log"))
    return [split_command(log.read_text().splitlines()[0], folder) for log in logs]


def split_command(line: str, folder: Path) -> list[str]:
    """A logged command as a list, its paths made absolute."""
    return [
        str(folder / part) if part.startswith("results/") else part for part in shlex.split(line)
    ]


def bare(commands: list[list[str]]) -> None:
    """The same ffmpeg commands, into the folders that are there already."""
    for command in commands:
        for part in command:
            if part.endswith((".mp4", ".jpg")) and not part.startswith("file:"):
                Path(part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Measure the three ways in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="a video to cut from, instead of a made-up one")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    walls: dict[str, list[float]] = {"by hand": [], "avaflow": [], "bare ffmpeg": []}
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        source = make_source(top, options.video and options.video.resolve(), CLIPS * SECONDS + 1)
        for number in range(options.rounds):
            hand, ours = top / f"hand-{number}", top / f"ours-{number}"
            hand.mkdir()
            ours.mkdir()
            began = time.perf_counter()
            by_hand(source, hand)
            walls["by hand"].append(time.perf_counter() - began)
            began = time.perf_counter()
            commands = with_avaflow(source, ours)
            walls["avaflow"].append(time.perf_counter() - began)
            assert len(commands) == CLIPS
            began = time.perf_counter()
            bare(commands)
            walls["bare ffmpeg"].append(time.perf_counter() - began)
            shutil.rmtree(hand)
            shutil.rmtree(ours)
    medians = {way: statistics.median(values) for way, values in walls.items()}
    print(f"{CLIPS} clips of {SECONDS} s at 1080p, {os.cpu_count()} cores, seconds of wall time:")
    for way, values in walls.items():
        each = ", ".join(f"{value:.1f}" for value in values)
        print(f"  {way:<12} {medians[way]:6.1f}   ({each})")
    print(f"avaflow is {medians['by hand'] / medians['avaflow']:.2f} times as fast as by hand")
    print(f"avaflow takes {medians['avaflow'] / medians['bare ffmpeg']:.2f} of bare ffmpeg's time")


if __name__ == "__main__":
    main()
