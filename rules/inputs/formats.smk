# What the rules of formats.smk read, and with which settings.

# Exports with which a model can be run; Datumaro runs none.
TOOLBOXES = ["mmaction2", "slowfast", "alphaction"]


def split_batches(wildcards):
    """What stands for the detections of the split's clips being up to date."""
    return detections_of(PROJECT.clips_of(wildcards.split))


def given_proposals():
    """Files of proposals that stand in for the detector's."""
    named = config["proposals"]
    return [named] if isinstance(named, str) and named else list(named)


def names_of_split(split):
    """Each clip of a split by its id, and by what files made elsewhere call it."""
    if not given_proposals():
        return {}
    clips = [CLIPS[clip] for clip in PROJECT.clips_of(split)]
    known = {clip.known_as: clip.id for clip in clips if clip.known_as}
    return known | {clip.id: clip.id for clip in clips}


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
    made = list(dict.fromkeys(asked)) if ANNOTATED_SPLITS else []
    return [*made, *(["predict"] if wants_prediction() and PROJECT.awaiting else [])]


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


def repeats_keyframes():
    """Whether keyframes of rare actions are read again, of which train has to hold any."""
    return bool(config["imbalance"]["repeat_below"]) and "train" in ANNOTATED_SPLITS


def repeated_csvs():
    """The keyframes that mmaction2 reads a second time, a third, and so on."""
    if not repeats_keyframes():
        return []
    times = range(2, config["imbalance"]["max_repeats"] + 1)
    return [results(f"dataset/mmaction2/{again_csv(each)}") for each in times]


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


def alphaction_objects(pattern):
    """What is found of objects on the finished clips, where the config names any."""
    if not config["alphaction"]["objects"]:
        return []
    batches = sorted({PROJECT.batch_of[clip] for clip in PROJECT.finished})
    return expand(results(pattern), batch=batches, clip=PROJECT.finished)


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
    if config["alphaction"]["objects"]:
        of_split.append("boxes/{split}_object_bbox.json")
    named = ["annotations/action_list.pbtxt", "annotations/label_map.txt"]
    files = [*expand(of_split, split=ANNOTATED_SPLITS), *named]
    return [results(f"dataset/alphaction/{file}") for file in files]


def alphaction_repeated():
    """The annotations of train with keyframes of rare actions several times."""
    if not repeats_keyframes():
        return []
    return results("dataset/alphaction/annotations/train_repeated_min.json")


def alphaction_files():
    """AlphAction's dataset; the segments of all clips while nothing is annotated."""
    if ANNOTATED_SPLITS:
        return [results("dataset/alphaction/README.md")]
    return all_clips("segments/{clip}.json")


def unlabelled_clips(pattern):
    """A file of every clip without labels."""
    return expand(results(pattern), clip=PROJECT.awaiting)


def unlabelled_batches():
    """What stands for the detections of clips without labels being up to date."""
    return detections_of(PROJECT.awaiting)


def predicting_toolboxes():
    """The toolboxes of the config's `exports` that run models on clips without labels.

    Not AlphAction with objects: these are looked for on finished clips only.
    """
    without = ["alphaction"] if config["alphaction"]["objects"] else []
    return [name for name in config["exports"] if name in TOOLBOXES and name not in without]


def prediction(name):
    """A file of the folder to run a trained model on."""
    return results(f"dataset/predict/{name}")


def wants_prediction():
    """Whether that folder was made before: it is kept up to date then.

    So a clip that was finished since is not taken for one that awaits its labels.
    """
    return Path(prediction("annotations")).exists() and bool(predicting_toolboxes())


def prediction_files():
    """What each toolbox needs beside the annotations to run a model on clips without labels."""
    modes = ["frames", "video"] if config["rawframes"]["enabled"] else ["video"]
    files = {
        "mmaction2": [f"slowfast_{mode}.py" for mode in modes],
        "slowfast": [
            "SLOWFAST.yaml",
            "label_map.json",
            "frame_lists/predict.csv",
            "ava_predict_predicted_boxes.csv",
        ],
        "alphaction": [
            "paths_catalog_entry.txt",
            "finetune_resnet50_4x16f.yaml",
            "annotations/predict_min.json",
            "boxes/predict_person_bbox.json",
        ],
    }
    return {
        name: [prediction(f"{name}/{file}") for file in files[name]]
        for name in predicting_toolboxes()
    }


def requested_prediction_files(wildcards):
    """What the target `prediction_files` asks for; the run ends where there is nothing to run a model on."""
    missing = ""
    if not PROJECT.awaiting:
        missing = "every clip has labels: there is none to run a model on"
    if not predicting_toolboxes():
        missing = (
            "`exports` names no toolbox that runs models on them: expected one of "
            f"{', '.join(TOOLBOXES)}, the last without alphaction.objects"
        )
    if missing:
        # Only now is it known that predictions are asked for.
        logger.error(f"{ERROR_MARK}prediction_files: {missing}")
        sys.exit(1)
    return prediction("README.md")
