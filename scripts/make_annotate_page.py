"""Make the page on which one clip is annotated, with its data."""

from avaflow.annotation.page.data import begun, begun_elsewhere, counts_of, page_data
from avaflow.annotation.page.doubts import near_joins, on_keyframes, short_tracks
from avaflow.annotation.page.pages import write_clip_page, write_counts
from avaflow.annotation.readings import ClipFacts
from avaflow.manifests import read_clip_manifest
from avaflow.persons.vectors import read_vectors
from avaflow.project.actions import attributes_from_config
from avaflow.tables import DETECTIONS, KEYFRAMES, TRACKS, read_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given = snakemake.params, snakemake.input
        facts = ClipFacts(
            read_clip_manifest(given.manifest),
            read_table(given.keyframes, KEYFRAMES),
            read_table(given.tracks, TRACKS),
            attributes_from_config(p.actions),
            p.known_as,
        )
        tracks = on_keyframes(facts.tracks, facts.keyframes)
        doubts = short_tracks(tracks)
        if p.reads:
            detections, vectors = p.reads
            settings = p.tracker | {"fps": facts.manifest.fps}
            found = read_table(detections, DETECTIONS)
            doubts += near_joins(tracks, found, read_vectors(vectors), settings)
        # From the config itself: a bound is no param, whose change would make all anew.
        max_mb = snakemake.config["via"]["max_project_mb"]
        if p.imported:
            start = begun_elsewhere(given.finished, facts)
        else:
            start = begun(given.get("finished"), facts, max_mb)
        if start.trouble:
            log.warning("the page begins anew: %s", start.trouble)
        folders = {"clips": "../clips", "keyframes": "../keyframes"}
        data = page_data(facts, start, doubts, p.page["reaction_ms"], folders)
        write_clip_page(snakemake.output.html, snakemake.output.js, data)
        write_counts(snakemake.output.counts, counts_of(facts, start))
        log.info("%d tracks, %d doubts", len(data["tracks"]), len(doubts))
