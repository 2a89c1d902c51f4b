# Videos, the clips cut from them, their frames, and AlphAction's one-second segments.


def sources():
    """Every video that clips are cut from, each once."""
    return sorted({clip.source for clip in CLIPS.values()})


# Videos given by an address: file name -> (address, sha256).
DOWNLOADS = {
    Path(clip.source).name: (clip.video, clip.sha256) for clip in CLIPS.values() if clip.is_url
}


def source_state(wildcards):
    """Changes with a clip's video, also when another file of an older date takes its place."""
    clip = CLIPS[wildcards.clip]
    return "" if clip.is_url else state(clip.source)


def source_of(wildcards):
    """The video of a clip."""
    return CLIPS[wildcards.clip].source


def segment_settings():
    """The settings that decide what segments hold and how they are called."""
    not_content = ("annotations", "name", "person_score")
    return {name: value for name, value in config["alphaction"].items() if name not in not_content}


rule download:
    output:
        video=update(results("videos/{file}")),
    log:
        results("logs/download/{file}.log"),
    benchmark:
        results("benchmarks/download/{file}.tsv")
    wildcard_constraints:
        file="|".join(map(re.escape, DOWNLOADS)) or "nothing-to-download",
    conda:
        env("media")
    params:
        url=lambda wildcards: DOWNLOADS[wildcards.file][0],
        sha256=lambda wildcards: DOWNLOADS[wildcards.file][1],
    script:
        "../scripts/download.py"


rule trim:
    input:
        video=source_of,
    output:
        **(
            {"rawframes": results("rawframes/{clip}.json")}
            if config["rawframes"]["enabled"]
            else {}
        ),
        clip=results("clips/{clip}.mp4"),
        manifest=results("clips/{clip}.json"),
        keyframes=results("keyframes/{clip}.csv"),
    log:
        results("logs/trim/{clip}.log"),
        ffmpeg=results("logs/trim/{clip}.ffmpeg.log"),
    benchmark:
        results("benchmarks/trim/{clip}.tsv")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        clip="{clip}",
        video=lambda wildcards: CLIPS[wildcards.clip].shown_video,
        start=lambda wildcards: CLIPS[wildcards.clip].start,
        end=lambda wildcards: CLIPS[wildcards.clip].end_given,
        state=source_state,
        trim=config["trim"],
        jpeg_quality=config["jpeg_quality"],
        margin=config["keyframes"]["margin"],
        code=code("trim"),
    script:
        "../scripts/trim.py"


# All frames of a clip. Where the config keeps frames, the cut itself writes them (rule trim:
# one decoding pass); this rule serves `snakemake rawframes` where it does not.
if not config["rawframes"]["enabled"]:

    rule extract_rawframes:
        input:
            manifest=results("clips/{clip}.json"),
            clip=ancient(results("clips/{clip}.mp4")),
        output:
            rawframes=results("rawframes/{clip}.json"),
        log:
            results("logs/extract_rawframes/{clip}.log"),
            ffmpeg=results("logs/extract_rawframes/{clip}.ffmpeg.log"),
        benchmark:
            results("benchmarks/extract_rawframes/{clip}.tsv")
        conda:
            env("media")
        threads: config["trim"]["threads"]
        params:
            clip="{clip}",
            trim=config["trim"],
            jpeg_quality=config["jpeg_quality"],
            code=code("extract_rawframes"),
        script:
            "../scripts/extract_rawframes.py"


rule cut_segments:
    input:
        video=source_of,
    output:
        manifest=results("segments/{clip}.json"),
    log:
        results("logs/cut_segments/{clip}.log"),
        ffmpeg=results("logs/cut_segments/{clip}.ffmpeg.log"),
    benchmark:
        results("benchmarks/cut_segments/{clip}.tsv")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        clip="{clip}",
        video=lambda wildcards: CLIPS[wildcards.clip].shown_video,
        start=lambda wildcards: CLIPS[wildcards.clip].start,
        end=lambda wildcards: CLIPS[wildcards.clip].end_given,
        state=source_state,
        settings=segment_settings(),
        jpeg_quality=config["jpeg_quality"],
        offset=config["timestamp_offset"],
        keyframe_fps=FPS,
        ffmpeg=config["trim"]["ffmpeg"],
        code=code("cut_segments"),
    script:
        "../scripts/cut_segments.py"
