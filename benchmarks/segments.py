"""One-second clips and keyframes for AlphAction: avaflow against the guide's way.

    uv run python benchmarks/segments.py [--video VIDEO] [--rounds 3] [--seconds 60]

A 1080p video into clips of 1 s, 25 frames and 360 lines, each with its first image, two ways
in turn, on all cores, with the same encoder settings (x264, preset fast, crf 23):

* by hand, as the finetuning guide's script has it: for every second one ffmpeg for the clip
  and one for the keyframe;
* avaflow: `snakemake segments`, its start-up included, which is one ffmpeg.

Prints medians and ratios, also of the job alone, without Snakemake's start and end, which weigh
less the longer a video is; and how many of the clips on each side have 25 frames. What bounds
the job is the processor: of its ten seconds for 60 s of street at 1080p nearly four are one
decoding of the source, nearly four x264, and two and a half scaling.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

from cutting import QUIET, ROOT, make_source


def by_hand(source: Path, folder: Path, seconds: int) -> None:
    """The guide's way."""
    for second in range(seconds):
        jump = ["-ss", str(float(second)), "-i", str(source)]
        scale = ["-vf", "scale=640:360"]
        encoder = ["-c:v", "libx264", "-preset", "fast", "-crf", "23", "-an"]
        clip = [*jump, "-t", "1.0", "-r", "25", *scale, *encoder, f"{folder}/{second + 1:04d}.mp4"]
        image = [*jump, "-frames:v", "1", *scale, f"{folder}/{second + 1:04d}.jpg"]
        for arguments in (clip, image):
            subprocess.run([*QUIET, *arguments], check=True)


def with_avaflow(source: Path, folder: Path, seconds: int) -> float:
    """avaflow's way; returns the seconds that the job itself took."""
    row = f"street\t{source}\t0\t{seconds}\ttrain\n"
    (folder / "clips.tsv").write_text("clip\tvideo\tstart\tend\tsplit\n" + row)
    weights = folder / "none.pt"
    weights.write_bytes(b"not used by this target")
    (folder / "config.yaml").write_text(
        f"detector: {{weights: {weights}}}\nalphaction: {{preset: fast, crf: 23}}\n"
    )
    subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "all"]
        + ["--configfile", "config.yaml", "--quiet", "all", "--", "segments"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    table = folder / "results" / "benchmarks" / "segments" / "street.tsv"
    return float(table.read_text().splitlines()[1].split("\t")[0])


def whole_clips(folder: Path) -> int:
    """How many of a folder's clips have 25 frames, by decoding them."""
    count = 0
    for path in folder.glob("*.mp4"):
        with av.open(str(path)) as container:
            count += sum(1 for _ in container.decode(video=0)) == 25
    return count


def main() -> None:
    """Measure both ways in turn and print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="a video to cut from, instead of a made-up one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    walls: dict[str, list[float]] = {"by hand": [], "avaflow": [], "its job": []}
    whole = {}
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        video = options.video and options.video.resolve()
        source = make_source(top, video, options.seconds)
        for number in range(options.rounds):
            hand, ours = top / f"hand-{number}", top / f"ours-{number}"
            hand.mkdir()
            ours.mkdir()
            began = time.perf_counter()
            by_hand(source, hand, options.seconds)
            walls["by hand"].append(time.perf_counter() - began)
            began = time.perf_counter()
            walls["its job"].append(with_avaflow(source, ours, options.seconds))
            walls["avaflow"].append(time.perf_counter() - began)
            whole["by hand"] = whole_clips(hand)
            whole["avaflow"] = whole_clips(ours / "results" / "segments" / "street" / "clips")
    medians = {way: statistics.median(values) for way, values in walls.items()}
    print(f"{options.seconds} s at 1080p, {os.cpu_count()} cores, seconds of wall time:")
    for way, values in walls.items():
        each = ", ".join(f"{value:.1f}" for value in values)
        clips = f"; {whole[way]} clips of 25 frames" if way in whole else ""
        print(f"  {way:<8} {medians[way]:6.1f}   ({each}){clips}")
    print(f"its job alone is {medians['by hand'] / medians['its job']:.2f} times as fast")
    print(f"avaflow is {medians['by hand'] / medians['avaflow']:.2f} times as fast as by hand")


if __name__ == "__main__":
    main()
