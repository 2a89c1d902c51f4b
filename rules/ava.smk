# The dataset in AVA's form: annotations, proposals, and links to clips and frames.


rule proposals_of_split:
    input:
        detections=split_batches,
        keyframes=split_clips("keyframes/{clip}.csv"),
    output:
        proposals=annotations("dense_proposals_{split}.pkl"),
        notes=annotations("dense_proposals_{split}.notes.csv"),
    log:
        made("logs/proposals/{split}.log"),
    conda:
        env("tables")
    params:
        clips=lambda wildcards: PROJECT.clips_of(wildcards.split),
        offset=config["timestamp_offset"],
        fps=FPS,
        code=code("proposals"),
    script:
        "../scripts/proposals.py"


rule annotations_of_dataset:
    input:
        labels=finished_clips("labels/{clip}.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
    output:
        csv=labelled_csvs() or annotations("nothing-finished.csv"),
        excluded=excluded_csvs(),
        included=annotations("included_timestamps.txt"),
        action_list=annotations("action_list.pbtxt"),
        label_map=annotations("label_map.txt"),
    log:
        made("logs/dataset.log"),
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        actions=config["actions"],
        offset=config["timestamp_offset"],
        code=code("dataset"),
    script:
        "../scripts/dataset.py"


rule dataset_links:
    input:
        clips=finished_clips("clips/{clip}.json"),
        rawframes=finished_clips("rawframes/{clip}.json") if config["rawframes"]["enabled"] else [],
    output:
        links=made("dataset/links.tsv"),
    log:
        made("logs/dataset_links.log"),
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        results=lambda wildcards, output: str(Path(output.links).parents[1]),
        rawframes=config["rawframes"]["enabled"],
        code=code("dataset_links"),
    script:
        "../scripts/dataset_links.py"
