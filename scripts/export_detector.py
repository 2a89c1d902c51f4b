"""Convert .pt weights to OpenVINO, which runs them 2 to 3 times faster on a processor."""

import json
import re
import shutil
import tempfile
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import atomic_folder, sha256, write_text
from avaflow.persons.detector import foreign_classes, quiet_ultralytics
from avaflow.torch_files import unpacking_problem
from avaflow.workflow.job import job


def export_openvino(weights: str | Path, folder: str | Path, image_size: int) -> dict[str, str]:
    """Convert `weights` into the OpenVINO folder `folder`, whole or not at all.

    The export takes images of any shape (`dynamic`): a 16:9 image then costs 640 x 384
    pixels where a fixed export always pays 640 x 640, and runs 1.6 times as fast.
    Returns the SHA-256 of each file by its name. Raises UserError for weights that are not
    a .pt detection model.
    """
    weights = Path(weights)
    if weights.suffix != ".pt" or not weights.is_file():
        raise UserError(
            f"detector.export: expected .pt weights to convert, found {weights}. "
            "Set `export: none` for weights that are exported already."
        )
    if problem := unpacking_problem(weights):
        raise UserError(f"detector.weights: {weights} is {problem}. Name other weights.")
    quiet_ultralytics()
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory(prefix="avaflow-export-") as workplace:
        # ultralytics writes beside the weights, so they are given a place of their own.
        copy = Path(workplace) / weights.name
        shutil.copyfile(weights, copy)
        try:
            made = YOLO(str(copy)).export(
                format="openvino", imgsz=image_size, dynamic=True, device="cpu", verbose=False
            )
        except Exception as error:
            if foreign := foreign_classes(error):
                raise UserError(f"detector.weights: {weights} {foreign}") from None
            raise UserError(
                f"detector.export: {weights} cannot be converted to OpenVINO: "
                f"{' '.join(str(error).split())[:300]}. Set `export: none` to use it as it is."
            ) from error
        with atomic_folder(folder) as temporary:
            for source in sorted(Path(made).iterdir()):
                shutil.copyfile(source, temporary / source.name)
            facts = temporary / "metadata.yaml"
            # The date of the conversion: equal weights are to give equal bytes.
            undated = re.sub(r"(?m)^date:.*\n", "", facts.read_text(encoding="utf-8"))
            facts.write_text(undated, encoding="utf-8")
    return {path.name: sha256(path) for path in sorted(Path(folder).iterdir())}


if "snakemake" in globals():
    with job(snakemake) as log:
        folder = snakemake.params.folder
        digests = export_openvino(snakemake.input.weights, folder, snakemake.params.image_size)
        entry = {"folder": Path(folder).name, "files": digests}
        write_text(snakemake.output.manifest, json.dumps(entry, indent=1, sort_keys=True) + "\n")
        log.info("converted %s to %s", snakemake.input.weights, folder)
