"""Find the persons on every k-th frame of a batch of clips."""

from avaflow.persons.detector import detect_clips, load_detector
from avaflow.tables import DETECTIONS, write_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        videos = clip_videos(p.clips, snakemake.input.clips, snakemake.input.manifests)
        on_cpu = str(p.detector["device"]) == "cpu"
        detector = load_detector(
            p.weights,
            person_class=p.detector["person_class"],
            confidence=p.detector["confidence"],
            device=p.detector["device"],
            half=p.detector["half"],
            image_size=p.detector["image_size"],
            threads=snakemake.threads,
            nms_iou=p.detector["nms_iou"],
        )
        detections = detect_clips(
            videos,
            detector,
            stride=p.detector["stride"],
            batch=p.detector["batch"],
            # Beside a model on the same processor, more decoder threads only get in its way.
            decoder_threads=1 if on_cpu else snakemake.threads,
        )
        write_table(snakemake.output.detections, detections, DETECTIONS)
        log.info("%d detections on %d clips", len(detections), len(videos))
