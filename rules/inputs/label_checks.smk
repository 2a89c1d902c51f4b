# What the rules of label_checks.smk read, and with which settings.


def kept_checks():
    """The file of checks that somebody kept, where there is one."""
    path = kept_path(config["annotations"])
    return [str(path)] if path.is_file() else []


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
