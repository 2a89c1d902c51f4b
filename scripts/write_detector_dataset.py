"""Write a YOLO dataset of the boxes that annotators kept."""

from pathlib import Path

from avaflow.annotation.via import adopted, read_project
from avaflow.persons.detector_dataset import check_splits, judged_keyframes, write_dataset
from avaflow.tables import KEYFRAMES, LABELS, NOBODY, UNTICKED, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        check_splits(p.splits)
        max_mb = snakemake.config["via"]["max_project_mb"]
        saved = dict(zip(p.saved, given.projects, strict=True))
        judged = {split: [] for split in p.used}
        files = zip(given.keyframes, given.labels, given.unticked, given.nobody, strict=True)
        for clip, (table, labels, unticked, nobody) in zip(p.clips, files, strict=True):
            keyframes = read_table(table, KEYFRAMES)
            named = set(read_table(nobody, NOBODY)["second"])
            if clip in saved:
                # A project shows each of its images, also where every box was deleted.
                images = adopted(read_project(saved[clip], max_mb), p.known_as).images
                named |= set(keyframes["second"][keyframes["file"].isin(images)])
            judged[p.splits[clip]] += judged_keyframes(
                clip,
                keyframes,
                Path(table).with_suffix(""),
                named,
                read_table(labels, LABELS),
                read_table(unticked, UNTICKED),
            )
        count = write_dataset(
            Path(snakemake.output.manifest).parent, judged, snakemake.output.manifest
        )
        log.info("%d images", count)
