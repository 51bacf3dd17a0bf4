"""The command: ``python -m coinjecture.replay`` with ``--captures FILE...`` or with ``CHAIN.db``.

Ends with 0 if both engines agree on everything, with 1 if they differ somewhere, with 2 if the input cannot
be used.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from coinjecture.replay import build, captures, legacy
from coinjecture.replay.errors import BadInput

DEFAULT_LEGACY = Path("/opt/coinjecture/src/consensus.py")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m coinjecture.replay", description=__doc__)
    parser.add_argument(
        "--captures", nargs="+", type=Path, metavar="FILE", help="divergence files to judge again"
    )
    parser.add_argument(
        "--legacy", type=Path, default=DEFAULT_LEGACY, help="the legacy engine's file (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    return parser.parse_args(given)


def replay_captures(args: argparse.Namespace) -> int:
    """Judge divergence files again and say of each whether the engines agree now. Returns the exit status."""
    module = legacy.load(args.legacy)
    replayed = [captures.replay(path, module) for path in args.captures]
    diverging = sum(not one.agrees for one in replayed)
    if args.json:
        content: dict[str, Any] = {
            "captures": [one.as_json() for one in replayed],
            "agree": len(replayed) - diverging,
            "diverge": diverging,
            "builds": build.identities(args.legacy),
        }
        print(json.dumps(content))
    else:
        for one in replayed:
            print(captures.sentence(one))
        print(f"{len(replayed)} divergence files, {diverging} still diverge")
    return 1 if diverging else 0


def main(given: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = arguments(given)
    try:
        return replay_captures(args)
    except BadInput as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
