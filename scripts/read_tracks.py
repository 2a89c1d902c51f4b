"""Take up one clip's tracks from the user's own files."""

from avaflow.manifests import read_clip_manifest
from avaflow.persons.own_boxes import OwnSettings, read_own_boxes, tracks_of
from avaflow.persons.own_files import files_of
from avaflow.tables import TRACKS, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        facts = read_clip_manifest(snakemake.input.manifest)
        files = [file for place in p.paths for file in files_of(place, facts.clip, p.named)]
        found = read_own_boxes(files, facts, OwnSettings(**p.own, offset=p.offset), p.named)
        tracks = tracks_of(found, p.named)
        write_table(snakemake.output.tracks, tracks, TRACKS)
        log.info("%d boxes, %d persons", len(tracks), tracks["person_id"].nunique())
