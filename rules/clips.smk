# Videos and the clips cut from them.


rule download:
    output:
        video=update(made("videos/{file}")),
    log:
        made("logs/download/{file}.log"),
    benchmark:
        made("benchmarks/download/{file}.tsv")
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
        **({"rawframes": made("rawframes/{clip}.json")} if config["rawframes"]["enabled"] else {}),
        clip=made("clips/{clip}.mp4"),
        manifest=made("clips/{clip}.json"),
        keyframes=made("keyframes/{clip}.csv"),
    log:
        made("logs/trim/{clip}.log"),
        ffmpeg=made("logs/trim/{clip}.ffmpeg.log"),
    benchmark:
        made("benchmarks/trim/{clip}.tsv")
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
