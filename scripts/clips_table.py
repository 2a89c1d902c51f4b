"""Propose a clips table for a folder of videos.

python scripts/clips_table.py VIDEOS/ [--output clips.tsv] [--configfile mine.yaml ...]

looks for persons in every video below VIDEOS and writes a table of clips to edit: ranges in which
somebody is in view, with splits. An existing table is never overwritten.
"""

import argparse
import sys
from pathlib import Path

from avaflow.errors import UserError
from avaflow.persons.detector import load_detector
from avaflow.persons.detector_files import find_detector
from avaflow.persons.presence import look_through
from avaflow.project.clips_proposal import (
    ProposalSettings,
    Seen,
    check_settings,
    unlisted,
    write_clips_table,
)
from avaflow.project.config import check_config, load_configs
from avaflow.project.settings import content_of, load_settings
from avaflow.workflow.job import job

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "config.schema.yaml"


def propose(videos, output, weights, detector, settings, threads, say):
    """Load the detector and write the table; `detector` are the config's settings of it."""
    check_settings(settings)
    if not videos:
        raise UserError(
            "config: clips_table.videos is empty: give the folder of the videos that a clips "
            "table shall be proposed for."
        )
    loaded = []

    def look(video):
        # Loaded late: a table that is there, or a folder that is not, is told at once.
        if not loaded:
            names = ("person_class", "confidence", "device", "half", "image_size", "nms_iou")
            chosen = {name: detector[name] for name in names}
            loaded.append(load_detector(weights, **chosen, threads=threads))
        return Seen(*look_through(video, loaded[0], settings.every_seconds, threads))

    return write_clips_table(videos, output, settings, look, say)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", help="the folder; all videos below it are looked through")
    parser.add_argument("--output", help="the table; else `clips` of the config")
    parser.add_argument("--configfile", nargs="*", default=[], help="configs over config.yaml")
    parser.add_argument("--groups", help="video, folder, or a regular expression on names")
    parser.add_argument("--seed", type=int, help="another seed chooses other splits")
    given = parser.parse_args()
    schema = load_settings(SCHEMA)
    config = load_configs([SCHEMA.parents[1] / "config.yaml", *given.configfile])
    chosen = {"groups": given.groups, "seed": given.seed}
    config["clips_table"] |= {name: one for name, one in chosen.items() if one is not None}
    check_config(config, schema)
    section = content_of(config["clips_table"], schema["properties"]["clips_table"], "clips_table")
    settings = ProposalSettings(
        **section,
        margin=config["keyframes"]["margin"],
        fps=config["trim"]["fps"],
        offset=config["timestamp_offset"],
    )
    output = given.output or config["clips"]
    found = find_detector(config["detector"], Path(config["results"]))
    proposal = propose(
        given.videos,
        output,
        found.model,
        config["detector"],
        settings,
        config["detector"]["threads"],
        lambda text: print(text, file=sys.stderr),
    )
    print(f"{output}: {len(proposal.rows)} clips; {unlisted(proposal.notes)}")


if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        proposal = propose(
            p.videos,
            p.table,
            p.weights,
            p.detector,
            ProposalSettings(**p.settings, margin=p.margin, fps=p.fps, offset=p.offset),
            snakemake.threads,
            log.info,
        )
        log.info("%d clips; %s", len(proposal.rows), unlisted(proposal.notes))
elif __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"avaflow error: {error}")
