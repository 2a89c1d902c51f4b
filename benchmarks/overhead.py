"""The share of a run that is neither ffmpeg nor the model.

    uv run python benchmarks/overhead.py [--video VIDEO --weights WEIGHTS] [--clips 20]

A project of clips of 11 s at 1080p, two ways, one after the other:

* whole: `snakemake --cores all` in a fresh folder, from its start to its end;
* bare: the very ffmpeg commands of that run, as many at once as it may run; then one
  process that loads the detector once and gives it the same images in the same batches;
  then one that loads the embedder once and gives it the same crops. Nothing else: what it
  takes to have the images in memory is not counted.

Without `--video` and `--weights` a demo video is enlarged, looped and searched by the
demo's detector. Prints both walls, the share, and where the rest goes. On a machine that
does other work too, trust the figures in processor time.
"""

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cutting import FPS, QUIET, ROOT, SECONDS, bare, split_command

sys.path.insert(0, str(ROOT / "scripts"))

DEMO = ROOT / "examples" / "demo"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
STARTED = re.compile(r"(?:local)?rule (\w+):$")
JOB = re.compile(r" +jobid: (\d+)$")
THREADS = re.compile(r" +threads: (\d+)$")
FINISHED = re.compile(r"Finished jobid: (\d+) \(Rule: \w+\)$")


def main() -> None:
    """Measure both ways and print the share and where it goes."""
    if sys.argv[1:2] == ["--model-calls"]:
        print(json.dumps(model_calls(sys.argv[2], Path(sys.argv[3]))))
        return
    options = _options()
    with tempfile.TemporaryDirectory(prefix="avaflow-benchmark-") as name:
        folder = Path(name)
        make_project(folder, options)
        whole, run = measured(lambda: run_project(folder))
        cut, _ = measured(lambda: cut_bare(folder))
        calls = {kind: run_model_calls(kind, folder) for kind in ("detect", "embed")}
        print_account(options, whole, run, cut, calls, measurements(folder))


@dataclass
class Cost:
    """Seconds of wall time and of processor time."""

    wall: float
    processor: float


@dataclass
class Job:
    """A job as Snakemake told of it; seconds from the run's start."""

    rule: str
    start: float
    threads: int = 1
    end: float | None = None


@dataclass
class Run:
    """When the jobs of a run started and ended, and when the run did."""

    jobs: dict[str, Job] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def first(self) -> float:
        """Seconds until the first job."""
        return min(job.start for job in self.jobs.values())

    @property
    def last(self) -> float:
        """Seconds from the last job's end to the run's."""
        return self.seconds - max(job.end for job in self.jobs.values())

    def core_seconds(self) -> float:
        """Threads times seconds of all jobs: the cores that Snakemake had given away."""
        return sum(job.threads * (job.end - job.start) for job in self.jobs.values())


def measured(work) -> tuple[Cost, object]:
    """What `work` costs, with the processes that it waits for, and what it returns."""
    start, busy = time.perf_counter(), _processor()
    result = work()
    return Cost(time.perf_counter() - start, _processor() - busy), result


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_project(folder: Path, options: argparse.Namespace) -> None:
    """A source video, a clips table with one row that `cut` divides, and a config."""
    length = options.clips * SECONDS
    video = options.video or DEMO / "videos" / "yard.mp4"
    image = ["-stream_loop", "-1", "-i", str(video), "-vf", f"scale=1920:1080,fps={FPS}"]
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    source = folder / "source.mp4"
    command = [*QUIET, *image, "-t", str(length + 1), "-an", *encoder, str(source)]
    subprocess.run(command, check=True)
    row = f"clip\t{source}\t0\t{length}\ttrain\t{SECONDS}"
    (folder / "clips.tsv").write_text(f"clip\tvideo\tstart\tend\tsplit\tcut\n{row}\n")
    weights = (options.weights or DEMO / "detector" / "figures.pt").resolve()
    size = options.image_size or (640 if options.weights else 320)
    detector = {"weights": str(weights), "image_size": size}
    # JSON is YAML too.
    (folder / "config.yaml").write_text(json.dumps({"detector": detector}))


