"""A million rows of existing annotations: how long reading takes, and how much memory.

    uv run python benchmarks/existing.py [--rows 1000000]

AVA's csv and COCO's JSON of a thousand clips with made-up boxes, each read in a process of its
own, against reading the same file with what Python has for it (csv.reader, json.loads) and doing
nothing more. Prints seconds, the most memory, and the ratio.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLIPS, ACTIONS = 1000, 20

READ = r"""
import re, sys, time
sys.path.insert(0, {scripts!r})
began = time.perf_counter()
{code}
seconds = time.perf_counter() - began
with open("/proc/self/status") as stream:
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", stream.read())[1])
print(seconds, peak / 1024)
"""

OURS = """
from pathlib import Path
from avaflow.annotation.existing.kinds import read_existing
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.tables import table_text
from avaflow.project.actions import attributes_from_config
attributes = attributes_from_config([
    {{"attribute": "does", "options": [f"action {{i}}" for i in range({actions})]}}])
names = Names(clips={{f"clip-{{i}}": "train" for i in range({clips})}}, attributes=attributes,
              fps=30, offset=900)
found = read_existing([Path({path!r})], names, 50)
for clip in found.clips:
    table_text(found, clip)
assert sum(map(len, found.boxes.values())) == {rows}
"""

BARE = {
    "csv": "import csv\nwith open({path!r}) as stream:\n    rows = list(csv.reader(stream))",
    "json": "import json\nwith open({path!r}) as stream:\n    content = json.load(stream)",
}


def write_csv(path: Path, rows: int) -> None:
    """AVA's csv: ten persons on each second of a clip."""
    chance = random.Random(1)
    with open(path, "w") as stream:
        for number in range(rows):
            clip, second = number % CLIPS, number // CLIPS // 10
            x, y = chance.random() / 2, chance.random() / 2
            box = f"{x:.6f},{y:.6f},{x + 0.2:.6f},{y + 0.3:.6f}"
            person = number // CLIPS % 10 + 1
            stream.write(f"clip-{clip},{902 + second},{box},{number % ACTIONS + 1},{person}\n")


def write_json(path: Path, rows: int) -> None:
    """COCO: ten persons on each image."""
    chance = random.Random(1)
    images = [
        {
            "id": number,
            "file_name": f"clip-{number % CLIPS}_{30 * (number // CLIPS) + 1:06d}.jpg",
            "width": 640,
            "height": 360,
        }
        for number in range(rows // 10)
    ]
    annotations = [
        {
            "id": number,
            "image_id": number // 10,
            "category_id": 1,
            "bbox": [chance.random() * 300, chance.random() * 100, 50.5, 80.25],
            "action_ids": [number % ACTIONS + 1],
            "attributes": {"track_id": number % 10 + 1},
        }
        for number in range(rows)
    ]
    categories = [{"id": 1, "name": "person"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content))


def measure(code: str, **values) -> tuple[float, float]:
    """Seconds and megabytes of a process that runs the code."""
    text = READ.format(scripts=str(ROOT / "scripts"), code=code.format(**values))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def main() -> None:
    """Write the files, read each both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        for kind, write in (("csv", write_csv), ("json", write_json)):
            path = Path(folder, f"annotations.{kind}")
            write(path, rows)
            values = {"path": str(path), "clips": CLIPS, "actions": ACTIONS, "rows": rows}
            ours, bare = measure(OURS, **values), measure(BARE[kind], **values)
            print(
                f"{kind}: {rows} rows in {ours[0]:.1f} s with {ours[1]:.0f} MB; parsing alone "
                f"{bare[0]:.1f} s with {bare[1]:.0f} MB: {ours[0] / bare[0]:.1f} times the time"
            )


if __name__ == "__main__":
    main()
