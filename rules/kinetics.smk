# Kinetics: videos of a short side of 256, in batches, and the lists that SlowFast reads.


def kinetics_batches(pattern):
    """A file of every batch of Kinetics videos; nothing where Kinetics is not asked for."""
    return expand(results(f"kinetics/{pattern}"), batch=KINETICS.digests) if KINETICS else []


def kinetics_splits():
    """Splits of Kinetics with a folder of videos."""
    return KINETICS.facts["splits"] if KINETICS else []


def kinetics_lists():
    """The lists of videos and labels that readers take."""
    return [results(f"kinetics/{split}.csv") for split in kinetics_splits()]


def kinetics_settings():
    """The settings that decide what a video becomes, or when a batch fails."""
    names = "short_side encoder preset crf audio already_sized shortest_seconds threads max_broken_share"
    return {name: config["kinetics"][name] for name in names.split()}


def kinetics_files():
    """Everything made of Kinetics; nothing where it is not asked for."""
    if not KINETICS:
        return []
    return [*kinetics_lists(), results("kinetics/label2id.json"), results("kinetics/summary.csv")]


rule resize_kinetics:
    output:
        manifest=results("kinetics/manifests/{batch}.csv"),
    log:
        results("logs/resize_kinetics/{batch}.log"),
        ffmpeg=results("logs/resize_kinetics/{batch}.ffmpeg.log"),
    benchmark:
        results("benchmarks/resize_kinetics/{batch}.tsv")
    conda:
        env("media")
    threads: config["kinetics"]["threads"]
    params:
        batch="{batch}",
        digest=lambda wildcards: KINETICS.digests[wildcards.batch],
        kept=lambda wildcards: str(plan_path(config)),
        settings=kinetics_settings(),
        videos="" if config["kinetics"]["in_place"] else results("kinetics/videos"),
        journal=results("kinetics/journals/{batch}.jsonl"),
        ffmpeg=config["trim"]["ffmpeg"],
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
