"""The command: ``python -m coinjecture.replay`` with ``--captures FILE...`` or with ``CHAIN.db``.

Ends with 0 if both engines agree on everything, with 1 if they differ somewhere, with 2 if the input cannot
be used.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from coinjecture.replay import build, captures, legacy, network, parallel, report, snapshot
from coinjecture.replay.errors import BadInputError
from coinjecture.replay.progress import Progress

DEFAULT_LEGACY = Path("/opt/coinjecture/src/consensus.py")
DEFAULT_NETWORK = Path("/etc/coinjecture/node.json")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m coinjecture.replay", description=__doc__)
    add = parser.add_argument
    add("chain", nargs="?", type=Path, metavar="CHAIN.db", help="a node's database; it is only read")
    add("--captures", nargs="+", type=Path, metavar="FILE", help="divergence files to judge again")
    add("--legacy", type=Path, default=DEFAULT_LEGACY, help="the legacy engine's file (default %(default)s)")
    add(
        "--network",
        type=Path,
        default=DEFAULT_NETWORK,
        help="node.json or genesis file of the chain's network (default %(default)s)",
    )
    add("--profile", choices=("full", "header"), default="full", help="rules 1-9 (default) or 1-6")
    add("--mutants", type=int, default=10, help="mutants of each block (default %(default)s)")
    add("--seed", type=int, default=1, help="which mutants (default %(default)s)")
    add("--jobs", type=int, default=parallel.cores(), help="processes (default: one per core)")
    add(
        "--captures-dir",
        type=Path,
        default=Path("build/replay"),
        help="divergence files (default %(default)s)",
    )
    add(
        "--json",
        nargs="?",
        type=Path,
        const=Path("-"),
        metavar="FILE",
        help="one JSON object, to a file or out",
    )
    args = parser.parse_args(given)
    if (args.chain is None) == (args.captures is None):
        parser.error("name either a node's CHAIN.db or files with --captures")
    if args.mutants < 0 or args.jobs < 1:
        parser.error("--mutants must be at least 0 and --jobs at least 1")
    return args


def replay_captures(args: argparse.Namespace) -> int:
    """Judge divergence files again and say of each whether the engines agree now. Returns the exit status."""
    module = legacy.load(args.legacy)
    replayed = [captures.replay(path, module) for path in args.captures]
    diverging = sum(not one.agrees for one in replayed)
    content: dict[str, Any] = {
        "captures": [one.as_json() for one in replayed],
        "agree": len(replayed) - diverging,
        "diverge": diverging,
        "builds": build.identities(args.legacy),
    }
    sentences = "\n".join(captures.sentence(one) for one in replayed)
    out(args.json, content, f"{sentences}\n{len(replayed)} divergence files, {diverging} still diverge")
    return 1 if diverging else 0


def replay_chain(args: argparse.Namespace) -> int:
    """Compare both engines on a node's whole log and on mutants. Returns the exit status."""
    legacy.load(args.legacy)
    known, started, clock = network.read_network(args.network), time.time(), time.monotonic()
    with snapshot.snapshot(args.chain) as copy:
        blocks = snapshot.count(copy, args.chain)
        if not blocks:
            print(
                f"replay: {args.chain} has no blocks yet: nothing is compared, nothing shown", file=sys.stderr
            )
        plan = parallel.Plan(
            database=args.chain,
            copy=copy,
            legacy=args.legacy,
            network=known,
            profile=args.profile,
            mutants=args.mutants,
            seed=args.seed,
            jobs=args.jobs,
            captures=args.captures_dir,
        )
        progress = Progress(blocks)
        try:
            tally = parallel.run(plan, blocks, progress)
        finally:
            progress.end()
    content = report.summary(plan, tally, started, time.monotonic() - clock)
    out(args.json, content, report.table(content, args.captures_dir))
    return 1 if tally.diverging else 0


def out(target: Path | None, content: dict[str, Any], text: str) -> None:
    """Print the text and write the JSON to the target; with the target ``-`` print the JSON alone."""
    if target == Path("-"):
        print(json.dumps(content))
        return
    if target is not None:
        report.write(target, content)
    print(text)


def main(given: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = arguments(given)
    try:
        return replay_chain(args) if args.captures is None else replay_captures(args)
    except (BadInputError, parallel.WorkerDiedError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("replay: interrupted; nothing was changed, run it again", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
