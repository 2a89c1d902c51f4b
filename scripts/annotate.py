"""Serve the annotating page to the browser of this machine, and save what is annotated.

python scripts/annotate.py [--configfile mine.yaml ...] [--port N] [--annotators NAME,NAME]

opens the list of clips; every change is saved into the annotations folder at once. With
--annotators each of them gets an address of its own, and files of its own: {clip}.{name}.json.
"""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from avaflow.annotation.page.annotators import annotators_of
from avaflow.annotation.page.saves import check_folder
from avaflow.errors import UserError
from avaflow.project.config import check_config, load_configs
from avaflow.project.settings import load_settings

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "config.schema.yaml"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="*", default=[], help="configs over config.yaml")
    parser.add_argument("--port", help="another port than the usual one; 0: any free one")
    parser.add_argument("--annotators", default="", help="names with commas between them")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    given = parser.parse_args()
    # Late: `--help` and wrong arguments need no server.
    from avaflow.annotation.page import server

    port = server.DEFAULT_PORT if given.port is None else server.port_of(given.port)
    seats = server.seats_of(annotators_of(given.annotators))
    config = load_configs([SCHEMA.parents[1] / "config.yaml", *given.configfile])
    check_config(config, load_settings(SCHEMA))
    server.check_pages(config["results"])
    check_folder(config["annotations"])
    largest = int(config["via"]["max_project_mb"] * 1_000_000)
    pages = server.Pages(config["results"], config["annotations"], seats, largest)

    def ready(addresses):
        for seat, address in zip(seats, addresses, strict=True):
            print(f"{seat.annotator + ': ' if seat.annotator else ''}{address}", flush=True)
        print(f"Saving into {config['annotations']}. Ctrl-C ends this.", flush=True)
        # Which of several annotators sits here, nobody knows; without a screen a browser in the
        # terminal would take its place.
        screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
        if len(addresses) == 1 and screen and not given.no_browser:
            webbrowser.open(addresses[0])

    server.serve(pages, server.listening(port), ready)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"avaflow error: {error}")
    except KeyboardInterrupt:
        print("\nStopped. What was saved stays.", file=sys.stderr)
