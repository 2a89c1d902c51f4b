"""How far each clip is, stage by stage, for programs: `results/status.json`.

It is a note of runs, not an output: nothing is made from it, and every run writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from avaflow.files import write_text
from avaflow.workflow.closing import log_message
from avaflow.workflow.records import Records

VERSION = 1

STATUS = "status.json"
"""Its name, below the results."""

RUNNING, FINISHED, FAILED_RUN, STOPPED = "running", "finished", "failed", "stopped"
"""What became of the run: `running` while none does is of a run that was killed."""

MADE, STALE, FAILED, MISSING, AWAITING = "made", "stale", "failed", "missing", "awaiting"
"""States of a stage of a clip: made and up to date; there, and to be made anew; its job failed; not
made yet; a person has not finished annotating."""


class Stage(NamedTuple):
    """A stage of clips: the file that stands for it, its job's log, by `{clip}` or `{batch}`."""

    name: str
    file: str
    log: str


def stages_of(project, rawframes: bool) -> list[Stage]:
    """The stages of a project's clips in their order.

    `project` is an :class:`avaflow.workflow.project.Project`.
    """
    found = "read_detections/{clip}" if project.own_detections else "detect/{batch}"
    followed = "read_tracks/{clip}" if project.own_tracks else "track/{clip}"
    stages = [
        Stage("cut", "clips/{clip}.json", "trim/{clip}"),
        Stage("detect", "detections/{clip}.csv", found),
        Stage("embed", "embeddings/{clip}.npz", "embed/{batch}"),
        Stage("track", "tracks/{clip}.csv", followed),
        Stage("annotate", "annotate/{clip}.html", "make_annotate_page/{clip}"),
        Stage("labels", "labels/{clip}.csv", "read_labels/{clip}"),
    ]
    if rawframes:
        stages.insert(1, Stage("rawframes", "rawframes/{clip}.json", "trim/{clip}"))
    return [stage for stage in stages if stage.name != "embed" or not project.own_tracks]


def clip_stages(
    project, results: str | Path, rawframes: bool, stale: Collection[str] = ()
) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """Each clip with the state of its stages, as `status.json` has them.

    `stale` are paths that the run had to make anew and did not.
    """
    records = Records(results)
    reasons: dict[str, str] = {}
    stages = stages_of(project, rawframes)
    for clip in project.clips:
        found = {}
        for stage in stages:
            place = {"clip": clip.id, "batch": project.batch_of.get(clip.id, "")}
            log = f"logs/{stage.log.format_map(place)}.log"
            if stage.name == "labels" and clip.id not in project.finished:
                found[stage.name] = {"state": AWAITING}
                continue
            path = f"{results}/{stage.file.format_map(place)}"
            found[stage.name] = _state(path, stage, log, records, stale, reasons)
        yield clip.id, found


def _state(
    path: str,
    stage: Stage,
    log: str,
    records: Records,
    stale: Collection[str],
    reasons: dict[str, str],
) -> dict[str, str]:
    """The state of one stage; `reasons` keeps what logs say."""
    name = records.name(path)
    there = Path(path).exists()
    if there and path not in stale and name and records.record_path(name).exists():
        return {"state": MADE}
    if log not in reasons:
        try:
            reasons[log] = log_message(Path(records.results, log))
        except OSError:
            reasons[log] = ""
    if reasons[log]:
        return {"state": FAILED, "why": reasons[log], "log": log}
    return {"state": STALE if there else MISSING}


def write_status(
    project, config: Mapping, run: str, stale: Collection[str] = (), now: datetime | None = None
) -> None:
    """Write it. `run` says what became of the run; `now` is the time to note, else this moment.

    Paths are below the results. Of a disk that takes no more nothing is said: the run tells.
    """
    results = config["results"]
    clips = {
        clip: {"split": row.split, "stages": stages}
        for row, (clip, stages) in zip(
            project.clips,
            clip_stages(project, results, config["rawframes"]["enabled"], stale),
            strict=True,
        )
    }
    written = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    head = {"version": VERSION, "run": run, "written": written, "counts": counts_of(clips)}
    lines = ",\n".join(f" {json.dumps(c)}: {json.dumps(told)}" for c, told in clips.items())
    body = json.dumps(head, indent=1)[:-2]
    try:
        write_text(Path(results, STATUS), f'{body},\n "clips": {{\n{lines}\n }}\n}}\n')
    except OSError:
        return


def counts_of(clips: Mapping[str, Mapping]) -> dict[str, dict[str, int]]:
    """By stage, how many clips have which state."""
    counts: dict[str, dict[str, int]] = {}
    for told in clips.values():
        for stage, found in told["stages"].items():
            of_stage = counts.setdefault(stage, {})
            of_stage[found["state"]] = of_stage.get(found["state"], 0) + 1
    return counts
