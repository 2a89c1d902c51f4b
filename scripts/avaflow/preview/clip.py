"""All that is previewed of a clip's keyframes: its sheet and its crops, in one pass."""

from collections.abc import Sequence
from pathlib import Path

from avaflow.errors import UserError
from avaflow.files import atomic_folder
from avaflow.manifests import ClipManifest
from avaflow.preview.crop_lists import write_crops
from avaflow.preview.crops import CropImages
from avaflow.preview.drawing import Painter
from avaflow.preview.sheet import Sheet, told_of
from avaflow.preview.sights import Sights
from avaflow.preview.video import Part
from avaflow.tables import Keyframe


def write_keyframes(
    sheet_path: Path,
    crops_path: Path,
    folder: Path,
    keyframes: Sequence[Keyframe],
    sights: Sights,
    manifest: ClipManifest,
    painter: Painter,
    part: Part,
) -> int:
    """Write the sheet and the crops of a clip; returns the number of crops.

    `folder` holds the images of the keyframes, `part` is what the short video shows. Beside
    `crops_path`, the list, the images of crops lie in a folder of its name.
    """
    import cv2

    ordered = sorted(keyframes)
    size = manifest.width, manifest.height
    sheet = Sheet(manifest.clip, size, [keyframe.second for keyframe in ordered])
    with atomic_folder(crops_path.with_suffix("")) as beside:
        images = CropImages(beside)
        for keyframe in ordered:
            path = folder / keyframe.file
            image = cv2.imread(str(path))
            if image is None:
                raise UserError(
                    f"{path}: this keyframe is missing or no image. Delete "
                    f"{folder.with_suffix('.csv')} and run again."
                )
            here = sights.on_keyframe(keyframe.second)
            sheet.add(keyframe.second, image, here, painter)
            for sight in here:
                images.add(keyframe.second, sight, image)
        images.finish()
    sheet.write(sheet_path, painter, told_of(sights))
    facts = {
        "clip": manifest.clip,
        "fps": manifest.fps,
        "seconds": round(manifest.frames / manifest.fps, 3),
        "width": manifest.width,
        "height": manifest.height,
        "judged": sights.judged,
        "video": [round((part.first - 1) / manifest.fps, 6), round(part.last / manifest.fps, 6)],
        "files": {keyframe.second: keyframe.file for keyframe in ordered},
    }
    write_crops(crops_path, facts, images.crops, images.images)
    return len(images.crops)
