# Tables, schemas, batches and input functions: the only file that finds files.
import os
import re
import sys
import time
from pathlib import Path

from snakemake.logging import logger

BASE = Path(workflow.basedir)
SCRIPTS = BASE / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.append(str(SCRIPTS))

from avaflow.ava_kinetics.plan import action_list, annotation_csv, load_ava_kinetics
from avaflow.ava_kinetics.plan import plan_path as ava_kinetics_plan_path
from avaflow.ava_kinetics.movies import find_csvs, load_ava
from avaflow.bulk.archives import known_names, wanted_archives
from avaflow.features.checkpoints import NO_WEIGHTS
from avaflow.features.makers import weights_files
from avaflow.errors import UserError
from avaflow.files import sha256
from avaflow.workflow.job import ERROR_MARK
from avaflow.kinetics.plan import plan_path, load_kinetics
from avaflow.videos.ffmpeg import ffmpeg_exe, ffmpeg_version
from avaflow.project.clips import leaks
from avaflow.project.settings import changed_settings, check_own, content_of, load_settings
from avaflow.project.settings import take_types
from avaflow.annotation.finished import annotator_of, saved_by_page
from avaflow.annotation.page_files import PAGE_ASSETS, asset_names
from avaflow.preview.gallery_files import gallery_names, gallery_sources
from avaflow.label_checks.kept import kept_path
from avaflow.label_checks.page_files import page_names, page_sources
from avaflow.annotation.existing.index import PROJECT_NAMES, named_files, names_of
from avaflow.formats.datumaro import ACTION_LIST, csv_name
from avaflow.formats.mmaction2 import again_csv
from avaflow.persons.detector_files import DOWNLOADABLE_WEIGHTS
from avaflow.persons.own_files import files_of
from avaflow.workflow.project import load_project
from avaflow.workflow.closing import run_summary, failure_summary
from avaflow.workflow.records import RECORDS, Sources
from avaflow.workflow.status import FAILED_RUN, FINISHED, RUNNING, STOPPED, write_status
from avaflow.workflow.fingerprint import code_version, load_parts, read_versions

try:
    SETTINGS = load_settings(BASE / "schemas" / "config.schema.yaml")
    check_own(workflow.config_settings.overwrite_config, SETTINGS)
    take_types(config, SETTINGS)
    PROJECT = load_project(config, BASE / "schemas")
    ARCHIVES = wanted_archives(config["downloads"])
    # Jobs on a cluster read what this run found on the disk instead of looking again.
    KINETICS = load_kinetics(config, scan_disk=workflow.is_main_process)
    AVA_MOVIES = load_ava(config)
    AVA_KINETICS = load_ava_kinetics(config, scan_disk=workflow.is_main_process)
except UserError as error:
    # An exception would come with the lines of this file around the message.
    logger.error(f"{ERROR_MARK}{error}")
    sys.exit(1)

if workflow.is_main_process:
    for warning in [*PROJECT.warnings, *(KINETICS.warnings if KINETICS else [])]:
        logger.warning(f"avaflow warning: {warning}")

VERSIONS = read_versions(SCRIPTS)
CODE_PARTS = Path(config["results"], RECORDS, ".code.json")
load_parts(CODE_PARTS)
SOURCES = Sources(config["results"])
STARTED = time.time()
CLIPS = {clip.id: clip for clip in PROJECT.clips}
BATCHES = PROJECT.batches
FPS = config["trim"]["fps"]
ANNOTATED_SPLITS = PROJECT.annotated_splits


wildcard_constraints:
    clip="[A-Za-z0-9-]+",
    batch="[0-9]+",
    split="train|val|test",


def results(path):
    """A path under the results folder."""
    return f"{config['results']}/{path}"


def env(name):
    """A conda environment, for those who run with `--sdm conda`."""
    return str(BASE / "envs" / f"{name}.yaml")


def timing(name):
    """Where Snakemake notes how long a job took and what memory it held: named as its log is.

    Nothing reads these notes for content, so that losing them makes nothing anew.
    """
    return results(f"benchmarks/{name}.tsv")


def ffmpeg():
    """The program that cuts, which is the user's to choose, and its version, which counts."""
    path = config["trim"]["ffmpeg"]
    return {"ffmpeg": path, "ffmpeg_version": ffmpeg_version(ffmpeg_exe(path))}


def code(name):
    """The version of what a script makes: a change of its code may be a change of content."""
    return code_version(SCRIPTS / f"{name}.py", VERSIONS)


def all_clips(pattern):
    """A file of every clip."""
    return expand(results(pattern), clip=CLIPS)


def finished_clips(pattern):
    """A file of every clip whose annotation is finished."""
    return expand(results(pattern), clip=PROJECT.finished)


def all_batches(pattern):
    """A file of every batch that has clips."""
    return expand(results(pattern), batch=BATCHES)


def rawframes_wanted():
    """The manifests of all frames, where the config keeps frames."""
    return all_clips("rawframes/{clip}.json") if config["rawframes"]["enabled"] else []


def gpus(device):
    """GPUs that a job on this device takes; jobs of one card never run side by side."""
    return 0 if str(device) == "cpu" else 1


def settings_of(section, output):
    """The settings of a section that decide what is in an output, as the schema marks them."""
    return content_of(config[section], SETTINGS["properties"][section], output)


def detector_settings():
    """The settings that decide what is detected, and how."""
    return settings_of("detector", "detections")


def content_of_own(path):
    """Changes with the content of a user's file; empty for one that a rule makes."""
    return "" if str(path).startswith(results("")) else SOURCES.content(path)


def detector_state():
    """Changes with the content of the detector's files, where they are the user's own."""
    return [content_of_own(file) for file in PROJECT.detector.files]
