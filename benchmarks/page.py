"""Opening the page of a clip, and saying something on it: large clips against a small one.

    uv run --with playwright python benchmarks/page.py [--rounds 3]

A clip of 15 minutes with 50 persons, one of a minute with 200, and one of six seconds with three,
in turn, each from the disk in Debian's chromium. Prints medians of the seconds until the page can
be worked on, the slowest of twenty edits, and the ratios to the small clip.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

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


def main() -> None:
    """Open each clip so many times, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("no playwright here: run by `uv run --with playwright python ...`")
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