def run_project(folder: Path) -> Run:
    """Run Snakemake on the project, noting when it tells of a job's start and end."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
    command += ["--cores", "all", "--configfile", "config.yaml"]
    run, opened, lines = Run(), None, []
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            now = time.perf_counter() - start
            lines.append(line)
            if found := STARTED.match(line):
                opened = Job(found[1], now)
            elif opened and (found := JOB.match(line)):
                run.jobs[found[1]] = opened
            elif opened and (found := THREADS.match(line)):
                opened.threads = int(found[1])
            elif found := FINISHED.match(line):
                run.jobs[found[1]].end = now
    run.seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit("".join(lines[-40:]))
    return run


def cut_bare(folder: Path) -> None:
    """The ffmpeg commands of the run again, and nothing else."""
    logs = sorted((folder / "results" / "logs" / "trim").glob("*.ffmpeg.log"))
    commands = [split_command(log.read_text().splitlines()[0], folder) for log in logs]
    with ThreadPoolExecutor(max(1, CORES // settings(folder)["trim"]["threads"])) as pool:
        list(pool.map(lambda command: bare([command]), commands))


def settings(folder: Path) -> dict:
    """The project's config: the defaults, with what the benchmark sets."""
    import yaml

    merged = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    merged["detector"].update(json.loads((folder / "config.yaml").read_text())["detector"])
    return merged


def run_model_calls(kind: str, folder: Path) -> tuple[Cost, dict[str, float]]:
    """One process that makes a model's calls; its cost without reading, and its parts."""
    command = [sys.executable, __file__, "--model-calls", kind, str(folder)]
    cost, answer = measured(lambda: subprocess.run(command, check=True, stdout=subprocess.PIPE))
    parts = json.loads(answer.stdout.splitlines()[-1])
    cost.wall -= parts["reading"]
    cost.processor -= parts["reading_processor"]
    return cost, parts


def model_calls(kind: str, folder: Path) -> dict[str, float]:
    """Load a model once and call it on what the run called it on; seconds of each part."""
    start = time.perf_counter()
    config = settings(folder)
    if kind == "detect":
        call, batch = _detector(config["detector"]), config["detector"]["batch"]
        items = Reader(_images(folder, config["detector"]["stride"]))
    else:
        from avaflow.persons.embedder import load_embedder

        embedder = load_embedder(
            config["embedder"]["batch"], config["embedder"]["device"], threads=CORES
        )
        call, batch = embedder.embed, embedder.batch * embedder.threads
        items = Reader(_crops(folder))
    loading = time.perf_counter() - start
    calls, group = 0.0, []
    for item in items:
        group.append(item)
        if len(group) == batch:
            calls += _seconds(call, group)
            group = []
    if group:
        calls += _seconds(call, group)
    return {
        "loading": loading,
        "calls": calls,
        "items": items.count,
        "reading": items.seconds,
        "reading_processor": items.processor,
    }


class Reader:
    """Hands items on and keeps what it took to have them, so that it can be left out."""

    def __init__(self, items: Iterable):
        self.items = iter(items)
        self.seconds = self.processor = 0.0
        self.count = 0

    def __iter__(self) -> Iterator:
        while True:
            start, busy = time.perf_counter(), time.process_time()
            item = next(self.items, None)
            self.seconds += time.perf_counter() - start
            self.processor += time.process_time() - busy
            if item is None:
                return
            self.count += 1
            yield item


def _seconds(call, group: list) -> float:
    start = time.perf_counter()
    call(group)
    return time.perf_counter() - start


def _detector(config: dict):
    """ultralytics' own call on a group of images."""
    from avaflow.persons.detector import load_detector

    detector = load_detector(
        config["weights"],
        person_class=config["person_class"],
        confidence=config["confidence"],
        device=config["device"],
        half=config["half"],
        image_size=config["image_size"],
        threads=CORES,
    )
    return lambda group: detector.model.predict(group, batch=len(group), **detector.settings)


def _images(folder: Path, stride: int) -> Iterator:
    """Every image that the run's detector looked at."""
    from avaflow.manifests import read_clip_manifest
    from avaflow.times import detection_frames
    from avaflow.videos.frames import frames_at

    for path in sorted((folder / "results" / "clips").glob("*.json")):
        facts = read_clip_manifest(path)
        frames = detection_frames(facts.frames, facts.fps, stride)
        for _, image in frames_at(path.with_suffix(".mp4"), frames):
            yield image


