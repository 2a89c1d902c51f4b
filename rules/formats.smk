# The dataset: AVA's form, what each toolbox takes, and AlphAction's dataset.


def split_batches(wildcards):
    """The detections of every batch that holds clips of the split."""
    batches = sorted({PROJECT.batch_of[clip] for clip in PROJECT.clips_of(wildcards.split)})
    return expand(results("detections/{batch}.csv"), batch=batches)


def split_clips(pattern):
    """An input function: a file of every clip of the split."""
    return lambda wildcards: expand(results(pattern), clip=PROJECT.clips_of(wildcards.split))


def annotations(name):
    """A file of the dataset's annotations."""
    return results(f"dataset/annotations/{name}")


def proposal_files():
    """The proposals of every split, also of those without a clip: readers name all three."""
    return [annotations(f"dense_proposals_{split}.pkl") for split in ("train", "val", "test")]


def labelled_csvs():
    """The csv of every split with a finished clip: an empty one would crash readers."""
    return [annotations(f"{split}.csv") for split in ANNOTATED_SPLITS]


def excluded_csvs():
    """The excluded seconds of every split with a finished clip."""
    return [annotations(f"{split}_excluded_timestamps.csv") for split in ANNOTATED_SPLITS]


def dataset_files():
    """The dataset in AVA's form, once an annotation is finished."""
    if not ANNOTATED_SPLITS:
        return []
    named = ["included_timestamps.txt", "action_list.pbtxt", "label_map.txt"]
    links = [results("dataset/links.tsv")]
    return [*labelled_csvs(), *excluded_csvs(), *map(annotations, named), *proposal_files(), *links]


def exports_made():
    """Those of the config's `exports` that can be made: an annotation of theirs is finished."""
    own = {"alphaction": ALPHACTION_SPLITS}
    asked = [*config["exports"], *(["alphaction"] if wants_alphaction() else [])]
    return [name for name in dict.fromkeys(asked) if own.get(name, ANNOTATED_SPLITS)]


def export_files():
    """What the config's `exports` name, once an annotation is finished."""
    return [results(f"dataset/{name}/README.md") for name in exports_made()]


def of_annotated_splits(pattern):
    """A file of every split with a finished clip."""
    return expand(results(pattern), split=ANNOTATED_SPLITS)


def finished_splits():
    """The split of every finished clip."""
    return {clip: CLIPS[clip].split for clip in PROJECT.finished}


def mmaction2_configs():
    """mmaction2's training configs: from frames, where they are kept, and from clips."""
    modes = ["frames", "video"] if config["rawframes"]["enabled"] else ["video"]
    return [results(f"dataset/mmaction2/slowfast_{mode}.py") for mode in modes]


def annotated_by_hand():
    """Annotations that the user has already, instead of finished projects."""
    return hand_files(config)


def by_hand_state():
    """Changes with the content of annotations by hand."""
    return [sha256(file) for file in hand_files(config)]


def wants_alphaction():
    """Whether AlphAction's dataset is wanted: by annotations of its own, or made before.

    What its target rule made once is kept up to date, so that it is never trained on stale.
    """
    before = Path(results("dataset/alphaction/README.md")).exists()
    return "alphaction" in config["exports"] or bool(hand_files(config)) or before


def alphaction_proposals():
    """The detected people of the splits that AlphAction validates or tests on."""
    return [
        annotations(f"dense_proposals_{split}.pkl")
        for split in ALPHACTION_SPLITS
        if split != "train"
    ]


def alphaction_segments():
    """The manifest of the segments of every clip in AlphAction's dataset."""
    return expand(results("segments/{clip}.json"), clip=PROJECT.alphaction_clips)


def alphaction_clip_splits():
    """The split of every clip in AlphAction's dataset."""
    return {clip: CLIPS[clip].split for clip in PROJECT.alphaction_clips}


def alphaction_annotations():
    """The annotations and boxes of every split of AlphAction's dataset, and the action list."""
    of_split = [
        "annotations/{split}.json",
        "annotations/{split}_min.json",
        "annotations/{split}_coco.json",
        "annotations/{split}.csv",
        "annotations/{split}_excluded_timestamps.csv",
        "boxes/{split}_person_bbox.json",
    ]
    named = ["annotations/action_list.pbtxt", "annotations/label_map.txt"]
    files = [*expand(of_split, split=ALPHACTION_SPLITS), *named]
    return [results(f"dataset/alphaction/{file}") for file in files]


def alphaction_files():
    """AlphAction's dataset; the segments of all clips while nothing is annotated."""
    if ALPHACTION_SPLITS:
        return [results("dataset/alphaction/README.md")]
    return all_clips("segments/{clip}.json")


rule propose:
    input:
        detections=split_batches,
        keyframes=split_clips("keyframes/{clip}.csv"),
    output:
        proposals=annotations("dense_proposals_{split}.pkl"),
        notes=annotations("dense_proposals_{split}.notes.csv"),
    log:
        results("logs/propose/{split}.log"),
    conda:
        env("tables")
    params:
        clips=lambda wildcards: PROJECT.clips_of(wildcards.split),
        offset=config["timestamp_offset"],
        fps=FPS,
        code=code("propose"),
    script:
        "../scripts/propose.py"


rule write_ava:
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
        results("logs/write_ava.log"),
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
    localrule: True
    conda:
        env("tables")
    params:
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
    log:
        results("logs/export_mmaction2.log"),
    localrule: True
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
        readme=results("dataset/slowfast/README.md"),
        config=results("dataset/slowfast/SLOWFAST.yaml"),
        lists=of_annotated_splits("dataset/slowfast/frame_lists/{split}.csv"),
        boxes=of_annotated_splits("dataset/slowfast/ava_{split}_predicted_boxes.csv"),
    log:
        results("logs/export_slowfast.log"),
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
    log:
        results("logs/export_datumaro.log"),
    localrule: True
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


rule export_alphaction:
    input:
        by_hand=annotated_by_hand(),
        csv=[] if annotated_by_hand() else labelled_csvs(),
        segments=alphaction_segments(),
        proposals=alphaction_proposals(),
    output:
        readme=results("dataset/alphaction/README.md"),
        catalog=results("dataset/alphaction/paths_catalog_entry.txt"),
        config=results("dataset/alphaction/finetune_resnet50_4x16f.yaml"),
        annotations=alphaction_annotations(),
    log:
        results("logs/export_alphaction.log"),
    localrule: True
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
