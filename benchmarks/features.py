"""SlowFast features of a video file against the plain way, with the same network.

The plain way does what the known extractor does: every frame is resized and joined to an
array of all before it, the whole becomes floats, each window is a copy of its part, and
batches of 3 go through PyTorchVideo's network as it is. avaflow's way starts from the file
too and ends with the array on the disk. Where others use the machine, trust the ratio of
processor time (CPU s) more than that of the clock. Each runs in a process of its own, so that its
peak memory is its own; loading the network is not timed. Prints both, their ratio, how
far their numbers differ (also as a part of how far windows differ from each other), what the
bare network takes for the same windows, and the memory for longer videos with few windows.
Takes some five minutes on two free cores, for 90 windows of 32 x 256 x 256; `--seconds 2`
takes two.

    python benchmarks/features.py
    python benchmarks/features.py --weights SLOWFAST_8x8_R50.pyth --device 0 --batch 16
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from avaflow.features.checkpoints import load_network  # noqa: E402
from avaflow.features.network import ready_model  # noqa: E402
from avaflow.features.videos import Source, stacked, window_groups, windows_of, write_features  # noqa: E402
from avaflow.torch_threads import let_threads_sleep  # noqa: E402

FPS = 15
PLAIN_BATCH = 3
LONG_SECONDS = (60, 600)
LONG_STRIDE = 30 * FPS  # a window every 30 s


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.side:
        print(json.dumps(SIDES[options.side](options)))
        return
    with tempfile.TemporaryDirectory(prefix="avaflow-benchmark-") as folder:
        options.folder = folder
        options.weights = options.weights or str(random_weights(Path(folder) / "random.pyth"))
        short = moving_card(Path(folder) / "short.mp4", options.seconds)
        half = "bfloat16" if str(options.device) == "cpu" else "float16"
        runs = {
            "plain": run(options, "plain", short),
            "avaflow": run(options, "avaflow", short),
            half: run(options, "avaflow", short, precision=half),
        }
        bare = run(options, "bare", short)
        print(f"{options.seconds:g} s at {FPS} frames a second, {runs['plain']['windows']} windows")
        heads = (
            "windows/s",
            "ratio",
            "CPU s each",
            "ratio",
            "peak MB",
            "ratio",
            "work MB",
            "ratio",
        )
        print(f"{'':12} {' '.join(heads)}  largest difference")
        for name, found in runs.items():
            print(line(name, found, runs["plain"]))
        share = runs["avaflow"]["seconds"] / runs["avaflow"]["windows"]
        print(
            f"the network alone, same windows in memory: {1 / bare['each']:.2f} windows/s; avaflow "
            f"reaches {bare['each'] / share:.0%} of it, so what is left to gain lies in the network"
        )
        print(
            "work is memory on top of the loaded network; ratios of memory are to the plain way's"
        )
        print("aims: 1.2 times with equal numbers, 2 times in half precision, memory under a third")
        print(f"\nlonger videos, a window every {LONG_STRIDE // FPS} s")
        for seconds in LONG_SECONDS:
            video = moving_card(Path(folder) / f"{seconds}.mp4", seconds)
            found = run(options, "avaflow", video, stride=LONG_STRIDE)
            text = f"{seconds:4} s: avaflow {found['peak_mb']:6.0f} MB, {found['seconds']:5.1f} s"
            if seconds <= options.plain_seconds:
                plain = run(options, "plain", video, stride=LONG_STRIDE)
                ratio = found["peak_mb"] / plain["peak_mb"]
                text += (
                    f"; plain {plain['peak_mb']:6.0f} MB, {plain['seconds']:5.1f} s; memory ratio "
                    f"{ratio:.2f}"
                )
            print(text)


def line(name: str, found: dict, plain: dict) -> str:
    """One side of the table, with its ratios to the plain way."""
    cells = [
        (found["windows"] / found["seconds"], 9, 2),
        (plain["seconds"] / found["seconds"], 5, 2),
        (found["busy"] / found["windows"], 10, 2),
        (plain["busy"] / found["busy"], 5, 2),
        (found["peak_mb"], 7, 0),
        (found["peak_mb"] / plain["peak_mb"], 5, 2),
        (found["work_mb"], 7, 0),
        (found["work_mb"] / plain["work_mb"], 5, 2),
    ]
    shown = " ".join(f"{value:{width}.{decimals}f}" for value, width, decimals in cells)
    return f"{name:12} {shown}  {difference(found['array'], plain['array'])}"


def difference(one: str, other: str) -> str:
    """How far two arrays of features differ: at most, and as a part of how far windows differ.

    Windows of one video differ little from each other. What is lost in half precision is lost of
    that: the root of the mean square of the error, over that of each number's deviation
    from its mean over the windows.
    """
    import numpy as np

    left, right = np.load(one), np.load(other)
    error = np.sqrt(np.mean((left - right) ** 2))
    spread = np.sqrt(np.mean(right.var(axis=0)))
    return f"{np.abs(left - right).max():.1e}; {error / spread:.1e} of the spread between windows"


def run(options, side: str, video: Path, precision: str = "full", stride: int = 1) -> dict:
    """What one side measures, in a process of its own."""
    array = Path(options.folder) / f"{side}-{precision}-{video.stem}.npy"
    command = [sys.executable, "-W", "ignore", __file__, "--side", side, "--video", str(video)]
    command += ["--array", str(array), "--precision", precision, "--stride", str(stride)]
    for name in ("weights", "architecture", "device", "threads", "batch"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout) | {"array": str(array)}


def peak_mb() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def settings_of(options) -> dict:
    """The config's section `features` for this measurement."""
    import yaml

    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["features"]
    return settings | {
        "architecture": options.architecture,
        "in_fps": FPS,
        "out_fps": FPS,
        "stride": options.stride,
        "precision": options.precision,
        "device": options.device,
        "batch": options.batch,
    }


