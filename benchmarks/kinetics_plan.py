"""Planning Kinetics at its real size: time and memory of a dry run and of a run with nothing to do.

    uv run python benchmarks/kinetics_plan.py [--videos 100000] [--batches 200]

Lists that many made-up annotations over 400 classes, and lays a file for each: one in a hundred
a short real video (one file under many names), the others empty, which are recorded as unreadable
at once. Then runs `snakemake kinetics` as a user would: dry run, run, dry run, run. The real run
in the middle stands for nobody's work; its time is printed only to show that it took place.
Prints seconds of wall time and the most memory that one process held.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[1]
CLASSES = 400
DRY_SECONDS, AGAIN_SECONDS, MEMORY_GB = 60, 30, 1.0
"""What is aimed at, for 100,000 videos."""

CONFIG = """\
clips: ""
kinetics:
  annotations: [train.csv]
  videos: {{train: videos}}
  batches: {batches}
  short_side: 32
  shortest_seconds: 0
  max_broken_share: 1.0
"""


def make_project(folder: Path, videos: int, batches: int) -> None:
    """The made-up annotations and files."""
    real = folder / "real.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi"]
    command += ["-i", "testsrc2=s=32x32:r=10:d=0.5", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(real)], check=True)
    lines = ["label,youtube_id,time_start,time_end,split"]
    for number in range(CLASSES):
        (folder / "videos" / f"class {number}").mkdir(parents=True)
    for number in range(videos):
        label = f"class {number % CLASSES}"
        start = number % 300
        name = f"id{number:09d}"
        lines.append(f"{label},{name},{start},{start + 10},train")
        path = folder / "videos" / label / f"{name}_{start:06d}_{start + 10:06d}.mp4"
        if number % 100:
            path.touch()
        else:
            os.link(real, path)
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    (folder / "config.yaml").write_text(CONFIG.format(batches=batches))


def run(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Seconds, the most memory in GB of any process so far, and what Snakemake said."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "all"]
    began = time.perf_counter()
    told = subprocess.run(
        [*command, *arguments, "--configfile", "config.yaml", "--", "kinetics"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    if told.returncode:
        raise SystemExit(told.stdout + told.stderr)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    return seconds, memory, told.stdout + told.stderr


def main() -> None:
    """Make the project, run it, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder, options.videos, options.batches)
        dry, dry_memory, _ = run(folder, "-n", "-q")
        work, memory, _ = run(folder, "-q")
        again_dry, _, said = run(folder, "-n")
        again, _, _ = run(folder)
        assert "Nothing to be done" in said, said
        table = (folder / "results" / "kinetics" / "videos.csv").read_text()
        assert table.count("\n") == options.videos + 1
    print(f"{options.videos} annotated videos in {options.batches} batches, {os.cpu_count()} cores")
    print(f"  dry run            {dry:7.1f} s  {dry_memory:5.2f} GB")
    print(f"  (the run itself    {work:7.1f} s  {memory:5.2f} GB)")
    print(f"  dry run afterwards {again_dry:7.1f} s")
    print(f"  run with nothing to do {again:3.1f} s")
    print(f"dry run: {dry / DRY_SECONDS:.2f} of the {DRY_SECONDS} s aimed at")
    print(f"memory of planning: {dry_memory / MEMORY_GB:.2f} of the {MEMORY_GB} GB aimed at")
    print(f"nothing to do: {again / AGAIN_SECONDS:.2f} of the {AGAIN_SECONDS} s aimed at")


if __name__ == "__main__":
    main()
