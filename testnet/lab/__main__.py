"""`python -m testnet.lab up|down|status|gather`: the local test network on its legacy engine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from testnet.lab import gathered, network
from testnet.lab.access import access_lines
from testnet.lab.variants import VARIANTS
from testnet.machine.command import CommandError, RefusalError


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 if what was asked for is so at the end, 2 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m testnet.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the network up, or what is missing of it, and leave it")
    up.add_argument("--node", choices=VARIANTS, help="what it is made of; default: as it is, else reference")
    down = commands.add_parser("down", help="remove the network; the image and fetched packages stay")
    down.add_argument("--purge", action="store_true", help="remove the image and fetched packages too")
    commands.add_parser("status", help="say what is there; 0 only if the network runs and the nodes agree")
    gather = commands.add_parser(
        "gather", help="copy logs, evidence and journals of its droplets into a folder"
    )
    gather.add_argument("folder", type=Path)
    options = parser.parse_args(argv)
    try:
        if options.command == "up":
            made = network.up(VARIANTS[options.node] if options.node else None)
            print("\n".join(["", *access_lines(made)]))
        elif options.command == "down":
            network.down(purge=options.purge)
        elif options.command == "gather":
            print(f"{options.folder}: {', '.join(gathered.gather(options.folder)) or 'no droplet runs'}")
        else:
            return 0 if network.status() else 2
    except (RefusalError, CommandError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
