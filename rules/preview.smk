# Labels to look at: sheets, short videos, and a gallery of all persons.


include: "inputs/preview.smk"


rule preview_clip:
    input:
        unpack(judgements),
        **preview_font(),
        manifest=results("clips/{clip}.json"),
        clip=results("clips/{clip}.mp4"),
        keyframes=results("keyframes/{clip}.csv"),
        tracks=results("tracks/{clip}.csv"),
    output:
        sheet=results("preview/{clip}.jpg"),
        video=results("preview/{clip}.mp4"),
        crops=results("preview/crops/{clip}.json"),
    log:
        results("logs/preview_clip/{clip}.log"),
        ffmpeg=results("logs/preview_clip/{clip}.ffmpeg.log"),
    benchmark:
        timing("preview_clip/{clip}")
    conda:
        env("preview")
    threads: config["trim"]["threads"]
    params:
        **ffmpeg(),
        actions=config["actions"],
        preview=settings_of("preview", "previews"),
        code=code("preview_clip"),
    script:
        "../scripts/preview_clip.py"


rule make_preview_index:
    input:
        crops=all_clips("preview/crops/{clip}.json"),
    output:
        html=results("preview/index.html"),
        js=results("preview/index.js"),
        assets=expand(results("preview/assets/{name}"), name=gallery_names()),
    log:
        results("logs/make_preview_index.log"),
    benchmark:
        timing("make_preview_index")
    localrule: True
    conda:
        env("tables")
    params:
        splits={clip.id: clip.split for clip in PROJECT.clips},
        actions=config["actions"],
        state=[SOURCES.content(path) for path in gallery_sources()],
        code=code("make_preview_index"),
    script:
        "../scripts/make_preview_index.py"
