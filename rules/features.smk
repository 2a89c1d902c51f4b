# SlowFast features of whole videos, and of the persons in them.
#
# A batch's manifest says what was made of each of its videos; the arrays lie beside it.


def features_wanted():
    """What the config asks for of features; nothing where it names no weights."""
    if not PROJECT.features:
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
    """The checkpoint that the config names."""
    return config["features"]["weights"] or []


def feature_weights_state():
    """Changes with the checkpoint, also when another of an older date takes its place."""
    return state(config["features"]["weights"]) if PROJECT.features else ""


def feature_names(wildcards):
    """The names of a batch of videos to extract features of."""
    return PROJECT.features.batches[wildcards.batch]


def feature_paths(wildcards):
    """Where the videos of a batch should lie; empty for clips."""
    paths = PROJECT.features.paths
    return [paths[name] for name in feature_names(wildcards)] if paths else []


def feature_state(wildcards):
    """Changes with the files of a batch of the list, in place too."""
    return PROJECT.features.state(wildcards.batch) if PROJECT.features.paths else []


def feature_settings():
    """The settings that decide what features are, and how they are computed."""
    not_content = ("weights", "video_list", "root", "video_suffix", "persons", "threads")
    return {name: value for name, value in config["features"].items() if name not in not_content}


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


rule extract_features:
    input:
        unpack(feature_sources),
        weights=feature_weights(),
    output:
        manifest=results("feature_batches/{batch}.csv"),
    log:
        results("logs/extract_features/{batch}.log"),
    benchmark:
        results("benchmarks/extract_features/{batch}.tsv")
    conda:
        env("features")
    threads: config["features"]["threads"]
    resources:
        gpu=gpus(config["features"]["device"]),
    params:
        names=feature_names,
        paths=feature_paths,
        state=feature_state,
        weights_state=feature_weights_state(),
        # By a function: Snakemake would take the braces of frame_pattern for wildcards.
        features=lambda wildcards: feature_settings(),
        margin=feature_margin(),
        folder=results("features"),
        code=code("extract_features"),
    script:
        "../scripts/extract_features.py"


rule index_features:
    input:
        manifests=feature_batches("feature_batches/{batch}.csv"),
    output:
        index=results("features/index.csv"),
        readme=results("features/README.md"),
    log:
        results("logs/index_features.log"),
    localrule: True
    conda:
        env("tables")
    params:
        folder=lambda wildcards, output: str(Path(output.index).parent),
        features=lambda wildcards: feature_settings(),
        strict=config["strict"],
        code=code("index_features"),
    script:
        "../scripts/index_features.py"


rule extract_person_features:
    input:
        manifests=lambda wildcards: expand(
            results("clips/{clip}.json"), clip=feature_names(wildcards)
        ),
        clips=lambda wildcards: ancient(
            expand(results("clips/{clip}.mp4"), clip=feature_names(wildcards))
        ),
        tracks=lambda wildcards: expand(results("tracks/{clip}.csv"), clip=feature_names(wildcards)),
        weights=feature_weights(),
    output:
        manifest=results("person_feature_batches/{batch}.csv"),
    log:
        results("logs/extract_person_features/{batch}.log"),
    benchmark:
        results("benchmarks/extract_person_features/{batch}.tsv")
    conda:
        env("features")
    threads: config["features"]["threads"]
    resources:
        gpu=gpus(config["features"]["device"]),
    params:
        names=feature_names,
        weights_state=feature_weights_state(),
        features=lambda wildcards: feature_settings(),
        margin=config["keyframes"]["margin"],
        folder=results("person_features"),
        code=code("extract_person_features"),
    script:
        "../scripts/extract_person_features.py"


rule index_person_features:
    input:
        manifests=feature_batches("person_feature_batches/{batch}.csv"),
    output:
        index=results("person_features/index.csv"),
    log:
        results("logs/index_person_features.log"),
    localrule: True
    conda:
        env("tables")
    params:
        folder=lambda wildcards, output: str(Path(output.index).parent),
        strict=config["strict"],
        code=code("index_person_features"),
    script:
        "../scripts/index_person_features.py"
