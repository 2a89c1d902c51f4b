# What the rules of kinetics.smk read, and with which settings.


def kinetics_batches(pattern):
    """A file of every batch of Kinetics videos; nothing where Kinetics is not asked for."""
    return expand(results(f"kinetics/{pattern}"), batch=KINETICS.digests) if KINETICS else []


def kinetics_splits():
    """Splits of Kinetics with a folder of videos."""
    return KINETICS.facts["splits"] if KINETICS else []


def kinetics_lists():
    """The lists of videos and labels that readers take."""
    return [results(f"kinetics/{split}.csv") for split in kinetics_splits()]


def kinetics_settings():
    """The settings that decide what a video becomes, or when a batch fails."""
    return settings_of("kinetics", "kinetics")


def kinetics_files():
    """Everything made of Kinetics; nothing where it is not asked for."""
    if not KINETICS:
        return []
    return [*kinetics_lists(), results("kinetics/label2id.json"), results("kinetics/summary.csv")]
