"""What makes features: a SlowFast of our own building, or a network that was exported whole."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from avaflow.features.architectures import ARCHITECTURES
from avaflow.files import sha256

EXPORTED, VIDEOMAE = "exported", "videomae"
"""The values of features.architecture that stand for no network of ours."""

OF_OUR_OWN = frozenset(["layer", "pool"])
"""Settings that mean nothing to other networks."""

OF_OTHERS = frozenset(["layout", "mean", "std", "box_margin", "box_shape"])
"""Settings that mean nothing to networks of our own, which are shown images as in training."""


class FeatureMaker(Protocol):
    """What :class:`avaflow.features.network.FeatureModel` and its kin have in common."""

    whole_images: bool
    """Whether persons are cut out of images of their full size, not of resized ones."""

    @property
    def dimensions(self) -> int:
        """Length of a feature."""

    def features(self, images: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Features of windows."""

    def roi_features(
        self, images: np.ndarray, shown: np.ndarray, boxes_px: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Features of the persons in windows."""


def meaningless(architecture: str) -> frozenset[str]:
    """The settings that decide nothing with this architecture."""
    if architecture in ARCHITECTURES:
        return OF_OTHERS
    return OF_OUR_OWN | {"layout"} if architecture == VIDEOMAE else OF_OUR_OWN


def weights_files(weights: str, architecture: str) -> list[str]:
    """The files of the network that the config names as features.weights."""
    if architecture == VIDEOMAE:
        from avaflow.features.network_files import videomae_files

        return videomae_files(weights)
    return [weights]


def weights_sha256(files: Sequence[str | Path]) -> str:
    """What stands for the content of these files; the file's own checksum where it is one."""
    sums = [sha256(path) for path in files]
    return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def load_maker(
    files: Sequence[str | Path], settings: Mapping, threads: int, persons: bool = False
) -> FeatureMaker:
    """What the config's section `features` asks for, ready to compute.

    `files` are those of :func:`weights_files`; `persons` says whether features of persons are
    wanted. Raises UserError for weights that cannot be used.
    """
    weights = files[0]
    if settings["architecture"] in ARCHITECTURES:
        from avaflow.features.checkpoints import load_network
        from avaflow.features.network import ready_model

        network = load_network(weights, settings["architecture"], detection=persons)
        return ready_model(network, settings, threads)
    from avaflow.features.exported import ExportedModel, look_of
    from avaflow.features.network_files import VideoMaeNetwork, load_exported

    if settings["architecture"] == VIDEOMAE:
        folder = Path(weights).parent
        whole = VideoMaeNetwork(folder, settings["device"], settings["precision"], threads)
        return ExportedModel(whole, look_of({**settings, "layout": "tchw"}))
    return ExportedModel(load_exported(weights, settings, threads), look_of(settings))
