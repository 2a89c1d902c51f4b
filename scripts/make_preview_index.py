"""Make the gallery of all clips, and what its page is made of."""

from avaflow.annotation.page.pages import copy_assets
from avaflow.preview.crop_lists import read_crops
from avaflow.preview.gallery import gallery_data, write_gallery
from avaflow.preview.gallery_files import gallery_sources
from avaflow.project.actions import all_actions, attributes_from_config
from avaflow.workflow.job import job

if "snakemake" in globals():
    with job(snakemake) as log:
        p, made = snakemake.params, snakemake.output
        clips = [read_crops(path) for path in snakemake.input.crops]
        data = gallery_data(clips, p.splits, all_actions(attributes_from_config(p.actions)))
        copy_assets(made.assets, gallery_sources())
        write_gallery(made.html, made.js, data)
        log.info("%d clips, %d crops", len(clips), sum(len(clip["crops"]) for clip in clips))
