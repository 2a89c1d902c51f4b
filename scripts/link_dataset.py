"""Put the finished clips, and their frames, under the dataset folder by relative links."""

from avaflow.formats.links import link_dataset
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake.log[0]):
        link_dataset(
            snakemake.params.results,
            snakemake.params.clips,
            snakemake.params.rawframes,
            snakemake.output.links,
        )
