# What the rules of baseline.smk read, and with which settings.


def groups_of_clips():
    """The clips that stay together: of one video, under the name of the first of them."""
    first = {}
    for clip in PROJECT.clips:
        first.setdefault(clip.source, clip.id)
    return {clip.id: first[clip.source] for clip in PROJECT.clips if clip.id in PROJECT.finished}


def person_features():
    """The list of all features of persons, and what stands for the arrays."""
    if not (PROJECT.features and PROJECT.features.persons):
        return {"index": [], "manifests": []}
    return {
        "index": results("person_features/index.csv"),
        "manifests": feature_batches("person_feature_batches/{batch}.csv"),
    }


def baseline_wanted():
    """The baseline where every run makes it, and there is something to learn from."""
    enabled = config["baseline"]["enabled"]
    return [results("baseline/index.html")] if enabled and not nothing_to_learn() else []


def nothing_to_learn():
    """What a baseline lacks, each with what to do."""
    missing = []
    if not (PROJECT.features and PROJECT.features.persons):
        missing.append(
            "it learns from features of persons: name trained weights as features.weights, and "
            "set features.persons to true (docs/features.md)"
        )
    if not PROJECT.finished_of("train"):
        missing.append("it learns from labels: finish the annotation of clips of train")
    return missing


def requested_baseline(wildcards):
    """What the target `baseline` asks for; the run ends where there is nothing to learn from."""
    missing = nothing_to_learn()
    if missing:
        # Only now is it known that a baseline is asked for.
        logger.error(f"{ERROR_MARK}baseline: {'; '.join(missing)}")
        sys.exit(1)
    return results("baseline/index.html")
