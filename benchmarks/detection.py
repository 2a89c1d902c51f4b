"""Detection from a clip on the disk against the bare model on images in memory.

The bare model is ultralytics' own `predict` with the same weights, batch and settings on
the same images, decoded beforehand. avaflow's way starts from the mp4 and ends with the
csv: decode, hand over, model, sort, write. Both take turns, so that a busy machine slows
both alike; loading the model is in neither. Prints both rates and their ratio.

    python benchmarks/detection.py --video street.mp4 --weights yolo11n.pt
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.persons.detector import detect_clips, load_detector, quiet_ultralytics  # noqa: E402
from avaflow.tables import DETECTIONS, write_table  # noqa: E402
from avaflow.times import detection_frames  # noqa: E402
from avaflow.videos.ffmpeg import ffmpeg_exe  # noqa: E402
from avaflow.videos.filters import clip_output  # noqa: E402
from avaflow.videos.frames import ClipVideo, frames_at  # noqa: E402


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="avaflow-benchmark-") as folder:
        weights = options.weights or random_model(Path(folder) / "random.pt")
        clip = constant_rate_clip(options.video, options.seconds, Path(folder) / "clip.mp4")
        detector = load_detector(
            weights,
            person_class=options.person_class,
            device=options.device,
            half=options.half,
            image_size=options.image_size,
            threads=options.threads,
        )
        frames = detection_frames(clip.frames, clip.fps, options.stride)
        images = [image for _, image in frames_at(clip.path, frames)]
        csv = Path(folder) / "detections.csv"

        def bare() -> None:
            for start in range(0, len(images), options.batch):
                group = images[start : start + options.batch]
                detector.model.predict(group, batch=options.batch, **detector.settings)

        def whole() -> None:
            table = detect_clips([clip], detector, options.stride, options.batch)
            write_table(csv, table, DETECTIONS)

        bare()
        whole()
        seconds: dict[str, list[float]] = {"bare": [], "whole": []}
        processor: dict[str, list[float]] = {"bare": [], "whole": []}
        for _ in range(options.rounds):
            for name, work in (("bare", bare), ("whole", whole)):
                start, busy = time.perf_counter(), time.process_time()
                work()
                seconds[name].append(time.perf_counter() - start)
                processor[name].append(time.process_time() - busy)
        rows = csv.read_text(encoding="utf-8").count("\n") - 1

    rates = {name: len(frames) / statistics.median(taken) for name, taken in seconds.items()}
    ratios = [b / w for b, w in zip(seconds["bare"], seconds["whole"], strict=True)]
    print(
        f"{clip.width}x{clip.height}, every {options.stride}th of {clip.frames} frames, "
        f"{len(frames)} images a round, {options.rounds} rounds, {rows} detections"
    )
    cost = {name: 1000 * statistics.median(t) / len(frames) for name, t in processor.items()}
    for name, label in (
        ("bare", "bare model, images in memory"),
        ("whole", "avaflow, mp4 to csv"),
    ):
        print(f"{label:32} {rates[name]:7.1f} frames/s   {cost[name]:6.1f} ms of processor a frame")
    print(
        f"ratio                            {statistics.median(ratios):7.2f}"
        f"   (rounds {min(ratios):.2f} to {max(ratios):.2f}; aim: 0.85 or more)"
    )


def constant_rate_clip(video: str | None, seconds: float, target: Path) -> ClipVideo:
    """A clip encoded as `trim` does by default, of a video or of a moving test card."""
    import av
    import ffmpeg
    import yaml

    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["trim"]
    if video:
        source = ffmpeg.input(video, t=seconds).video
    else:
        source = ffmpeg.input(f"testsrc2=size=1920x1080:duration={seconds}", f="lavfi").video
    fps = config["fps"]
    ffmpeg.run(
        clip_output(
            source.filter("fps", fps=fps).filter("format", "yuv420p"),
            target,
            round(seconds * fps),
            fps,
            config,
        ),
        cmd=ffmpeg_exe(config["ffmpeg"]),
        quiet=True,
        overwrite_output=True,
    )
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        return ClipVideo("clip", str(target), stream.frames, fps, stream.width, stream.height)


def random_model(target: Path) -> Path:
    """An untrained YOLO11n: it finds nothing of use, but takes a trained one's time."""
    quiet_ultralytics()
    from ultralytics import YOLO

    model = YOLO("yolo11n.yaml")
    model.model.names = {**model.model.names, 0: "person"}
    model.save(target)
    return target


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", help="video to measure on; without it, a moving test card")
    parser.add_argument("--weights", help="detection model; without it, an untrained YOLO11n")
    parser.add_argument("--person-class", default="person")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the video")
    parser.add_argument("--stride", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=640)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
