# What the rules of label_checks.smk read, and with which settings.


def kept_checks():
    """The file of checks that somebody kept, where there is one."""
    path = kept_path(config["annotations"])
    return [str(path)] if path.is_file() else []


def what_tracks_are_of():
    """What stands for detections and vectors of finished clips; nothing where persons are
    followed by another tool."""
    if PROJECT.own_tracks:
        return []
    batches = sorted({PROJECT.batch_of[clip] for clip in PROJECT.finished})
    vectors = expand(results("embeddings/{batch}.batch.json"), batch=batches)
    return [*detections_of(PROJECT.finished), *vectors]


def looks_of_finished():
    """The detections of all finished clips, and then their vectors, clip by clip."""
    if PROJECT.own_tracks:
        return []
    patterns = ["detections/{clip}.csv", "embeddings/{clip}.npz"]
    return [path for pattern in patterns for path in finished_clips(pattern)]


def requested_checks(wildcards):
    """What the target `label_checks` asks for; the run ends where there is nothing to check by."""
    missing = []
    if not (PROJECT.features and PROJECT.features.persons):
        missing.append(
            "it compares labels with features of persons: name trained weights as "
            "features.weights, and set features.persons to true (docs/features.md)"
        )
    if not PROJECT.finished:
        missing.append("it checks labels: finish the annotation of clips")
    if missing:
        # Only now is it known that checks are asked for.
        logger.error(f"{ERROR_MARK}label_checks: {'; '.join(missing)}")
        sys.exit(1)
    # A mended label is mended on the page to annotate.
    return [
        results("label_checks/index.html"),
        results("annotate/index.html"),
        *all_clips("clips/{clip}.mp4"),
    ]
