"""Find the persons on every k-th frame of those clips of a batch that need it."""

import json

from avaflow.files import write_text
from avaflow.persons.detector import detect_clips, load_detector
from avaflow.tables import DETECTIONS, write_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import Batch, job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        batch = Batch(snakemake)
        videos = clip_videos(p.members, snakemake.input.clips, snakemake.input.manifests)
        videos = [video for video in videos if video.clip in batch.names]
        if videos:
            names = ("person_class", "confidence", "device", "half", "image_size", "nms_iou")
            detector = load_detector(
                p.weights, **{name: p.detector[name] for name in names}, threads=snakemake.threads
            )
            # Beside a model on the same processor, more decoder threads only get in its way.
            on_cpu = str(p.detector["device"]) == "cpu"
            for clip, found in detect_clips(
                videos,
                detector,
                stride=p.detector["stride"],
                batch=p.detector["batch"],
                decoder_threads=1 if on_cpu else snakemake.threads,
            ):
                write_table(batch.output_of(clip), found, DETECTIONS)
                batch.done(clip)
                log.info("%s: %d detections", clip, len(found))
        write_text(snakemake.output.batch, json.dumps(batch.checksums(), indent=1) + "\n")
        log.info("%d of %d clips looked at", len(videos), len(batch.members))
