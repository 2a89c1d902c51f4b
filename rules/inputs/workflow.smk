# What the rules of workflow.smk read, and with which settings.


def report_file():
    """The report of the whole project."""
    return results("report.md")


def dataset_readmes():
    """What stands for the exports that the doctor looks at: those of labelled clips."""
    return [path for path in export_files() if path != prediction("README.md")]


def doctor_files():
    """What the doctor found, kept up to date once its target was asked for."""
    asked = Path(results("doctor.json")).exists() and ANNOTATED_SPLITS
    return [results("doctor.json")] if asked else []


def requested_doctor(wildcards):
    """What the target `doctor` asks for; the run ends where there is no dataset yet."""
    if not ANNOTATED_SPLITS:
        logger.error(
            f"{ERROR_MARK}doctor: no clip has labels yet, so there is no dataset to look at: "
            "finish an annotation first"
        )
        sys.exit(1)
    return results("doctor.json")


def clip_targets():
    """Everything made of the clips table; nothing for a project that has none."""
    if not CLIPS:
        return []
    return [
        report_file(),
        *all_clips("clips/{clip}.json"),
        *all_clips("clips/{clip}.mp4"),
        *all_clips("keyframes/{clip}.csv"),
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
        *papers_of_dataset(),
        *export_files(),
        *doctor_files(),
    ]
