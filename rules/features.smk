# SlowFast features of whole videos, and of the persons in them.
#
# A batch's manifest says what was made of each of its videos; the arrays lie beside it.


rule features_of_batch:
    input:
        unpack(feature_sources),
        weights=feature_weights(),
    output:
        manifest=made("feature_batches/{batch}.csv"),
    log:
        made("logs/features/{batch}.log"),
    benchmark:
        made("benchmarks/features/{batch}.tsv")
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
        folder=made("features"),
        code=code("features"),
    script:
        "../scripts/features.py"


rule features_index:
    input:
        manifests=feature_batches("feature_batches/{batch}.csv"),
    output:
        index=made("features/index.csv"),
        readme=made("features/README.md"),
    log:
        made("logs/features_index.log"),
    conda:
        env("tables")
    params:
        folder=lambda wildcards, output: str(Path(output.index).parent),
        features=lambda wildcards: feature_settings(),
        strict=config["strict"],
        code=code("features_index"),
    script:
        "../scripts/features_index.py"


rule person_features_of_batch:
    input:
        manifests=lambda wildcards: expand(made("clips/{clip}.json"), clip=feature_names(wildcards)),
        clips=lambda wildcards: ancient(
            expand(made("clips/{clip}.mp4"), clip=feature_names(wildcards))
        ),
        tracks=lambda wildcards: expand(made("tracks/{clip}.csv"), clip=feature_names(wildcards)),
        weights=feature_weights(),
    output:
        manifest=made("person_feature_batches/{batch}.csv"),
    log:
        made("logs/person_features/{batch}.log"),
    benchmark:
        made("benchmarks/person_features/{batch}.tsv")
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
        folder=made("person_features"),
        code=code("person_features"),
    script:
        "../scripts/person_features.py"


rule person_features_index:
    input:
        manifests=feature_batches("person_feature_batches/{batch}.csv"),
    output:
        index=made("person_features/index.csv"),
    log:
        made("logs/person_features_index.log"),
    conda:
        env("tables")
    params:
        folder=lambda wildcards, output: str(Path(output.index).parent),
        strict=config["strict"],
        code=code("person_features_index"),
    script:
        "../scripts/person_features_index.py"
