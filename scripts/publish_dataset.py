"""Copy the dataset to a folder that stands alone."""

from pathlib import Path

from avaflow.publishing.copies import MB, publish
from avaflow.publishing.manifest import read_manifest
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        manifest, _ = read_manifest(snakemake.input.manifest)
        target = Path(snakemake.output.manifest).parent
        files = publish(
            Path(snakemake.input.manifest).parent,
            target,
            manifest,
            p.publish["form"],
            p.publish["rawframes"],
            p.publish["shard_mb"],
        )
        size = sum(entry.bytes for entry in files)
        log.info("%s: %d files, %.0f MB", target, len(files), size / MB)
