"""`python -m testnet.image`: make the droplet image if the present recipe has none, and print its tag."""

from __future__ import annotations

import argparse
import sys

from testnet.image.build import ensure_image, remove_images
from testnet.image.recipe import read_recipe
from testnet.machine.command import CommandError, RefusalError
from testnet.machine.docker import require_docker


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if the image is there at the end (or gone, for `--remove`), 2 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m testnet.image", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--tag", action="store_true", help="print the tag and make nothing")
    choice.add_argument("--remove", action="store_true", help="remove every droplet image and its wheels")
    options = parser.parse_args(argv)
    if options.tag:
        print(read_recipe().tag)
        return 0
    try:
        docker = require_docker()
        if options.remove:
            remove_images(docker)
        else:
            print(ensure_image(docker))
    except (RefusalError, CommandError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
