"""Fine-tune the detector on corrected boxes, and measure it before and after."""

import hashlib
from pathlib import Path

from avaflow.files import sha256, write_text
from avaflow.persons.detector import load_detector
from avaflow.persons.detector_dataset import read_manifest
from avaflow.persons.detector_training import (
    TrainingSettings,
    check_base,
    held_out,
    keep_weights,
    map50_of,
    measured,
    report_text,
    trained_weights,
)
from avaflow.persons.training_figures import FIGURES, Figures
from avaflow.tables import table_of, write_table
from avaflow.workflow.job import job

if "snakemake" in globals():
    p = snakemake.params
    with job(snakemake) as log:
        check_base(p.weights)
        manifest = snakemake.input.manifest
        folder = Path(manifest).parent
        of_detector = dict(p.detector)
        chosen = dict(p.training)
        if chosen["image_size"] == "detector":
            chosen["image_size"] = of_detector["image_size"]
        settings = TrainingSettings(**chosen, device=str(of_detector["device"]))
        names = ("person_class", "confidence", "device", "half", "image_size", "nms_iou")
        how = {name: of_detector[name] for name in names} | {"threads": snakemake.threads}
        person = of_detector["person_class"]

        def figures(stage, weights, content):
            detector = load_detector(weights, **how)
            map50 = map50_of(weights, person, folder, settings)
            return measured(stage, detector, weights, content, folder, held_out(manifest), map50)

        base = Path(p.weights)
        before = figures("before", base, sha256(base))
        log.info("before: %s", before)
        content = trained_weights(base, person, folder, settings)
        digest = hashlib.sha256(content).hexdigest()
        weights = keep_weights(content, digest, folder)
        after = figures("after", weights, digest)
        log.info("after: %s", after)
        table = table_of([before, after], Figures)
        write_table(snakemake.output.table, table, FIGURES)
        rows = read_manifest(manifest)
        confidence = of_detector["confidence"]
        text = report_text([before, after], rows, weights, p.weights, settings, confidence)
        write_text(snakemake.output.report, text)
