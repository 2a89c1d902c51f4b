"""Groups of clips or videos that share one job, by their names alone."""

import hashlib


def batch_of(name: str, batches: int) -> str:
    """The batch of a clip or video, so that other rows never move it."""
    number = int(hashlib.sha1(name.encode()).hexdigest(), 16) % batches
    return f"{number:0{len(str(batches - 1))}d}"
