"""Say what each person of a video does, second by second, by a head on their features."""

from avaflow.baseline.head import load_head
from avaflow.features.files import MANIFEST
from avaflow.features.persons import keyframe_boxes
from avaflow.manifests import read_clip_manifest
from avaflow.prediction.scoring import array_of, scored
from avaflow.prediction.table import write_predictions
from avaflow.tables import TRACKS, read_table
from avaflow.times import annotatable_seconds
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        facts = read_clip_manifest(given.manifest)
        head = load_head(given.head)
        seconds = annotatable_seconds(facts.frames, facts.fps, p.margin)
        boxes = keyframe_boxes(read_table(given.tracks, TRACKS), seconds, facts.fps)
        vectors = array_of(given.features, read_table(given.features, MANIFEST), len(boxes))
        found = scored(head, given.head, vectors, p.name)
        write_predictions(snakemake.output.csv, p.name, boxes, found, head.names, p.offset)
        log.info("%d persons on %d keyframes", len(boxes), len(seconds))
