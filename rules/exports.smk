# The dataset as each toolbox takes it, with the command that trains on it.


rule export_mmaction2:
    input:
        csv=labelled_csvs(),
        excluded=excluded_csvs(),
        proposals=proposal_files(),
        action_list=annotations("action_list.pbtxt"),
        label_map=annotations("label_map.txt"),
        manifests=finished_clips("clips/{clip}.json"),
    output:
        readme=made("dataset/mmaction2/README.md"),
        configs=mmaction2_configs(),
    log:
        made("logs/export_mmaction2.log"),
    conda:
        env("tables")
    params:
        splits=ANNOTATED_SPLITS,
        offset=config["timestamp_offset"],
        fps=FPS,
        actions=config["actions"],
        rawframes=config["rawframes"]["enabled"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_mmaction2"),
    script:
        "../scripts/export_mmaction2.py"


rule export_slowfast:
    input:
        csv=labelled_csvs(),
        excluded=excluded_csvs(),
        proposals=proposal_files(),
        action_list=annotations("action_list.pbtxt"),
        manifests=finished_clips("clips/{clip}.json"),
        rawframes=finished_clips("rawframes/{clip}.json"),
    output:
        readme=made("dataset/slowfast/README.md"),
        config=made("dataset/slowfast/SLOWFAST.yaml"),
        lists=of_annotated_splits("dataset/slowfast/frame_lists/{split}.csv"),
        boxes=of_annotated_splits("dataset/slowfast/ava_{split}_predicted_boxes.csv"),
    log:
        made("logs/export_slowfast.log"),
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        offset=config["timestamp_offset"],
        fps=FPS,
        actions=config["actions"],
        code=code("export_slowfast"),
    script:
        "../scripts/export_slowfast.py"


rule export_datumaro:
    input:
        csv=labelled_csvs(),
        action_list=annotations("action_list.pbtxt"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
    output:
        readme=made("dataset/datumaro/README.md"),
    log:
        made("logs/export_datumaro.log"),
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        offset=config["timestamp_offset"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_datumaro"),
    script:
        "../scripts/export_datumaro.py"
