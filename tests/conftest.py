"""What several test modules use, made once."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright import sync_api as playwright

from workflow_runs import DEMO, Workspace

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


@pytest.fixture(scope="session")
def followed_demo(tmp_path_factory):
    """A function that begins a workspace with the demo's clips, detections, vectors and tracks.

    They are made once for all processes of a test run, by the real workflow, and copied. What a
    workspace has by other settings is stale there, and made anew.
    """
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent

    def begin(workspace: Workspace) -> None:
        frames = workspace.config.get("rawframes", {}).get("enabled", True)
        made = folder / f"followed_demo_{'with' if frames else 'without'}_frames"
        with open(f"{made}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (made / "results").exists():
                shutil.rmtree(made, ignore_errors=True)
                source = Workspace(made, rawframes={"enabled": frames}, exports=[])
                source.config["results"] = "making"
                shutil.copy(DEMO / "clips.tsv", made / "clips.tsv")
                run = source.run("tracks", "keyframes", "duplicates")
                assert run.status == 0, run.output
                (made / "making").rename(made / "results")
        shutil.copy(DEMO / "clips.tsv", workspace.folder / "clips.tsv")
        left = shutil.ignore_patterns("logs", "benchmarks")
        shutil.copytree(made / "results", workspace.folder / "results", symlinks=True, ignore=left)

    return begin


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
