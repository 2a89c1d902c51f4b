"""Running one script as Snakemake does, without Snakemake."""

import runpy
import types
from pathlib import Path

from workflow_runs import ROOT

SCRIPTS = ROOT / "scripts"


class Given(list):
    """A named list with attributes, like a script's snakemake.input."""

    def __init__(self, **named):
        flat = (each if isinstance(each, list) else [each] for each in named.values())
        super().__init__(each for own in flat for each in own)
        self.__dict__.update(named)

    def get(self, name, default=None):
        return self.__dict__.get(name, default)

    def items(self):
        return self.__dict__.items()


def snakemake_of(
    name: str,
    results: str | Path,
    log: str | Path,
    input: dict | None = None,
    output: dict | None = None,
    params: dict | None = None,
    threads: int = 1,
    config: dict | None = None,
) -> types.SimpleNamespace:
    """The object `snakemake` of a job whose rule is called as its script."""
    return types.SimpleNamespace(
        rule=name,
        config={"results": str(results), **(config or {})},
        input=Given(**(input or {})),
        output=Given(**(output or {})),
        params=Given(**(params or {})),
        log=[str(log)],
        threads=threads,
    )


def run_script(name: str, results: str | Path, log: str | Path, **given) -> None:
    """Run `scripts/{name}.py`, given as for :func:`snakemake_of`; a mistake ends it: SystemExit."""
    snakemake = snakemake_of(name, results, log, **given)
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})
