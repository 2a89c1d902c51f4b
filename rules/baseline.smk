# A first model on the persons' features: whether the labels can be learnt.


include: "inputs/baseline.smk"


rule train_baseline:
    input:
        **person_features(),
        tracks=finished_clips("tracks/{clip}.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        labels=finished_clips("labels/{clip}.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
    output:
        head=results("baseline/head.npz"),
        metrics=results("baseline/metrics.json"),
        page=results("baseline/index.html"),
        predictions=of_annotated_splits("baseline/predictions/{split}.csv"),
    log:
        results("logs/train_baseline.log"),
    benchmark:
        timing("train_baseline")
    conda:
        env("baseline")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        groups=groups_of_clips(),
        actions=config["actions"],
        offset=config["timestamp_offset"],
        fps=FPS,
        baseline=settings_of("baseline", "baseline"),
        code=code("train_baseline"),
    script:
        "../scripts/train_baseline.py"
