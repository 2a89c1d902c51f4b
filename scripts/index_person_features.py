"""List the persons of all clips with the rows that hold their features."""

from avaflow.features.files import PERSON_INDEX, check_any_made, index_table, person_index
from avaflow.tables import write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        table = index_table(snakemake.input.manifests)
        check_any_made(table, p.strict)
        persons = person_index(table, p.folder)
        write_table(snakemake.output.index, persons, PERSON_INDEX)
        log.info("%d boxes of persons in %d clips", len(persons), len(table))
