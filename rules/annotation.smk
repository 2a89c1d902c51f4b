# What annotators get, and what is read back from what they finished.


include: "inputs/annotation.smk"


rule download_via:
    output:
        page=results("via/annotator/via.html"),
    log:
        results("logs/download_via.log"),
    benchmark:
        timing("download_via")
    conda:
        env("tables")
    params:
        url=config["via"]["url"],
    script:
        "../scripts/download_via.py"


rule make_via_project:
    input:
        manifest=results("clips/{clip}.json"),
        keyframes=results("keyframes/{clip}.csv"),
        tracks=results("tracks/{clip}.csv"),
    output:
        project=results("via/{clip}.json"),
    log:
        results("logs/make_via_project/{clip}.log"),
    benchmark:
        timing("make_via_project/{clip}")
    localrule: True
    conda:
        env("tables")
    params:
        clip="{clip}",
        actions=config["actions"],
        code=code("make_via_project"),
    script:
        "../scripts/make_via_project.py"


rule make_via_page:
    input:
        project=results("via/{clip}.json"),
        page=via_page(),
        finished=finished_if_any,
    output:
        html=results("via/{clip}.html"),
        js=results("via/{clip}.js"),
    log:
        results("logs/make_via_page/{clip}.log"),
    benchmark:
        timing("make_via_page/{clip}")
    localrule: True
    conda:
        env("tables")
    params:
        actions=config["actions"],
        finished=finished_state,
        known_as=known_as,
        max_project_mb=config["via"]["max_project_mb"],
        state=[
            SOURCES.content(page)
            for page in [via_page()]
            if page and config["via"]["page"] == page
        ],
        code=code("make_via_page"),
    script:
        "../scripts/make_via_page.py"


rule zip_via_project:
    input:
        **clip_pages(),
        project=results("via/{clip}.json"),
        keyframes=results("keyframes/{clip}.csv"),
    output:
        zip=results("via/{clip}.zip"),
    log:
        results("logs/zip_via_project/{clip}.log"),
    benchmark:
        timing("zip_via_project/{clip}")
    localrule: True
    conda:
        env("tables")
    params:
        clip="{clip}",
        code=code("zip_via_project"),
    script:
        "../scripts/zip_via_project.py"


rule make_via_index:
    input:
        projects=all_clips("via/{clip}.json"),
        keyframes=all_clips("keyframes/{clip}.csv"),
    output:
        index=results("via/index.html"),
    log:
        results("logs/make_via_index.log"),
    benchmark:
        timing("make_via_index")
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(CLIPS),
        finished=PROJECT.finished,
        annotations=config["annotations"],
        pages=bool(via_page()),
        zips=config["via"]["zip"],
        code=code("make_via_index"),
    script:
        "../scripts/make_via_index.py"


rule make_annotate_page:
    input:
        appearance_of_clip,
        manifest=results("clips/{clip}.json"),
        keyframes=results("keyframes/{clip}.csv"),
        tracks=results("tracks/{clip}.csv"),
        finished=annotated_if_any,
    output:
        html=results("annotate/{clip}.html"),
        js=results("annotate/{clip}.js"),
        counts=results("annotate/{clip}.counts.json"),
    log:
        results("logs/make_annotate_page/{clip}.log"),
    benchmark:
        timing("make_annotate_page/{clip}")
    # These are pages of all clips.
    wildcard_constraints:
        clip="(?!(index|agreement)[.])[A-Za-z0-9-]+",
    localrule: True
    conda:
        env("tables")
    params:
        actions=config["actions"],
        finished=annotated_state,
        imported=lambda wildcards: (
            wildcards.clip in PROJECT.imported and wildcards.clip not in PROJECT.begun
        ),
        known_as=known_as,
        reads=(
            [results("detections/{clip}.csv"), results("embeddings/{clip}.npz")]
            if embeddings()
            else []
        ),
        tracker=settings_of("tracker", "tracks"),
        page=settings_of("annotate", "via"),
        state=page_state(["clip.html.j2"]),
        code=code("make_annotate_page"),
    script:
        "../scripts/make_annotate_page.py"


rule make_annotate_index:
    input:
        counts=all_clips("annotate/{clip}.counts.json"),
    output:
        html=results("annotate/index.html"),
        js=results("annotate/index.js"),
        assets=expand(results("annotate/assets/{name}"), name=asset_names()),
    log:
        results("logs/make_annotate_index.log"),
    benchmark:
        timing("make_annotate_index")
    localrule: True
    conda:
        env("tables")
    params:
        splits={clip.id: clip.split for clip in PROJECT.clips},
        finished=list(PROJECT.finished),
        begun=[*PROJECT.unsettled, *PROJECT.begun],
        state=page_state(["index.html.j2", *asset_names()]),
        code=code("make_annotate_index"),
    script:
        "../scripts/make_annotate_index.py"


rule import_existing:
    input:
        files=PROJECT.existing.files if PROJECT.existing else [],
    output:
        tables=imported_clips("existing/{clip}.csv") or results("existing/nothing.csv"),
    log:
        results("logs/import_existing.log"),
    benchmark:
        timing("import_existing")
    conda:
        env("tables")
    params:
        paths=named_files(config),
        clips=PROJECT.imported,
        # By a function: Snakemake would take braces in a text for wildcards.
        names=lambda wildcards: names_for_existing(),
        actions=config["actions"],
        code=code("import_existing"),
    script:
        "../scripts/import_existing.py"


rule read_labels:
    input:
        project=finished_annotation,
        manifest=results("clips/{clip}.json"),
        keyframes=results("keyframes/{clip}.csv"),
        tracks=results("tracks/{clip}.csv"),
    output:
        labels=results("labels/{clip}.csv"),
        notes=results("labels/{clip}.notes.csv"),
        unticked=results("labels/{clip}.unticked.csv"),
        idle=results("labels/{clip}.idle.csv"),
        nobody=results("labels/{clip}.nobody.csv"),
    log:
        results("logs/read_labels/{clip}.log"),
    benchmark:
        timing("read_labels/{clip}")
    localrule: True
    conda:
        env("tables")
    params:
        clip="{clip}",
        actions=config["actions"],
        fps=FPS,
        strict=config["strict"],
        imported=lambda wildcards: wildcards.clip in PROJECT.imported,
        known_as=known_as,
        content=finished_state,
        code=code("read_labels"),
    script:
        "../scripts/read_labels.py"


rule write_agreement:
    input:
        annotations=agreement_annotations(),
        manifests=agreement_clips("clips/{clip}.json"),
        keyframes=agreement_clips("keyframes/{clip}.csv"),
        tracks=agreement_clips("tracks/{clip}.csv"),
    output:
        table=report(
            results("annotate/agreement.csv"), category="Dataset", labels={"what": "Agreement"}
        ),
        html=results("annotate/agreement.html"),
        js=results("annotate/agreement.js"),
    log:
        results("logs/write_agreement.log"),
    benchmark:
        timing("write_agreement")
    localrule: True
    conda:
        env("tables")
    params:
        files=ANNOTATORS,
        actions=config["actions"],
        code=code("write_agreement"),
    script:
        "../scripts/write_agreement.py"
