# What annotators get, and what is read back from what they finished.


rule via_download:
    output:
        page=made("via/annotator/via.html"),
    log:
        made("logs/via_download.log"),
    conda:
        env("tables")
    params:
        url=config["via"]["url"],
    script:
        "../scripts/via_download.py"


rule via_project:
    input:
        manifest=made("clips/{clip}.json"),
        keyframes=made("keyframes/{clip}.csv"),
        tracks=made("tracks/{clip}.csv"),
    output:
        project=made("via/{clip}.json"),
    log:
        made("logs/via_project/{clip}.log"),
    conda:
        env("tables")
    params:
        clip="{clip}",
        actions=config["actions"],
        code=code("via_project"),
    script:
        "../scripts/via_project.py"


rule via_page:
    input:
        project=made("via/{clip}.json"),
        page=via_page(),
    output:
        html=made("via/{clip}.html"),
        js=made("via/{clip}.js"),
    log:
        made("logs/via_page/{clip}.log"),
    conda:
        env("tables")
    params:
        state=[state(page) for page in [via_page()] if page and config["via"]["page"] == page],
        code=code("via_page"),
    script:
        "../scripts/via_page.py"


rule via_zip:
    input:
        **clip_pages(),
        project=made("via/{clip}.json"),
        keyframes=made("keyframes/{clip}.csv"),
    output:
        zip=made("via/{clip}.zip"),
    log:
        made("logs/via_zip/{clip}.log"),
    conda:
        env("tables")
    params:
        clip="{clip}",
        code=code("via_zip"),
    script:
        "../scripts/via_zip.py"


rule via_index:
    input:
        projects=all_clips("via/{clip}.json"),
        keyframes=all_clips("keyframes/{clip}.csv"),
    output:
        index=made("via/index.html"),
    log:
        made("logs/via_index.log"),
    conda:
        env("tables")
    params:
        clips=list(CLIPS),
        finished=PROJECT.finished,
        annotations=config["annotations"],
        pages=bool(via_page()),
        zips=config["via"]["zip"],
        code=code("via_index"),
    script:
        "../scripts/via_index.py"


rule labels_of_clip:
    input:
        project=finished_project,
        manifest=made("clips/{clip}.json"),
        keyframes=made("keyframes/{clip}.csv"),
        tracks=made("tracks/{clip}.csv"),
    output:
        labels=made("labels/{clip}.csv"),
        notes=made("labels/{clip}.notes.csv"),
    log:
        made("logs/labels/{clip}.log"),
    conda:
        env("tables")
    params:
        clip="{clip}",
        actions=config["actions"],
        fps=FPS,
        strict=config["strict"],
        content=finished_state,
        code=code("labels"),
    script:
        "../scripts/labels.py"
