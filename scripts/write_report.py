"""Write the report of the whole project and its table of clips."""

from avaflow.errors import UserError
from avaflow.files import write_text
from avaflow.project.actions import attributes_from_config
from avaflow.workflow.account import project_account
from avaflow.workflow.closing import source_remarks
from avaflow.workflow.job import job
from avaflow.workflow.leftovers import drop_leftovers

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        for path in drop_leftovers(p.results, p.annotated_splits, p.exports, p.rawframes):
            log.info("removed %s, of an earlier state of the project", path)
        noticed = source_remarks(p.clips, p.results)
        if noticed and p.strict:
            raise UserError.listing("`strict` is set, so what is wrong stops the run:", noticed)
        table, text = project_account(
            p.clips,
            p.splits,
            p.finished,
            attributes_from_config(p.actions),
            p.annotations,
            p.results,
            p.fps,
            p.offset,
            p.warnings,
        )
        write_text(snakemake.output.table, table.to_csv(sep="\t", index=False, lineterminator="\n"))
        write_text(snakemake.output.report, text)
