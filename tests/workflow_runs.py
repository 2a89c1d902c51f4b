"""Running the real Snakemake on a project of its own in a temporary folder."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "examples" / "demo"

DEFAULT_FEATURES = yaml.safe_load((ROOT / "config.yaml").read_text())["features"]
"""To lay over the demo's own settings, which are those of its network."""


@dataclass
class Run:
    """How one Snakemake ended, and all that it said."""

    status: int
    output: str
    log: str = ""
    """Snakemake's own log of the run, with every detail; a dry run keeps none."""

    @property
    def jobs(self) -> dict[str, int]:
        """Rules to run with their numbers of jobs, from the plan; empty for nothing to do."""
        told = self.log or self.output
        table = re.search(r"Job stats:\n.*?\n-.*?\n(.*?)\ntotal", told, re.DOTALL)
        rows = table[1].splitlines() if table else []
        return {row.split()[0]: int(row.split()[1]) for row in rows}

    @property
    def nothing_to_do(self) -> bool:
        """Whether Snakemake found all outputs up to date."""
        return "Nothing to be done" in self.output


class Workspace:
    """A folder in which Snakemake runs, with the project's examples in reach."""

    def __init__(self, folder: Path, **config):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "examples").symlink_to(ROOT / "examples")
        self.config = {"clips": "clips.tsv", "annotations": "annotations", "results": "results"}
        # The demo's are made where a test asks for them: others are quicker without.
        self.config |= {"features": {"weights": ""}, "baseline": {"enabled": False}}
        self.config |= config

    def write_clips(self, *rows: str, header: str = "clip\tvideo\tstart\tend\tsplit") -> None:
        """Write the clips table."""
        (self.folder / "clips.tsv").write_text("\n".join([header, *rows]) + "\n")

    def run(
        self, *arguments: str, demo: bool = True, env: dict[str, str] | None = None, **changed
    ) -> Run:
        """Run Snakemake with the demo's config (or the defaults) and ours over it.

        `env` is added to the environment.
        """
        before = self.logs()
        process = self.start(*arguments, demo=demo, env=env, **changed)
        output, _ = process.communicate()
        log = "".join(path.read_text() for path in self.logs() - before)
        return Run(process.returncode, output, log)

    def logs(self) -> set[Path]:
        """Snakemake's logs of all runs in this folder."""
        return set((self.folder / ".snakemake" / "log").glob("*.log"))

    def start(
        self,
        *arguments: str,
        demo: bool = True,
        env: dict[str, str] | None = None,
        own_group: bool = False,
        **changed,
    ) -> subprocess.Popen:
        """As :meth:`run`, without waiting; `own_group` lets all its processes be killed at once."""
        overlay = self.folder / "overlay.yaml"
        overlay.write_text(yaml.safe_dump(merge(self.config, changed)))
        configs = ["examples/demo/config.yaml"] if demo else []
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
        command += ["--cores", "2", "--configfile", *configs, "overlay.yaml"]
        return subprocess.Popen(
            [*command, "--", *arguments]
            if not arguments or arguments[0][0] != "-"
            else [*command, *arguments],
            cwd=self.folder,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=own_group,
            preexec_fn=heed_interrupts if own_group else None,
        )

    def plan(self, *arguments: str, **changed) -> dict[str, int]:
        """The jobs of a dry run."""
        run = self.run("-n", *arguments, **changed)
        assert run.status == 0, run.output
        return run.jobs


def heed_interrupts() -> None:
    """In a new process: take Control-C as at a terminal, also where the tests run without one.

    What a shell starts in the background ignores it, and so does all that it starts itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def merge(base: dict, over: dict) -> dict:
    """`base` with `over` laid over it, mappings merged, as Snakemake merges configs."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged
