"""Public archives of annotations, files of proposals and weights, by the names of the config.

None of their publishers gives a SHA-256. So the first download is trusted, its checksum is
written beside it, and whatever is fetched later has to have the same, unless the config
gives one: that one holds from the beginning.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from avaflow.errors import UserError
from avaflow.files import sha256, write_text
from avaflow.videos.addresses import shown_address
from avaflow.videos.download import download

_AVA = "https://s3.amazonaws.com/ava-dataset/annotations"
_DEEPMIND = "https://storage.googleapis.com/deepmind-media/Datasets"
_FAIR = "https://download.openmmlab.com/mmaction/dataset/ava/ava_dense_proposals"
_PYTORCHVIDEO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"
_PYSLOWFAST = "https://dl.fbaipublicfiles.com/pyslowfast/model_zoo/kinetics400"

ADDRESSES = {
    # The csv of AVA 2.2, its action lists, and the lists of its movies.
    "ava": f"{_AVA}/ava_v2.2.zip",
    "ava_trainval_names": f"{_AVA}/ava_file_names_trainval_v2.1.txt",
    "ava_test_names": f"{_AVA}/ava_file_names_test_v2.1.txt",
    "ava_kinetics": f"{_DEEPMIND}/ava_kinetics_v1_0.tar.gz",
    "kinetics400": f"{_DEEPMIND}/kinetics400.tar.gz",
    "kinetics600": f"{_DEEPMIND}/kinetics600.tar.gz",
    "kinetics700": f"{_DEEPMIND}/kinetics700.tar.gz",
    "kinetics700_2020": f"{_DEEPMIND}/kinetics700_2020.tar.gz",
    # FAIR's persons on AVA's keyframes, as mmaction2 hosts them.
    "fair_proposals_train": f"{_FAIR}_train.FAIR.recall_93.9.pkl",
    "fair_proposals_val": f"{_FAIR}_val.FAIR.recall_93.9.pkl",
    "fair_proposals_test": f"{_FAIR}_test.FAIR.recall_93.9.pkl",
    # Weights for features, by the names of features.architecture; PySlowFast's export trains
    # from the first of them.
    "slowfast_r50_8x8": f"{_PYTORCHVIDEO}/SLOWFAST_8x8_R50.pyth",
    "slowfast_r50_8x8_caffe2": f"{_PYSLOWFAST}/SLOWFAST_8x8_R50.pkl",
    "slowfast_r50_4x16": f"{_PYTORCHVIDEO}/SLOWFAST_4x16_R50.pyth",
    "slowfast_r50_4x16_caffe2": f"{_PYSLOWFAST}/SLOWFAST_4x16_R50.pkl",
    "slowfast_r101_8x8": f"{_PYTORCHVIDEO}/SLOWFAST_8x8_R101.pyth",
    "slowfast_r101_50_50": f"{_PYTORCHVIDEO}/SLOWFAST_16x8_R101_50_50.pyth",
    "slow_r50_8x8": f"{_PYTORCHVIDEO}/SLOW_8x8_R50.pyth",
    "slow_r50_4x16": f"{_PYTORCHVIDEO}/SLOW_4x16_R50.pyth",
    "c2d_r50_8x8": f"{_PYTORCHVIDEO}/C2D_8x8_R50.pyth",
    "c2d_nopool_r50_8x8": f"{_PYSLOWFAST}/C2D_NOPOOL_8x8_R50.pkl",
    "i3d_r50_8x8": f"{_PYTORCHVIDEO}/I3D_8x8_R50.pyth",
}
"""Where each lies, as its publisher's pages say. The file keeps the name that it has there."""

SUFFIX = ".sha256"
"""Of the checksum beside a file, in the form that `sha256sum -c` takes."""

logger = logging.getLogger("avaflow")


class Archive(NamedTuple):
    """A file to fetch; `sha256` is what the config says of it, empty where that is nothing."""

    name: str
    url: str
    sha256: str

    @property
    def file(self) -> str:
        """What its file is called: as its publisher does, also where a mirror does not."""
        return urlsplit(ADDRESSES[self.name]).path.rsplit("/", 1)[-1]


def wanted_archives(entries: Iterable[str | Mapping[str, str]]) -> dict[str, Archive]:
    """The archives of the config's list `downloads` by their files' names.

    An entry is a name, or a mapping of `name` with `url` (a mirror) or `sha256`. Raises
    UserError for a name that is unknown or stands there twice.
    """
    found: dict[str, Archive] = {}
    for entry in entries:
        given = {"name": entry} if isinstance(entry, str) else entry
        name = given["name"]
        if name not in ADDRESSES:
            raise UserError(f"config: downloads: {name!r} is not known. {known_names()}")
        archive = Archive(name, given.get("url") or ADDRESSES[name], given.get("sha256", ""))
        if archive.file in found:
            raise UserError(f"config: downloads: {name} stands there twice: name it once")
        found[archive.file] = archive
    return found


def known_names() -> str:
    """A sentence with the names that `downloads` can hold."""
    return f"Known are {', '.join(ADDRESSES)}."


def fetch_archive(archive: Archive, target: str | Path) -> None:
    """Fetch an archive to `target`, with its checksum beside it, whole or not at all.

    A file that lies there already is not fetched again if it has the checksum that is
    expected of it. Raises UserError where what comes has another, and nothing is changed then.
    """
    target = Path(target)
    beside = target.with_name(target.name + SUFFIX)
    expected, told_by = archive.sha256.lower(), "the config gives it"
    if not expected and beside.exists():
        expected, told_by = read_checksum(beside), f"{beside} has it from the first download"
    if target.exists():
        found = sha256(target)
        if expected in ("", found):
            _write_checksum(beside, found, target.name)
            logger.info("%s: kept, sha256 %s", target.name, found)
            return
    # Under a name of its own, what broke off is continued; the file of before stays until then.
    fetched = target.with_name(target.name + ".download")
    download(archive.url, fetched)
    found = sha256(fetched)
    if expected and found != expected:
        fetched.unlink()
        advice = (
            "correct downloads in the config, or its address"
            if archive.sha256
            else f"if its publisher changed it and you trust that, delete {beside} and run again"
        )
        raise UserError(
            f"{shown_address(archive.url)}: expected sha256 {expected} ({told_by}), found {found}. "
            f"It is another file, and was not kept: {advice}."
        )
    fetched.replace(target)
    _write_checksum(beside, found, target.name)
    trust = "as expected" if expected else "trusted, and held from now on"
    logger.info("%s: sha256 %s, %s", target.name, found, trust)


def read_checksum(path: Path) -> str:
    """The SHA-256 in a file that stands beside an archive."""
    words = path.read_text(encoding="utf-8").split()
    if not words or len(words[0]) != 64:
        raise UserError(
            f"{path}: expected a sha256 of 64 digits and a file's name, found "
            f"{' '.join(words)[:40]!r}. Correct it, or delete it to trust the next download."
        )
    return words[0].lower()


def _write_checksum(path: Path, checksum: str, name: str) -> None:
    text = f"{checksum}  {name}\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
