"""List all videos with their features, and say how to read them."""

from avaflow.features.files import (
    MANIFEST,
    check_any_made,
    dimensions,
    index_table,
    readme,
    unlisted_arrays,
)
from avaflow.files import write_text
from avaflow.tables import write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        table = index_table(snakemake.input.manifests)
        check_any_made(table, p.strict)
        write_table(snakemake.output.index, table, MANIFEST)
        unlisted = unlisted_arrays(table, p.folder)
        numbers = dimensions(table, p.folder)
        write_text(snakemake.output.readme, readme(table, p.features, numbers, unlisted))
