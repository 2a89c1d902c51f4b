# Tables, schemas, batches and input functions: the only file that finds files.
import re
import sys
import time
from pathlib import Path

from snakemake.logging import logger

BASE = Path(workflow.basedir)
SCRIPTS = BASE / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.append(str(SCRIPTS))

from avaflow.ava_kinetics_plan import action_list, annotation_csv, load_ava_kinetics
from avaflow.ava_kinetics_plan import kept_plan as kept_ava_kinetics_plan
from avaflow.ava_movies import find_csvs, load_ava
from avaflow.checkpoints import NO_WEIGHTS
from avaflow.errors import UserError
from avaflow.files import sha256, state
from avaflow.job import ERROR_MARK
from avaflow.project import annotated_by_hand as hand_files
from avaflow.kinetics_plan import kept_plan, load_kinetics
from avaflow.project import load_project
from avaflow.report import closing, failed_closing
from avaflow.source import fingerprint

try:
    PROJECT = load_project(config, BASE / "schemas")
    # Jobs on a cluster read what this run found on the disk instead of looking again.
    KINETICS = load_kinetics(config, look=workflow.is_main_process)
    AVA_MOVIES = load_ava(config)
    AVA_KINETICS = load_ava_kinetics(config, look=workflow.is_main_process)
except UserError as error:
    # An exception would come with the lines of this file around the message.
    logger.error(f"{ERROR_MARK}{error}")
    sys.exit(1)

if workflow.is_main_process:
    for warning in PROJECT.warnings:
        logger.warning(f"avaflow warning: {warning}")

STARTED = time.time()
CLIPS = {clip.id: clip for clip in PROJECT.clips}
BATCHES = PROJECT.batches
FPS = config["trim"]["fps"]
ANNOTATED_SPLITS = PROJECT.annotated_splits
ALPHACTION_SPLITS = PROJECT.alphaction_splits


wildcard_constraints:
    clip="[A-Za-z0-9-]+",
    batch="[0-9]+",
    split="train|val|test",


# ------------------------------------------------------------------ paths


def made(path):
    """A path under the results folder."""
    return f"{config['results']}/{path}"


def env(name):
    """A conda environment, for those who run with `--sdm conda`."""
    return str(BASE / "envs" / f"{name}.yaml")


def code(name):
    """A fingerprint of a script with its library modules: a change of code is a change."""
    return fingerprint(SCRIPTS / f"{name}.py")


def all_clips(pattern):
    """A file of every clip."""
    return expand(made(pattern), clip=CLIPS)


def finished_clips(pattern):
    """A file of every clip whose annotation is finished."""
    return expand(made(pattern), clip=PROJECT.finished)


def all_batches(pattern):
    """A file of every batch that has clips."""
    return expand(made(pattern), batch=BATCHES)


# ------------------------------------------------------------------ clips


def sources():
    """Every video that clips are cut from, each once."""
    return sorted({clip.source for clip in CLIPS.values()})


# Videos given by an address: file name -> (address, sha256).
DOWNLOADS = {
    Path(clip.source).name: (clip.video, clip.sha256) for clip in CLIPS.values() if clip.is_url
}


def source_state(wildcards):
    """Changes with a clip's video, also when another file of an older date takes its place."""
    clip = CLIPS[wildcards.clip]
    return "" if clip.is_url else state(clip.source)


def source_of(wildcards):
    """The video of a clip."""
    return CLIPS[wildcards.clip].source


def rawframes_wanted():
    """The manifests of all frames, where the config keeps frames."""
    return all_clips("rawframes/{clip}.json") if config["rawframes"]["enabled"] else []


# ------------------------------------------------------------------ persons


def of_batch(pattern):
    """An input function: a file of every clip of the batch."""
    return lambda wildcards: expand(made(pattern), clip=BATCHES[wildcards.batch])


def batch_of_clip(pattern):
    """An input function: the file of the batch that holds the clip."""
    return lambda wildcards: made(pattern.format(batch=PROJECT.batch_of[wildcards.clip]))


def gpus(device):
    """GPUs that a job on this device takes; jobs of one card never run side by side."""
    return 0 if str(device) == "cpu" else 1


