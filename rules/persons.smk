# Persons: found on every k-th frame, described by their looks, followed through the clip.
#
# Clips are named by their manifests, whose content changes only when the clip's does.


def of_batch(pattern):
    """An input function: a file of every clip of the batch."""
    return lambda wildcards: expand(results(pattern), clip=BATCHES[wildcards.batch])


def batch_of_clip(pattern):
    """An input function: the file of the batch that holds the clip."""
    return lambda wildcards: results(pattern.format(batch=PROJECT.batch_of[wildcards.clip]))


rule fetch_detector:
    output:
        weights=results("models/{name}.pt"),
    log:
        results("logs/fetch_detector/{name}.log"),
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
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    params:
        folder=results("models/{name}_openvino_model"),
        state=state(PROJECT.detector.weights) if Path(PROJECT.detector.weights).exists() else "",
        image_size=config["detector"]["image_size"],
    script:
        "../scripts/export_detector.py"


rule detect:
    input:
        manifests=of_batch("clips/{clip}.json"),
        clips=ancient(of_batch("clips/{clip}.mp4")),
        weights=PROJECT.detector.files,
    output:
        detections=results("detections/{batch}.csv"),
    log:
        results("logs/detect/{batch}.log"),
    benchmark:
        results("benchmarks/detect/{batch}.tsv")
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
        detections=results("detections/{batch}.csv"),
    output:
        embeddings=results("embeddings/{batch}.npz"),
    log:
        results("logs/embed/{batch}.log"),
    benchmark:
        results("benchmarks/embed/{batch}.tsv")
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
        manifest=results("clips/{clip}.json"),
        detections=batch_of_clip("detections/{batch}.csv"),
        embeddings=batch_of_clip("embeddings/{batch}.npz"),
    output:
        tracks=results("tracks/{clip}.csv"),
    log:
        results("logs/track/{clip}.log"),
    benchmark:
        results("benchmarks/track/{clip}.tsv")
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
