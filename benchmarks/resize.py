"""Resizing Kinetics: avaflow against moviepy as the common script uses it, and bare ffmpeg.

    UV_COMPILE_BYTECODE=1 uv run --with moviepy \\
        python benchmarks/resize.py [--video VIDEO] [--videos 24] [--rounds 3]

Copies of a video of 10 s at 1080p, their short side to 256, three ways in turn:

* moviepy: open, resize, `write_videofile` with its default encoder at the preset of the other
  two, one video after the other. That is the common script; it uses all cores by itself, and
  gets a quarter of the videos, since it takes long;
* avaflow: `snakemake kinetics` on all cores, its start-up and checks included, which a real
  batch of hundreds of videos spreads further;
* bare ffmpeg: the very commands that avaflow ran, as many at a time as there are cores.

Without `--video` a moving, noisy image is made up. Prints seconds per video, ratios, and the
sides and bytes of what came out, so that one sees that the work was the same.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.batches import batch_of  # noqa: E402

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
QUIET = [FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
SECONDS, SIDE, PRESET, CRF = 10, 256, "medium", 23
"""Preset and quality are moviepy's and x264's defaults."""

CONFIG = f"""\
clips: ""
kinetics:
  annotations: [train.csv]
  videos: {{{{train: videos}}}}
  short_side: {SIDE}
  preset: {PRESET}
  crf: {CRF}
  batches: {{batches}}
"""


def make_source(folder: Path, video: Path | None) -> Path:
    """A 1080p video of 10 s: the given one in a loop, or a made-up image."""
    source = folder / "source.mp4"
    if video:
        image = ["-stream_loop", "-1", "-i", str(video), "-vf", "scale=1920:1080,fps=30"]
    else:
        pattern = "mandelbrot=s=1920x1080:r=30:end_scale=0.01:end_pts=300"
        image = ["-f", "lavfi", "-i", pattern, "-vf", "noise=alls=6:allf=t"]
    # The bitrate at which sites hand out 1080p, which decides what decoding costs.
    encoder = ["-c:v", "libx264", "-b:v", "4M", "-maxrate", "6M", "-bufsize", "8M"]
    encoder += ["-pix_fmt", "yuv420p"]
    subprocess.run([*QUIET, *image, "-t", str(SECONDS), "-an", *encoder, str(source)], check=True)
    return source


def with_moviepy(videos: list[Path], folder: Path) -> list[Path]:
    """The common script's way, in a process of its own as it is run."""
    code = f"""
import sys
from moviepy import VideoFileClip
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    with VideoFileClip(source) as clip:
        # As the common script names the size: one side, the other following. Here the height is
        # the shorter; its width is made even, which x264 insists on.
        width = 2 * round(clip.w * {SIDE} / clip.h / 2)
        resized = clip.resized((width, {SIDE}))
        resized.write_videofile(target, preset="{PRESET}", audio=False, logger=None)
"""
    targets = [folder / video.name for video in videos]
    pairs = [str(part) for pair in zip(videos, targets, strict=True) for part in pair]
    subprocess.run([sys.executable, "-c", code, *pairs], check=True)
    return targets


def names_of_equal_batches(count: int, batches: int) -> list[str]:
    """Ids that fall into the batches evenly, as thousands of videos do by themselves."""
    left = {str(batch): count // batches for batch in range(batches)}
    names = []
    for number in range(100_000):
        batch = batch_of(f"train/v{number}_000000_000010", batches)
        if left.get(batch):
            left[batch] -= 1
            names.append(f"v{number}")
    return names


def make_project(folder: Path, source: Path, count: int, batches: int) -> list[Path]:
    """Annotations and copies of the video for avaflow."""
    (folder / "videos").mkdir(parents=True)
    lines, videos = ["label,youtube_id,time_start,time_end,split"], []
    for name in names_of_equal_batches(count, batches):
        videos.append(folder / "videos" / f"{name}_000000_000010.mp4")
        os.link(source, videos[-1])
        lines.append(f"some class,{name},0,10,train")
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    (folder / "config.yaml").write_text(CONFIG.format(batches=batches))
    return videos


def with_avaflow(folder: Path) -> list[Path]:
    """avaflow's way."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "all"]
    command += ["--configfile", "config.yaml", "-q", "--", "kinetics"]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return sorted((folder / "results" / "kinetics" / "videos" / "train").iterdir())


def ffmpeg_command(folder: Path) -> list[str]:
    """One of the commands that avaflow ran, as its log has it: no part of it holds a space."""
    logs = sorted((folder / "results" / "logs" / "resize_kinetics").glob("*.ffmpeg.log"))
    return logs[0].read_text().splitlines()[0].split(" ")


def bare(command: list[str], videos: list[Path], folder: Path) -> list[Path]:
    """The same commands at once on all cores, and nothing else."""
    targets = [folder / video.name for video in videos]

    def run(pair: tuple[Path, Path]) -> None:
        source, target = pair
        own = [f"file:{source}" if part.startswith("file:") else part for part in command]
        own = [str(target) if part.endswith(".part.mp4") else part for part in own]
        subprocess.run(own, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, zip(videos, targets, strict=True)))
    return targets


def said(path: Path) -> str:
    """Sides and bytes of a video."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        sides = f"{stream.width}x{stream.height}, {stream.frames} frames"
    return f"{sides}, {path.stat().st_size / 1000:.0f} kB"


def main() -> None:
    """Measure the three ways in turn and print seconds per video and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="a video to resize, instead of a made-up one")
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    walls: dict[str, list[float]] = {"moviepy": [], "avaflow": [], "bare ffmpeg": []}
    made = {}
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        source = make_source(top, options.video and options.video.resolve())
        for number in range(options.rounds):
            folder = top / str(number)
            videos = make_project(folder, source, options.videos, os.cpu_count())
            for way in ("by moviepy", "bare"):
                (folder / way).mkdir()
            began = time.perf_counter()
            few = videos[: max(1, len(videos) // 4)]
            made["moviepy"] = with_moviepy(few, folder / "by moviepy")[0]
            walls["moviepy"].append((time.perf_counter() - began) / len(few))
            began = time.perf_counter()
            made["avaflow"] = with_avaflow(folder)[0]
            walls["avaflow"].append((time.perf_counter() - began) / len(videos))
            command = ffmpeg_command(folder)
            began = time.perf_counter()
            made["bare ffmpeg"] = bare(command, videos, folder / "bare")[0]
            walls["bare ffmpeg"].append((time.perf_counter() - began) / len(videos))
            facts = {way: said(path) for way, path in made.items()}
            shutil.rmtree(folder)
    medians = {way: statistics.median(values) for way, values in walls.items()}
    print(
        f"{options.videos} videos of {SECONDS} s at 1080p, {os.cpu_count()} cores, preset {PRESET}"
    )
    for way, values in walls.items():
        each = ", ".join(f"{value:.2f}" for value in values)
        print(f"  {way:<12} {medians[way]:6.2f} s a video   ({each})   {facts[way]}")
    print(f"avaflow is {medians['moviepy'] / medians['avaflow']:.1f} times as fast as moviepy")
    print(f"avaflow has {medians['bare ffmpeg'] / medians['avaflow']:.2f} of bare ffmpeg's speed")


if __name__ == "__main__":
    main()