def detector_settings():
    """The settings that decide what is detected, and how."""
    aside = ("weights", "export", "threads")
    return {name: value for name, value in config["detector"].items() if name not in aside}


def detector_state():
    """Changes with the detector's files, where they are the user's own."""
    return [state(file) for file in PROJECT.detector.files if not file.startswith(made(""))]


# ------------------------------------------------------------------ annotation and dataset


def via_page():
    """The VIA page that clips' pages are made from; nothing where none is configured."""
    if config["via"]["page"] == "download":
        return made("via/annotator/via.html")
    return config["via"]["page"] or []


def clip_pages():
    """The page and its data of a clip; nothing where no VIA page is configured."""
    if not via_page():
        return {}
    return {"html": made("via/{clip}.html"), "js": made("via/{clip}.js")}


def via_files():
    """Everything that annotators get."""
    patterns = ["via/{clip}.json"]
    patterns += ["via/{clip}.html"] if via_page() else []
    patterns += ["via/{clip}.zip"] if config["via"]["zip"] else []
    return [made("via/index.html"), *(file for one in patterns for file in all_clips(one))]


def finished_project(wildcards):
    """The project that an annotator finished for a clip."""
    return PROJECT.finished[wildcards.clip]


def finished_state(wildcards):
    """Changes with a finished project's content: its date says little after a move or unzip."""
    return sha256(PROJECT.finished[wildcards.clip])


def split_batches(wildcards):
    """The detections of every batch that holds clips of the split."""
    batches = sorted({PROJECT.batch_of[clip] for clip in PROJECT.clips_of(wildcards.split)})
    return expand(made("detections/{batch}.csv"), batch=batches)


def split_clips(pattern):
    """An input function: a file of every clip of the split."""
    return lambda wildcards: expand(made(pattern), clip=PROJECT.clips_of(wildcards.split))


def annotations(name):
    """A file of the dataset's annotations."""
    return made(f"dataset/annotations/{name}")


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
    links = [made("dataset/links.tsv")]
    return [*labelled_csvs(), *excluded_csvs(), *map(annotations, named), *proposal_files(), *links]


def exports_made():
    """Those of the config's `exports` that can be made: an annotation of theirs is finished."""
    own = {"alphaction": ALPHACTION_SPLITS}
    asked = [*config["exports"], *(["alphaction"] if alphaction_asked() else [])]
    return [name for name in dict.fromkeys(asked) if own.get(name, ANNOTATED_SPLITS)]


def export_files():
    """What the config's `exports` name, once an annotation is finished."""
    return [made(f"dataset/{name}/README.md") for name in exports_made()]


def of_annotated_splits(pattern):
    """A file of every split with a finished clip."""
    return expand(made(pattern), split=ANNOTATED_SPLITS)


def finished_splits():
    """The split of every finished clip."""
    return {clip: CLIPS[clip].split for clip in PROJECT.finished}


def mmaction2_configs():
    """mmaction2's training configs: from frames, where they are kept, and from clips."""
    modes = ["frames", "video"] if config["rawframes"]["enabled"] else ["video"]
    return [made(f"dataset/mmaction2/slowfast_{mode}.py") for mode in modes]


# ------------------------------------------------------------------ AlphAction


def annotated_by_hand():
    """Annotations that the user has already, instead of finished projects."""
    return hand_files(config)


def by_hand_state():
    """Changes with the content of annotations by hand."""
    return [sha256(file) for file in hand_files(config)]


def alphaction_asked():
    """Whether AlphAction's dataset is wanted: by annotations of its own, or made before.

    What its target rule made once is kept up to date, so that it is never trained on stale.
    """
    before = Path(made("dataset/alphaction/README.md")).exists()
    return "alphaction" in config["exports"] or bool(hand_files(config)) or before


def alphaction_proposals():
    """The detected people of the splits that AlphAction validates or tests on."""
    return [
        annotations(f"dense_proposals_{split}.pkl")
        for split in ALPHACTION_SPLITS
        if split != "train"
    ]


