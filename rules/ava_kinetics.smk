# AVA-Kinetics for mmaction2: clips around annotated seconds, boxes, proposals, merged with AVA.


rule ava_kinetics_cut:
    output:
        manifest=made("ava_kinetics/manifests/{batch}.csv"),
    log:
        made("logs/ava_kinetics_cut/{batch}.log"),
        ffmpeg=made("logs/ava_kinetics_cut/{batch}.ffmpeg.log"),
    benchmark:
        made("benchmarks/ava_kinetics_cut/{batch}.tsv")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        batch="{batch}",
        digest=lambda wildcards: AVA_KINETICS.digests[wildcards.batch],
        kept=lambda wildcards: str(kept_ava_kinetics_plan(config)),
        settings=ava_kinetics_settings(),
        videos=made("ava_kinetics/videos"),
        rawframes=ava_kinetics_rawframes(),
        journal=made("ava_kinetics/journals/{batch}.jsonl"),
        ffmpeg=config["trim"]["ffmpeg"],
        code=code("ava_kinetics_cut"),
    script:
        "../scripts/ava_kinetics_cut.py"


rule ava_kinetics_detect:
    input:
        manifest=made("ava_kinetics/manifests/{batch}.csv"),
        weights=PROJECT.detector.files,
    output:
        detections=made("ava_kinetics/detections/{batch}.csv"),
    log:
        made("logs/ava_kinetics_detect/{batch}.log"),
    benchmark:
        made("benchmarks/ava_kinetics_detect/{batch}.tsv")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        code=code("ava_kinetics_detect"),
    script:
        "../scripts/ava_kinetics_detect.py"


rule ava_kinetics_annotations:
    input:
        manifests=ava_kinetics_batches("manifests/{batch}.csv"),
        action_list=action_list_file(),
    output:
        csv=ava_kinetics_annotations("kinetics_{split}.csv"),
        seconds=ava_kinetics_annotations("kinetics_{split}_seconds.csv"),
        excluded=ava_kinetics_annotations("kinetics_{split}_excluded_timestamps.csv"),
        refused=ava_kinetics_annotations("kinetics_{split}_refused.txt"),
        action_list=made("ava_kinetics/annotations/action_list.pbtxt"),
        summary=made("ava_kinetics/summary.csv"),
    log:
        made("logs/ava_kinetics_annotations.log"),
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        csvs=lambda wildcards: [annotation_csv(config, s) for s in ava_kinetics_splits()],
        state=lambda wildcards: AVA_KINETICS.facts["annotations"],
        most_broken=config["ava_kinetics"]["most_broken"],
        code=code("ava_kinetics_annotations"),
    script:
        "../scripts/ava_kinetics_annotations.py"


rule ava_kinetics_proposals:
    input:
        manifests=ava_kinetics_batches("manifests/{batch}.csv"),
        detections=ava_kinetics_batches("detections/{batch}.csv"),
    output:
        proposals=ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
    log:
        made("logs/ava_kinetics_proposals.log"),
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        least_score=config["ava_kinetics"]["proposal_score"],
        code=code("ava_kinetics_proposals"),
    script:
        "../scripts/ava_kinetics_proposals.py"


rule ava_kinetics_merge:
    input:
        csv=ava_kinetics_annotations("kinetics_{split}.csv"),
        proposals=ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
        ava=ava_files(),
    output:
        csv=merged_annotations("ava_kinetics_{split}.csv"),
        proposals=merged_annotations("ava_kinetics_{split}_proposals.pkl"),
        excluded=merged_annotations("ava_kinetics_{split}_excluded_timestamps.csv"),
        links=made("ava_kinetics/ava_links.tsv"),
    log:
        made("logs/ava_kinetics_merge.log"),
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        merged=merged_splits(),
        ava=lambda wildcards: AVA_KINETICS.facts["ava"],
        media=made("ava_kinetics/videos") if READS_VIDEO else made("ava_kinetics/rawframes"),
        code=code("ava_kinetics_merge"),
    script:
        "../scripts/ava_kinetics_merge.py"


rule ava_kinetics_config:
    output:
        **(
            {"reading": made("ava_kinetics/mmaction2/ava_kinetics_reading.py")}
            if READS_VIDEO
            else {}
        ),
        config=made("ava_kinetics/mmaction2/ava_kinetics.py"),
        readme=made("ava_kinetics/mmaction2/README.md"),
    log:
        made("logs/ava_kinetics_config.log"),
    conda:
        env("tables")
    params:
        train=trained_on(),
        judged=judged_on(),
        read=config["ava_kinetics"]["read"],
        least_score=config["ava_kinetics"]["proposal_score"],
        code=code("ava_kinetics_config"),
    script:
        "../scripts/ava_kinetics_config.py"
