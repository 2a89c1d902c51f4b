"""Turn AVA's file list into a clips table."""

from collections import Counter

from avaflow.ava_kinetics.movies import MOVIES, clips_table, movie_rows, read_file_list, splits_of
from avaflow.bulk.plan import write_rows
from avaflow.files import write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        movies = [movie for path in snakemake.input.lists for movie in read_file_list(path)]
        csvs = dict(zip(("train", "val"), snakemake.input.csvs, strict=True))
        rows = movie_rows(movies, splits_of(csvs), p.movies)
        counts = Counter(row["status"] for row in rows)
        log.info("%s", ", ".join(f"{count} {status}" for status, count in counts.items()))
        write_text(snakemake.output.clips, clips_table(rows))
        write_rows(snakemake.output.movies, MOVIES, rows)
