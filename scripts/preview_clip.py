"""Make one clip's previews: a sheet of its keyframes, a short video, and crops of all persons."""

from pathlib import Path

from avaflow.manifests import read_clip_manifest
from avaflow.preview.clip import write_keyframes
from avaflow.preview.drawing import Painter
from avaflow.preview.sights import Judgements, Sights
from avaflow.preview.video import part_shown, write_video
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.tables import KEYFRAMES, LABELS, TRACKS, UNTICKED, Keyframe, read_table, rows_of
from avaflow.videos.ffmpeg import ffmpeg_exe
from avaflow.videos.frames import ClipVideo
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, given, made = snakemake.params, snakemake.input, snakemake.output
        manifest = read_clip_manifest(given.manifest)
        keyframes = read_table(given.keyframes, KEYFRAMES)
        judgements = None
        if given.get("labels"):
            judgements = Judgements(
                read_table(given.labels, LABELS),
                read_table(given.idle, UNTICKED),
                read_table(given.unticked, UNTICKED),
            )
        sights = Sights(read_table(given.tracks, TRACKS), keyframes, judgements, manifest.fps)
        actions = all_actions(attributes_from_config(p.actions))
        names = {action.id: action.name for action in actions}
        painter = Painter(names, given.get("font", ""))
        if painter.undrawn:
            log.warning(
                "%s cannot be written in the font %s, and stand by their ids: name a font that "
                "has their letters as preview.font",
                ", ".join(painter.undrawn),
                painter.font_path.name,
            )
        video = ClipVideo(
            manifest.clip,
            given.clip,
            manifest.frames,
            manifest.fps,
            manifest.width,
            manifest.height,
        )
        part = part_shown(sights, video, p.preview["seconds"])
        settings = {
            "width": p.preview["width"],
            "ffmpeg": ffmpeg_exe(p.ffmpeg),
            "threads": snakemake.threads,
        }
        write_video(
            Path(made.video), video, sights, painter, part, settings, Path(snakemake.log.ffmpeg)
        )
        crops = write_keyframes(
            Path(made.sheet),
            Path(made.crops),
            Path(given.keyframes).with_suffix(""),
            rows_of(keyframes, Keyframe),
            sights,
            manifest,
            painter,
            part,
        )
        log.info("%d crops, frames %d to %d", crops, *part)
