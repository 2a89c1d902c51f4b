# One-second segments of clips, and the dataset in AlphAction's form.


rule segments_of_clip:
    input:
        video=source_of,
    output:
        manifest=made("segments/{clip}.json"),
    log:
        made("logs/segments/{clip}.log"),
        ffmpeg=made("logs/segments/{clip}.ffmpeg.log"),
    benchmark:
        made("benchmarks/segments/{clip}.tsv")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        clip="{clip}",
        video=lambda wildcards: CLIPS[wildcards.clip].shown_video,
        start=lambda wildcards: CLIPS[wildcards.clip].start,
        end=lambda wildcards: CLIPS[wildcards.clip].end_given,
        state=source_state,
        settings=segment_settings(),
        jpeg_quality=config["jpeg_quality"],
        offset=config["timestamp_offset"],
        keyframe_fps=FPS,
        ffmpeg=config["trim"]["ffmpeg"],
        code=code("segments"),
    script:
        "../scripts/segments.py"


rule export_alphaction:
    input:
        by_hand=annotated_by_hand(),
        csv=[] if annotated_by_hand() else labelled_csvs(),
        segments=alphaction_segments(),
        proposals=alphaction_proposals(),
    output:
        readme=made("dataset/alphaction/README.md"),
        catalog=made("dataset/alphaction/paths_catalog_entry.txt"),
        config=made("dataset/alphaction/finetune_resnet50_4x16f.yaml"),
        annotations=alphaction_annotations(),
    log:
        made("logs/export_alphaction.log"),
    conda:
        env("tables")
    params:
        clips=PROJECT.alphaction_clips,
        clip_splits=alphaction_clip_splits(),
        splits=ALPHACTION_SPLITS,
        strict=config["strict"],
        offset=config["timestamp_offset"],
        actions=config["actions"],
        # By a function: Snakemake would take braces in a text for wildcards.
        settings=lambda wildcards: config["alphaction"],
        margin=config["keyframes"]["margin"],
        state=by_hand_state(),
        code=code("export_alphaction"),
    script:
        "../scripts/export_alphaction.py"
