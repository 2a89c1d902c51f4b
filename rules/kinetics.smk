# Kinetics: videos of a short side of 256, in batches, and the lists that SlowFast reads.


rule kinetics_batch:
    output:
        manifest=made("kinetics/manifests/{batch}.csv"),
    log:
        made("logs/kinetics_batch/{batch}.log"),
        ffmpeg=made("logs/kinetics_batch/{batch}.ffmpeg.log"),
    benchmark:
        made("benchmarks/kinetics_batch/{batch}.tsv")
    conda:
        env("media")
    threads: config["kinetics"]["threads"]
    params:
        batch="{batch}",
        digest=lambda wildcards: KINETICS.digests[wildcards.batch],
        kept=lambda wildcards: str(kept_plan(config)),
        settings=kinetics_settings(),
        videos="" if config["kinetics"]["in_place"] else made("kinetics/videos"),
        journal=made("kinetics/journals/{batch}.jsonl"),
        ffmpeg=config["trim"]["ffmpeg"],
        code=code("kinetics_batch"),
    script:
        "../scripts/kinetics_batch.py"


rule kinetics_lists:
    input:
        manifests=kinetics_batches("manifests/{batch}.csv"),
    output:
        lists=kinetics_lists(),
        label_ids=made("kinetics/label2id.json"),
        table=made("kinetics/videos.csv"),
        summary=made("kinetics/summary.csv"),
    log:
        made("logs/kinetics_lists.log"),
    conda:
        env("tables")
    params:
        digest=lambda wildcards: KINETICS.digest,
        kept=lambda wildcards: str(kept_plan(config)),
        splits=kinetics_splits(),
        separator=config["kinetics"]["separator"],
        path_prefix=lambda wildcards: config["kinetics"]["path_prefix"],
        in_place=config["kinetics"]["in_place"],
        most_broken=config["kinetics"]["most_broken"],
        code=code("kinetics_lists"),
    script:
        "../scripts/kinetics_lists.py"
