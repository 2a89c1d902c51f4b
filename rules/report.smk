# What was made, what awaits a person, what was noticed, and where it lies.


rule report:
    input:
        manifests=all_clips("clips/{clip}.json"),
        keyframes=all_clips("keyframes/{clip}.csv"),
        tracks=all_clips("tracks/{clip}.csv"),
        labels=finished_clips("labels/{clip}.csv"),
        notes=finished_clips("labels/{clip}.notes.csv"),
        dataset=dataset_files(),
        exports=export_files(),
        via=made("via/index.html"),
        proposals=proposal_files(),
    output:
        report=made("report.md"),
        table=made("report.tsv"),
    log:
        made("logs/report.log"),
    conda:
        env("tables")
    params:
        clips=list(CLIPS),
        splits={clip.id: clip.split for clip in PROJECT.clips},
        finished=PROJECT.finished,
        actions=config["actions"],
        annotations=config["annotations"],
        results=lambda wildcards, output: str(Path(output.report).parent),
        annotated_splits=ANNOTATED_SPLITS,
        exports=exports_made(),
        rawframes=config["rawframes"]["enabled"],
        fps=FPS,
        strict=config["strict"],
        # By a function: Snakemake would take braces in a text for wildcards.
        warnings=lambda wildcards: PROJECT.warnings,
        code=code("report"),
    script:
        "../scripts/report.py"


rule verify:
    input:
        manifests=all_clips("clips/{clip}.json"),
        keyframes=all_clips("keyframes/{clip}.csv"),
        rawframes=rawframes_wanted(),
    log:
        made("logs/verify.log"),
    conda:
        env("media")
    params:
        results=lambda wildcards, input: str(Path(input.manifests[0]).parents[1]),
        clips=list(CLIPS),
    script:
        "../scripts/verify.py"


onsuccess:
    print(closing(PROJECT, config))


onerror:
    print(failed_closing(PROJECT, config, STARTED))
