# avaflow: raw videos to spatio-temporal action datasets.
#
# `snakemake --cores all` builds what can be built now; a clip that awaits its annotator
# never holds up the others. The target rules below build parts.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


configfile: Path(workflow.basedir) / "config.yaml"


include: "rules/common.smk"
include: "rules/videos.smk"
include: "rules/persons.smk"
include: "rules/annotation.smk"
include: "rules/formats.smk"
include: "rules/publishing.smk"
include: "rules/features.smk"
include: "rules/baseline.smk"
include: "rules/label_checks.smk"
include: "rules/suggestions.smk"
include: "rules/bulk.smk"
include: "rules/kinetics.smk"
include: "rules/ava_kinetics.smk"
include: "rules/preview.smk"
include: "rules/prediction.smk"
include: "rules/workflow.smk"
include: "rules/records.smk"
include: "rules/terminal.smk"


rule all:
    default_target: True
    input:
        clip_targets(),
        features_wanted(),
        baseline_wanted(),
        kinetics_files(),
        ava_kinetics_files(),
        ava_clips_table(),
    localrule: True


# What follows names parts to ask for, such as `snakemake --cores all tracks`.


rule videos:
    input:
        sources(),
    localrule: True


rule clips:
    input:
        all_clips("clips/{clip}.json"),
        all_clips("clips/{clip}.mp4"),
    localrule: True


rule rawframes:
    input:
        all_clips("rawframes/{clip}.json"),
    localrule: True


rule flow:
    input:
        requested_flow,
    localrule: True


rule keyframes:
    input:
        all_clips("keyframes/{clip}.csv"),
    localrule: True


rule duplicates:
    input:
        results("duplicates.csv"),
    localrule: True


rule detections:
    input:
        detections_of(CLIPS),
    localrule: True


rule detector_training:
    input:
        results("detector_training/report.md"),
    localrule: True


rule tracks:
    input:
        all_clips("tracks/{clip}.csv"),
    localrule: True


rule proposals:
    input:
        proposal_files(),
    localrule: True


rule annotate:
    input:
        annotate_pages(),
    localrule: True


rule via:
    input:
        via_files(),
    localrule: True


rule agreement:
    input:
        requested_agreement,
    localrule: True


rule labels:
    input:
        finished_clips("labels/{clip}.csv"),
    localrule: True


rule dataset:
    input:
        dataset_files(),
    localrule: True


rule card:
    input:
        papers_of_dataset(),
    localrule: True


rule publish:
    input:
        results("publish/manifest.json"),
    localrule: True


rule exports:
    input:
        export_files(),
    localrule: True


rule doctor:
    input:
        requested_doctor,
    localrule: True


rule prediction_files:
    input:
        requested_prediction_files,
    localrule: True


rule segments:
    input:
        all_clips("segments/{clip}.json"),
    localrule: True


rule alphaction:
    input:
        alphaction_files(),
    localrule: True


rule features:
    input:
        requested_features,
    localrule: True


rule baseline:
    input:
        requested_baseline,
    localrule: True


rule label_checks:
    input:
        requested_checks,
    localrule: True


rule suggestions:
    input:
        requested_suggestions,
    localrule: True


rule preview:
    input:
        previews(),
    localrule: True


rule predict:
    input:
        requested_predictions,
    localrule: True


rule downloads:
    input:
        requested_downloads,
    localrule: True


rule kinetics:
    input:
        kinetics_files(),
    localrule: True


rule ava_kinetics:
    input:
        ava_kinetics_files(),
    localrule: True


rule ava_clips:
    input:
        ava_clips_table(),
    localrule: True


rule ava_folder:
    input:
        results("ava/links.tsv"),
    localrule: True


rule report:
    input:
        report_files(),
    localrule: True
