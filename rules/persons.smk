# Persons: found on every k-th frame, described by their looks, followed through the clip.
#
# Clips are named by their manifests, whose content changes only when the clip's does.


include: "inputs/persons.smk"


rule fetch_detector:
    output:
        weights=results("models/{name}.pt"),
    log:
        results("logs/fetch_detector/{name}.log"),
    benchmark:
        timing("fetch_detector/{name}")
    conda:
        env("persons")
    params:
        name="{name}.pt",
    script:
        "../scripts/fetch_detector.py"


rule export_detector:
    input:
        weights=PROJECT.detector.weights,
    output:
        manifest=results("models/{name}.openvino.json"),
    log:
        results("logs/export_detector/{name}.log"),
    benchmark:
        timing("export_detector/{name}")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    params:
        folder=results("models/{name}_openvino_model"),
        state=content_of_own(PROJECT.detector.weights),
        image_size=config["detector"]["image_size"],
    script:
        "../scripts/export_detector.py"


# Detections and vectors are kept clip by clip: the job of a batch, which loads the model, makes
# those that are missing or stale, and its own output says that all are there.


rule detect:
    input:
        manifests=of_batch("clips/{clip}.json"),
        clips=of_batch("clips/{clip}.mp4"),
        weights=PROJECT.detector.files,
    output:
        batch=results("detections/{batch}.batch.json"),
    log:
        results("logs/detect/{batch}.log"),
    benchmark:
        timing("detect/{batch}")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        members=lambda wildcards: BATCHES[wildcards.batch],
        member_suffix=".csv",
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        code=code("detect"),
    script:
        "../scripts/detect.py"


# Objects are found by a job of their own, and so are persons found as if there were none.


rule detect_objects:
    input:
        manifests=objects_of_batch("clips/{clip}.json"),
        clips=objects_of_batch("clips/{clip}.mp4"),
        keyframes=objects_of_batch("keyframes/{clip}.csv"),
        weights=PROJECT.detector.files,
    output:
        batch=results("objects/{batch}.batch.json"),
    log:
        results("logs/detect_objects/{batch}.log"),
    benchmark:
        timing("detect_objects/{batch}")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        members=lambda wildcards: object_clips(wildcards.batch),
        member_suffix=".csv",
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        objects=config["alphaction"]["objects"],
        least_score=config["alphaction"]["object_score"],
        code=code("detect_objects"),
    script:
        "../scripts/detect_objects.py"


if PROJECT.own_detections:

    rule read_detections:
        input:
            manifest=results("clips/{clip}.json"),
        output:
            detections=results("detections/{clip}.csv"),
        log:
            results("logs/read_detections/{clip}.log"),
        benchmark:
            timing("read_detections/{clip}")
        conda:
            env("tables")
        params:
            paths=lambda wildcards: [PROJECT.own_detections.places[wildcards.clip]],
            state=own_state(PROJECT.own_detections),
            named="own.detections" if config["own"]["detections"] else "own.tracks",
            own=settings_of("own", "detections"),
            offset=config["timestamp_offset"],
            code=code("read_detections"),
        script:
            "../scripts/read_detections.py"


rule embed:
    input:
        manifests=of_batch("clips/{clip}.json"),
        clips=of_batch("clips/{clip}.mp4"),
        detections=detections_of_batch,
    output:
        batch=results("embeddings/{batch}.batch.json"),
    log:
        results("logs/embed/{batch}.log"),
    benchmark:
        timing("embed/{batch}")
    conda:
        env("persons")
    threads: config["embedder"]["threads"]
    resources:
        gpu=gpus(config["embedder"]["device"]),
    params:
        members=lambda wildcards: BATCHES[wildcards.batch],
        member_suffix=".npz",
        reads=of_batch("detections/{clip}.csv"),
        embedder=settings_of("embedder", "embeddings"),
        code=code("embed"),
    script:
        "../scripts/embed.py"


if PROJECT.own_tracks:

    rule read_tracks:
        input:
            manifest=results("clips/{clip}.json"),
        output:
            tracks=results("tracks/{clip}.csv"),
        log:
            results("logs/read_tracks/{clip}.log"),
        benchmark:
            timing("read_tracks/{clip}")
        conda:
            env("tables")
        params:
            paths=lambda wildcards: [PROJECT.own_tracks.places[wildcards.clip]],
            state=own_state(PROJECT.own_tracks),
            named="own.tracks",
            own=settings_of("own", "tracks"),
            offset=config["timestamp_offset"],
            code=code("read_tracks"),
        script:
            "../scripts/read_tracks.py"

else:

    rule track:
        input:
            batches_of_clip,
            manifest=results("clips/{clip}.json"),
        output:
            tracks=results("tracks/{clip}.csv"),
        log:
            results("logs/track/{clip}.log"),
        benchmark:
            timing("track/{clip}")
        conda:
            env("persons")
        params:
            reads=[results("detections/{clip}.csv"), results("embeddings/{clip}.npz")],
            tracker=settings_of("tracker", "tracks"),
            cuts=settings_of("cuts", "tracks"),
            stride=tracker_stride(),
            fps=FPS,
            code=code("track"),
        script:
            "../scripts/track.py"


# The new weights are no output: a detector that is named in the config finds what annotators
# correct, and a rule that makes it of their corrections would go round in a circle.


rule write_detector_dataset:
    input:
        projects=[PROJECT.projects[clip] for clip in learnt_projects()],
        keyframes=of_learnt_clips("keyframes/{clip}.csv"),
        labels=of_learnt_clips("labels/{clip}.csv"),
        unticked=of_learnt_clips("labels/{clip}.unticked.csv"),
        idle=of_learnt_clips("labels/{clip}.idle.csv"),
        nobody=of_learnt_clips("labels/{clip}.nobody.csv"),
    output:
        manifest=results("detector_training/images.csv"),
    log:
        results("logs/write_detector_dataset.log"),
    benchmark:
        timing("write_detector_dataset")
    conda:
        env("tables")
    params:
        links=config["links"],
        clips=learnt_clips(),
        saved=learnt_projects(),
        imported=PROJECT.imported,
        known_as={clip.known_as: clip.id for clip in PROJECT.clips if clip.known_as},
        splits={clip: CLIPS[clip].split for clip in PROJECT.finished},
        used=["train", "val"],
        code=code("write_detector_dataset"),
    script:
        "../scripts/write_detector_dataset.py"


rule train_detector:
    input:
        manifest=results("detector_training/images.csv"),
        weights=base_files(),
    output:
        table=results("detector_training/report.csv"),
        report=report(
            results("detector_training/report.md"),
            category="Dataset",
            labels={"what": "Detector's training"},
        ),
    log:
        results("logs/train_detector.log"),
    benchmark:
        timing("train_detector")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        weights=lambda wildcards: base_weights(),
        state=content_of_own(base_weights()),
        training=settings_of("detector_training", "detector_training"),
        detector=detector_settings(),
        code=code("train_detector"),
    script:
        "../scripts/train_detector.py"
