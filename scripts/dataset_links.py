"""Put the finished clips, and their frames, under the dataset folder by relative links."""

from avaflow.job import job
from avaflow.links import link_dataset

if "snakemake" in globals():
    with job(snakemake.log[0]):
        link_dataset(
            snakemake.params.results,
            snakemake.params.clips,
            snakemake.params.rawframes,
            snakemake.output.links,
        )
