# What the rules of publishing.smk read, and with which settings.

from avaflow.publishing.manifest import settings_told


def card_files():
    """The dataset's own files, which the card names with their checksums."""
    links = results("dataset/links.tsv")
    return [path for path in dataset_files() if path != links]


def papers_of_dataset():
    """The dataset's card and what is written with it, once an annotation is finished."""
    return [results("dataset/README.md")] if ANNOTATED_SPLITS else []


def finished_files():
    """The files that were finished for each clip; one of existing annotations has none."""
    return {clip: PROJECT.counted.get(clip, [path]) for clip, path in PROJECT.finished.items()}


def persons_from():
    """Whether boxes, and who is who among them, were found here or are the user's own."""
    return {
        "boxes": "own" if PROJECT.own_detections else "found",
        "tracks": "own" if PROJECT.own_tracks else "found",
    }


def weights_named():
    """The networks' files, by what they serve; none is asked where boxes are the user's own."""
    return {} if PROJECT.own_detections else {"detector": PROJECT.detector.weights}


def requested_publication(wildcards):
    """Nothing to wait for; the run ends where no annotation is finished."""
    if not ANNOTATED_SPLITS:
        # Only now is it known that a copy is asked for.
        logger.error(
            f"{ERROR_MARK}publish: no clip's annotation is finished, so there is no dataset yet"
        )
        sys.exit(1)
    return []
