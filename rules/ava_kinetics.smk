# AVA-Kinetics for mmaction2: clips around annotated seconds, boxes, proposals, merged with AVA.


# Whether clips are decoded in training; else all their frames are kept as pictures.
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
    own = config["ava_kinetics"]
    provenance = [config["trim"][name] for name in ("preset", "crf", "threads")]
    provenance += [own["short_side"], own["read"], config["jpeg_quality"]]
    return {
        "trim": {name: config["trim"][name] for name in ("preset", "crf", "threads")},
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


rule cut_ava_kinetics:
    output:
        manifest=results("ava_kinetics/manifests/{batch}.csv"),
    log:
        results("logs/cut_ava_kinetics/{batch}.log"),
        ffmpeg=results("logs/cut_ava_kinetics/{batch}.ffmpeg.log"),
    benchmark:
        results("benchmarks/cut_ava_kinetics/{batch}.tsv")
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        batch="{batch}",
        digest=lambda wildcards: AVA_KINETICS.digests[wildcards.batch],
        kept=lambda wildcards: str(ava_kinetics_plan_path(config)),
        settings=ava_kinetics_settings(),
        videos=results("ava_kinetics/videos"),
        rawframes=ava_kinetics_rawframes(),
        journal=results("ava_kinetics/journals/{batch}.jsonl"),
        ffmpeg=config["trim"]["ffmpeg"],
        code=code("cut_ava_kinetics"),
    script:
        "../scripts/cut_ava_kinetics.py"


rule detect_ava_kinetics:
    input:
        manifest=results("ava_kinetics/manifests/{batch}.csv"),
        weights=PROJECT.detector.files,
    output:
        detections=results("ava_kinetics/detections/{batch}.csv"),
    log:
        results("logs/detect_ava_kinetics/{batch}.log"),
    benchmark:
        results("benchmarks/detect_ava_kinetics/{batch}.tsv")
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        code=code("detect_ava_kinetics"),
    script:
        "../scripts/detect_ava_kinetics.py"


rule write_ava_kinetics:
    input:
        manifests=ava_kinetics_batches("manifests/{batch}.csv"),
        action_list=action_list_file(),
    output:
        csv=ava_kinetics_annotations("kinetics_{split}.csv"),
        seconds=ava_kinetics_annotations("kinetics_{split}_seconds.csv"),
        excluded=ava_kinetics_annotations("kinetics_{split}_excluded_timestamps.csv"),
        refused=ava_kinetics_annotations("kinetics_{split}_refused.txt"),
        action_list=results("ava_kinetics/annotations/action_list.pbtxt"),
        summary=results("ava_kinetics/summary.csv"),
    log:
        results("logs/write_ava_kinetics.log"),
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        csvs=lambda wildcards: [annotation_csv(config, s) for s in ava_kinetics_splits()],
        state=lambda wildcards: AVA_KINETICS.facts["annotations"],
        max_broken_share=config["ava_kinetics"]["max_broken_share"],
        code=code("write_ava_kinetics"),
    script:
        "../scripts/write_ava_kinetics.py"


rule propose_ava_kinetics:
    input:
        manifests=ava_kinetics_batches("manifests/{batch}.csv"),
        detections=ava_kinetics_batches("detections/{batch}.csv"),
    output:
        proposals=ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
    log:
        results("logs/propose_ava_kinetics.log"),
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        min_score=config["ava_kinetics"]["proposal_score"],
        code=code("propose_ava_kinetics"),
    script:
        "../scripts/propose_ava_kinetics.py"


rule merge_ava_kinetics:
    input:
        csv=ava_kinetics_annotations("kinetics_{split}.csv"),
        proposals=ava_kinetics_annotations("kinetics_{split}_proposals.pkl"),
        ava=ava_files(),
    output:
        csv=merged_annotations("ava_kinetics_{split}.csv"),
        proposals=merged_annotations("ava_kinetics_{split}_proposals.pkl"),
        excluded=merged_annotations("ava_kinetics_{split}_excluded_timestamps.csv"),
        links=results("ava_kinetics/ava_links.tsv"),
    log:
        results("logs/merge_ava_kinetics.log"),
    conda:
        env("tables")
    params:
        splits=ava_kinetics_splits(),
        merged=merged_splits(),
        ava=lambda wildcards: AVA_KINETICS.facts["ava"],
        media=results("ava_kinetics/videos") if READS_VIDEO else results("ava_kinetics/rawframes"),
        code=code("merge_ava_kinetics"),
    script:
        "../scripts/merge_ava_kinetics.py"


rule configure_ava_kinetics:
    output:
        **(
            {"reading": results("ava_kinetics/mmaction2/ava_kinetics_reading.py")}
            if READS_VIDEO
            else {}
        ),
        config=results("ava_kinetics/mmaction2/ava_kinetics.py"),
        readme=results("ava_kinetics/mmaction2/README.md"),
    log:
        results("logs/configure_ava_kinetics.log"),
    localrule: True
    conda:
        env("tables")
    params:
        train=trained_on(),
        judged=evaluated_on(),
        read=config["ava_kinetics"]["read"],
        min_score=config["ava_kinetics"]["proposal_score"],
        code=code("configure_ava_kinetics"),
    script:
        "../scripts/configure_ava_kinetics.py"


rule list_ava_clips:
    input:
        lists=config["ava"]["file_lists"],
        csvs=ava_csvs(),
    output:
        clips=results("ava/clips.tsv"),
        movies=results("ava/movies.csv"),
    log:
        results("logs/list_ava_clips.log"),
    localrule: True
    conda:
        env("tables")
    params:
        movies=lambda wildcards: {name: found.path for name, found in (AVA_MOVIES or {}).items()},
        state=lambda wildcards: [found[1:] for found in (AVA_MOVIES or {}).values()],
        code=code("list_ava_clips"),
    script:
        "../scripts/list_ava_clips.py"


rule link_ava_folder:
    input:
        movies=results("ava/movies.csv"),
        rawframes=all_clips("rawframes/{clip}.json"),
    output:
        links=results("ava/links.tsv"),
    log:
        results("logs/link_ava_folder.log"),
    localrule: True
    conda:
        env("tables")
    params:
        clips=list(CLIPS),
        annotations=lambda wildcards: config["ava"]["annotations"],
        code=code("link_ava_folder"),
    script:
        "../scripts/link_ava_folder.py"
