"""Write a YOLO dataset of the boxes that annotators kept."""

from pathlib import Path

from avaflow.annotation.via import read_project
from avaflow.persons.detector_dataset import check_splits, judged_keyframes, write_dataset
from avaflow.tables import KEYFRAMES, LABELS, UNTICKED, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        check_splits(p.splits)
        max_mb = snakemake.config["via"]["max_project_mb"]
        judged = {split: [] for split in p.used}
        files = zip(given.projects, given.keyframes, given.labels, given.unticked, strict=True)
        for clip, (project, keyframes, labels, unticked) in zip(p.clips, files, strict=True):
            judged[p.splits[clip]] += judged_keyframes(
                clip,
                read_table(keyframes, KEYFRAMES),
                Path(keyframes).with_suffix(""),
                read_project(project, max_mb).images,
                read_table(labels, LABELS),
                read_table(unticked, UNTICKED),
            )
        count = write_dataset(
            Path(snakemake.output.manifest).parent, judged, snakemake.output.manifest
        )
        log.info("%d images", count)
