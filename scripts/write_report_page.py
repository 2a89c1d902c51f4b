"""Write the report page: the project's figures, drawn, on one page that needs no network."""

from avaflow.files import write_text
from avaflow.project.actions import attributes_from_config
from avaflow.report.numbers import Range
from avaflow.report.page import Asked, report_page
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake):
        asked = Asked(
            [Range(*one) for one in p.ranges],
            p.finished,
            attributes_from_config(p.actions),
            p.annotations,
            p.fps,
            p.stride,
            p.warnings,
            p.unsettled,
            "".join(snakemake.input.agreement),
            p.annotated_twice,
            p.settings,
        )
        write_text(snakemake.output.page, report_page(asked, p.results))
