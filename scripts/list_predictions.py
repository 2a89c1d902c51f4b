"""List all videos of which something is predicted or drawn, and copy what their pages share."""

from avaflow.prediction.page import copy_assets, read_summary, write_list
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        summaries = [read_summary(path) for path in snakemake.input.summaries]
        copy_assets(snakemake.output.assets)
        write_list(snakemake.output.html, summaries)
        log.info("%d videos", len(summaries))
