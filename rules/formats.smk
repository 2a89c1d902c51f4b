# The dataset: AVA's form, what each toolbox takes, and AlphAction's dataset.


include: "inputs/formats.smk"


rule propose:
    input:
        files=given_proposals(),
        detections=[] if given_proposals() else split_batches,
        keyframes=split_clips("keyframes/{clip}.csv"),
        labels=judged("labels/{clip}.csv"),
        unticked=judged("labels/{clip}.unticked.csv"),
    output:
        proposals=annotations("dense_proposals_{split}.pkl"),
        notes=annotations("dense_proposals_{split}.notes.csv"),
    log:
        results("logs/propose/{split}.log"),
    benchmark:
        timing("propose/{split}")
    conda:
        env("tables")
    params:
        reads=[] if given_proposals() else split_clips("detections/{clip}.csv"),
        names=lambda wildcards: names_of_split(wildcards.split),
        clips=lambda wildcards: PROJECT.clips_of(wildcards.split),
        judged=lambda wildcards: judged_clips(wildcards.split),
        offset=config["timestamp_offset"],
        fps=FPS,
        code=code("propose"),
    script:
        "../scripts/propose.py"


rule write_ava:
    input:
        labels=finished_clips("labels/{clip}.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
    output:
        csv=labelled_csvs() or annotations("nothing-finished.csv"),
        excluded=excluded_csvs(),
        included=annotations("included_timestamps.txt"),
        action_list=annotations("action_list.pbtxt"),
        label_map=annotations("label_map.txt"),
    log:
        results("logs/write_ava.log"),
    benchmark:
        timing("write_ava")
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        actions=config["actions"],
        offset=config["timestamp_offset"],
        code=code("write_ava"),
    script:
        "../scripts/write_ava.py"


rule link_dataset:
    input:
        clips=finished_clips("clips/{clip}.json"),
        rawframes=finished_clips("rawframes/{clip}.json") if config["rawframes"]["enabled"] else [],
    output:
        links=results("dataset/links.tsv"),
    log:
        results("logs/link_dataset.log"),
    benchmark:
        timing("link_dataset")
    localrule: True
    conda:
        env("tables")
    params:
        links=config["links"],
        clips=list(PROJECT.finished),
        results=lambda wildcards, output: str(Path(output.links).parents[1]),
        rawframes=config["rawframes"]["enabled"],
        code=code("link_dataset"),
    script:
        "../scripts/link_dataset.py"


rule export_mmaction2:
    input:
        csv=labelled_csvs(),
        excluded=excluded_csvs(),
        proposals=proposal_files(),
        action_list=annotations("action_list.pbtxt"),
        label_map=annotations("label_map.txt"),
        manifests=finished_clips("clips/{clip}.json"),
    output:
        readme=results("dataset/mmaction2/README.md"),
        configs=mmaction2_configs(),
        demo=results("dataset/mmaction2/demo_with_boxes.py"),
        again=repeated_csvs(),
    log:
        results("logs/export_mmaction2.log"),
    benchmark:
        timing("export_mmaction2")
    localrule: True
    conda:
        env("tables")
    params:
        splits=ANNOTATED_SPLITS,
        offset=config["timestamp_offset"],
        fps=FPS,
        stride=config["detector"]["stride"],
        actions=config["actions"],
        imbalance=settings_of("imbalance", "dataset"),
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
        readme=results("dataset/slowfast/README.md"),
        config=results("dataset/slowfast/SLOWFAST.yaml"),
        label_map=results("dataset/slowfast/label_map.json"),
        lists=of_annotated_splits("dataset/slowfast/frame_lists/{split}.csv"),
        boxes=of_annotated_splits("dataset/slowfast/ava_{split}_predicted_boxes.csv"),
    log:
        results("logs/export_slowfast.log"),
    benchmark:
        timing("export_slowfast")
    localrule: True
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
        readme=results("dataset/datumaro/README.md"),
        annotations=datumaro_annotations(),
    log:
        results("logs/export_datumaro.log"),
    benchmark:
        timing("export_datumaro")
    localrule: True
    conda:
        env("tables")
    params:
        links=config["links"],
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        offset=config["timestamp_offset"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_datumaro"),
    script:
        "../scripts/export_datumaro.py"


rule export_alphaction:
    input:
        csv=labelled_csvs(),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        segments=finished_clips("segments/{clip}.json"),
        proposals=alphaction_proposals(),
        objects=alphaction_objects("objects/{batch}.batch.json"),
    output:
        readme=results("dataset/alphaction/README.md"),
        catalog=results("dataset/alphaction/paths_catalog_entry.txt"),
        config=results("dataset/alphaction/finetune_resnet50_4x16f.yaml"),
        annotations=alphaction_annotations(),
        again=alphaction_repeated(),
    log:
        results("logs/export_alphaction.log"),
    benchmark:
        timing("export_alphaction")
    localrule: True
    conda:
        env("tables")
    params:
        reads=alphaction_objects("objects/{clip}.csv"),
        fps=FPS,
        links=config["links"],
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        strict=config["strict"],
        offset=config["timestamp_offset"],
        actions=config["actions"],
        # By a function: Snakemake would take braces in a text for wildcards.
        settings=lambda wildcards: settings_of("alphaction", "alphaction"),
        imbalance=settings_of("imbalance", "alphaction"),
        margin=config["keyframes"]["margin"],
        code=code("export_alphaction"),
    script:
        "../scripts/export_alphaction.py"


rule export_cvat:
    input:
        labels=finished_clips("labels/{clip}.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        manifests=finished_clips("clips/{clip}.json"),
    output:
        readme=results("dataset/cvat/README.md"),
        tasks=finished_clips("dataset/cvat/{clip}.xml"),
    log:
        results("logs/export_cvat.log"),
    benchmark:
        timing("export_cvat")
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        actions=config["actions"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_cvat"),
    script:
        "../scripts/export_cvat.py"


rule export_coco:
    input:
        labels=finished_clips("labels/{clip}.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        manifests=finished_clips("clips/{clip}.json"),
    output:
        readme=results("dataset/coco/README.md"),
        jsons=of_annotated_splits("dataset/coco/{split}.json"),
    log:
        results("logs/export_coco.log"),
    benchmark:
        timing("export_coco")
    localrule: True
    conda:
        env("tables")
    params:
        links=config["links"],
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        actions=config["actions"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_coco"),
    script:
        "../scripts/export_coco.py"


rule export_mot:
    input:
        labels=finished_clips("labels/{clip}.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        manifests=finished_clips("clips/{clip}.json"),
    output:
        readme=results("dataset/mot/README.md"),
        gts=finished_clips("dataset/mot/{clip}/gt/gt.txt"),
        infos=finished_clips("dataset/mot/{clip}/seqinfo.ini"),
        actions=results("dataset/mot/actions.csv"),
    log:
        results("logs/export_mot.log"),
    benchmark:
        timing("export_mot")
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        actions=config["actions"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_mot"),
    script:
        "../scripts/export_mot.py"


rule export_yolo:
    input:
        labels=finished_clips("labels/{clip}.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        manifests=finished_clips("clips/{clip}.json"),
    output:
        readme=results("dataset/yolo/README.md"),
        data=results("dataset/yolo/data.yaml"),
    log:
        results("logs/export_yolo.log"),
    benchmark:
        timing("export_yolo")
    localrule: True
    conda:
        env("tables")
    params:
        links=config["links"],
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        actions=config["actions"],
        dataset=lambda wildcards, output: str(Path(output.readme).parents[1]),
        code=code("export_yolo"),
    script:
        "../scripts/export_yolo.py"


# Clips without labels, for the test loops of the toolboxes: only where they are asked for.


rule prepare_prediction:
    input:
        unlabelled_batches(),
        keyframes=unlabelled_clips("keyframes/{clip}.csv"),
        clips=unlabelled_clips("clips/{clip}.json"),
        rawframes=(
            unlabelled_clips("rawframes/{clip}.json") if config["rawframes"]["enabled"] else []
        ),
        segments=(
            unlabelled_clips("segments/{clip}.json")
            if "alphaction" in predicting_toolboxes()
            else []
        ),
    output:
        **prediction_files(),
        readme=prediction("README.md"),
        links=prediction("links.tsv"),
        csv=prediction("annotations/predict.csv"),
        excluded=prediction("annotations/predict_excluded_timestamps.csv"),
        proposals=prediction("annotations/dense_proposals_predict.pkl"),
        action_list=prediction("annotations/action_list.pbtxt"),
        label_map=prediction("annotations/label_map.txt"),
    log:
        results("logs/prepare_prediction.log"),
    benchmark:
        timing("prepare_prediction")
    localrule: True
    conda:
        env("tables")
    params:
        reads=unlabelled_clips("detections/{clip}.csv"),
        links=config["links"],
        clips=PROJECT.awaiting,
        toolboxes=predicting_toolboxes(),
        results=lambda wildcards, output: str(Path(output.readme).parents[2]),
        rawframes=config["rawframes"]["enabled"],
        actions=config["actions"],
        offset=config["timestamp_offset"],
        fps=FPS,
        margin=config["keyframes"]["margin"],
        # By a function: Snakemake would take braces in a text for wildcards.
        settings=lambda wildcards: settings_of("alphaction", "alphaction"),
        code=code("prepare_prediction"),
    script:
        "../scripts/prepare_prediction.py"
