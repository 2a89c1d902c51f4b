# Features of whole videos, and of the persons in them.
#
# A batch's manifest says what was made of each of its videos; the arrays lie beside it.


include: "inputs/features.smk"


rule extract_features:
    input:
        unpack(feature_sources),
        weights=feature_weights(),
    output:
        manifest=results("feature_batches/{batch}.csv"),
    log:
        results("logs/extract_features/{batch}.log"),
    benchmark:
        timing("extract_features/{batch}")
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
    benchmark:
        timing("index_features")
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
        timing("extract_person_features/{batch}")
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
    benchmark:
        timing("index_person_features")
    localrule: True
    conda:
        env("tables")
    params:
        folder=lambda wildcards, output: str(Path(output.index).parent),
        strict=config["strict"],
        code=code("index_person_features"),
    script:
        "../scripts/index_person_features.py"
