# What was made, what awaits a person, what was noticed, and where it lies.


include: "inputs/workflow.smk"


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
        report=report(results("report.md"), category="Dataset", labels={"what": "Text"}),
        table=report(results("report.tsv"), category="Dataset", labels={"what": "Clips"}),
    log:
        results("logs/write_report.log"),
    benchmark:
        timing("write_report")
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
        offset=config["timestamp_offset"],
        strict=config["strict"],
        # By a function: Snakemake would take braces in a text for wildcards.
        warnings=lambda wildcards: PROJECT.warnings,
        code=code("write_report"),
    script:
        "../scripts/write_report.py"


rule examine_dataset:
    input:
        dataset=dataset_files(),
        papers=papers_of_dataset(),
        exports=dataset_readmes(),
    output:
        report=results("doctor.md"),
        findings=results("doctor.json"),
    log:
        results("logs/examine_dataset.log"),
    benchmark:
        timing("examine_dataset")
    conda:
        env("media")
    params:
        dataset=lambda wildcards, output: str(Path(output.report).parent / "dataset"),
        strict=config["strict"],
        code=code("examine_dataset"),
    script:
        "../scripts/examine_dataset.py"


# Its timings are those of the moment: a note of runs, which makes nothing stale.


rule write_report_page:
    input:
        account=results("report.tsv"),
        keyframes=all_clips("keyframes/{clip}.csv"),
        tracks=all_clips("tracks/{clip}.csv"),
        detections=detections_of(CLIPS),
        labels=finished_clips("labels/{clip}.csv"),
        notes=finished_clips("labels/{clip}.notes.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        annotate=results("annotate/index.html"),
        agreement=agreement_if_made(),
        duplicates=results("duplicates.csv"),
    output:
        page=report(results("report.html"), category="Dataset", labels={"what": "Report"}),
    log:
        results("logs/write_report_page.log"),
    benchmark:
        timing("write_report_page")
    localrule: True
    conda:
        env("report")
    params:
        reads=[] if PROJECT.own_detections else all_clips("detections/{clip}.csv"),
        # By functions: Snakemake would take braces in a text for wildcards.
        ranges=lambda wildcards: ranges_of_clips(),
        warnings=lambda wildcards: warnings_beside_leaks(),
        unsettled=lambda wildcards: PROJECT.unsettled,
        settings=lambda wildcards: told_settings(),
        finished=list(PROJECT.finished),
        actions=config["actions"],
        annotations=config["annotations"],
        results=lambda wildcards, output: str(Path(output.page).parent),
        annotated_twice=len(ANNOTATORS),
        fps=FPS,
        stride=tracker_stride(),
        code=code("write_report_page"),
    script:
        "../scripts/write_report_page.py"


rule verify:
    log:
        results("logs/verify.log"),
    conda:
        env("media")
    script:
        "../scripts/verify.py"


onstart:
    forget_asked()
    write_status(PROJECT, config, RUNNING, not_made_yet())


onsuccess:
    write_status(PROJECT, config, FINISHED)
    print(run_summary(PROJECT, config), flush=True)


onerror:
    write_status(
        PROJECT, config, STOPPED if TERMINAL.jobs.stopped else FAILED_RUN, not_made_yet()
    )
    print(
        failure_summary(
            PROJECT,
            config,
            STARTED,
            unlogged=list(TERMINAL.jobs.unlogged.values()),
            stopped=TERMINAL.jobs.stopped,
        ),
        flush=True,
    )
