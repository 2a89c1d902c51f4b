# What the rules of prediction.smk read, and with which settings.

from avaflow.prediction.plan import listed
from avaflow.prediction.page_files import asset_names as prediction_assets
from avaflow.prediction.page_files import asset_sources

# Videos without annotations that the config names, by name.
NEW_VIDEOS = PROJECT.new_videos
DRAWN = config["prediction"]["draw"]


def predictions(path):
    """A path under the folder of predictions."""
    return results(f"predictions/{path}")


def one_of(names):
    """A constraint: one of these names, and nothing where there are none."""
    return "|".join(map(re.escape, sorted(names))) or "nothing-to-predict"


def prediction_head():
    """The head that scores videos: the one that the config names, or the project's own."""
    return config["prediction"]["head"] or results("baseline/head.npz")


def detections_given():
    """The files in which a toolbox wrote what a model said of the project's clips."""
    return listed(config["prediction"]["detections"])


def files_of_predictions(wildcards):
    """Where the predictions of a clip come from: files of a toolbox, else the baseline's."""
    split = CLIPS[wildcards.clip].split
    return detections_given() or [results(f"baseline/predictions/{split}.csv")]


def drawn_files(wildcards):
    """What is drawn of a video or clip."""
    name = wildcards.name
    if name in NEW_VIDEOS:
        return {
            "clip": ancient(predictions(f"{name}/cut/copy.mp4")),
            "manifest": predictions(f"{name}/cut/copy.json"),
            "tracks": predictions(f"{name}/tracks.csv"),
            "csv": predictions(f"{name}/predictions.csv"),
        }
    files = {
        "clip": ancient(results(f"clips/{name}.mp4")),
        "manifest": results(f"clips/{name}.json"),
        "tracks": results(f"tracks/{name}.csv"),
    }
    if DRAWN != "truth":
        files["csv"] = predictions(f"{name}/predictions.csv")
    if DRAWN != "prediction" and name in PROJECT.finished:
        for kind, ending in (("labels", ""), ("idle", ".idle"), ("unticked", ".unticked")):
            files[kind] = results(f"labels/{name}{ending}.csv")
    return files


def prediction_page_state():
    """Changes with the content of the page's own files."""
    return [SOURCES.content(path) for path in asset_sources()]


def clips_to_draw():
    """The clips that are drawn: those that a toolbox's files tell of, or the finished ones."""
    if detections_given():
        # Imported where such are named: most starts of a run do without.
        from avaflow.prediction.toolboxes import clips_in

        found = clips_in(detections_given(), set(CLIPS))
        return found if DRAWN != "truth" else [clip for clip in found if clip in PROJECT.finished]
    return list(PROJECT.finished) if DRAWN in ("truth", "both") else []


def names_to_predict():
    """Videos and clips that the config asks for; the run ends where its files do not fit."""
    try:
        return [*NEW_VIDEOS, *clips_to_draw()]
    except UserError as error:
        logger.error(f"{ERROR_MARK}{error}")
        sys.exit(1)


def missing_for_prediction():
    """What the config lacks of what is asked of it, as sentences."""
    missing = []
    head = prediction_head()
    if NEW_VIDEOS and not PROJECT.features:
        missing.append(
            "videos are judged by features of persons: name trained weights as features.weights "
            "(docs/features.md)"
        )
    elif NEW_VIDEOS and config["prediction"]["head"] and not Path(head).is_file():
        missing.append(f"prediction.head: {head}: no such file")
    learns = PROJECT.finished_of("train") and PROJECT.features and PROJECT.features.persons
    own = NEW_VIDEOS and not config["prediction"]["head"]
    compared = DRAWN == "both" and not detections_given()
    if (own or compared) and not learns:
        missing.append(
            f"there is no head yet: expected {results('baseline/head.npz')}, which "
            "`snakemake baseline` trains on finished clips of train with features.persons"
            + (", or a head of another project as prediction.head" if own else "")
        )
    if DRAWN != "prediction" and not PROJECT.finished and not NEW_VIDEOS:
        missing.append(f"prediction.draw: {DRAWN}: no clip's annotation is finished")
    return missing


def requested_predictions(wildcards):
    """What the target `predict` asks for; the run ends where nothing is to be predicted."""
    missing = missing_for_prediction()
    names = names_to_predict() if not missing else []
    if not missing and not names:
        missing = [
            "nothing is named to predict: give a video or a folder as prediction.videos, a "
            "toolbox's file of detections as prediction.detections, or prediction.draw: truth. "
            "Files for the toolboxes' test loops on clips without labels, which this target "
            "made before, are made by the target `prediction_files`"
        ]
    if missing:
        # Only now is it known that predictions are asked for.
        logger.error(f"{ERROR_MARK}predict: {'; '.join(missing)}")
        sys.exit(1)
    patterns = [predictions("{name}/{name}.mp4"), predictions("{name}/index.html")]
    return [predictions("index.html"), *expand(patterns, name=names)]
