"""Cut one clip out of its video, with its keyframes and, if asked, all its frames."""

from pathlib import Path

from avaflow.manifests import write_clip_manifest
from avaflow.project.clips import Clip, check_length, frame_count, with_known_end
from avaflow.times import annotatable_seconds
from avaflow.videos.probe import probe
from avaflow.videos.trim import trim, write_frames_manifest, write_keyframes_manifest
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        facts = probe(snakemake.input.video, clock_checked=True)
        row = Clip(p.clip, p.video, snakemake.input.video, p.start, p.end, split="train", line=0)
        fps, margin = p.trim["fps"], p.margin
        row = with_known_end(row, facts.duration)
        check_length(row, fps, margin, offset=0)
        frames = frame_count(row.start, row.end, fps)
        rawframes_manifest = snakemake.output.get("rawframes")
        rawframes_folder = Path(rawframes_manifest).with_suffix("") if rawframes_manifest else None
        manifest, keyframes = trim(
            clip=p.clip,
            video=p.video,
            source=Path(snakemake.input.video),
            start=row.start,
            frames=frames,
            facts=facts,
            seconds=annotatable_seconds(frames, fps, margin),
            settings={**p.trim, "ffmpeg": p.ffmpeg},
            jpeg_quality=p.jpeg_quality,
            clip_path=Path(snakemake.output.clip),
            keyframes_folder=Path(snakemake.output.keyframes).with_suffix(""),
            rawframes_folder=rawframes_folder,
            log=Path(snakemake.log.ffmpeg),
            likeness=p.cuts["likeness"] if p.cuts["find"] else None,
            motion_path=Path(snakemake.output.motion),
        )
        write_keyframes_manifest(snakemake.output.keyframes, keyframes)
        if rawframes_folder:
            write_frames_manifest(rawframes_manifest, p.clip, rawframes_folder, frames)
        write_clip_manifest(snakemake.output.manifest, manifest)
        cuts = len(manifest.cuts)
        log.info("%s: %d frames, %d keyframes, %d cuts", p.clip, frames, len(keyframes), cuts)
