"""Hold clips and pictures against their manifests."""

from avaflow.workflow.job import job
from avaflow.workflow.verify import check_clips

if "snakemake" in globals():
    with job(snakemake.log[0]) as log:
        check_clips(snakemake.params.results, snakemake.params.clips)
        log.info("%d clips are whole", len(snakemake.params.clips))
