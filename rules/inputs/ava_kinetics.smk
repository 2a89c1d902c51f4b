# What the rules of ava_kinetics.smk read, and with which settings.


# Whether clips are decoded in training; else all their frames are kept as images.
READS_VIDEO = config["ava_kinetics"]["read"] == "video"


def ava_kinetics_batches(pattern):
    """A file of every batch of AVA-Kinetics; nothing where it is not asked for."""
    if not AVA_KINETICS:
        return []
    return expand(results(f"ava_kinetics/{pattern}"), batch=AVA_KINETICS.digests)


def ava_kinetics_splits():
    """Splits with a list of Kinetics videos."""
    return AVA_KINETICS.facts["splits"] if AVA_KINETICS else []


def ava_kinetics_annotations(pattern):
    """An annotation file of every split with a list of Kinetics videos."""
    return expand(results(f"ava_kinetics/annotations/{pattern}"), split=ava_kinetics_splits())


def ava_kinetics_settings():
    """The settings that decide what a clip becomes, or when a batch fails."""
    own, trim = settings_of("ava_kinetics", "ava_kinetics"), settings_of("trim", "ava_kinetics")
    provenance = [*trim.values(), own["short_side"], own["read"], config["jpeg_quality"]]
    return {
        "trim": trim,
        "short_side": own["short_side"],
        "jpeg_quality": config["jpeg_quality"],
        "max_broken_share": own["max_broken_share"],
        "provenance": " ".join(map(str, provenance)),
    }


def ava_kinetics_rawframes():
    """The folder of all frames, where training reads frames."""
    return "" if READS_VIDEO else results("ava_kinetics/rawframes")


def action_list_file():
    """The action list that training configs name."""
    return action_list(config) if AVA_KINETICS else []


def merged_splits():
    """The splits of an AVA folder to merge with."""
    ava = AVA_KINETICS and AVA_KINETICS.facts["ava"]
    return sorted(ava["csv"]) if ava else []


def merged_annotations(pattern):
    """An annotation file of every split that is merged with AVA."""
    return expand(results(f"ava_kinetics/annotations/{pattern}"), split=merged_splits())


def ava_files():
    """The files of the AVA folder that are merged."""
    kinds = ("csv", "excluded", "proposals")
    return [AVA_KINETICS.facts["ava"][kind][s] for kind in kinds for s in merged_splits()]


def trained_on():
    """The prefix of the annotations to train on."""
    if "train" in merged_splits():
        return "ava_kinetics_train"
    return "kinetics_train" if "train" in ava_kinetics_splits() else ""


def evaluated_on():
    """The prefix of the annotations to evaluate on."""
    if "val" in merged_splits():
        return "ava_kinetics_val"
    return "kinetics_val" if "val" in ava_kinetics_splits() else ""


def ava_kinetics_files():
    """Everything made of AVA-Kinetics; nothing where it is not asked for."""
    if not AVA_KINETICS:
        return []
    return [
        *ava_kinetics_annotations("kinetics_{split}.csv"),
        *ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
        *merged_annotations("ava_kinetics_{split}.csv"),
        results("ava_kinetics/mmaction2/ava_kinetics.py"),
    ]


def ava_csvs():
    """AVA's csv of train and val, which say of which split a movie is."""
    return list(find_csvs(config["ava"]["annotations"]).values()) if AVA_MOVIES else []


def ava_clips_table():
    """The clips table of AVA's movies; nothing where no file list is given."""
    return [results("ava/clips.tsv")] if AVA_MOVIES else []
