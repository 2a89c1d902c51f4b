"""Write a YOLO dataset of the boxes that annotators kept."""

from pathlib import Path

import pandas as pd

from avaflow.annotation.page.model import is_annotation
from avaflow.annotation.readings import load_any
from avaflow.annotation.via import adopted, checked_content, parse_project
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
        tables = (given.keyframes, given.labels, given.unticked, given.idle, given.nobody)
        files = zip(*tables, strict=True)
        for clip, (table, labels, *others) in zip(p.clips, files, strict=True):
            keyframes, labels = read_table(table, KEYFRAMES), read_table(labels, LABELS)
            unticked, idle = (read_table(path, UNTICKED) for path in others[:2])
            named = set(read_table(others[2], NOBODY)["second"])
            path = Path(saved.get(clip, ""))
            content = load_any(path, max_mb) if clip in saved else None
            if content is not None and not is_annotation(content):
                # A project shows each of its images, also where every box was deleted.
                project = parse_project(checked_content(content, path), path)
                images = adopted(project, p.known_as).images
                named |= set(keyframes["second"][keyframes["file"].isin(images)])
            elif clip not in p.imported:
                # On the page a keyframe counts as looked at where somebody was judged.
                looked_at = {*labels["second"], *idle["second"]}
                unticked = unticked[unticked["second"].isin(looked_at)]
            judged[p.splits[clip]] += judged_keyframes(
                clip,
                keyframes,
                Path(table).with_suffix(""),
                named,
                labels,
                pd.concat([unticked, idle], ignore_index=True),
            )
        count = write_dataset(
            Path(snakemake.output.manifest).parent, judged, snakemake.output.manifest
        )
        log.info("%d images", count)
