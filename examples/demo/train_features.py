"""Train the demo's features, from nothing, on random short films of drawn persons.

    python examples/demo/train_features.py

writes examples/demo/features/figures.onnx: a small network that sees a person's crop in eight
images around a keyframe. It learns to tell the actions apart; the 96 numbers before its last layer
are the feature. It needs no network. Films, seeds and sizes are fixed.
"""

import argparse
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "scripts"))

from avaflow.features.crops import crop_px, placed, resized  # noqa: E402
from avaflow.files import write_bytes  # noqa: E402
from avaflow.torch_threads import let_threads_sleep  # noqa: E402
from onnx_files import node, onnx_bytes  # noqa: E402
from random_motion import NAMES, random_film  # noqa: E402

WEIGHTS = HERE / "features" / "figures.onnx"

FPS, FRAMES, STEP = 30, 8, 4
"""Of a window: eight images, every fourth of 30 a second, as the demo's config asks for."""

SECONDS = (np.arange(FRAMES) - FRAMES // 2) * STEP / FPS
"""Of a window's images from its keyframe, which is one of them."""

WIDTH, HEIGHT, MARGIN = 80, 112, 0.2
"""Pixels of a crop, and the share of the box around it, as the demo's config asks for."""

MEAN, STD = 0.45, 0.225
"""Of all colours, as config.yaml has them."""

PADDING = round(255 * MEAN)
"""Grey that stands for zeros around a crop."""

TRAINING_SEED, MEASURED_SEED = 100_000, 200_000
"""Seeds of the first film to learn from, and of the first to measure with."""

TRAINING_FILMS, MEASURED_FILMS = 1500, 150

LEAST_VISIBLE = 0.4
"""Share of a person that must be seen to learn from."""

JITTER = 0.04
"""Standard deviation of a box's sides, in its width and height: a detector's are not exact."""

CROPS = 2
"""Of each person, by boxes that differ by JITTER."""

CONVOLUTIONS = (
    # maps, kernel, stride, margin; each in time, height and width
    (16, (1, 6, 6), (1, 4, 4), (0, 1, 1)),
    (32, (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    (48, (3, 1, 1), (2, 1, 1), (1, 0, 0)),
    (64, (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    (32, (3, 1, 1), (1, 1, 1), (1, 0, 0)),
)
"""By turns over places and over time: a fifth of the work of doing both at once."""

CELLS = (2, 1, 1)
"""Of the last maps, 4 x 7 x 5 in time, height and width, that are averaged to one: where in the
crop an arm is, tells what it does."""

PLACES = 2 * 7 * 5
"""What remains of a map."""

DIMENSIONS = 96
"""Length of a feature."""

EPOCHS, BATCH, RATE = 9, 32, 0.004

PROCESSES = 2


def person_crop(images: np.ndarray, box: np.ndarray) -> np.ndarray:
    """A person in images (times, height, width, 3), as the network sees it, not normalised."""
    high, wide = images.shape[1:3]
    left, top, right, bottom = crop_px(box * [wide, high, wide, high], MARGIN, wide, high)
    x, y, width, height = placed(right - left, bottom - top, (WIDTH, HEIGHT), "padded")
    crops = np.full((len(images), HEIGHT, WIDTH, 3), PADDING, np.uint8)
    for index, image in enumerate(images):
        crop = resized(image[top:bottom, left:right], width, height)
        crops[index, y : y + height, x : x + width] = crop
    return crops


def examples_of(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crops, RGB uint8 (8, 112, 80, 3), and labels, bool (7,), from a film."""
    cv2.setNumThreads(1)
    images, persons = random_film(seed, SECONDS)
    rng = np.random.default_rng([seed, 1])
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 97))]
    # Frames of videos are not as drawn either.
    images = np.stack(
        [cv2.imdecode(cv2.imencode(".jpg", one, quality)[1], cv2.IMREAD_COLOR) for one in images]
    )[..., ::-1]
    found = []
    for box, labels, visible in persons:
        sides = np.tile(box[2:] - box[:2], 2)
        if visible >= LEAST_VISIBLE and sides.min() > 0.02:
            for _ in range(CROPS):
                jittered = np.clip(box + rng.normal(0, JITTER, 4) * sides, 0, 1)
                found.append((person_crop(images, jittered), labels))
    return found


def examples(first_seed: int, films: int) -> tuple[np.ndarray, np.ndarray]:
    """The examples of so many films: crops (N, 8, 112, 80, 3) and labels (N, 7)."""
    with get_context("spawn").Pool(PROCESSES) as pool:
        parts = pool.map(examples_of, range(first_seed, first_seed + films), chunksize=10)
    crops, labels = zip(*(one for part in parts for one in part), strict=True)
    return np.stack(crops), np.stack(labels)


def make_network():
    """The network with chance weights: convolutions with norms, then two linear layers."""
    import torch

    layers: list = []
    before = 3
    for channels, kernel, stride, around in CONVOLUTIONS:
        layers += [
            torch.nn.Conv3d(before, channels, kernel, stride, around, bias=False),
            torch.nn.BatchNorm3d(channels),
            torch.nn.ReLU(inplace=True),
        ]
        before = channels
    layers += [torch.nn.AvgPool3d(CELLS), torch.nn.Flatten()]
    layers += [torch.nn.Linear(before * PLACES, DIMENSIONS), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Dropout(0.2), torch.nn.Linear(DIMENSIONS, 7))


def normalised(crops: np.ndarray):
    """What the network sees of crops: float32 tensor (N, 3, 8, 112, 80)."""
    import torch

    values = torch.from_numpy(crops).float().permute(0, 4, 1, 2, 3)
    return values.div_(255).sub_(MEAN).div_(STD)


def varied(values):
    """Crops with other light and colours, half of them mirrored; padding stays what it is."""
    import torch

    rows = len(values)
    values.mul_(0.75 + 0.5 * torch.rand(rows, 3, 1, 1, 1))
    mirrored = torch.rand(rows) < 0.5
    values[mirrored] = values[mirrored].flip(-1)
    return values


def train(crops: np.ndarray, labels: np.ndarray):
    """The network after its training, ready to run."""
    import torch

    torch.manual_seed(0)
    network = make_network()
    targets = torch.from_numpy(labels).float()
    steps = EPOCHS * (len(crops) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        begin, losses = time.perf_counter(), []
        order = torch.randperm(len(crops)).numpy()
        for at in range(0, len(crops) - BATCH + 1, BATCH):
            rows = np.sort(order[at : at + BATCH])
            logits = network(varied(normalised(crops[rows])))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        spent = time.perf_counter() - begin
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {spent:.0f} s", flush=True)
    return network.eval()


def network_bytes(network) -> bytes:
    """The network up to its feature as ONNX, norms worked in, weights in half precision."""
    import torch
    from torch.nn.utils import fuse_conv_bn_eval

    steps, weights = [], {}

    def halved(name: str, values) -> str:
        weights[f"{name}_half"] = values.detach().numpy().astype(np.float16)
        steps.append(node("Cast", [f"{name}_half"], name, to=1))
        return name

    layers, last = list(network), "images"
    for index, layer in enumerate(layers):
        name = f"layer{index}"
        if isinstance(layer, torch.nn.Conv3d):
            fused = fuse_conv_bn_eval(layer, layers[index + 1])
            parts = [halved(f"{name}_w", fused.weight), halved(f"{name}_b", fused.bias)]
            pads = [*layer.padding, *layer.padding]
            steps.append(node("Conv", [last, *parts], name, pads=pads, strides=list(layer.stride)))
        elif isinstance(layer, torch.nn.AvgPool3d):
            kernel, stride = list(layer.kernel_size), list(layer.stride)
            steps.append(node("AveragePool", [last], name, kernel_shape=kernel, strides=stride))
        elif isinstance(layer, torch.nn.Flatten):
            steps.append(node("Flatten", [last], name, axis=1))
        elif isinstance(layer, torch.nn.ReLU):
            steps.append(node("Relu", [last], name))
        elif isinstance(layer, torch.nn.Linear):
            parts = [halved(f"{name}_w", layer.weight), halved(f"{name}_b", layer.bias)]
            steps.append(node("Gemm", [last, *parts], name, transB=1))
        elif isinstance(layer, torch.nn.BatchNorm3d):
            continue
        else:
            break  # what follows the feature
        last = name
    given = "images", ["windows", 3, FRAMES, HEIGHT, WIDTH]
    return onnx_bytes(steps, weights, given, (last, ["windows", DIMENSIONS]))


def measure(network, crops: np.ndarray, labels: np.ndarray) -> None:
    """Print how well each action is told, on persons that the network has not seen."""
    import torch

    with torch.no_grad():
        parts = [network(normalised(crops[at : at + 64])) for at in range(0, len(crops), 64)]
    told = torch.cat(parts).numpy() > 0
    for column, name in enumerate(NAMES):
        right = told[:, column] == labels[:, column]
        done = labels[:, column]
        print(
            f"{name}: right {right.mean():.3f} of {len(right)}; of {done.sum()} who do it "
            f"{right[done].mean():.3f}, of those who do not {right[~done].mean():.3f}"
        )


def main() -> None:
    """Draw, train, measure, and write the network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="file to write")
    weights = parser.parse_args().weights
    let_threads_sleep()
    import torch

    torch.set_num_threads(PROCESSES)
    begin = time.perf_counter()
    crops, labels = examples(TRAINING_SEED, TRAINING_FILMS)
    print(f"{len(crops)} crops drawn, {time.perf_counter() - begin:.0f} s", flush=True)
    network = train(crops, labels)
    measure(network, *examples(MEASURED_SEED, MEASURED_FILMS))
    write_bytes(weights, network_bytes(network))
    print(f"{weights}: {weights.stat().st_size} bytes, {time.perf_counter() - begin:.0f} s in all")


if __name__ == "__main__":
    main()
