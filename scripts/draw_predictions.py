"""Draw what is predicted of a video or clip, what is true, or both, into its images."""

from pathlib import Path

from avaflow.manifests import read_clip_manifest
from avaflow.prediction.drawing import legend
from avaflow.prediction.inputs import names_of, scene_of
from avaflow.prediction.video import write_scene_video
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        facts = read_clip_manifest(given.manifest)
        (video,) = clip_videos([p.name], [given.clip], [given.manifest])
        scene, predictions = scene_of(given, facts, p.margin, p.offset, p.drawn["shown"])
        names = names_of(p.actions, predictions)
        true = bool(given.get("labels"))
        told = "truth" if predictions is None else legend(true, p.drawn["shown"])
        painter = write_scene_video(
            Path(snakemake.output.video),
            video,
            scene,
            names,
            {
                "width": p.drawn["width"],
                "ffmpeg": ffmpeg_exe(p.ffmpeg),
                "threads": snakemake.threads,
                "font": given.get("font", ""),
            },
            told,
            Path(snakemake.log.ffmpeg),
        )
        if painter.undrawn:
            log.warning(
                "%s cannot be written in this font, and stand by their ids: name a font that has "
                "their letters as preview.font",
                ", ".join(painter.undrawn),
            )
        log.info("%d frames", video.frames)
