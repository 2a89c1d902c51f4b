"""Opening the page of a clip, saying something on it, and an hour of work: large against small.

    uv run python benchmarks/page.py [--rounds 3] [--inputs 5000]

A clip of 15 minutes with 50 persons, one of a minute with 200, and one of six seconds with three,
in turn, each from the disk in Debian's chromium. Prints medians of the seconds until the page can
be worked on, the slowest of twenty edits, and the ratios to the small clip; for the longest clip,
what the page holds in memory after each fifth of an hour's inputs by real keys, garbage collected,
all of which can still be undone; and how many frames are drawn a second, and how many of the
video's are dropped, while a video of 60 frames a second plays with 20 boxes that move, against the
bare video in the same browser.
"""

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "scripts"), str(ROOT / "tests")]

from page_clips import ASSETS, Annotator, clip, many  # noqa: E402

SLOWEST = """() => {
  let slowest = 0;
  for (let n = 0; n < 20; n++) {
    const began = performance.now();
    avaflow.app.option(avaflow.app.clip.attributes[1], 'talk', n % 2 ? 'from' : 'whole');
    slowest = Math.max(slowest, performance.now() - began);
  }
  return slowest / 1000;
}"""


MB = 1_000_000


def held_mb(person: Annotator, protocol) -> float:
    """Megabytes that the page's scripts hold, without garbage."""
    person.page.wait_for_timeout(200)
    protocol.send("HeapProfiler.collectGarbage")
    told = protocol.send("Runtime.getHeapUsage")
    return told["usedSize"] / MB


def hour(browser, folder: Path, inputs: int) -> None:
    """Work on the longest clip: actions set, ended and undone, persons, seconds, judgements."""
    person = Annotator(browser, folder)
    person.open(many(50, 900))
    protocol = person.context.new_cdp_session(person.page)
    chance, done = random.Random(1), 0
    keys = [str(n) for n in range(1, 6)]
    others = ["Tab", "PageDown", "PageDown", "PageUp", "Shift+ArrowRight", "Enter", "Control+z"]
    print(f"900 s, 50 persons: {held_mb(person, protocol):.0f} MB held at the beginning", end="")
    began = time.monotonic()
    for part in range(1, 6):
        while done < inputs * part // 5:
            person.press(chance.choice(keys if done % 2 else others))
            done += 1
        print(f", {held_mb(person, protocol):.0f} MB after {done} inputs", end="", flush=True)
    edits = person.page.evaluate("avaflow.app.history.past.length")
    while person.page.evaluate("avaflow.app.history.past.length"):
        person.page.evaluate("avaflow.app.history.undo()")
    print(f"; {edits} edits, all undone at the end; {time.monotonic() - began:.0f} s")
    person.context.close()


PLAYED_S = 10
"""Seconds of the video that is played."""

WATCH = """(video) => new Promise((done) => {
  let drawn = 0, began = 0;
  const count = (now) => {
    began = began || now;
    drawn += 1;
    if (now - began < 8000) return requestAnimationFrame(count);
    const {totalVideoFrames, droppedVideoFrames} = video.getVideoPlaybackQuality();
    done([drawn / ((now - began) / 1000), totalVideoFrames, droppedVideoFrames]);
  };
  video.play().then(() => requestAnimationFrame(count));
})"""


def playing(browser, folder: Path) -> None:
    """The bare video, and the page with it and 20 boxes."""
    (folder / "clips").mkdir(exist_ok=True)
    path = folder / "clips" / "c-1.mp4"
    source = f"testsrc2=s=640x360:r=60:d={PLAYED_S}"
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "60"]
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-y"]
    subprocess.run([*ffmpeg, "-f", "lavfi", "-i", source, *encode, path], check=True)
    (folder / "bare.html").write_text(
        '<video src="clips/c-1.mp4" muted preload="auto" style="width:960px"></video>'
    )
    bare = browser.new_page(viewport={"width": 1366, "height": 768})
    bare.goto((folder / "bare.html").as_uri())
    bare.wait_for_function("document.querySelector('video').readyState > 3")
    person = Annotator(browser, folder)
    tracks = many(20, PLAYED_S)["tracks"]
    person.open(clip(fps=60, frames=60 * PLAYED_S, width=640, height=360, tracks=tracks))
    for name, page in (("bare video", bare), ("page with 20 boxes", person.page)):
        page.bring_to_front()
        rate, shown, dropped = page.evaluate(f"({WATCH})(document.querySelector('video'))")
        print(
            f"{name:<18} {rate:.0f} frames drawn a second, {dropped} of {shown} frames of the "
            "video dropped"
        )
    bare.close()
    person.context.close()


def main() -> None:
    """Open each clip so many times, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inputs", type=int, default=5000)
    args = parser.parse_args()
    rounds = args.rounds
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("no playwright here: it is in the group `dev`, run by `uv run python ...`")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("no chromium on this machine")
    clips = {
        "6 s, 3 persons": clip(),
        "60 s, 200 persons": many(200, 60),
        "900 s, 50 persons": many(50, 900),
    }
    opened: dict[str, list[float]] = {name: [] for name in clips}
    edited: dict[str, list[float]] = {name: [] for name in clips}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        shutil.copytree(ASSETS, Path(folder, "annotate", "assets"))
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(rounds):
            for name, data in clips.items():
                # No video lies there: keyframes would stand in, and decoding is not the page's.
                person = Annotator(browser, Path(folder))
                person.open(data)
                opened[name].append(person.page.evaluate("avaflow.app.openedAfter") / 1000)
                edited[name].append(person.page.evaluate(SLOWEST))
                person.context.close()
        playing(browser, Path(folder))
        hour(browser, Path(folder), args.inputs)
        browser.close()
    small = next(iter(clips))
    for name in clips:
        first, second = statistics.median(opened[name]), statistics.median(edited[name])
        print(
            f"{name:<18} opens in {first:.2f} s, {first / statistics.median(opened[small]):.1f} "
            f"times the small clip's; slowest edit {second * 1000:.0f} ms, "
            f"{second / statistics.median(edited[small]):.1f} times"
        )


if __name__ == "__main__":
    main()