def _crops(folder: Path) -> Iterator:
    """Every crop that the run's embedder looked at."""
    from avaflow.persons.embedder import crop
    from avaflow.tables import BOX, DETECTIONS, read_table
    from avaflow.videos.frames import frames_at

    for path in sorted((folder / "results" / "detections").glob("*.csv")):
        for clip, rows in read_table(path, DETECTIONS).groupby("clip"):
            boxes = rows.groupby("frame")[BOX]
            video = folder / "results" / "clips" / f"{clip}.mp4"
            for frame, image in frames_at(video, sorted(rows["frame"].unique())):
                for box in boxes.get_group(frame).to_numpy(float):
                    yield crop(image, box).copy()


def measurements(folder: Path) -> dict[str, float]:
    """Seconds of each rule's scripts, by Snakemake's `benchmark:`."""
    sums: dict[str, float] = {}
    for path in sorted((folder / "results" / "benchmarks").glob("*/*.tsv")):
        with open(path, encoding="utf-8") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                sums[path.parent.name] = sums.get(path.parent.name, 0.0) + float(row["s"])
    return sums


def print_account(options, whole: Cost, run: Run, cut: Cost, calls, scripts) -> None:
    """Both walls, the share, and the table."""
    parts = {"ffmpeg": cut, "detector": calls["detect"][0], "embedder": calls["embed"][0]}
    wall = sum(part.wall for part in parts.values())
    processor = sum(part.processor for part in parts.values())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    images, crops = calls["detect"][1]["items"], calls["embed"][1]["items"]
    print(f"{options.clips} clips of {SECONDS} s at 1080p, {images} images, {crops} crops")
    print(f"{CORES} cores, load of the machine {load}\n")
    print(f"{'':<26}{'wall s':>10}{'processor s':>14}")
    print(f"{'whole run':<26}{whole.wall:>10.1f}{whole.processor:>14.1f}")
    for name, part in parts.items():
        print(f"{'  bare ' + name:<26}{part.wall:>10.1f}{part.processor:>14.1f}")
    print(f"{'bare, together':<26}{wall:>10.1f}{processor:>14.1f}")
    shares = (1 - wall / whole.wall, 1 - processor / whole.processor)
    print(f"{'share = 1 - bare / whole':<26}{shares[0]:>10.1%}{shares[1]:>14.1%}")
    # Reading clips is FFmpeg's work too, in this process by its libraries.
    wall += sum(own["reading"] for _, own in calls.values())
    processor += sum(own["reading_processor"] for _, own in calls.values())
    shares = (1 - wall / whole.wall, 1 - processor / whole.processor)
    print(f"{'  with reading in bare':<26}{shares[0]:>10.1%}{shares[1]:>14.1%}\n")

    bare_of = {"trim": cut, "detect": parts["detector"], "embed": parts["embedder"]}
    print(f"{'rule':<22}{'jobs':>5}{'job s':>9}{'script s':>10}{'bare s':>9}")
    rules: dict[str, list[Job]] = {}
    for job in run.jobs.values():
        rules.setdefault(job.rule, []).append(job)
    for rule, jobs in rules.items():
        row = f"{rule:<22}{len(jobs):>5}{sum(job.end - job.start for job in jobs):>9.1f}"
        if rule in scripts:
            row += f"{scripts[rule]:>10.1f}"
        if rule in bare_of:
            row += f"{bare_of[rule].wall:>9.1f}"
        print(row)
    given = run.core_seconds() / (CORES * (run.seconds - run.first - run.last))
    reading = ", ".join(f"{own['reading']:.1f} s for {kind}" for kind, (_, own) in calls.items())
    print(f"\nbefore the first job       {run.first:.1f} s, after the last {run.last:.1f} s")
    print(f"cores without a job        {1 - min(1, given):.0%} of the time between")
    print(f"images into memory       {reading} (decoded by one thread)")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="a video to cut from; looped")
    parser.add_argument("--weights", type=Path, help="detection model; else the demo's")
    parser.add_argument("--image-size", type=int, help="640, or the demo detector's 320")
    parser.add_argument("--clips", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
