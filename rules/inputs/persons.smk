# What the rules of persons.smk read, and with which settings.


def of_batch(pattern):
    """An input function: a file of every clip of the batch."""
    return lambda wildcards: expand(results(pattern), clip=BATCHES[wildcards.batch])


def batches_of_clip(wildcards):
    """What stands for the detections and vectors of a clip's batch being up to date."""
    batch = PROJECT.batch_of[wildcards.clip]
    return expand(
        results("{what}/{batch}.batch.json"), what=["detections", "embeddings"], batch=batch
    )


def objects_of_batch(pattern):
    """An input function: a file of every finished clip of the batch."""
    return lambda wildcards: expand(results(pattern), clip=object_clips(wildcards.batch))


def object_clips(batch):
    """The clips of a batch whose objects are looked for: the finished ones."""
    return [clip for clip in PROJECT.finished if PROJECT.batch_of[clip] == batch]
