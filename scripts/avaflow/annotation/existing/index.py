"""Which clips have existing annotations, known before any job runs.

Files are read when the workflow starts, so that their problems are told at once and the plan
knows which clips are finished; what was found is kept and read again only where a file, a clip
or an action has changed.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from avaflow.annotation.existing.kinds import contents_of, files_of, read_existing
from avaflow.annotation.existing.names import Names
from avaflow.annotation.existing.tables import table_text
from avaflow.files import sha256, write_text
from avaflow.project.actions import Attribute
from avaflow.project.clips import Clip

VERSION = 1
"""The version of `import_existing` (`scripts/versions.json`): what was kept of files counts no more
when the same files are read otherwise."""


PROJECT_NAMES = (
    *("clips", "fps", "offset", "numbering", "frames_fps", "known_as", "lengths_s"),
    "skip_unknown",
)
"""Fields of :class:`Names` that the job gets besides the actions."""


@dataclass(frozen=True)
class Existing:
    """The files that the config names, and of each clip in them a digest of what they say.

    `skipped` are names in them that are of no clip.
    """

    files: list[str]
    digests: dict[str, str]
    skipped: list[str] = field(default_factory=list)

    @property
    def clips(self) -> list[str]:
        """The clips that are named, sorted."""
        return sorted(self.digests)

    def without(self, clips: Collection[str]) -> "Existing":
        """The same but for clips that are annotated anew."""
        rest = {clip: digest for clip, digest in self.digests.items() if clip not in clips}
        return replace(self, digests=rest)


def names_of(config: Mapping, clips: Sequence[Clip], attributes: Sequence[Attribute]) -> Names:
    """The project's names, against which those of the files are held."""
    lengths = {clip.id: clip.end - clip.start for clip in clips if clip.end is not None}
    return Names(
        clips={clip.id: clip.split for clip in clips},
        attributes=attributes,
        fps=config["trim"]["fps"],
        offset=config["timestamp_offset"],
        numbering=config["alphaction"]["numbering"],
        frames_fps=config["existing"]["fps"],
        known_as={clip.known_as: clip.id for clip in clips if clip.known_as},
        lengths_s=lengths,
        skip_unknown=config["existing"]["other_clips"] == "skip",
    )


def named_files(config: Mapping) -> list[str]:
    """What the config names as existing annotations: files and folders."""
    named = config["existing"]["files"]
    return [named] if isinstance(named, str) and named else list(named)


def load_existing(
    config: Mapping, clips: Sequence[Clip], attributes: Sequence[Attribute]
) -> Existing:
    """What the workflow has to know of the existing annotations that the config names."""
    files = files_of(named_files(config))
    contents = [str(path) for path in contents_of(files)]
    names = names_of(config, clips, attributes)
    told = [
        VERSION,
        [[path, sha256(path)] for path in contents],
        sorted(names.clips.items()),
        sorted(names.known_as.items()),
        sorted(names.lengths_s.items()),
        [str(attribute) for attribute in attributes],
        [names.fps, names.offset, names.numbering, names.frames_fps, names.skip_unknown],
    ]
    key = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    kept = Path(config["results"], ".existing.json")
    with suppress(OSError, ValueError, TypeError, KeyError):
        loaded = json.loads(kept.read_text(encoding="utf-8"))
        if loaded["key"] == key:
            return Existing(contents, dict(loaded["digests"]), list(loaded["skipped"]))
    found = read_existing(files, names, config["via"]["max_project_mb"])
    digests = {
        clip: hashlib.sha256(table_text(found, clip).encode()).hexdigest() for clip in found.clips
    }
    skipped = sorted(names.skipped)
    # A full or read-only disk costs the next start some time, and is no error here.
    with suppress(OSError):
        content = {"key": key, "digests": digests, "skipped": skipped}
        write_text(kept, json.dumps(content, indent=0) + "\n")
    return Existing(contents, digests, skipped)
