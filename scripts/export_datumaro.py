"""Write the dataset in Datumaro's layout, with links to the keyframes."""

from pathlib import Path

from avaflow.files import write_text
from avaflow.formats.datumaro import readme_text, write_annotations, write_frames
from avaflow.tables import KEYFRAMES, read_table
from avaflow.times import timestamp_of_second
from avaflow.workflow.job import job


def images_of_clip(manifest, offset):
    """The keyframes of one clip by timestamp: they lie in a folder named like the manifest."""
    table = read_table(manifest, KEYFRAMES)
    folder = Path(manifest).with_suffix("")
    return {
        timestamp_of_second(second, offset): folder / file
        for second, file in zip(table["second"], table["file"], strict=True)
    }


if "snakemake" in globals():
    p, given = snakemake.params, snakemake.input
    with job(snakemake) as log:
        splits = list(p.splits)
        keyframes = {
            clip: images_of_clip(path, p.offset)
            for clip, path in zip(p.clips, given.keyframes, strict=True)
        }
        folder = Path(p.dataset) / "datumaro"
        csvs = dict(zip(splits, given.csv, strict=True))
        write_annotations(folder / "annotations", csvs, given.action_list)
        images = write_frames(folder / "frames", given.csv, keyframes)
        dataset = Path(p.dataset).as_posix()
        write_text(snakemake.output.readme, readme_text(splits, images, dataset))
        log.info("%d images linked", images)
