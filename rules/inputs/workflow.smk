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


def report_files():
    """The report as a text for terminals, and as a page."""
    return [report_file(), results("report.html")]


def agreement_if_made():
    """The table of annotators' agreement where it was made before, and still has a clip: what its
    target made once is kept up to date."""
    table = results("annotate/agreement.csv")
    return [table] if ANNOTATORS and Path(table).exists() else []


def ranges_of_clips():
    """Every clip with its split, its video and its seconds of that, as far as the table says.

    One video may be written in several ways, or be reached by a link: the first way stands for
    all. An end that is the video's own may not be known yet, and shall not change the report.
    """
    first = {}
    for clip in PROJECT.clips:
        first.setdefault(os.path.realpath(clip.source), clip.shown_video)
    return [
        [
            clip.id,
            clip.split,
            first[os.path.realpath(clip.source)],
            clip.shown_video,
            clip.start,
            float("inf") if clip.end_given is None else clip.end_given,
        ]
        for clip in PROJECT.clips
    ]


def told_settings():
    """The settings that the report page shows: not the actions, which it shows anyway, nor places
    and addresses. Of the detector's weights their name counts."""
    rows = changed_settings(config, SETTINGS, ["actions", "annotations", "via.url"])
    weights = PROJECT.detector.model
    default = SETTINGS["properties"]["detector"]["properties"]["weights"]["default"]
    if Path(weights).name != default:
        rows.append(["detector.weights", Path(weights).name, default])
    return rows


def warnings_beside_leaks():
    """What was noticed of the project, but for what the report page tells in words of its own."""
    told = leaks(PROJECT.clips)
    return [warning for warning in PROJECT.warnings if warning not in told]


def clip_targets():
    """Everything made of the clips table; nothing for a project that has none."""
    if not CLIPS:
        return []
    return [
        *report_files(),
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
        *papers_of_dataset(),
        *export_files(),
        *doctor_files(),
    ]
