"""Give every detection of one clip a person id."""

from avaflow.manifests import read_clip_manifest
from avaflow.persons.own_boxes import stride_of
from avaflow.persons.tracker import track_clip
from avaflow.persons.vectors import read_vectors
from avaflow.tables import DETECTIONS, TRACKS, read_table, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        facts = read_clip_manifest(snakemake.input.manifest)
        detections, vectors = p.reads
        found = read_table(detections, DETECTIONS)
        tracks = track_clip(
            found,
            read_vectors(vectors),
            fps=facts.fps,
            stride=p.stride or stride_of(found["frame"], facts.fps),
            settings=p.tracker,
            size=(facts.width, facts.height),
            cuts=facts.cuts if p.cuts["end_tracks"] else (),
        )
        write_table(snakemake.output.tracks, tracks, TRACKS)
        log.info("%d detections, %d persons", len(tracks), tracks["person_id"].nunique())
