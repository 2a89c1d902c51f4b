# What is likely ticked next, and which clip to annotate next. Nothing else reads these files but
# the pages, which do without them.


include: "inputs/suggestions.smk"


rule suggest:
    input:
        **person_features(),
        tracks=all_clips("tracks/{clip}.csv"),
        labels=train_clips("labels/{clip}.csv"),
        idle=train_clips("labels/{clip}.idle.csv"),
        unticked=train_clips("labels/{clip}.unticked.csv"),
        nobody=train_clips("labels/{clip}.nobody.csv"),
        left=partly_judged_clips("labels/{clip}.unticked.csv"),
    output:
        clips=all_clips("suggestions/{clip}.json"),
        scripts=all_clips("suggestions/{clip}.js"),
        queue=results("suggestions/queue.csv"),
        order=results("suggestions/queue_order.js"),
    log:
        results("logs/suggest.log"),
    benchmark:
        timing("suggest")
    conda:
        env("baseline")
    params:
        clips=list(CLIPS),
        splits={clip.id: clip.split for clip in PROJECT.clips},
        awaiting=PROJECT.awaiting,
        learnt_from=PROJECT.finished_of("train"),
        partly=annotated_on_page(),
        groups=groups_of_clips(),
        actions=config["actions"],
        fps=FPS,
        folds=config["baseline"]["folds"],
        precision=config["suggestions"]["precision"],
        code=code("suggest"),
    script:
        "../scripts/suggest.py"
