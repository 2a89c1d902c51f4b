"""Make the page of a video or clip: boxes, bars and a timeline of what is said of everybody."""

import os
from pathlib import Path
from urllib.parse import quote

from avaflow.manifests import read_clip_manifest
from avaflow.prediction.inputs import names_of, scene_of
from avaflow.prediction.page import page_data, summary, write_page, write_summary
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given, made = snakemake.params, snakemake.input, snakemake.output
        facts = read_clip_manifest(given.manifest)
        least = p.drawn["shown"]
        scene, predictions = scene_of(given, facts, p.margin, p.offset, least)
        video = quote(Path(os.path.relpath(given.clip, Path(made.html).parent)).as_posix())
        data = page_data(
            scene,
            facts,
            video,
            names_of(p.actions, predictions),
            least,
            predicted=predictions is not None,
            compared=predictions is not None and bool(given.get("labels")),
        )
        write_page(made.html, made.js, data)
        write_summary(made.summary, summary(data, least, predictions is not None))
        log.info("%d persons", len(data["people"]))
