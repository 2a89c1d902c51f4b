# What a model says of videos without annotations, and of the project's clips, drawn.


include: "inputs/prediction.smk"


rule cut_new_video:
    input:
        video=lambda wildcards: NEW_VIDEOS[wildcards.video],
    output:
        clip=predictions("{video}/cut/copy.mp4"),
        manifest=predictions("{video}/cut/copy.json"),
    log:
        results("logs/cut_new_video/{video}.log"),
        ffmpeg=results("logs/cut_new_video/{video}.ffmpeg.log"),
    benchmark:
        timing("cut_new_video/{video}")
    wildcard_constraints:
        video=one_of(NEW_VIDEOS),
    conda:
        env("media")
    threads: config["trim"]["threads"]
    params:
        **ffmpeg(),
        name="{video}",
        video=lambda wildcards: Path(NEW_VIDEOS[wildcards.video]).name,
        state=lambda wildcards: SOURCES.content(NEW_VIDEOS[wildcards.video]),
        trim=trim_settings(),
        cuts=settings_of("cuts", "clips"),
        jpeg_quality=config["jpeg_quality"],
        margin=config["keyframes"]["margin"],
        code=code("cut_new_video"),
    script:
        "../scripts/cut_new_video.py"


rule detect_new_persons:
    input:
        clip=ancient(predictions("{video}/cut/copy.mp4")),
        manifest=predictions("{video}/cut/copy.json"),
        weights=PROJECT.detector.files,
    output:
        detections=predictions("{video}/detections.csv"),
    log:
        results("logs/detect_new_persons/{video}.log"),
    benchmark:
        timing("detect_new_persons/{video}")
    wildcard_constraints:
        video=one_of(NEW_VIDEOS),
    conda:
        env("persons")
    threads: config["detector"]["threads"]
    resources:
        gpu=gpus(config["detector"]["device"]),
    params:
        name="{video}",
        weights=lambda wildcards: PROJECT.detector.model,
        state=detector_state(),
        detector=detector_settings(),
        code=code("detect_new_persons"),
    script:
        "../scripts/detect_new_persons.py"


rule track_new_persons:
    input:
        clip=ancient(predictions("{video}/cut/copy.mp4")),
        manifest=predictions("{video}/cut/copy.json"),
        detections=predictions("{video}/detections.csv"),
    output:
        tracks=predictions("{video}/tracks.csv"),
    log:
        results("logs/track_new_persons/{video}.log"),
    benchmark:
        timing("track_new_persons/{video}")
    wildcard_constraints:
        video=one_of(NEW_VIDEOS),
    conda:
        env("persons")
    threads: config["embedder"]["threads"]
    resources:
        gpu=gpus(config["embedder"]["device"]),
    params:
        name="{video}",
        embedder=settings_of("embedder", "embeddings"),
        tracker=settings_of("tracker", "tracks"),
        cuts=settings_of("cuts", "tracks"),
        stride=config["detector"]["stride"],
        code=code("track_new_persons"),
    script:
        "../scripts/track_new_persons.py"


rule extract_new_features:
    input:
        clip=ancient(predictions("{video}/cut/copy.mp4")),
        manifest=predictions("{video}/cut/copy.json"),
        tracks=predictions("{video}/tracks.csv"),
        weights=feature_weights(),
    output:
        manifest=predictions("{video}/new_features/manifest.csv"),
    log:
        results("logs/extract_new_features/{video}.log"),
    benchmark:
        timing("extract_new_features/{video}")
    wildcard_constraints:
        video=one_of(NEW_VIDEOS),
    conda:
        env("features")
    threads: config["features"]["threads"]
    resources:
        gpu=gpus(config["features"]["device"]),
    params:
        name="{video}",
        weights_state=feature_weights_state(),
        features=lambda wildcards: feature_settings(),
        margin=config["keyframes"]["margin"],
        code=code("extract_new_features"),
    script:
        "../scripts/extract_new_features.py"


rule predict_actions:
    input:
        manifest=predictions("{video}/cut/copy.json"),
        tracks=predictions("{video}/tracks.csv"),
        features=predictions("{video}/new_features/manifest.csv"),
        head=prediction_head(),
    output:
        csv=predictions("{video}/predictions.csv"),
    log:
        results("logs/predict_actions/{video}.log"),
    benchmark:
        timing("predict_actions/{video}")
    wildcard_constraints:
        video=one_of(NEW_VIDEOS),
    conda:
        env("features")
    params:
        name="{video}",
        margin=config["keyframes"]["margin"],
        offset=config["timestamp_offset"],
        code=code("predict_actions"),
    script:
        "../scripts/predict_actions.py"


rule read_predictions:
    input:
        files=files_of_predictions,
        manifest=results("clips/{clip}.json"),
        tracks=results("tracks/{clip}.csv"),
    output:
        csv=predictions("{clip}/predictions.csv"),
    log:
        results("logs/read_predictions/{clip}.log"),
    benchmark:
        timing("read_predictions/{clip}")
    wildcard_constraints:
        clip=one_of(CLIPS),
    conda:
        env("features")
    params:
        clip="{clip}",
        clips=list(CLIPS),
        actions=config["actions"],
        offset=config["timestamp_offset"],
        code=code("read_predictions"),
    script:
        "../scripts/read_predictions.py"


rule draw_predictions:
    input:
        unpack(drawn_files),
        **preview_font(),
    output:
        video=predictions("{name}/{name}.mp4"),
    log:
        results("logs/draw_predictions/{name}.log"),
        ffmpeg=results("logs/draw_predictions/{name}.ffmpeg.log"),
    benchmark:
        timing("draw_predictions/{name}")
    wildcard_constraints:
        name=one_of([*NEW_VIDEOS, *CLIPS]),
    conda:
        env("preview")
    threads: config["trim"]["threads"]
    params:
        **ffmpeg(),
        name="{name}",
        actions=config["actions"],
        margin=config["keyframes"]["margin"],
        offset=config["timestamp_offset"],
        drawn=settings_of("prediction", "predictions"),
        code=code("draw_predictions"),
    script:
        "../scripts/draw_predictions.py"


rule make_prediction_page:
    input:
        unpack(drawn_files),
    output:
        html=predictions("{name}/index.html"),
        js=predictions("{name}/data.js"),
        summary=predictions("{name}/summary.json"),
    log:
        results("logs/make_prediction_page/{name}.log"),
    benchmark:
        timing("make_prediction_page/{name}")
    wildcard_constraints:
        name=one_of([*NEW_VIDEOS, *CLIPS]),
    localrule: True
    conda:
        env("tables")
    params:
        name="{name}",
        actions=config["actions"],
        margin=config["keyframes"]["margin"],
        offset=config["timestamp_offset"],
        drawn=settings_of("prediction", "predictions"),
        state=prediction_page_state(),
        code=code("make_prediction_page"),
    script:
        "../scripts/make_prediction_page.py"


rule list_predictions:
    input:
        summaries=lambda wildcards: expand(
            predictions("{name}/summary.json"), name=names_to_predict()
        ),
    output:
        html=predictions("index.html"),
        assets=expand(predictions("assets/{file}"), file=prediction_assets()),
    log:
        results("logs/list_predictions.log"),
    benchmark:
        timing("list_predictions")
    localrule: True
    conda:
        env("tables")
    params:
        state=prediction_page_state(),
        code=code("list_predictions"),
    script:
        "../scripts/list_predictions.py"
