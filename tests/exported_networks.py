"""Small networks as others hand them about, and a clip of two persons of one colour each."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd

from avaflow.tables import TRACKS
from avaflow.videos.frames import ClipVideo
from onnx_files import node, onnx_bytes

GREY, RED, GREEN = (100, 100, 100), (200, 30, 40), (20, 180, 60)

WIDTH, HEIGHT, FRAMES, FPS = 160, 120, 90, 30

RED_PX, GREEN_PX = (0, 20, 40, 120), (80, 30, 110, 90)
"""Where the persons stand: the red one in the lower left corner of the image."""


def one_step(path: Path, operation: str, shape, **attributes) -> Path:
    """An ONNX file of one operation on images of this shape."""
    steps = [node(operation, ["images"], "found", **attributes)]
    path.write_bytes(onnx_bytes(steps, {}, ("images", shape), ("found", ["n", "d"])))
    return path


def everything(path: Path, axes: int = 4) -> Path:
    """A network that gives back all the numbers it is shown, a row a window."""
    return one_step(path, "Flatten", ["n", *(f"side{axis}" for axis in range(axes))], axis=1)


def mean_colour(path: Path) -> Path:
    """A network of `tchw` that gives the mean of each colour."""
    return one_step(path, "ReduceMean", ["n", "t", 3, "h", "w"], axes=[1, 3, 4], keepdims=0)


def torch_network(seed: int = 0):
    """A convolution over time and place, and what a linear layer makes of its means."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv3d(3, 8, 3, stride=2, padding=1)
            self.last = torch.nn.Linear(8, 5)

        def forward(self, images):
            return self.last(torch.relu(self.conv(images)).mean((2, 3, 4)))

    torch.manual_seed(seed)
    return Network().eval()


def write_torchscript(path: Path, network, shape) -> Path:
    """A network of torch, traced on noise of this shape."""
    import torch

    with torch.no_grad():
        torch.jit.trace(network, torch.rand(shape)).save(str(path))
    return path


def write_onnx(path: Path, network) -> Path:
    """That of :func:`torch_network` step by step."""
    steps = [
        node(
            "Conv",
            ["images", "conv.weight", "conv.bias"],
            "conv",
            pads=[1] * 6,
            strides=[2] * 3,
        ),
        node("Relu", ["conv"], "relu"),
        node("ReduceMean", ["relu"], "means", axes=[2, 3, 4], keepdims=0),
        node("Gemm", ["means", "last.weight", "last.bias"], "found", transB=1),
    ]
    weights = {name: part.numpy() for name, part in network.state_dict().items()}
    shapes = ("images", ["n", 3, "t", "h", "w"]), ("found", ["n", 5])
    path.write_bytes(onnx_bytes(steps, weights, *shapes))
    return path


def colour_clip(path: Path) -> ClipVideo:
    """A clip of two persons who stand still before grey, with every pixel as drawn."""
    image = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    for (x1, y1, x2, y2), colour in ((RED_PX, RED), (GREEN_PX, GREEN)):
        image[y1:y2, x1:x2] = colour
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-", "-c:v", "png", str(path)),
    ]
    subprocess.run(command, input=image.tobytes() * FRAMES, check=True)
    return ClipVideo(path.stem, str(path), FRAMES, FPS, WIDTH, HEIGHT)


def colour_tracks() -> pd.DataFrame:
    """Where the red person (1) and the green one (2) are at second 1."""
    sides = np.array([WIDTH, HEIGHT] * 2)
    rows = [
        (FPS + 1, person, *(np.array(box) / sides), 0.9)
        for person, box in ((2, GREEN_PX), (1, RED_PX))
    ]
    return pd.DataFrame(rows, columns=list(TRACKS))
