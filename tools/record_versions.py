"""Record at which code each script's outputs have their version; raise versions by name.

    python tools/record_versions.py [SCRIPT ...]

Run it after a change of code. Name the scripts whose outputs come out different: their
versions are raised, and users' outputs are made anew. Of all others it is taken that they
write the same bytes as before, and nobody's are.
"""

import json
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from avaflow.workflow.fingerprint import VERSIONS_FILE, fingerprint, read_versions  # noqa: E402


def record(raised: list[str]) -> None:
    """Write the versions file; ends the program where a name is no script."""
    recorded = read_versions(SCRIPTS)
    paths = sorted(SCRIPTS.glob("*.py"))
    unknown = set(raised) - {path.stem for path in paths}
    if unknown:
        raise SystemExit(f"no script is called {', '.join(sorted(unknown))}")
    entries = {}
    for path in paths:
        known = recorded.get(path.stem, {"version": 0 if path.stem in raised else 1, "code": ""})
        version = known["version"] + (path.stem in raised)
        code = fingerprint(path)
        entries[path.stem] = {"version": version, "code": code}
        if code != known["code"]:
            print(f"{path.stem}: version {version}, code {code}")
    text = json.dumps(entries, indent=1) + "\n"
    (SCRIPTS / VERSIONS_FILE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    record(sys.argv[1:])
