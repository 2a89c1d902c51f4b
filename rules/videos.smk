# Videos, the clips cut from them, their frames, and AlphAction's one-second segments.


include: "inputs/videos.smk"


rule download:
    output:
        video=update(results("videos/{file}")),
    log:
        results("logs/download/{file}.log"),
    benchmark:
        timing("download/{file}")
    wildcard_constraints:
        file="|".join(map(re.escape, DOWNLOADS)) or "nothing-to-download",
    conda:
        env("media")
    params:
        file="{file}",
        table=config["clips"],
        sha256=lambda wildcards: DOWNLOADS[wildcards.file],
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
        motion=results("motion/{clip}.npz"),
    log:
        results("logs/trim/{clip}.log"),
        ffmpeg=results("logs/trim/{clip}.ffmpeg.log"),
    benchmark:
        timing("trim/{clip}")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        **ffmpeg(),
        clip="{clip}",
        video=lambda wildcards: CLIPS[wildcards.clip].shown_video,
        start=lambda wildcards: CLIPS[wildcards.clip].start,
        end=lambda wildcards: CLIPS[wildcards.clip].end_given,
        state=source_state,
        trim=trim_settings(),
        cuts=settings_of("cuts", "clips"),
        jpeg_quality=config["jpeg_quality"],
        margin=config["keyframes"]["margin"],
        code=code("trim"),
    script:
        "../scripts/trim.py"


# Clips of other splits that show the same: what is learnt on one is tested on itself.
rule find_duplicates:
    input:
        motion=all_clips("motion/{clip}.npz"),
    output:
        table=results("duplicates.csv"),
    log:
        results("logs/find_duplicates.log"),
    benchmark:
        timing("find_duplicates")
    conda:
        env("tables")
    params:
        splits={clip.id: clip.split for clip in PROJECT.clips},
        code=code("find_duplicates"),
    script:
        "../scripts/find_duplicates.py"


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
            timing("extract_rawframes/{clip}")
        conda:
            env("media")
        threads: config["trim"]["threads"]
        params:
            **ffmpeg(),
            clip="{clip}",
            trim=trim_settings(),
            jpeg_quality=config["jpeg_quality"],
            code=code("extract_rawframes"),
        script:
            "../scripts/extract_rawframes.py"


rule extract_flow:
    input:
        frames=results("rawframes/{clip}.json"),
    output:
        flow=results("flow/{clip}.json"),
    log:
        results("logs/extract_flow/{clip}.log"),
    benchmark:
        timing("extract_flow/{clip}")
    conda:
        env("flow")
    threads: config["trim"]["threads"]
    params:
        clip="{clip}",
        settings=settings_of("rawframes", "flow"),
        links=config["links"],
        code=code("extract_flow"),
    script:
        "../scripts/extract_flow.py"


rule cut_segments:
    input:
        video=source_of,
    output:
        manifest=results("segments/{clip}.json"),
    log:
        results("logs/cut_segments/{clip}.log"),
        ffmpeg=results("logs/cut_segments/{clip}.ffmpeg.log"),
    benchmark:
        timing("cut_segments/{clip}")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        **ffmpeg(),
        clip="{clip}",
        video=lambda wildcards: CLIPS[wildcards.clip].shown_video,
        start=lambda wildcards: CLIPS[wildcards.clip].start,
        end=lambda wildcards: CLIPS[wildcards.clip].end_given,
        state=source_state,
        settings=segment_settings(),
        jpeg_quality=config["jpeg_quality"],
        offset=config["timestamp_offset"],
        keyframe_fps=FPS,
        threads=config["trim"]["threads"],
        code=code("cut_segments"),
    script:
        "../scripts/cut_segments.py"


# Has no output, so that Snakemake never deletes a table that its user has edited since.
rule clips_table:
    input:
        weights=PROJECT.detector.files,
    log:
        results("logs/clips_table.log"),
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        videos=config["clips_table"]["videos"],
        table=config["clips"],
        weights=lambda wildcards: PROJECT.detector.model,
        detector=detector_settings(),
        settings=settings_of("clips_table", "clips_table"),
        margin=config["keyframes"]["margin"],
        fps=FPS,
        offset=config["timestamp_offset"],
    script:
        "../scripts/clips_table.py"
