"""Write mmaction2 training configs beside the dataset."""

from pathlib import Path

from avaflow.files import write_text
from avaflow.formats.ava import read_csv
from avaflow.formats.mmaction2 import Export, config_text, demo_text, readme_text
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


if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        splits = list(p.splits)
        export = Export(
            splits=splits,
            offset=p.offset,
            fps=p.fps,
            actions=len(all_actions(attributes_from_config(p.actions))),
            longest_frames=max(frame_counts(snakemake.input.manifests).values(), default=0),
        )
        csvs = dict(zip(splits, snakemake.input.csv, strict=True))
        unproposed = unproposed_keyframes(
            csvs, proposals_of_splits(snakemake.input.proposals, splits)
        )
        modes = ["frames", "video"] if p.rawframes else ["video"]
        for mode, path in zip(modes, snakemake.output.configs, strict=True):
            write_text(path, config_text(export, mode))
        write_text(snakemake.output.demo, demo_text(p.stride))
        dataset = Path(p.dataset).as_posix()
        write_text(snakemake.output.readme, readme_text(export, modes, dataset, unproposed))
        log.info("configs for %s", ", ".join(modes))
