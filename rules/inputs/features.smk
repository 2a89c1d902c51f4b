# What the rules of features.smk read, and with which settings.


def features_wanted():
    """What the config asks for of features; nothing where it names no weights."""
    # A network may be named for videos to predict on alone.
    if not (PROJECT.features and PROJECT.features.batches):
        return []
    persons = [results("person_features/index.csv")] if PROJECT.features.persons else []
    return [results("features/index.csv"), results("features/README.md"), *persons]


def feature_batches(pattern):
    """A file of every batch of videos to extract features of."""
    return expand(results(pattern), batch=PROJECT.features.batches if PROJECT.features else [])


def feature_sources(wildcards):
    """The videos of a batch: clips, or files and folders of the list."""
    names = PROJECT.features.batches[wildcards.batch]
    if PROJECT.features.paths:
        return {"videos": PROJECT.features.existing_files(wildcards.batch)}
    return {
        "manifests": expand(results("clips/{clip}.json"), clip=names),
        "clips": ancient(expand(results("clips/{clip}.mp4"), clip=names)),
    }


def feature_weights():
    """The files of the network that the config names."""
    if not PROJECT.features:
        return []
    return weights_files(config["features"]["weights"], config["features"]["architecture"])


def feature_weights_state():
    """Changes with the network, also when another of an older date takes its place."""
    found = [SOURCES.content(path) for path in feature_weights()]
    return found[0] if len(found) == 1 else found


def feature_names(wildcards):
    """The names of a batch of videos to extract features of."""
    return PROJECT.features.batches[wildcards.batch]


def feature_paths(wildcards):
    """Where the videos of a batch should lie; empty for clips."""
    paths = PROJECT.features.paths
    return [paths[name] for name in feature_names(wildcards)] if paths else []


def feature_state(wildcards):
    """Changes with the files of a batch of the list, in place too."""
    return [SOURCES.content(path) for path in feature_paths(wildcards)]


def feature_settings():
    """The settings that decide what features are, and how they are computed."""
    return settings_of("features", "features")


def feature_margin():
    """The seconds kept free at a clip's ends, where windows are centred on its keyframes."""
    on_keyframes = config["features"]["windows"] == "keyframes"
    return config["keyframes"]["margin"] if on_keyframes else None


def requested_features(wildcards):
    """What the target `features` asks for; the run ends where the config names no weights."""
    if not PROJECT.features:
        # Only now is it known that features are asked for.
        logger.error(f"{ERROR_MARK}config: {NO_WEIGHTS}")
        sys.exit(1)
    return features_wanted()
