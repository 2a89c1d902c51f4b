# avaflow: raw videos to spatio-temporal action datasets.
#
# `snakemake --cores all` builds what can be built now; a clip that awaits its annotator
# never holds up the others. The target rules below build parts.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


configfile: Path(workflow.basedir) / "config.yaml"


include: "rules/common.smk"
include: "rules/clips.smk"
include: "rules/frames.smk"
include: "rules/persons.smk"
include: "rules/annotate.smk"
include: "rules/ava.smk"
include: "rules/exports.smk"
include: "rules/alphaction.smk"
include: "rules/features.smk"
include: "rules/report.smk"
include: "rules/kinetics.smk"
include: "rules/ava_kinetics.smk"
include: "rules/ava_movies.smk"


localrules:
    all,
    videos,
    clips,
    rawframes,
    keyframes,
    detections,
    tracks,
    proposals,
    via,
    labels,
    dataset,
    exports,
    segments,
    alphaction,
    features,
    kinetics,
    ava_kinetics,
    # Table work of a second or less: as cluster jobs they would mostly wait.
    via_project,
    via_page,
    via_zip,
    via_index,
    labels_of_clip,
    annotations_of_dataset,
    dataset_links,
    export_mmaction2,
    export_slowfast,
    export_datumaro,
    export_alphaction,
    report,
    features_index,
    person_features_index,
    kinetics_lists,
    ava_kinetics_config,
    ava_clips,
    ava_folder,


rule all:
    default_target: True
    input:
        main_job(),
        features_wanted(),
        kinetics_files(),
        ava_kinetics_files(),
        ava_clips_table(),


# What follows names parts to ask for, such as `snakemake --cores all tracks`.


rule videos:
    input:
        sources(),


rule clips:
    input:
        all_clips("clips/{clip}.json"),
        all_clips("clips/{clip}.mp4"),


rule rawframes:
    input:
        all_clips("rawframes/{clip}.json"),


rule keyframes:
    input:
        all_clips("keyframes/{clip}.csv"),


rule detections:
    input:
        all_batches("detections/{batch}.csv"),


rule tracks:
    input:
        all_clips("tracks/{clip}.csv"),


rule proposals:
    input:
        proposal_files(),


rule via:
    input:
        via_files(),


rule labels:
    input:
        finished_clips("labels/{clip}.csv"),


rule dataset:
    input:
        dataset_files(),


rule exports:
    input:
        export_files(),


rule segments:
    input:
        all_clips("segments/{clip}.json"),


rule alphaction:
    input:
        alphaction_files(),


rule features:
    input:
        asked_features,


rule kinetics:
    input:
        kinetics_files(),


rule ava_kinetics:
    input:
        ava_kinetics_files(),
