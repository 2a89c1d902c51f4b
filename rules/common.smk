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

from avaflow.ava_kinetics.plan import action_list, annotation_csv, load_ava_kinetics
from avaflow.ava_kinetics.plan import plan_path as ava_kinetics_plan_path
from avaflow.ava_kinetics.movies import find_csvs, load_ava
from avaflow.features.checkpoints import NO_WEIGHTS
from avaflow.errors import UserError
from avaflow.files import sha256, state
from avaflow.workflow.job import ERROR_MARK
from avaflow.workflow.project import annotated_by_hand as hand_files
from avaflow.kinetics.plan import plan_path, load_kinetics
from avaflow.workflow.project import load_project
from avaflow.workflow.closing import run_summary, failure_summary
from avaflow.workflow.fingerprint import code_version, read_versions

try:
    PROJECT = load_project(config, BASE / "schemas")
    # Jobs on a cluster read what this run found on the disk instead of looking again.
    KINETICS = load_kinetics(config, scan_disk=workflow.is_main_process)
    AVA_MOVIES = load_ava(config)
    AVA_KINETICS = load_ava_kinetics(config, scan_disk=workflow.is_main_process)
except UserError as error:
    # An exception would come with the lines of this file around the message.
    logger.error(f"{ERROR_MARK}{error}")
    sys.exit(1)

if workflow.is_main_process:
    for warning in PROJECT.warnings:
        logger.warning(f"avaflow warning: {warning}")

VERSIONS = read_versions(SCRIPTS)
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


def results(path):
    """A path under the results folder."""
    return f"{config['results']}/{path}"


def env(name):
    """A conda environment, for those who run with `--sdm conda`."""
    return str(BASE / "envs" / f"{name}.yaml")


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


def detector_settings():
    """The settings that decide what is detected, and how."""
    not_content = ("weights", "export", "threads")
    return {name: value for name, value in config["detector"].items() if name not in not_content}


def detector_state():
    """Changes with the detector's files, where they are the user's own."""
    return [state(file) for file in PROJECT.detector.files if not file.startswith(results(""))]
