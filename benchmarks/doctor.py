"""A million rows of labels and 100,000 keyframes of proposals: how long the doctor takes.

    uv run python benchmarks/doctor.py [--rows 1000000] [--keys 100000]

Writes a dataset without media in AVA's form (made-up boxes, ten rows on each keyframe, nine tenths
of them in train) into a temporary folder, examines it in a process of its own, and prints seconds
and the most memory. With --faults every thousandth row is damaged in one of four ways.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.formats.ava import action_list_text  # noqa: E402
from avaflow.formats.proposals import write_proposals  # noqa: E402
from avaflow.project.actions import Action  # noqa: E402

SECONDS, ACTIONS, PERSONS, VAL = 800, 60, 5, 10

EXAMINE = r"""
import re, sys, time
sys.path.insert(0, {scripts!r})
began = time.perf_counter()
from avaflow.doctor.examine import examine
found = examine({folder!r})
seconds = time.perf_counter() - began
with open("/proc/self/status") as stream:
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", stream.read())[1])
codes = sorted({{each.code + " x" + str(each.count) for each in found.findings}})
print(f"{{seconds:.1f}} s, {{peak / 1024:.0f}} MB; findings: {{', '.join(codes) or 'none'}}")
"""


def write_dataset(folder: Path, rows: int, keys: int, faults: bool) -> None:
    """train and val of made-up clips; five persons with two actions on each keyframe."""
    chance = np.random.default_rng(1)
    folder.mkdir()
    keyframes = rows // (2 * PERSONS)
    actions = [Action(i, f"action {i}", "", "PERSON_MOVEMENT") for i in range(1, ACTIONS + 1)]
    (folder / "action_list.pbtxt").write_text(action_list_text(actions))
    for split in ("train", "val"):
        own = range(VAL, keyframes) if split == "train" else range(VAL * keyframes // 100)
        lines, proposals = [], {}
        for number in own:
            clip, second = f"{split}-{number // SECONDS}", 902 + number % SECONDS
            corners = chance.random((PERSONS, 2)) * 0.7
            boxes = np.round(np.column_stack([corners, corners + 0.1 + 0.2 * corners]), 6)
            for person, box in enumerate(boxes.tolist(), start=1):
                text = ",".join(f"{side:.6f}" for side in box)
                for action in sorted({number % ACTIONS + 1, (number + 7 * person) % ACTIONS + 1}):
                    lines.append(f"{clip},{second},{text},{action},{person}")
            if len(proposals) < keys:
                score = np.sort(chance.random(PERSONS))[::-1]
                proposals[f"{clip},{second:04d}"] = np.column_stack([boxes, score])
        if faults:
            for at in range(0, len(lines), 1000):
                cells = lines[at].split(",")
                cells[(2, 4, 6, 6)[at // 1000 % 4]] = ("-0.1", "300", "0", "99")[at // 1000 % 4]
                lines[at] = ",".join(cells)
        (folder / f"{split}.csv").write_text("\n".join(lines) + "\n")
        (folder / f"{split}_excluded_timestamps.csv").write_text("")
        write_proposals(folder / f"dense_proposals_{split}.pkl", proposals)
        print(f"{split}: {len(lines)} rows, {len(proposals)} keyframes with proposals")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--faults", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "annotations"
        write_dataset(dataset, given.rows, given.keys, given.faults)
        code = EXAMINE.format(scripts=str(ROOT / "scripts"), folder=str(dataset))
        subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
