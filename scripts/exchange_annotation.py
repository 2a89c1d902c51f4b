"""Make a VIA 3 project of an annotation that the page saved, or the other way round.

python scripts/exchange_annotation.py SOURCE TARGET [--clip CLIP] [--configfile mine.yaml ...]

SOURCE decides by its content: of the page's file comes a project, of a project the page's file,
from which labels are read to the same bytes. An existing TARGET is never overwritten.
"""

import argparse
import sys
from pathlib import Path

from avaflow.annotation.finished import ANNOTATORS_NAME, FINISHED_NAME
from avaflow.annotation.page.model import is_annotation, parse_annotation, write_annotation
from avaflow.annotation.page.via_exchange import annotation_of_project, project_of_annotation
from avaflow.annotation.readings import ClipFacts, load_any
from avaflow.annotation.via import adopted, checked_content, parse_project, write_project
from avaflow.errors import UserError
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import attributes_from_config
from avaflow.project.config import check_config, load_configs
from avaflow.project.settings import load_settings
from avaflow.tables import KEYFRAMES, TRACKS, read_table

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "config.schema.yaml"


def clip_of(path):
    """The clip that the name of a file says."""
    named = ANNOTATORS_NAME.match(path.name) or FINISHED_NAME.match(path.name)
    return named["clip"] if named else ""


def facts_of(clip, config):
    """What the results folder knows of a clip; UserError where it was not made yet."""
    results = Path(config["results"])
    kinds = ("clips/{}.json", "keyframes/{}.csv", "tracks/{}.csv")
    paths = [results / kind.format(clip) for kind in kinds]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UserError(
            f"clip {clip!r}: {', '.join(missing)} is missing. Give the clip by --clip, the config "
            "of your project by --configfile, and run snakemake before."
        )
    manifest, keyframes, tracks = paths
    return ClipFacts(
        read_clip_manifest(manifest),
        read_table(keyframes, KEYFRAMES),
        read_table(tracks, TRACKS),
        attributes_from_config(config["actions"]),
    )


def exchange(source, target, config, clip=""):
    """Write `target` from `source`; returns sentences on what it cannot say."""
    if not source.is_file():
        raise UserError(f"{source}: no such file. Give a finished annotation.")
    if target.exists():
        raise UserError(f"{target}: there already. Give another name, or move it away.")
    content = load_any(source, config["via"]["max_project_mb"])
    facts = facts_of(clip or clip_of(source), config)
    held = (facts.keyframes, facts.tracks, facts.attributes, facts.manifest)
    if is_annotation(content):
        project, lost = project_of_annotation(parse_annotation(content, source), *held)
        write_project(target, project)
        return lost
    project = parse_project(checked_content(content, source), source)
    known_as = {clip_of(source): clip} if clip else {}
    write_annotation(target, annotation_of_project(adopted(project, known_as), *held))
    return []


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="a file that the page saved, or a VIA 3 project")
    parser.add_argument("target", type=Path, help="the file to write, which is the other kind")
    parser.add_argument("--clip", default="", help="the clip, where the file's name does not say")
    parser.add_argument("--configfile", nargs="*", default=[], help="configs over config.yaml")
    given = parser.parse_args()
    config = load_configs([SCHEMA.parents[1] / "config.yaml", *given.configfile])
    check_config(config, load_settings(SCHEMA))
    for sentence in exchange(given.source, given.target, config, given.clip):
        print(f"not in {given.target}: {sentence}", file=sys.stderr)
    print(given.target)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"avaflow error: {error}")
