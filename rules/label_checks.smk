# Labels that look wrong, by what models that have not seen a clip say of its persons.


include: "inputs/label_checks.smk"


rule check_labels:
    input:
        **person_features(),
        manifests_of_clips=finished_clips("clips/{clip}.json"),
        tracks=finished_clips("tracks/{clip}.csv"),
        keyframes=finished_clips("keyframes/{clip}.csv"),
        labels=finished_clips("labels/{clip}.csv"),
        idle=finished_clips("labels/{clip}.idle.csv"),
        unticked=finished_clips("labels/{clip}.unticked.csv"),
        nobody=finished_clips("labels/{clip}.nobody.csv"),
        looks=what_tracks_are_of(),
        kept=kept_checks(),
    output:
        table=results("label_checks/checks.csv"),
        page=results("label_checks/index.html"),
        data=results("label_checks/index.js"),
        assets=expand(results("label_checks/assets/{name}"), name=page_names()),
    log:
        results("logs/check_labels.log"),
    benchmark:
        timing("check_labels")
    conda:
        env("baseline")
    params:
        clips=list(PROJECT.finished),
        reads=looks_of_finished(),
        groups=groups_of_clips(),
        actions=config["actions"],
        fps=FPS,
        baseline=settings_of("baseline", "label_checks"),
        state=[SOURCES.content(path) for path in page_sources()],
        code=code("check_labels"),
    script:
        "../scripts/check_labels.py"
