"""Cut a clip's range into one-second segments with their keyframes, for AlphAction."""

from pathlib import Path

from avaflow.project.clips import Clip, frame_count, with_known_end
from avaflow.videos.probe import probe
from avaflow.videos.segment_cutting import cut_segments
from avaflow.videos.segments import LEFT_OUT_SECONDS, write_segments_manifest
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        facts = probe(snakemake.input.video, clock_checked=True)
        row = Clip(p.clip, p.video, snakemake.input.video, p.start, p.end, split="train", line=0)
        row = with_known_end(row, facts.duration)
        manifest = cut_segments(
            clip=p.clip,
            video=p.video,
            source=Path(snakemake.input.video),
            start=row.start,
            frames=frame_count(row.start, row.end, p.settings["fps"]),
            facts=facts,
            settings=p.settings,
            jpeg_quality=p.jpeg_quality,
            offset=p.offset,
            ffmpeg_path=p.ffmpeg,
            threads=p.threads,
            keyframe_fps=p.keyframe_fps,
            folder=Path(snakemake.output.manifest).with_suffix(""),
            log=Path(snakemake.log.ffmpeg),
        )
        write_segments_manifest(snakemake.output.manifest, manifest)
        log.info("%s: %d segments of %d frames", p.clip, manifest.segments, manifest.frames)
        if manifest.left_out > LEFT_OUT_SECONDS:
            log.warning("%s: the last %.3f s make no whole segment", p.clip, manifest.left_out)
        if manifest.decode_errors:
            log.warning("%s: the source is damaged in %d places", p.clip, manifest.decode_errors)
