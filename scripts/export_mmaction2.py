"""Write mmaction2 training configs beside the dataset."""

from pathlib import Path

from avaflow.files import write_text
from avaflow.formats.ava import csv_text, read_csv
from avaflow.formats.imbalance import rarities, repeats_of_keyframes, rows_to_repeat
from avaflow.formats.mmaction2 import Export, again_csv, config_text, demo_text, readme_text
from avaflow.formats.proposals import key_of, proposals_of_splits
from avaflow.manifests import frame_counts
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.workflow.job import job


def unproposed_keyframes(csvs, proposals):
    """By split, the keys of labelled keyframes that have no proposal."""
    return {
        split: sorted(
            {key_of(row.clip, row.timestamp) for row in read_csv(path)} - set(proposals[split])
        )
        for split, path in csvs.items()
    }


def rows_again(rows, actions, settings, files):
    """Actions' rarities, and the rows of train that each of `files` repeats.

    Without files nothing is repeated.
    """
    if not files:
        return [], []
    found = rarities(rows, actions, settings["repeat_below"], settings["max_repeats"])
    repeats = repeats_of_keyframes(rows, found)
    return found, [rows_to_repeat(rows, repeats, times) for times, _ in enumerate(files, 2)]


if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        splits = list(p.splits)
        actions = all_actions(attributes_from_config(p.actions))
        csvs = dict(zip(splits, snakemake.input.csv, strict=True))
        train = read_csv(csvs["train"]) if "train" in csvs else []
        rare, again = rows_again(train, actions, p.imbalance, snakemake.output.again)
        # Those of other settings before: no config names them, and nothing would update them.
        for path in Path(snakemake.output.readme).parent.glob(again_csv("*")):
            path.unlink()
        for path, rows in zip(snakemake.output.again, again, strict=True):
            write_text(path, csv_text(rows, len(actions), p.offset))
        export = Export(
            splits=splits,
            offset=p.offset,
            fps=p.fps,
            actions=len(actions),
            longest_frames=max(frame_counts(snakemake.input.manifests).values(), default=0),
            focal_gamma=float(p.imbalance["focal_gamma"]),
            focal_alpha=float(p.imbalance["focal_alpha"]),
            again=[len({(row.clip, row.timestamp) for row in rows}) for rows in again],
        )
        unproposed = unproposed_keyframes(
            csvs, proposals_of_splits(snakemake.input.proposals, splits)
        )
        modes = ["frames", "video"] if p.rawframes else ["video"]
        for mode, path in zip(modes, snakemake.output.configs, strict=True):
            write_text(path, config_text(export, mode))
        write_text(snakemake.output.demo, demo_text(p.stride))
        dataset = Path(p.dataset).as_posix()
        write_text(snakemake.output.readme, readme_text(export, modes, dataset, unproposed, rare))
        log.info("configs for %s", ", ".join(modes))
