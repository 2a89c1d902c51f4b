"""Find the objects that AlphAction is to know of on the keyframes of those clips that need it."""

import json

from avaflow.files import write_text
from avaflow.persons.detector import detect_clips, load_detector
from avaflow.tables import KEYFRAMES, OBJECTS, read_table, write_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import Batch, job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        batch = Batch(snakemake)
        videos = clip_videos(p.members, given.clips, given.manifests)
        videos = [video for video in videos if video.clip in batch.names]
        if videos:
            keyframes = {
                clip: read_table(path, KEYFRAMES)["frame"].tolist()
                for clip, path in zip(p.members, given.keyframes, strict=True)
            }
            names = ("device", "half", "image_size", "nms_iou")
            detector = load_detector(
                p.weights,
                objects=p.objects,
                confidence=p.least_score,
                **{name: p.detector[name] for name in names},
                threads=snakemake.threads,
            )
            on_cpu = str(p.detector["device"]) == "cpu"
            for clip, found in detect_clips(
                videos,
                detector,
                stride=p.detector["stride"],
                batch=p.detector["batch"],
                decoder_threads=1 if on_cpu else snakemake.threads,
                frames_of=lambda video: keyframes[video.clip],
                columns=OBJECTS,
            ):
                found["name"] = [detector.names[int(number)] for number in found["name"]]
                write_table(batch.output_of(clip), found, OBJECTS)
                batch.done(clip)
                log.info("%s: %d objects", clip, len(found))
        write_text(snakemake.output.batch, json.dumps(batch.checksums(), indent=1) + "\n")
        log.info("%d of %d clips looked at", len(videos), len(batch.members))
