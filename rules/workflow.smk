# What was made, what awaits a person, what was noticed, and where it lies.


def report_file():
    """The report of the whole project."""
    return results("report.md")


def clip_targets():
    """Everything made of the clips table; nothing for a project that has none."""
    if not CLIPS:
        return []
    return [
        report_file(),
        *all_clips("clips/{clip}.json"),
        *all_clips("clips/{clip}.mp4"),
        *all_clips("keyframes/{clip}.csv"),
        *rawframes_wanted(),
        *all_clips("tracks/{clip}.csv"),
        *proposal_files(),
        *via_files(),
        *dataset_files(),
        *export_files(),
    ]


rule write_report:
    input:
        manifests=all_clips("clips/{clip}.json"),
        keyframes=all_clips("keyframes/{clip}.csv"),
        tracks=all_clips("tracks/{clip}.csv"),
        labels=finished_clips("labels/{clip}.csv"),
        notes=finished_clips("labels/{clip}.notes.csv"),
        dataset=dataset_files(),
        exports=export_files(),
        via=results("via/index.html"),
        proposals=proposal_files(),
    output:
        report=results("report.md"),
        table=results("report.tsv"),
    log:
        results("logs/write_report.log"),
    localrule: True
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
        code=code("write_report"),
    script:
        "../scripts/write_report.py"


rule verify:
    input:
        manifests=all_clips("clips/{clip}.json"),
        keyframes=all_clips("keyframes/{clip}.csv"),
        rawframes=rawframes_wanted(),
    log:
        results("logs/verify.log"),
    conda:
        env("media")
    params:
        results=lambda wildcards, input: str(Path(input.manifests[0]).parents[1]),
        clips=list(CLIPS),
    script:
        "../scripts/verify.py"


onsuccess:
    print(run_summary(PROJECT, config))


onerror:
    print(failure_summary(PROJECT, config, STARTED))
