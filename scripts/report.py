"""Write the report of the whole project and its table of clips."""

from avaflow.actions import attributes_from_config
from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.job import job
from avaflow.leftovers import drop_leftovers
from avaflow.report import damaged_sources, project_account

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        for path in drop_leftovers(p.results, p.annotated_splits, p.exports, p.rawframes):
            log.info("removed %s, of an earlier state of the project", path)
        damaged = damaged_sources(p.clips, p.results)
        if damaged and p.strict:
            raise UserError.listing("`strict` is set, so damage to videos stops the run:", damaged)
        table, text = project_account(
            p.clips,
            p.splits,
            p.finished,
            attributes_from_config(p.actions),
            p.annotations,
            p.results,
            p.fps,
            p.warnings,
        )
        write_text(snakemake.output.table, table.to_csv(sep="\t", index=False, lineterminator="\n"))
        write_text(snakemake.output.report, text)
