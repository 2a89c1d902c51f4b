"""Make the page that opens one clip's project in the user's own copy of VIA 3."""

import json
from pathlib import Path

from avaflow.annotation.reopened import opened_project
from avaflow.annotation.via_page import clip_page, project_script, read_page
from avaflow.files import write_bytes, write_text
from avaflow.project.actions import attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        made = json.loads(Path(snakemake.input.project).read_text(encoding="utf-8"))
        opened = opened_project(
            made,
            snakemake.input.get("finished"),
            attributes_from_config(snakemake.params.actions),
            snakemake.params.max_project_mb,
            snakemake.params.known_as,
        )
        if opened.trouble:
            log.warning("the page opens the project before annotation: %s", opened.trouble)
        page = clip_page(
            read_page(snakemake.input.page),
            made["project"]["pname"],
            opened.project["attribute"],
        )
        write_text(snakemake.output.js, project_script(opened))
        # VIA's own bytes come out as they were, even where they are not UTF-8.
        write_bytes(snakemake.output.html, page.encode("utf-8", errors="surrogateescape"))
        log.info("page from %s", snakemake.input.page)
