# What the rules of formats.smk read, and with which settings.


def split_batches(wildcards):
    """What stands for the detections of the split's clips being up to date."""
    return detections_of(PROJECT.clips_of(wildcards.split))


def split_clips(pattern):
    """An input function: a file of every clip of the split."""
    return lambda wildcards: expand(results(pattern), clip=PROJECT.clips_of(wildcards.split))


def judged_clips(split):
    """The finished clips of a split on which models are judged; none for train."""
    return [] if split == "train" else PROJECT.finished_of(split)


def judged(pattern):
    """An input function: a file of every finished clip of a split that models are judged on."""
    return lambda wildcards: expand(results(pattern), clip=judged_clips(wildcards.split))


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
    asked = [*config["exports"], *(["alphaction"] if wants_alphaction() else [])]
    return list(dict.fromkeys(asked)) if ANNOTATED_SPLITS else []


def export_files():
    """What the config's `exports` name, once an annotation is finished."""
    return [results(f"dataset/{name}/README.md") for name in exports_made()]


def of_annotated_splits(pattern):
    """A file of every split with a finished clip."""
    return expand(results(pattern), split=ANNOTATED_SPLITS)


def finished_splits():
    """The split of every finished clip."""
    return {clip: CLIPS[clip].split for clip in PROJECT.finished}


def datumaro_annotations():
    """The dataset's annotations under the names that Datumaro's importer takes."""
    named = [csv_name(split) for split in ANNOTATED_SPLITS]
    return [results(f"dataset/datumaro/annotations/{name}") for name in [*named, ACTION_LIST]]


def mmaction2_configs():
    """mmaction2's training configs: from frames, where they are kept, and from clips."""
    modes = ["frames", "video"] if config["rawframes"]["enabled"] else ["video"]
    return [results(f"dataset/mmaction2/slowfast_{mode}.py") for mode in modes]


def wants_alphaction():
    """Whether AlphAction's dataset is wanted: named in the config, or made before.

    What its target rule made once is kept up to date, so that it is never trained on stale.
    """
    # Not by an output of the job, which a killed run leaves without.
    before = Path(results("dataset/alphaction/clips")).exists()
    return "alphaction" in config["exports"] or before


def alphaction_proposals():
    """The detected people of the splits that AlphAction validates or tests on."""
    return [
        annotations(f"dense_proposals_{split}.pkl")
        for split in ANNOTATED_SPLITS
        if split != "train"
    ]


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
    files = [*expand(of_split, split=ANNOTATED_SPLITS), *named]
    return [results(f"dataset/alphaction/{file}") for file in files]


def alphaction_files():
    """AlphAction's dataset; the segments of all clips while nothing is annotated."""
    if ANNOTATED_SPLITS:
        return [results("dataset/alphaction/README.md")]
    return all_clips("segments/{clip}.json")
