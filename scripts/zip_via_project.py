"""Pack one clip's project, page and keyframes into a zip to send to an annotator."""

import math
from pathlib import Path

from avaflow.annotation.via import read_project
from avaflow.annotation.via_page import write_clip_zip
from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.tables import KEYFRAMES, Keyframe, read_table, rows_of
from avaflow.workflow.job import job
from avaflow.workflow.records import REPAIR

if "snakemake" in globals():
    with job(snakemake) as log:
        manifest = Path(snakemake.input.keyframes)
        pictures = []
        for keyframe in rows_of(read_table(manifest, KEYFRAMES), Keyframe):
            picture = manifest.with_suffix("") / keyframe.file
            if not picture.exists() or sha256(picture) != keyframe.sha256:
                raise UserError(f"{picture}: not as avaflow wrote it. What to do: {REPAIR}")
            pictures.append(picture)
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
