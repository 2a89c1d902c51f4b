"""Write mmaction2's training config of AVA-Kinetics."""

from avaflow.ava_kinetics.training import READING_TEXT, AvaKineticsExport, config_text, readme_text
from avaflow.files import write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]):
        export = AvaKineticsExport(p.train, p.judged, p.read, p.min_score)
        write_text(snakemake.output.config, config_text(export))
        write_text(snakemake.output.readme, readme_text(export))
        if p.read == "video":
            write_text(snakemake.output.reading, READING_TEXT)
