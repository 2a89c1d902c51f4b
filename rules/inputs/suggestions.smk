# What the rules of suggestions.smk read, and with which settings.


def train_clips(pattern):
    """A file of every finished clip of train: nothing is learnt from others."""
    return expand(results(pattern), clip=PROJECT.finished_of("train"))


def annotated_on_page():
    """Clips whose file was saved by their own page, on which somebody may have judged a part."""
    return [clip for clip, path in PROJECT.projects.items() if saved_by_page(path)]


def partly_judged_clips(pattern):
    """A file of every clip of which some persons may not be judged yet."""
    return expand(results(pattern), clip=annotated_on_page())


def requested_suggestions(wildcards):
    """What the target `suggestions` asks for; the run ends where persons have no features."""
    if not (PROJECT.features and PROJECT.features.persons):
        # Only now is it known that suggestions are asked for.
        logger.error(
            f"{ERROR_MARK}suggestions: they come from features of persons: name trained weights "
            "as features.weights, and set features.persons to true (docs/features.md)"
        )
        sys.exit(1)
    return results("suggestions/queue.csv")
