# What the rules of persons.smk read, and with which settings.


def of_batch(pattern):
    """An input function: a file of every clip of the batch."""
    return lambda wildcards: expand(results(pattern), clip=BATCHES[wildcards.batch])


def detections_of(clips):
    """What stands for the detections of clips being up to date: own ones are read clip by clip."""
    if PROJECT.own_detections:
        return expand(results("detections/{clip}.csv"), clip=clips)
    batches = sorted({PROJECT.batch_of[clip] for clip in clips})
    return expand(results("detections/{batch}.batch.json"), batch=batches)


def detections_of_batch(wildcards):
    """What stands for the detections of a batch."""
    return detections_of(BATCHES[wildcards.batch])


def batches_of_clip(wildcards):
    """What stands for the detections and vectors of a clip being up to date."""
    batch = PROJECT.batch_of[wildcards.clip]
    return [*detections_of([wildcards.clip]), results(f"embeddings/{batch}.batch.json")]


def objects_of_batch(pattern):
    """An input function: a file of every finished clip of the batch."""
    return lambda wildcards: expand(results(pattern), clip=object_clips(wildcards.batch))


def object_clips(batch):
    """The clips of a batch whose objects are looked for: the finished ones."""
    return [clip for clip in PROJECT.finished if PROJECT.batch_of[clip] == batch]


def embeddings():
    """The vectors of every batch; nothing where persons are followed already."""
    return [] if PROJECT.own_tracks else all_batches("embeddings/{batch}.batch.json")


def own_state(own):
    """An input function: changes with the content of a clip's own files, in the folder `own`."""

    def state(wildcards):
        place = own.places[wildcards.clip]
        files = files_of(place, wildcards.clip, own.folder)
        return SOURCES.content_of_files(f"{place} of {wildcards.clip}", files)

    return state


def tracker_stride():
    """Frames from one look at a clip to the next; 0 where its own detections tell."""
    return 0 if PROJECT.own_detections else config["detector"]["stride"]


def learnt_clips():
    """The finished clips that a detector learns from, or is measured on."""
    return [clip for clip in PROJECT.finished if CLIPS[clip].split in ("train", "val")]


def learnt_projects():
    """Those of them that are finished by a project that somebody saved."""
    return [clip for clip in learnt_clips() if clip in PROJECT.projects]


def of_learnt_clips(pattern):
    """A file of every such clip."""
    return expand(results(pattern), clip=learnt_clips())


def base_weights():
    """The weights that a training begins with, as a path: its own, or the detector's."""
    named = config["detector_training"]["weights"]
    if not named:
        return PROJECT.detector.weights
    if not Path(named).exists() and DOWNLOADABLE_WEIGHTS.match(named):
        return results(f"models/{named}")
    return named


def base_files():
    """These as an input; nothing for what cannot be trained on, which the job tells."""
    path = base_weights()
    known = Path(path).is_file() or path.startswith(results("models/"))
    return [path] if known else []
