# Persons: found on every k-th frame, described by their looks, followed through the clip.
#
# Clips are named by their manifests, whose content changes only when the clip's does.


rule detector_weights:
    output:
        weights=made("models/{name}.pt"),
    log:
        made("logs/detector_weights/{name}.log"),
    conda:
        env("persons")
    params:
        name="{name}.pt",
    script:
        "../scripts/detector_weights.py"


rule detector_export:
    input:
        weights=PROJECT.detector.weights,
    output:
        manifest=made("models/{name}.openvino.json"),
    log:
        made("logs/detector_export/{name}.log"),
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    params:
        folder=made("models/{name}_openvino_model"),
        state=state(PROJECT.detector.weights) if Path(PROJECT.detector.weights).exists() else "",
        image_size=config["detector"]["image_size"],
    script:
        "../scripts/detector_export.py"


rule detect:
    input:
        manifests=of_batch("clips/{clip}.json"),
        clips=ancient(of_batch("clips/{clip}.mp4")),
        weights=PROJECT.detector.files,
    output:
        detections=made("detections/{batch}.csv"),
    log:
        made("logs/detect/{batch}.log"),
    benchmark:
        made("benchmarks/detect/{batch}.tsv")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        clips=lambda wildcards: BATCHES[wildcards.batch],
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        code=code("detect"),
    script:
        "../scripts/detect.py"


rule embed:
    input:
        manifests=of_batch("clips/{clip}.json"),
        clips=ancient(of_batch("clips/{clip}.mp4")),
        detections=made("detections/{batch}.csv"),
    output:
        embeddings=made("embeddings/{batch}.npz"),
    log:
        made("logs/embed/{batch}.log"),
    benchmark:
        made("benchmarks/embed/{batch}.tsv")
    conda:
        env("persons")
    threads: config["embedder"]["threads"]
    resources:
        gpu=gpus(config["embedder"]["device"]),
    params:
        clips=lambda wildcards: BATCHES[wildcards.batch],
        embedder={name: config["embedder"][name] for name in ("batch", "device")},
        code=code("embed"),
    script:
        "../scripts/embed.py"


rule track:
    input:
        manifest=made("clips/{clip}.json"),
        detections=batch_of_clip("detections/{batch}.csv"),
        embeddings=batch_of_clip("embeddings/{batch}.npz"),
    output:
        tracks=made("tracks/{clip}.csv"),
    log:
        made("logs/track/{clip}.log"),
    benchmark:
        made("benchmarks/track/{clip}.tsv")
    conda:
        env("persons")
    params:
        clip="{clip}",
        tracker=config["tracker"],
        stride=config["detector"]["stride"],
        fps=FPS,
        code=code("track"),
    script:
        "../scripts/track.py"
