"""Rows of the clips table that are divided where another shot begins."""

from dataclasses import replace
from pathlib import Path

from avaflow.errors import UserError
from avaflow.project.clips import Clip, frame_count, shortest_seconds
from avaflow.times import annotatable_seconds
from avaflow.videos.probe import ProbeCache
from avaflow.videos.shot_plan import ShotPlan, shots_between


def cut_into_shots(
    clip: Clip, cache: ProbeCache, plan: ShotPlan, fps: int, margin: int
) -> tuple[list[Clip], list[str]]:
    """A clip for each shot of a range, named `<clip>-001`, ..., and what is left out.

    Fades and dissolves are in no piece; a shot without an annotatable second is left out, and
    its number stays free. UserError if the end is not known yet, or no shot is long enough.
    """
    if clip.end is None or not Path(clip.source).exists():
        raise UserError(
            f"clip {clip.id}: to divide it at its cuts takes the video, and {clip.shown_video} is "
            "not downloaded yet. Run `snakemake videos` first."
        )
    frames = frame_count(clip.start, clip.end, fps)
    cuts = plan.cuts(clip.id, clip.source, clip.start, frames, cache.probe(clip.source))
    pieces, left_out = [], []
    for number, (first, last) in enumerate(shots_between(cuts, frames), start=1):
        start = round(clip.start + (first - 1) / fps, 6)
        end = clip.end if last == frames else round(clip.start + last / fps, 6)
        if annotatable_seconds(last - first + 1, fps, margin):
            name = f"{clip.id}-{number:03d}"
            pieces.append(
                replace(clip, id=name, start=start, end=end, at_cuts=False, end_given=end)
            )
        else:
            left_out.append(
                f"clip {clip.id}: its shot {number}, from {start:.2f} to {end:.2f} s of the video, "
                f"is left out, because a clip needs at least {shortest_seconds(fps, margin):.2f} s"
            )
    if not pieces:
        raise UserError(
            f"clip {clip.id}: none of its {len(left_out)} shots is as long as a clip has to be, "
            f"{shortest_seconds(fps, margin):.2f} s"
        )
    return pieces, left_out
