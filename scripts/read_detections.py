"""Take up one clip's detections from the user's own files."""

from avaflow.manifests import read_clip_manifest
from avaflow.persons.own_boxes import OwnSettings, detections_of, read_own_boxes
from avaflow.persons.own_files import files_of
from avaflow.tables import DETECTIONS, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        facts = read_clip_manifest(snakemake.input.manifest)
        files = [file for place in p.paths for file in files_of(place, facts.clip, p.named)]
        found = read_own_boxes(files, facts, OwnSettings(**p.own, offset=p.offset), p.named)
        write_table(snakemake.output.detections, detections_of(found, facts.clip), DETECTIONS)
        log.info("%d detections, %d left out", len(found.table), found.left_out)
