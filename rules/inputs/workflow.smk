# What the rules of workflow.smk read, and with which settings.


def report_file():
    """The report of the whole project."""
    return results("report.md")


def clip_targets():
    """Everything made of the clips table; nothing for a project that has none."""
    if not CLIPS:
        return []
    return [
        report_file(),
        *all_clips("clips/{clip}.json"),
        *all_clips("clips/{clip}.mp4"),
        *all_clips("keyframes/{clip}.csv"),
        *all_clips("motion/{clip}.npz"),
        results("duplicates.csv"),
        *rawframes_wanted(),
        *flow_wanted(),
        *detections_of(CLIPS),
        *embeddings(),
        *all_clips("tracks/{clip}.csv"),
        *proposal_files(),
        *annotate_pages(),
        *via_files(),
        *finished_clips("labels/{clip}.csv"),
        *finished_clips("labels/{clip}.notes.csv"),
        *dataset_files(),
        *export_files(),
    ]
