# Public archives that Kinetics, AVA-Kinetics, AVA and features start from.


include: "inputs/bulk.smk"


rule fetch_archive:
    output:
        archive=update(results("downloads/{file}")),
    log:
        results("logs/fetch_archive/{file}.log"),
    benchmark:
        timing("fetch_archive/{file}")
    wildcard_constraints:
        file="|".join(map(re.escape, ARCHIVES)) or "nothing-to-download",
    conda:
        env("media")
    params:
        file="{file}",
        sha256=lambda wildcards: ARCHIVES[wildcards.file].sha256,
    script:
        "../scripts/fetch_archive.py"
