# AVA-Kinetics for mmaction2: clips around annotated seconds, boxes, proposals, merged with AVA.


include: "inputs/ava_kinetics.smk"


rule cut_ava_kinetics:
    output:
        manifest=results("ava_kinetics/manifests/{batch}.csv"),
    log:
        results("logs/cut_ava_kinetics/{batch}.log"),
        ffmpeg=results("logs/cut_ava_kinetics/{batch}.ffmpeg.log"),
    benchmark:
        timing("cut_ava_kinetics/{batch}")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        **ffmpeg(),
        batch="{batch}",
        digest=lambda wildcards: AVA_KINETICS.digests[wildcards.batch],
        kept=lambda wildcards: str(ava_kinetics_plan_path(config)),
        settings=ava_kinetics_settings(),
        videos=results("ava_kinetics/videos"),
        rawframes=ava_kinetics_rawframes(),
        journal=results("ava_kinetics/journals/{batch}.jsonl"),
        code=code("cut_ava_kinetics"),
    script:
        "../scripts/cut_ava_kinetics.py"


rule detect_ava_kinetics:
    input:
        manifest=results("ava_kinetics/manifests/{batch}.csv"),
        weights=PROJECT.detector.files,
    output:
        detections=results("ava_kinetics/detections/{batch}.csv"),
    log:
        results("logs/detect_ava_kinetics/{batch}.log"),
    benchmark:
        timing("detect_ava_kinetics/{batch}")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        code=code("detect_ava_kinetics"),
    script:
        "../scripts/detect_ava_kinetics.py"


rule write_ava_kinetics:
    input:
        manifests=ava_kinetics_batches("manifests/{batch}.csv"),
        action_list=action_list_file(),
    output:
        csv=ava_kinetics_annotations("kinetics_{split}.csv"),
        seconds=ava_kinetics_annotations("kinetics_{split}_seconds.csv"),
        excluded=ava_kinetics_annotations("kinetics_{split}_excluded_timestamps.csv"),
        refused=ava_kinetics_annotations("kinetics_{split}_refused.txt"),
        action_list=results("ava_kinetics/annotations/action_list.pbtxt"),
        summary=results("ava_kinetics/summary.csv"),
    log:
        results("logs/write_ava_kinetics.log"),
    benchmark:
        timing("write_ava_kinetics")
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        csvs=lambda wildcards: [annotation_csv(config, s) for s in ava_kinetics_splits()],
        state=lambda wildcards: AVA_KINETICS.facts["annotations"],
        max_broken_share=config["ava_kinetics"]["max_broken_share"],
        code=code("write_ava_kinetics"),
    script:
        "../scripts/write_ava_kinetics.py"


rule propose_ava_kinetics:
    input:
        manifests=ava_kinetics_batches("manifests/{batch}.csv"),
        detections=ava_kinetics_batches("detections/{batch}.csv"),
    output:
        proposals=ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
    log:
        results("logs/propose_ava_kinetics.log"),
    benchmark:
        timing("propose_ava_kinetics")
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        min_score=config["ava_kinetics"]["proposal_score"],
        code=code("propose_ava_kinetics"),
    script:
        "../scripts/propose_ava_kinetics.py"


rule merge_ava_kinetics:
    input:
        csv=ava_kinetics_annotations("kinetics_{split}.csv"),
        proposals=ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
        ava=ava_files(),
    output:
        csv=merged_annotations("ava_kinetics_{split}.csv"),
        proposals=merged_annotations("ava_kinetics_{split}_proposals.pkl"),
        excluded=merged_annotations("ava_kinetics_{split}_excluded_timestamps.csv"),
        links=results("ava_kinetics/ava_links.tsv"),
    log:
        results("logs/merge_ava_kinetics.log"),
    benchmark:
        timing("merge_ava_kinetics")
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        merged=merged_splits(),
        ava=lambda wildcards: AVA_KINETICS.facts["ava"],
        media=results("ava_kinetics/videos") if READS_VIDEO else results("ava_kinetics/rawframes"),
        code=code("merge_ava_kinetics"),
    script:
        "../scripts/merge_ava_kinetics.py"


rule configure_ava_kinetics:
    output:
        **(
            {"reading": results("ava_kinetics/mmaction2/ava_kinetics_reading.py")}
            if READS_VIDEO
            else {}
        ),
        config=results("ava_kinetics/mmaction2/ava_kinetics.py"),
        readme=results("ava_kinetics/mmaction2/README.md"),
    log:
        results("logs/configure_ava_kinetics.log"),
    benchmark:
        timing("configure_ava_kinetics")
    localrule: True
    conda:
        env("tables")
    params:
        train=trained_on(),
        judged=evaluated_on(),
        read=config["ava_kinetics"]["read"],
        min_score=config["ava_kinetics"]["proposal_score"],
        code=code("configure_ava_kinetics"),
    script:
        "../scripts/configure_ava_kinetics.py"


rule list_ava_clips:
    input:
        lists=config["ava"]["file_lists"],
        csvs=ava_csvs(),
    output:
        clips=results("ava/clips.tsv"),
        movies=results("ava/movies.csv"),
    log:
        results("logs/list_ava_clips.log"),
    benchmark:
        timing("list_ava_clips")
    localrule: True
    conda:
        env("tables")
    params:
        movies=lambda wildcards: {name: found.path for name, found in (AVA_MOVIES or {}).items()},
        state=lambda wildcards: [found[1:] for found in (AVA_MOVIES or {}).values()],
        code=code("list_ava_clips"),
    script:
        "../scripts/list_ava_clips.py"


rule link_ava_folder:
    input:
        movies=results("ava/movies.csv"),
        rawframes=all_clips("rawframes/{clip}.json"),
    output:
        links=results("ava/links.tsv"),
    log:
        results("logs/link_ava_folder.log"),
    benchmark:
        timing("link_ava_folder")
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(CLIPS),
        annotations=lambda wildcards: config["ava"]["annotations"],
        code=code("link_ava_folder"),
    script:
        "../scripts/link_ava_folder.py"
