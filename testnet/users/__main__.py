"""`python -m users run` uses the nodes until it is told to stop; `report` counts what came of it, as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from .clients import DIALECTS, Node, User, habits
from .ledger import Ledger, Restart, read_entries, report

CONFIG = Path("/etc/coinjecture-users.json")
LEDGER = Path("/var/lib/coinjecture-users/ledger.jsonl")


def read_nodes(config: Path) -> list[Node]:
    """The nodes of a configuration: `{"port": ..., "nodes": {name: address}, "dialect": one of DIALECTS}`."""
    settings = json.loads(config.read_text(encoding="utf-8"))
    dialect = DIALECTS[settings.get("dialect", "reference")]
    return [Node(name, address, settings["port"], dialect) for name, address in settings["nodes"].items()]


async def run(nodes: list[Node], ledger: Ledger) -> None:
    """Let all users use all nodes until SIGTERM or SIGINT; every request begun is ended and recorded."""
    leaving = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leaving.set)
    flusher = asyncio.create_task(ledger.keep_flushed())
    async with asyncio.TaskGroup() as group:
        for node in nodes:
            for habit in habits(node.dialect):
                for _ in range(habit.users):
                    group.create_task(User(node, habit, ledger.record).use(leaving))
    flusher.cancel()
    ledger.close()


def main(argv: list[str] | None = None) -> int:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m users", description=__doc__)
    parser.add_argument("--ledger", type=Path, default=LEDGER, help=f"default: {LEDGER}")
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="use the nodes until stopped")
    runner.add_argument("--config", type=Path, default=CONFIG, help=f"default: {CONFIG}")
    counter = commands.add_parser("report", help="count the ledger, as JSON")
    counter.add_argument(
        "--restart",
        type=Restart.parse,
        action="append",
        default=[],
        help="node:stopped:started, counted apart",
    )
    options = parser.parse_args(argv)
    if options.command == "run":
        asyncio.run(run(read_nodes(options.config), Ledger(options.ledger)))
    else:
        entries = list(read_entries(options.ledger))
        json.dump(report(entries, [restart.window(entries) for restart in options.restart]), sys.stdout)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
