"""Find the persons on the annotated seconds of a batch of AVA-Kinetics, and on their neighbours."""

from avaflow.ava_kinetics.annotations import FPS
from avaflow.ava_kinetics.manifest import MANIFEST, cut_clips, looked_at
from avaflow.bulk.plan import read_rows
from avaflow.persons.detector import detect_clips, load_detector
from avaflow.tables import DETECTIONS, empty_table, write_table
from avaflow.times import frame_of_second
from avaflow.videos.frames import ClipVideo
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake.log[0]) as log:
        rows = [r for r in read_rows(snakemake.input.manifest, MANIFEST) if r["status"] == "cut"]
        frames, videos = {}, []
        for row in rows:
            (clip,) = cut_clips([row], row["split"])
            seconds = looked_at(clip, map(int, row["seconds"].split()))
            frames[row["clip"]] = [frame_of_second(second - clip.start, FPS) for second in seconds]
            size = int(row["width"]), int(row["height"])
            videos.append(ClipVideo(row["clip"], row["file"], int(row["frames"]), FPS, *size))
        detections = empty_table(DETECTIONS)
        if videos:
            on_cpu = str(p.detector["device"]) == "cpu"
            names = ("person_class", "confidence", "device", "half", "image_size", "nms_iou")
            detector = load_detector(
                p.weights, **{name: p.detector[name] for name in names}, threads=snakemake.threads
            )
            detections = detect_clips(
                videos,
                detector,
                p.detector["stride"],
                p.detector["batch"],
                1 if on_cpu else snakemake.threads,
                lambda video: frames[video.clip],
            )
        write_table(snakemake.output.detections, detections, DETECTIONS)
        log.info("%d detections on %d clips", len(detections), len(videos))
