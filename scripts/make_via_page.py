"""Make the page that opens one clip's project in the user's own copy of VIA 3."""

import json
from pathlib import Path

from avaflow.annotation.via_page import clip_page, project_script, read_page
from avaflow.files import write_bytes, write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]) as log:
        content = json.loads(Path(snakemake.input.project).read_text(encoding="utf-8"))
        clip = content["project"]["pname"]
        page = clip_page(read_page(snakemake.input.page), clip, len(content["attribute"]))
        write_text(snakemake.output.js, project_script(content))
        # VIA's own bytes come out as they were, even where they are not UTF-8.
        write_bytes(snakemake.output.html, page.encode("utf-8", errors="surrogateescape"))
        log.info("page from %s", snakemake.input.page)
