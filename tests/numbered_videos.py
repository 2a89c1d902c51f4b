"""Videos whose every frame says its own number, so that a test can tell which one it sees."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

BITS = 12


def numbered_image(number: int, width: int, height: int) -> np.ndarray:
    """An image of vertical bars, the bits of `number`, most significant first: (H, W, 3) uint8."""
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    image = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        level = 230 if number >> (BITS - 1 - bit) & 1 else 25
        image[:, edges[bit] : edges[bit + 1]] = level
    return image


def read_number(image: np.ndarray) -> int:
    """The number in an image of :func:`numbered_image`; AssertionError if bars are unclear."""
    width = image.shape[1]
    number = 0
    for bit in range(BITS):
        middle = round((bit + 0.5) * width / BITS)
        level = image[:, middle - 2 : middle + 3].mean()
        assert level < 90 or level > 165, f"bar {bit} is unclear: {level}"
        number = number << 1 | int(level > 128)
    return number


def make_video(
    path: Path,
    frames: int = 150,
    fps: str = "30",
    size: tuple[int, int] = (192, 108),
    output: tuple[str, ...] = ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p"),
    filters: str = "",
    first: int = 0,
) -> Path:
    """Encode numbered frames, from `first`, with ffmpeg's own command line arguments."""
    width, height = size
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{width}x{height}", "-r", fps, "-i", "-"),
        *(("-vf", filters) if filters else ()),
        *output,
        str(path),
    ]
    content = b"".join(
        numbered_image(first + number, width, height).tobytes() for number in range(frames)
    )
    subprocess.run(command, input=content, check=True)
    return path


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg with these arguments."""
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *arguments],
        check=True,
    )


def shown_numbers(path: Path, rotate: int = 0) -> list[int]:
    """The number shown by every frame of a video, in order."""
    import av

    with av.open(str(path)) as container:
        return [
            read_number(np.rot90(frame.to_ndarray(format="rgb24"), rotate))
            for frame in container.decode(video=0)
        ]