def segment_settings():
    """The settings that decide what segments hold and how they are called."""
    aside = ("annotations", "name", "person_score")
    return {name: value for name, value in config["alphaction"].items() if name not in aside}


def alphaction_segments():
    """The manifest of the segments of every clip in AlphAction's dataset."""
    return expand(made("segments/{clip}.json"), clip=PROJECT.alphaction_clips)


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
    return [made(f"dataset/alphaction/{file}") for file in files]


def alphaction_files():
    """AlphAction's dataset; the segments of all clips while nothing is annotated."""
    if ALPHACTION_SPLITS:
        return [made("dataset/alphaction/README.md")]
    return all_clips("segments/{clip}.json")


# ------------------------------------------------------------------ all of it


def report_file():
    """The report of the whole project."""
    return made("report.md")


def main_job():
    """Everything made of the clips table; nothing for a project that has none."""
    if not CLIPS:
        return []
    return [
        report_file(),
        *all_clips("clips/{clip}.json"),
        *all_clips("clips/{clip}.mp4"),
        *all_clips("keyframes/{clip}.csv"),
        *rawframes_wanted(),
        *all_clips("tracks/{clip}.csv"),
        *proposal_files(),
        *via_files(),
        *dataset_files(),
        *export_files(),
    ]


# ------------------------------------------------------------------ SlowFast features


def features_wanted():
    """What the config asks for of features; nothing where it names no weights."""
    if not PROJECT.features:
        return []
    persons = [made("person_features/index.csv")] if PROJECT.features.persons else []
    return [made("features/index.csv"), made("features/README.md"), *persons]


def feature_batches(pattern):
    """A file of every batch of videos to extract features of."""
    return expand(made(pattern), batch=PROJECT.features.batches if PROJECT.features else [])


def feature_sources(wildcards):
    """The videos of a batch: clips, or files and folders of the list."""
    names = PROJECT.features.batches[wildcards.batch]
    if PROJECT.features.paths:
        return {"videos": PROJECT.features.there(wildcards.batch)}
    return {
        "manifests": expand(made("clips/{clip}.json"), clip=names),
        "clips": ancient(expand(made("clips/{clip}.mp4"), clip=names)),
    }


def feature_weights():
    """The checkpoint that the config names."""
    return config["features"]["weights"] or []


def feature_weights_state():
    """Changes with the checkpoint, also when another of an older date takes its place."""
    return state(config["features"]["weights"]) if PROJECT.features else ""


def feature_names(wildcards):
    """The names of a batch of videos to extract features of."""
    return PROJECT.features.batches[wildcards.batch]


def feature_paths(wildcards):
    """Where the videos of a batch should lie; empty for clips."""
    paths = PROJECT.features.paths
    return [paths[name] for name in feature_names(wildcards)] if paths else []


def feature_state(wildcards):
    """Changes with the files of a batch of the list, in place too."""
    return PROJECT.features.state(wildcards.batch) if PROJECT.features.paths else []


def feature_settings():
    """The settings that decide what features are, and how they are computed."""
    aside = ("weights", "video_list", "root", "video_suffix", "persons", "threads")
    return {name: value for name, value in config["features"].items() if name not in aside}


def feature_margin():
    """The seconds kept free at a clip's ends, where windows are centred on its keyframes."""
    on_keyframes = config["features"]["windows"] == "keyframes"
    return config["keyframes"]["margin"] if on_keyframes else None


def asked_features(wildcards):
    """What the target `features` asks for; the run ends where the config names no weights."""
    if not PROJECT.features:
        # Only now is it known that features are asked for.
        logger.error(f"{ERROR_MARK}config: {NO_WEIGHTS}")
        sys.exit(1)
    return features_wanted()


# ------------------------------------------------------------------ Kinetics


def kinetics_batches(pattern):
    """A file of every batch of Kinetics videos; nothing where Kinetics is not asked for."""
    return expand(made(f"kinetics/{pattern}"), batch=KINETICS.digests) if KINETICS else []


def kinetics_splits():
    """Splits of Kinetics with a folder of videos."""
    return KINETICS.facts["splits"] if KINETICS else []


