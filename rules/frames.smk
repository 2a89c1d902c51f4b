# All frames of a clip. Where the config keeps frames, the cut itself writes them (rule trim:
# one decoding pass); this rule serves `snakemake rawframes` where it does not.
if not config["rawframes"]["enabled"]:

    rule rawframes_of_clip:
        input:
            manifest=made("clips/{clip}.json"),
            clip=ancient(made("clips/{clip}.mp4")),
        output:
            rawframes=made("rawframes/{clip}.json"),
        log:
            made("logs/rawframes/{clip}.log"),
            ffmpeg=made("logs/rawframes/{clip}.ffmpeg.log"),
        benchmark:
            made("benchmarks/rawframes/{clip}.tsv")
        conda:
            env("media")
        threads: config["trim"]["threads"]
        params:
            clip="{clip}",
            trim=config["trim"],
            jpeg_quality=config["jpeg_quality"],
            code=code("rawframes"),
        script:
            "../scripts/rawframes.py"