def model_of(options):
    """avaflow's model, loaded."""
    network = load_network(options.weights, options.architecture)
    return ready_model(network, settings_of(options), options.threads)


def avaflow_side(options) -> dict:
    """From the file to the array, as a job does it."""
    model, settings = model_of(options), settings_of(options)
    loaded = peak_mb()
    begin, busy = time.perf_counter(), time.process_time()
    centres, *_ = write_features(
        Source("video", options.video),
        windows_of(settings),
        settings,
        model,
        Path(options.array),
        1 if options.device == "cpu" else options.threads,
    )
    return measured(begin, busy, len(centres), loaded)


def bare_side(options) -> dict:
    """The network alone on windows in memory: seconds each, the median of some groups."""
    import statistics

    model, settings = model_of(options), settings_of(options)
    windows = windows_of(settings)
    source = Source("video", options.video)
    groups = window_groups(source, source.instants(FPS), windows, settings)
    made = [stacked(next(groups)) for _ in range(2)]
    groups.close()
    each = []
    for _ in range(8):
        for images, shown in made:
            begin = time.perf_counter()
            model.features(images, shown)
            each.append((time.perf_counter() - begin) / len(images))
    return {"each": statistics.median(each[2:])}


def plain_side(options) -> dict:
    """The plain way, written down from what the known extractor does."""
    let_threads_sleep()
    import av
    import cv2
    import numpy as np
    import torch

    torch.set_num_threads(options.threads)
    place = torch.device("cpu" if options.device == "cpu" else f"cuda:{options.device}")
    # Unfolded and in torch's usual layout.
    network = load_network(options.weights, options.architecture).to(place)
    alpha = 8 if "4x16" in options.architecture else 4
    loaded = peak_mb()
    begin, busy = time.perf_counter(), time.process_time()
    frames = None
    with av.open(options.video) as container:
        for image in container.decode(video=0):
            small = cv2.resize(image.to_ndarray(format="rgb24"), (256, 256))[None]
            frames = small if frames is None else np.concatenate((frames, small))
    whole = torch.from_numpy(frames).float()
    whole = whole / 255.0
    whole = whole - torch.tensor([0.45] * 3)
    whole = whole / torch.tensor([0.225] * 3)
    whole = whole.permute(3, 0, 1, 2)
    slow = torch.linspace(0, 31, 32 // alpha).long()
    rows = None
    centres = list(range(0, whole.shape[1], options.stride))
    with torch.no_grad():
        for start in range(0, len(centres), PLAIN_BATCH):
            windows = []
            for centre in centres[start : start + PLAIN_BATCH]:
                window = torch.zeros(3, 32, 256, 256)
                for index, frame in enumerate(range(centre - 16, centre + 16)):
                    if 0 <= frame < whole.shape[1]:
                        window[:, index] = whole[:, frame]
                windows.append(window)
            fast = torch.stack(windows).to(place)
            maps = [fast[:, :, slow], fast]
            for block in network.blocks[:6]:
                maps = block(maps)
            found = maps.mean((2, 3, 4)).cpu().numpy()
            rows = found if rows is None else np.concatenate((rows, found))
    np.save(options.array, rows)
    return measured(begin, busy, len(rows), loaded)


def measured(begin: float, busy: float, windows: int, loaded_mb: float) -> dict:
    """Time and memory of a side since `begin` on the clock and `busy` on the processors.

    `work_mb` is what came on top of the loaded network.
    """
    peak = peak_mb()
    return {
        "seconds": time.perf_counter() - begin,
        "busy": time.process_time() - busy,
        "windows": windows,
        "peak_mb": peak,
        "work_mb": peak - loaded_mb,
    }


SIDES = {"avaflow": avaflow_side, "bare": bare_side, "plain": plain_side}


def moving_card(target: Path, seconds: float) -> Path:
    """A moving test card as a video file."""
    import ffmpeg

    from avaflow.videos.ffmpeg import ffmpeg_exe

    card = ffmpeg.input(f"testsrc2=size=340x256:rate={FPS}:duration={seconds}", f="lavfi")
    made = card.output(str(target), vcodec="libx264", preset="veryfast", pix_fmt="yuv420p")
    made.run(cmd=ffmpeg_exe(""), quiet=True, overwrite_output=True)
    return target


def random_weights(target: Path) -> Path:
    """A network with random weights that tells images apart, and takes a trained one's time."""
    from slowfast_weights import plain_network, write_pytorchvideo

    return write_pytorchvideo(target, plain_network())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a checkpoint; without it, random weights of an R50 8x8")
    parser.add_argument("--architecture", default="slowfast_r50_8x8")
    parser.add_argument("--seconds", type=float, default=6, help="of the short video")
    parser.add_argument(
        "--plain-seconds", type=float, default=60, help="the longest video for the plain way"
    )
    parser.add_argument("--batch", type=int, default=1, help="windows a forward pass of avaflow")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    for name in ("--side", "--video", "--array"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="full", help=argparse.SUPPRESS)
    parser.add_argument("--stride", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
