# AVA's own movies: a clips table from its file list, and after the main job its folder of frames.


rule ava_clips:
    input:
        lists=config["ava"]["file_lists"],
        csvs=ava_csvs(),
    output:
        clips=made("ava/clips.tsv"),
        movies=made("ava/movies.csv"),
    log:
        made("logs/ava_clips.log"),
    conda:
        env("tables")
    params:
        movies=lambda wildcards: {name: found.path for name, found in (AVA_MOVIES or {}).items()},
        state=lambda wildcards: [found[1:] for found in (AVA_MOVIES or {}).values()],
        code=code("ava_clips"),
    script:
        "../scripts/ava_clips.py"


rule ava_folder:
    input:
        movies=made("ava/movies.csv"),
        rawframes=all_clips("rawframes/{clip}.json"),
    output:
        links=made("ava/links.tsv"),
    log:
        made("logs/ava_folder.log"),
    conda:
        env("tables")
    params:
        clips=list(CLIPS),
        annotations=lambda wildcards: config["ava"]["annotations"],
        code=code("ava_folder"),
    script:
        "../scripts/ava_folder.py"
