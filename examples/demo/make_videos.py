"""Write the demo's videos and the truth about them.

    python examples/demo/make_videos.py [--seed 5 --folder FOLDER]

writes examples/demo/videos/NAME.mp4 (H.264, 640 x 360, 30 frames per second) and
examples/demo/truth/NAME.csv, one row per frame and person in the image. Both are shipped; this
makes them again, with the same frames and the same truth. With --seed it writes another scene,
which nothing was trained on, as FOLDER/videos/scene-5.mp4 and FOLDER/truth/scene-5.csv.
"""

import argparse
import subprocess
from pathlib import Path

import imageio_ffmpeg

from frame_number import IMAGE_HEIGHT, IMAGE_WIDTH
from random_scene import random_scene
from scenes import FPS, FRAMES, SCENES, TRUTH_COLUMNS, Scene, render, truth_lines

HERE = Path(__file__).resolve().parent

QUALITY = 20
"""Constant rate factor of H.264: lower is better and larger."""


def encoder(path: Path) -> subprocess.Popen:
    """Start ffmpeg, which reads raw BGR frames and writes an mp4 of the same bytes every time."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{IMAGE_WIDTH}x{IMAGE_HEIGHT}"]
    command += ["-r", str(FPS), "-i", "pipe:0"]
    # limited range BT.601, said in the file, so that every reader gets the colours back
    command += ["-vf", "scale=out_color_matrix=bt601:out_range=tv", "-pix_fmt", "yuv420p"]
    command += ["-colorspace", "smpte170m", "-color_range", "tv"]
    command += ["-c:v", "libx264", "-preset", "slow", "-crf", str(QUALITY), "-threads", "1"]
    command += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]
    command += ["-movflags", "+faststart", "-f", "mp4", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def write_scene(scene: Scene, video: Path, truth: Path) -> None:
    """Render all frames of a scene into a video and a truth table; whole files or none."""
    lines = [",".join(TRUTH_COLUMNS)]
    unfinished = video.with_suffix(".part")
    process = encoder(unfinished)
    for frame in range(FRAMES):
        rendered = render(scene, frame)
        process.stdin.write(rendered.image.tobytes())
        lines += truth_lines(frame, rendered)
    process.stdin.close()
    if process.wait() != 0:
        unfinished.unlink(missing_ok=True)
        raise SystemExit(f"{video}: ffmpeg failed, see its message above")
    unfinished.rename(video)
    beside = truth.with_suffix(".part")
    beside.write_text("\n".join(lines) + "\n")
    beside.rename(truth)


def main() -> None:
    """Write every scene, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="scenes to write; all if none is named")
    parser.add_argument("--folder", type=Path, default=HERE, help="where videos/ and truth/ go")
    parser.add_argument("--seed", type=int, help="write a scene of this seed instead")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        scene = random_scene(arguments.seed)
        SCENES[scene.name] = scene
        arguments.names = [scene.name]
    unknown = sorted(set(arguments.names) - set(SCENES))
    if unknown:
        parser.error(f"no scene is called {', '.join(unknown)}; there are {', '.join(SCENES)}")
    for kind in ("videos", "truth"):
        (arguments.folder / kind).mkdir(parents=True, exist_ok=True)
    for name in arguments.names or SCENES:
        video = arguments.folder / "videos" / f"{name}.mp4"
        write_scene(SCENES[name], video, arguments.folder / "truth" / f"{name}.csv")
        print(video)


if __name__ == "__main__":
    main()