def kinetics_lists():
    """The lists of videos and labels that readers take."""
    return [made(f"kinetics/{split}.csv") for split in kinetics_splits()]


def kinetics_settings():
    """The settings that decide what a video becomes, or when a batch fails."""
    names = "short_side encoder preset crf audio right_ones shortest_seconds threads most_broken"
    return {name: config["kinetics"][name] for name in names.split()}


def kinetics_files():
    """Everything made of Kinetics; nothing where it is not asked for."""
    if not KINETICS:
        return []
    return [*kinetics_lists(), made("kinetics/label2id.json"), made("kinetics/summary.csv")]


# ------------------------------------------------------------------ AVA-Kinetics

# Whether clips are decoded in training; else all their frames are kept as pictures.
READS_VIDEO = config["ava_kinetics"]["read"] == "video"


def ava_kinetics_batches(pattern):
    """A file of every batch of AVA-Kinetics; nothing where it is not asked for."""
    if not AVA_KINETICS:
        return []
    return expand(made(f"ava_kinetics/{pattern}"), batch=AVA_KINETICS.digests)


def ava_kinetics_splits():
    """Splits with a list of Kinetics videos."""
    return AVA_KINETICS.facts["splits"] if AVA_KINETICS else []


def ava_kinetics_annotations(pattern):
    """An annotation file of every split with a list of Kinetics videos."""
    return expand(made(f"ava_kinetics/annotations/{pattern}"), split=ava_kinetics_splits())


def ava_kinetics_settings():
    """The settings that decide what a clip becomes, or when a batch fails."""
    own = config["ava_kinetics"]
    bound = [config["trim"][name] for name in ("preset", "crf", "threads")]
    bound += [own["short_side"], own["read"], config["jpeg_quality"]]
    return {
        "trim": {name: config["trim"][name] for name in ("preset", "crf", "threads")},
        "short_side": own["short_side"],
        "jpeg_quality": config["jpeg_quality"],
        "most_broken": own["most_broken"],
        "bound": " ".join(map(str, bound)),
    }


def ava_kinetics_rawframes():
    """The folder of all frames, where training reads frames."""
    return "" if READS_VIDEO else made("ava_kinetics/rawframes")


def action_list_file():
    """The action list that training configs name."""
    return action_list(config) if AVA_KINETICS else []


def merged_splits():
    """The splits of an AVA folder to merge with."""
    ava = AVA_KINETICS and AVA_KINETICS.facts["ava"]
    return sorted(ava["csv"]) if ava else []


def merged_annotations(pattern):
    """An annotation file of every split that is merged with AVA."""
    return expand(made(f"ava_kinetics/annotations/{pattern}"), split=merged_splits())


def ava_files():
    """The files of the AVA folder that are merged."""
    kinds = ("csv", "excluded", "proposals")
    return [AVA_KINETICS.facts["ava"][kind][s] for kind in kinds for s in merged_splits()]


def trained_on():
    """The prefix of the annotations to train on."""
    if "train" in merged_splits():
        return "ava_kinetics_train"
    return "kinetics_train" if "train" in ava_kinetics_splits() else ""


def judged_on():
    """The prefix of the annotations to evaluate on."""
    if "val" in merged_splits():
        return "ava_kinetics_val"
    return "kinetics_val" if "val" in ava_kinetics_splits() else ""


def ava_kinetics_files():
    """Everything made of AVA-Kinetics; nothing where it is not asked for."""
    if not AVA_KINETICS:
        return []
    return [
        *ava_kinetics_annotations("kinetics_{split}.csv"),
        *ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
        *merged_annotations("ava_kinetics_{split}.csv"),
        made("ava_kinetics/mmaction2/ava_kinetics.py"),
    ]


# ------------------------------------------------------------------ AVA's movies


def ava_csvs():
    """AVA's csv of train and val, which say of which split a movie is."""
    return list(find_csvs(config["ava"]["annotations"]).values()) if AVA_MOVIES else []


def ava_clips_table():
    """The clips table of AVA's movies; nothing where no file list is given."""
    return [made("ava/clips.tsv")] if AVA_MOVIES else []
