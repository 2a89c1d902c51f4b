"""Hold the dataset against what its readers take, and write what was found."""

from avaflow.doctor.examine import examine
from avaflow.doctor.report import check_strict, report_json, report_text, summary
from avaflow.files import write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        found = examine(snakemake.params.dataset)
        write_text(snakemake.output.report, report_text(found))
        write_text(snakemake.output.findings, report_json(found))
        log.info("%s", summary(found))
        if snakemake.params.strict:
            check_strict(found)
