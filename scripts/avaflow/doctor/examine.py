"""All of a dataset held against all rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from avaflow.doctor import balance, coco, datumaro, kinetics, mmaction2, slowfast, via
from avaflow.doctor.codes import RULES
from avaflow.doctor.findings import SERIOUS, Finding, Findings
from avaflow.doctor.groups import Group, check_proposals, check_times, judge_truth, read_groups
from avaflow.doctor.groups import telling as told
from avaflow.doctor.layout import Layout, look_through
from avaflow.doctor.manifest import check_manifest
from avaflow.doctor.media import FPS, Media, check_labelled_media, look_at_media
from avaflow.errors import UserError


@dataclass(frozen=True)
class Examination:
    """What was found: files by kind, figures of each folder of labels, findings worst first."""

    folder: Path
    files: dict[str, int]
    figures: dict[str, dict]
    findings: list[Finding]

    @property
    def serious(self) -> list[Finding]:
        """What breaks a reader, or is misread."""
        return [finding for finding in self.findings if finding.rule.harm in SERIOUS]


def examine(folder: str | Path, media: bool = True) -> Examination:
    """Look at a dataset's folder, or at one file; without `media` no image or video is opened.

    UserError where there is nothing that is known.
    """
    root = Path(folder)
    if not root.exists():
        raise UserError(f"{folder}: expected a dataset's folder, found nothing there")
    findings = Findings(RULES)
    layout = look_through(root, findings)
    kinds = {kind: len(paths) for kind, paths in layout.files.items()}
    known = set(kinds) - {"other", "unknown", "video"}
    if not known and not layout.images:
        raise UserError(
            f"{folder}: expected a dataset, found no file of a kind that is known (AVA's csv, "
            "proposals, action lists, frame lists, COCO, VIA projects, Kinetics lists, configs)"
        )
    groups = read_groups(layout, findings)
    labelled = {clip for group in groups for rows in group.rows.values() for clip in rows.clips}
    seen = look_at_media(layout, labelled, findings) if media else Media()
    _examine_labels(layout, groups, seen, findings)
    _examine_slowfast(layout, groups, seen, findings)
    _examine_coco(layout, seen, findings)
    _examine_kinetics(layout, findings)
    for path in layout.of("via"):
        _guarded(layout, path, findings, lambda each: via.check_project(each, layout, findings))
    datumaro.check_folder(layout, findings)
    for path in layout.of("manifest"):
        _guarded(layout, path, findings, lambda each: check_manifest(each, layout, findings))
    figures = {layout.name(group.folder): group.figures for group in groups}
    counts = {kind: len(paths) for kind, paths in sorted(layout.files.items())}
    counts["images"] = sum(images.count for images in layout.images.values())
    return Examination(root, counts, figures, findings.ordered())


def _guarded(
    layout: Layout, path: Path, findings: Findings, look: Callable[[Path], object]
) -> None:
    """Look at one file; what cannot be read is a finding."""
    with told(findings, layout.name(path)):
        look(path)


def _examine_labels(layout: Layout, groups: list[Group], media: Media, findings: Findings) -> None:
    configs: list[mmaction2.Config] = []
    for path in layout.of("mmaction2"):
        _guarded(
            layout,
            path,
            findings,
            lambda each: configs.append(mmaction2.load(each, layout.name(each))),
        )
    reads = bool(layout.of("frame_list") or layout.of("slowfast"))
    videos = balance.videos_of(layout.root)
    for group in groups:
        check_proposals(group, findings)
        judge_truth(group, findings)
        times = any(config.says_times for config in configs)
        check_times(group, media.frames, reads, times, FPS, findings)
        balance.check_balance(group, findings)
        balance.check_leaks(group, videos, findings)
        balance.check_unjudged(group, findings)
        clips = {rows.name: rows.clips for rows in group.rows.values()}
        check_labelled_media(clips, media, findings)
    for config in configs:
        mmaction2.check_config(config, groups, media.videos, findings)


def _examine_slowfast(
    layout: Layout, groups: list[Group], media: Media, findings: Findings
) -> None:
    lists: list[slowfast.FrameList] = []
    boxes: list[slowfast.PredictedBoxes] = []
    for path in layout.of("frame_list"):
        with told(findings, layout.name(path)):
            lists.append(slowfast.read_frame_list(path, layout, findings))
            slowfast.check_frames(lists[-1], media.folders, findings)
    for path in layout.of("predicted_boxes"):
        with told(findings, layout.name(path)):
            boxes.append(slowfast.read_boxes(path, layout.name(path), findings))
    for path in layout.of("slowfast"):
        with told(findings, layout.name(path)):
            slowfast.check_config(path, layout, groups, lists, boxes, findings)
    if not layout.of("slowfast"):
        slowfast.compare_with_labels(lists, groups, findings)


def _examine_coco(layout: Layout, media: Media, findings: Findings) -> None:
    loaded: set[str] = set()
    for path in layout.of("catalog"):
        with told(findings, layout.name(path)):
            loaded |= coco.read_catalog(path, layout.name(path), findings)
    files: list[coco.Coco] = []
    for path in layout.of("coco"):
        with told(findings, layout.name(path)):
            found = coco.read_coco(path, layout, loaded, findings)
            files += [found] if found else []
    best: dict[str, float] = {}
    for path in layout.of("boxes"):
        with told(findings, layout.name(path)):
            score = coco.check_boxes(path, layout, files, findings)
            if "object" not in path.name:
                best[coco.split_of(path)] = score
    for path in layout.of("alphaction"):
        with told(findings, layout.name(path)):
            coco.check_config(path, layout, best, findings)
    coco.check_segments(files, media, layout, findings)


def _examine_kinetics(layout: Layout, findings: Findings) -> None:
    ids: set[int] = set()
    for path in layout.of("label_ids"):
        with told(findings, layout.name(path)):
            ids |= kinetics.check_label_ids(path, layout.name(path), findings)
    lists = []
    for path in layout.of("kinetics_list"):
        with told(findings, layout.name(path)):
            lists.append(kinetics.read_list(path, layout, ids, findings))
    kinetics.check_shared(lists, findings)
