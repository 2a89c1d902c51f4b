"""Make a copy at constant rate of a whole video that has no annotations, and one image of it."""

from pathlib import Path

from avaflow.manifests import write_clip_manifest
from avaflow.project.clips import Clip, check_length, frame_count, with_known_end
from avaflow.times import annotatable_seconds
from avaflow.videos.probe import probe
from avaflow.videos.trim import trim
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, made = snakemake.params, snakemake.output
        facts = probe(snakemake.input.video)
        fps = p.trim["fps"]
        row = Clip(p.name, p.video, snakemake.input.video, 0.0, None, split="test", line=0)
        row = with_known_end(row, facts.duration)
        check_length(row, fps, p.margin, offset=0)
        frames = frame_count(row.start, row.end, fps)
        seconds = annotatable_seconds(frames, fps, p.margin)
        manifest, _ = trim(
            clip=p.name,
            video=p.video,
            source=Path(snakemake.input.video),
            start=row.start,
            frames=frames,
            facts=facts,
            # Features are read from the copy itself: one image is kept, for the list of videos.
            seconds=[seconds[len(seconds) // 2]],
            settings={**p.trim, "ffmpeg": p.ffmpeg},
            jpeg_quality=p.jpeg_quality,
            clip_path=Path(made.clip),
            keyframes_folder=Path(made.manifest).with_name("still"),
            rawframes_folder=None,
            log=Path(snakemake.log.ffmpeg),
            likeness=p.cuts["likeness"] if p.cuts["find"] else None,
        )
        write_clip_manifest(made.manifest, manifest)
        log.info("%s: %d frames, %d cuts", p.name, frames, len(manifest.cuts))
