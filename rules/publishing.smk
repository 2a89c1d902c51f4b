# The dataset as others get it: its card, and a copy that stands alone.


include: "inputs/publishing.smk"


rule write_card:
    input:
        dataset=card_files(),
        manifests=finished_clips("clips/{clip}.json"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        labels=finished_clips("labels/{clip}.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        agreement=results("annotate/agreement.csv") if ANNOTATORS else [],
    output:
        readme=results("dataset/README.md"),
        citation=results("dataset/CITATION.cff"),
        croissant=results("dataset/croissant.json"),
        manifest=results("dataset/manifest.json"),
        tables=of_annotated_splits("dataset/tables/{split}.csv")
        or results("dataset/tables/none.csv"),
        idle=of_annotated_splits("dataset/tables/{split}_idle.csv")
        or results("dataset/tables/nobody.csv"),
    log:
        results("logs/write_card.log"),
    benchmark:
        timing("write_card")
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(PROJECT.finished),
        clip_splits=finished_splits(),
        splits=ANNOTATED_SPLITS,
        imported=PROJECT.imported,
        finished=lambda wildcards: finished_files(),
        actions=config["actions"],
        offset=config["timestamp_offset"],
        # By functions: Snakemake would take braces in a text for wildcards.
        card=lambda wildcards: settings_of("card", "card"),
        settings=lambda wildcards: settings_told(config, SETTINGS),
        persons=persons_from(),
        weights=lambda wildcards: weights_named(),
        code=code("write_card"),
    script:
        "../scripts/write_card.py"


rule publish_dataset:
    input:
        requested_publication,
        manifest=results("dataset/manifest.json"),
        links=results("dataset/links.tsv"),
        exports=export_files(),
    output:
        manifest=results("publish/manifest.json"),
    log:
        results("logs/publish_dataset.log"),
    benchmark:
        timing("publish_dataset")
    conda:
        env("tables")
    params:
        publish=settings_of("publish", "publish"),
        code=code("publish_dataset"),
    script:
        "../scripts/publish_dataset.py"
