"""Hold everything that was made against its records and manifests."""

from avaflow.workflow.job import job
from avaflow.workflow.verify import check_results

if "snakemake" in globals():
    with job(snakemake) as log:
        log.info("%d files are whole", check_results(snakemake.config["results"]))
