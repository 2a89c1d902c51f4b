"""Link frames and annotations into the folder that mmaction2 knows AVA by."""

from pathlib import Path

from avaflow.ava_kinetics.movies import MOVIES, link_ava_folder
from avaflow.bulk.plan import read_rows
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]):
        listing = snakemake.output.links
        rows = read_rows(snakemake.input.movies, MOVIES)
        link_ava_folder(rows, p.clips, p.annotations, Path(listing).parents[1], listing)
