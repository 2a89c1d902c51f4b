"""Look for what is wrong with a dataset before a model is trained on it.

python scripts/doctor.py DATASET [--json FILE] [--fix OUT] [--no-media]

DATASET is a folder in the form of AVA, Kinetics, COCO or AlphAction, or one file such as a VIA
project, whoever made it. Ends with 0 where nothing breaks a reader or is misread, with 1 where
something does, and with 2 where there is no dataset. docs/doctor.md has all rules.
"""

import argparse
import sys

from avaflow.doctor.examine import examine
from avaflow.doctor.fix import write_fixed
from avaflow.doctor.report import place_of, report_json, report_text
from avaflow.errors import UserError
from avaflow.files import write_text


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="the folder, or a file")
    parser.add_argument("--json", metavar="FILE", help="write the findings for programs too")
    parser.add_argument("--fix", metavar="OUT", help="write a corrected copy into a new folder")
    parser.add_argument("--no-media", action="store_true", help="open no image and no video")
    given = parser.parse_args()
    found = examine(given.dataset, media=not given.no_media)
    print(report_text(found), end="")
    if given.json:
        write_text(given.json, report_json(found))
    if given.fix:
        left = write_fixed(given.dataset, given.fix, media=not given.no_media)
        print(f"\n{given.fix}: a corrected copy; left in it: {len(left)}")
        for finding in left:
            print(f"  {finding.code} {place_of(finding)}: {finding.what}")
    return 1 if found.serious else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"avaflow error: {error}", file=sys.stderr)
        sys.exit(2)
