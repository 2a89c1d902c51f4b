"""Write the dataset's card, its tables, and what describes it to programs."""

from pathlib import Path

from avaflow.annotation.page.agreement_table import read_agreement
from avaflow.annotation.page.model import is_annotation
from avaflow.annotation.readings import load_any
from avaflow.files import write_text
from avaflow.manifests import read_clip_manifest
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.publishing.manifest import (
    ClipFacts,
    FileEntry,
    file_entries,
    manifest_of,
    versions_told,
    weights_told,
)
from avaflow.publishing.papers import write_papers
from avaflow.publishing.tables import idle_text, table_text
from avaflow.tables import (
    KEYFRAMES,
    LABELS,
    UNTICKED,
    Keyframe,
    Label,
    Unticked,
    read_table,
    rows_of,
)
from avaflow.workflow.job import job

VIDEO = "clips/{clip}.mp4"
"""Where the dataset has a clip's video."""


def annotated_by(path: str, existing: bool, max_mb: float) -> tuple[str, float]:
    """How a clip was annotated, and the seconds that its file says were worked on it."""
    if existing:
        return "existing", 0
    content = load_any(path, max_mb)
    if is_annotation(content):
        return "page", float(content.get("seconds_worked") or 0)
    return "via", 0


def agreement_told(path: str) -> list[str]:
    """The measures over all clips of the table of agreement, in words."""
    return [
        f"{row.action or 'persons'}: {row.measure} {row.value} over {row.units}"
        for row in read_agreement(path).itertuples()
        if row.value
    ]


if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        max_mb = snakemake.config["via"]["max_project_mb"]
        attributes = attributes_from_config(p.actions)
        clips, media = [], []
        parts = (p.clips, given.manifests, given.keyframes, given.labels, given.idle)
        for clip, manifest, keyframes, labels, idle in zip(*parts, strict=True):
            facts = read_clip_manifest(manifest)
            kinds = [annotated_by(path, clip in p.imported, max_mb) for path in p.finished[clip]]
            clips.append(
                ClipFacts(
                    clip,
                    p.clip_splits[clip],
                    facts.frames / facts.fps,
                    [row.second for row in rows_of(read_table(keyframes, KEYFRAMES), Keyframe)],
                    list(rows_of(read_table(labels, LABELS), Label)),
                    list(rows_of(read_table(idle, UNTICKED), Unticked)),
                    kinds[0][0],
                    sum(seconds for _, seconds in kinds),
                )
            )
            # Cutting wrote down what it made; a hash of every clip would read all of them again.
            media.append(FileEntry(f"clips/{clip}.mp4", facts.bytes, facts.sha256))
        made = {
            "settings": p.settings,
            "versions": versions_told(),
            "persons": p.persons,
            "weights": weights_told(p.weights),
        }
        manifest = manifest_of(p.card, clips, attributes, made, p.offset)
        if given.get("agreement"):
            manifest["annotation"]["agreement"] = agreement_told(given.agreement)
        actions = {action.id: action for action in all_actions(attributes)}
        for split, path in zip(p.splits, snakemake.output.tables, strict=True):
            own = [clip for clip in clips if clip.split == split]
            write_text(path, table_text(own, actions, p.offset, VIDEO))
        for split, path in zip(p.splits, snakemake.output.idle, strict=True):
            own = [clip for clip in clips if clip.split == split]
            write_text(path, idle_text(own, p.offset, VIDEO))
        folder = Path(snakemake.output.manifest).parent
        files = file_entries(
            folder, [*given.dataset, *snakemake.output.tables, *snakemake.output.idle]
        )
        write_papers(folder, manifest, [*files, *media])
        log.info("%d clips, %d files", len(clips), len(files) + len(media))
