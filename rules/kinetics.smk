# Kinetics: videos of a short side of 256, in batches, and the lists that SlowFast reads.


include: "inputs/kinetics.smk"


rule resize_kinetics:
    output:
        manifest=results("kinetics/manifests/{batch}.csv"),
    log:
        results("logs/resize_kinetics/{batch}.log"),
        ffmpeg=results("logs/resize_kinetics/{batch}.ffmpeg.log"),
    benchmark:
        timing("resize_kinetics/{batch}")
    conda:
        env("media")
    threads: config["kinetics"]["threads"]
    params:
        **ffmpeg(),
        batch="{batch}",
        digest=lambda wildcards: KINETICS.digests[wildcards.batch],
        kept=lambda wildcards: str(plan_path(config)),
        settings=kinetics_settings(),
        videos="" if config["kinetics"]["in_place"] else results("kinetics/videos"),
        journal=results("kinetics/journals/{batch}.jsonl"),
        code=code("resize_kinetics"),
    script:
        "../scripts/resize_kinetics.py"


rule list_kinetics:
    input:
        manifests=kinetics_batches("manifests/{batch}.csv"),
    output:
        lists=kinetics_lists(),
        label_ids=results("kinetics/label2id.json"),
        table=results("kinetics/videos.csv"),
        summary=results("kinetics/summary.csv"),
    log:
        results("logs/list_kinetics.log"),
    benchmark:
        timing("list_kinetics")
    localrule: True
    conda:
        env("tables")
    params:
        digest=lambda wildcards: KINETICS.digest,
        kept=lambda wildcards: str(plan_path(config)),
        splits=kinetics_splits(),
        separator=config["kinetics"]["separator"],
        path_prefix=lambda wildcards: config["kinetics"]["path_prefix"],
        in_place=config["kinetics"]["in_place"],
        max_broken_share=config["kinetics"]["max_broken_share"],
        code=code("list_kinetics"),
    script:
        "../scripts/list_kinetics.py"
