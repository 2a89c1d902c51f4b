"""Read what a model says of one clip: of a toolbox's files, or of the baseline's."""

from avaflow.manifests import read_clip_manifest
from avaflow.prediction.clips import boxes_and_scores, check_rows
from avaflow.prediction.table import write_predictions
from avaflow.prediction.toolboxes import clips_in, read_once
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import TRACKS, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given = snakemake.params, snakemake.input
        facts = read_clip_manifest(given.manifest)
        names = [action.name for action in all_actions(attributes_from_config(p.actions))]
        files = [str(path) for path in given.files]
        clips_in(files, set(p.clips))
        rows = []
        for path in files:
            kind, found = read_once(path)
            own = [row for row in found if row.clip == p.clip]
            check_rows(path, own, facts, p.offset)
            rows += own
            log.info("%s: %s, %d rows of %s", path, kind, len(own), p.clip)
        boxes, scores, unknown = boxes_and_scores(
            rows, read_table(given.tracks, TRACKS), len(names), facts.fps, p.offset
        )
        if unknown:
            log.info("%d rows of actions that this project does not have are left out", unknown)
        write_predictions(snakemake.output.csv, p.clip, boxes, scores, names, p.offset)
