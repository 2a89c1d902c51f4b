"""Find the persons on every k-th frame of a video that has no annotations."""

from avaflow.persons.detector import detect_clips, load_detector
from avaflow.tables import DETECTIONS, write_table
from avaflow.videos.frames import clip_videos
from avaflow.workflow.job import job

if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        videos = clip_videos([p.name], [given.clip], [given.manifest])
        names = ("person_class", "confidence", "device", "half", "image_size", "nms_iou")
        detector = load_detector(
            p.weights, **{name: p.detector[name] for name in names}, threads=snakemake.threads
        )
        # Beside a model on the same processor, more decoder threads only get in its way.
        on_cpu = str(p.detector["device"]) == "cpu"
        for name, found in detect_clips(
            videos,
            detector,
            stride=p.detector["stride"],
            batch=p.detector["batch"],
            decoder_threads=1 if on_cpu else snakemake.threads,
        ):
            write_table(snakemake.output.detections, found, DETECTIONS)
            log.info("%s: %d detections", name, len(found))
