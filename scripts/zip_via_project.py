"""Pack one clip's project, page and keyframes into a zip to send to an annotator."""

import math
from pathlib import Path

from avaflow.annotation.via import read_project
from avaflow.annotation.via_page import write_clip_zip
from avaflow.errors import UserError
from avaflow.tables import KEYFRAMES, read_table
from avaflow.workflow.job import job
from avaflow.workflow.records import REPAIR
from avaflow.workflow.verify import contents_damage

if "snakemake" in globals():
    with job(snakemake) as log:
        manifest = Path(snakemake.input.keyframes)
        if damage := contents_damage(manifest):
            raise UserError(f"{manifest}: {damage}. What to do: {REPAIR}")
        pictures = [
            manifest.with_suffix("") / name for name in read_table(manifest, KEYFRAMES)["file"]
        ]
        write_clip_zip(
            snakemake.output.zip,
            snakemake.params.clip,
            snakemake.input.project,
            pictures,
            page=snakemake.input.get("html"),
            script=snakemake.input.get("js"),
            attributes=list(read_project(snakemake.input.project, math.inf).options.items()),
        )
        log.info("%d pictures", len(pictures))
