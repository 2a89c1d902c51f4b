"""Merge AVA with the Kinetics part, beside the originals, and link AVA's frames."""

from pathlib import Path

from avaflow.ava_kinetics.merge import link_movies, merge_csv, merge_proposals
from avaflow.files import write_text
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        csvs = dict(zip(p.splits, snakemake.input.csv, strict=True))
        proposals = dict(zip(p.splits, snakemake.input.proposals, strict=True))
        out, movies = snakemake.output, set(p.ava["movies"])
        for number, split in enumerate(p.merged):
            left_out = merge_csv(csvs.get(split), p.ava["csv"][split], movies, out.csv[number])
            for movie, count in left_out.items():
                log.warning("%s: %d rows of %s left out: no frames of it", split, count, movie)
            own, theirs, without = merge_proposals(
                proposals.get(split),
                p.ava["proposals"][split],
                out.proposals[number],
                p.ava["csv"][split],
                movies,
            )
            log.info("%s: proposals of %d seconds of Kinetics, %d of AVA", split, own, theirs)
            if without:
                log.warning("%s: %d annotated seconds of AVA without a proposal", split, without)
            excluded = Path(p.ava["excluded"][split]).read_text(encoding="utf-8-sig")
            write_text(out.excluded[number], "".join(f"{x}\n" for x in excluded.split()))
        link_movies(p.ava["rawframes"], p.ava["movies"], Path(p.media), out.links)
