"""Seconds that `snakemake predict` takes by second of video, stage by stage, and how right it is.

Reads what Snakemake noted of a run's jobs, so first predict, then

    python benchmarks/predicting.py examples/demo/results
    python benchmarks/predicting.py examples/demo/results --truth new/truth

With the truth of drawn scenes (examples/demo/make_videos.py --seed 5 --folder new) it also tells
the persons found, the decisions right (a person, a second, an action) and AVA's mAP.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from avaflow.boxes import iou_matrix  # noqa: E402
from avaflow.evaluation.ava import SAME_PERSON_IOU, judge  # noqa: E402
from avaflow.tables import BOX  # noqa: E402

STAGES = {
    "cut_new_video": "copy at constant rate",
    "detect_new_persons": "find persons",
    "track_new_persons": "describe and follow them",
    "extract_new_features": "features",
    "predict_actions": "scores",
    "draw_predictions": "draw",
    "make_prediction_page": "page",
}

VISIBLE = 0.3
"""Of a drawn person that must be seen to count: an annotator would hardly box less."""

SHOWN = 0.5
"""Score from which an action counts as said, the config's default."""


def main() -> None:
    """Print the table of each video, and of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--truth", type=Path, help="folder of NAME.csv of drawn scenes")
    parser.add_argument("--offset", type=int, default=900, help="timestamp_offset")
    options = parser.parse_args()
    names = sorted(
        path.parents[1].name for path in options.results.glob("predictions/*/cut/*.json")
    )
    if not names:
        parser.error(f"{options.results}: no video was predicted there")
    for name in names:
        tell_time(options.results, name)
    if options.truth:
        tell_truth(options.results, names, options.truth, options.offset)


def tell_time(results: Path, name: str) -> None:
    """Seconds of every stage by second of one video."""
    facts = json.loads((results / f"predictions/{name}/cut/copy.json").read_text())
    length = facts["frames"] / facts["fps"]
    tracks = pd.read_csv(results / f"predictions/{name}/tracks.csv")
    looks = max(1, tracks["frame"].nunique())
    print(
        f"{name}: {length:.1f} s of {facts['width']} x {facts['height']}, "
        f"{len(tracks) / looks:.1f} persons a look"
    )
    costs = {}
    for rule, words in STAGES.items():
        path = results / f"benchmarks/{rule}/{name}.tsv"
        if not path.is_file():
            continue
        row = list(csv.DictReader(path.open(), delimiter="\t"))[-1]
        wall, busy, memory = (number(row[key]) for key in ("s", "cpu_time", "max_rss"))
        costs[words] = busy
        print(
            f"  {words:<26}{wall / length:8.2f} s/s{busy / length:8.2f} processor s/s"
            f"{memory:8.0f} MB"
        )
    bound = max(costs, key=lambda words: costs[words])
    total = sum(costs.values())
    share = costs[bound] / total
    print(f"  all: {total / length:.2f} processor s/s, most of it: {bound} ({share:.0%})")


def number(text: str) -> float:
    """A figure of Snakemake's, which notes - or NA for jobs that end too soon to be looked at."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def tell_truth(results: Path, names: list[str], folder: Path, offset: int) -> None:
    """What is right of drawn scenes."""
    found_all, true_all = [], []
    persons = found = right = decisions = whole = 0
    actions: dict[str, int] = {}
    for name in names:
        path = folder / f"{name}.csv"
        if not path.is_file():
            continue
        said = pd.read_csv(results / f"predictions/{name}/predictions.csv")
        actions = dict(zip(said["action"], said["action_id"], strict=True))
        truth = pd.read_csv(path).fillna({"actions": ""})
        truth = truth[(truth["frame"] % 30 == 0) & (truth["visible"] >= VISIBLE)]
        truth = truth.assign(timestamp=truth["frame"] // 30 + offset)
        truth = truth[truth["timestamp"].isin(said["timestamp"])]
        found_all.append(said.rename(columns={"video": "clip"}))
        for row in truth.itertuples():
            true = set(row.actions.split(";")) & set(actions)
            box = (row.x1, row.y1, row.x2, row.y2)
            true_all += [(name, row.timestamp, *box, actions[each]) for each in sorted(true)]
            here = said[said["timestamp"] == row.timestamp]
            overlap = iou_matrix(np.array([box]), here[BOX].to_numpy(float))[0]
            persons += 1
            if not len(here) or overlap.max() < SAME_PERSON_IOU:
                continue
            found += 1
            own = here[(here[BOX] == here.iloc[int(overlap.argmax())][BOX]).all(axis=1)]
            told = set(own.loc[own["score"] >= SHOWN, "action"])
            decisions += len(actions)
            right += len(actions) - len(told ^ true)
            whole += told == true
    table = pd.DataFrame(true_all, columns=["clip", "timestamp", *BOX, "action_id"])
    judged = judge(table, pd.concat(found_all), list(actions.values()))
    print(f"persons found: {found} of {persons} person-seconds")
    print(f"decisions right: {right} of {decisions}; persons right in all: {whole} of {found}")
    print(f"AVA mAP {judged.mean:.3f}:", end="")
    for name, number_ in sorted(actions.items(), key=lambda each: each[1]):
        if number_ in judged.average_precision:
            print(f" {name} {judged.average_precision[number_]:.3f}", end="")
    print()


if __name__ == "__main__":
    main()
