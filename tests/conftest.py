"""What several test modules use, made once."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright import sync_api as playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    """A Chromium that shows nothing, of a module of its own: a process runs one Playwright."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        try:
            chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"chromium does not run here: {error}")
        yield chromium
        chromium.close()


class SlowFastFiles(NamedTuple):
    """One plain network with made-up weights, and these in the three forms."""

    network: object
    pytorchvideo: Path
    pyslowfast: Path
    caffe2: Path


@pytest.fixture(scope="session")
def slowfast(tmp_path_factory) -> SlowFastFiles:
    """A network for images of 64 pixels, which leave 2 x 2 positions to pool, and its files.

    Their suffix says nothing: content alone tells what they are.
    """
    # Only tests that ask for it import torch.
    from slowfast_weights import (
        plain_network,
        write_caffe2,
        write_pyslowfast,
        write_pytorchvideo,
    )

    folder = tmp_path_factory.mktemp("slowfast")
    network = plain_network(head_pool_kernel_sizes=((8, 2, 2), (32, 2, 2)))
    return SlowFastFiles(
        network,
        write_pytorchvideo(folder / "a.weights", network),
        write_pyslowfast(folder / "b.weights", network),
        write_caffe2(folder / "c.weights", network),
    )
