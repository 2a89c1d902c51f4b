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
        images = []
        for keyframe in rows_of(read_table(manifest, KEYFRAMES), Keyframe):
            image = manifest.with_suffix("") / keyframe.file
            if not image.exists() or sha256(image) != keyframe.sha256:
                raise UserError(f"{image}: not as avaflow wrote it. What to do: {REPAIR}")
            images.append(image)
        write_clip_zip(
            snakemake.output.zip,
            snakemake.params.clip,
            snakemake.input.project,
            images,
            page=snakemake.input.get("html"),
            script=snakemake.input.get("js"),
            attributes=list(read_project(snakemake.input.project, math.inf).options.items()),
        )
        log.info("%d images", len(images))
