"""Make the list of clips to annotate, and what all their pages share."""

from avaflow.annotation.page.pages import (
    copy_assets,
    index_entry,
    read_counts,
    state_of,
    write_index,
)
from avaflow.annotation.page_files import asset_sources
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p = snakemake.params
        entries = []
        for path in snakemake.input.counts:
            counts = read_counts(path)
            state = state_of(counts, counts.clip in p.finished, counts.clip in p.begun)
            entries.append(index_entry(counts, p.splits[counts.clip], state))
        copy_assets(snakemake.output.assets, asset_sources())
        write_index(snakemake.output.html, snakemake.output.js, entries)
        log.info("%d clips", len(entries))
