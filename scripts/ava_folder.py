"""Link frames and annotations into the folder that mmaction2 knows AVA by."""

from pathlib import Path

from avaflow.ava_movies import MOVIES, link_ava_folder
from avaflow.batch_plan import read_rows
from avaflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]):
        listing = snakemake.output.links
        rows = read_rows(snakemake.input.movies, MOVIES)
        link_ava_folder(rows, p.clips, p.annotations, Path(listing).parents[1], listing)
