#!/usr/bin/env python3
"""Speak to the control socket of a node, as root on that node.

ctl.py status
ctl.py prepare shadow
ctl.py set-mode legacy --why "..." [--if-mode rust]     prepares first where that is needed
ctl.py ack --why "..."
ctl.py write-mode-file legacy --why "..."               only while the unit is stopped
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import pwd
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a file: the package lies one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coinjecture_migration.control_client import ControlClient, ControlError
from coinjecture_migration.modes.mode_file import ModeRecord, write_mode_file
from coinjecture_migration.runtime.visible import visible
from coinjecture_migration.settings import SettingsError, load_settings
from coinjecture_migration.vocabulary import MODES

POLL_S = 0.2
ANSWER_TIMEOUT_S = 60.0
UNREACHED = ("unreachable", "denied", "timeout", "broken", "closed")
"""The codes of a socket at which nobody has said yes or no."""


def client(path: Path) -> ControlClient:
    """Who speaks to the control socket; a person waits longer than a play."""
    return ControlClient(str(path), ANSWER_TIMEOUT_S)


def set_mode(
    node: ControlClient, mode: str, who: str, why: str, if_mode: str | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Prepare where needed, show progress, commit.

    Raises:
        ControlError: The node said no or did not answer, or the preparation failed.
    """
    try:
        return node.set_mode(mode, who, why, if_mode)
    except ControlError as refusal:
        if refusal.code != "not_prepared":
            raise
    node.prepare(mode, who)
    while (state := node.status()["prepare"]) and state["state"] == "running":
        tell(f"preparing {mode}: {state['done']} of {state['total']} blocks")
        time.sleep(POLL_S)
    if state and state["state"] == "failed":
        raise ControlError("prepare_failed", f"prepare {mode} failed, nothing has changed", state["error"])
    return node.set_mode(mode, who, why, if_mode)


def write_mode(path: Path, mode_file: Path, mode: str, who: str, why: str) -> dict[str, Any]:
    """Write the mode file of a stopped node, with the rights of the node's user alone.

    Raises:
        ControlError: The node is running (then `set-mode` is the way) or the file cannot be written.
    """
    try:
        client(path).request({"op": "status"})
    except ControlError as refusal:
        if refusal.code != "unreachable":
            raise
    else:
        raise ControlError("running", "the node is running", "use set-mode, or stop the unit first")
    try:
        record = ModeRecord(mode, time.time(), who, why, while_stopped=True)
        _as_owner_of(mode_file.parent, lambda: write_mode_file(mode_file, record))
    except OSError as error:
        raise ControlError(
            "disk", f"{mode_file}: {error}", "make room or become root, then try again"
        ) from error
    return {"mode": mode, "written": str(mode_file)}


def _as_owner_of(folder: Path, action: Callable[[], None]) -> None:
    """Do something in a folder with its owner's rights: root does not write where another may lay a link.

    Raises:
        OSError: What the action raised.
    """
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        action()
        return
    child = os.fork()
    if child == 0:
        status = errno.EIO
        try:
            os.setgroups([])
            os.setresgid(owner.st_gid, owner.st_gid, owner.st_gid)
            os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)
            action()
            status = 0
        except OSError as error:
            status = error.errno or errno.EIO
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        refused = status if status > 0 else errno.EIO
        raise OSError(refused, os.strerror(refused))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; prints the result as JSON. Returns 0 only if what was asked for happened."""
    options = _parser().parse_args(arguments)
    who = options.who or pwd.getpwuid(os.getuid()).pw_name
    try:
        settings = load_settings()
        path = options.socket or settings.control_socket
        node = client(path)
        if options.command == "status":
            result = node.request({"op": "status"})  # whatever it says: a person looks at it
        elif options.command == "prepare":
            result = node.prepare(options.mode, who)
        elif options.command == "set-mode":
            result = set_mode(node, options.mode, who, options.why, options.if_mode, _tell)
        elif options.command == "ack":
            result = node.ack(who, options.why)
        elif options.command == "export-tree":
            result = node.export_tree()
        else:
            result = write_mode(path, settings.mode_file, options.mode, who, options.why)
    except (ControlError, SettingsError) as error:
        unreached = isinstance(error, ControlError) and error.code in UNREACHED
        print(f"ctl: {'no answer: ' if unreached else ''}{visible(str(error))}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=1).replace("\x7f", "\\u007f"))  # of all that steers, JSON leaves DEL
    return 0


def _tell(line: str) -> None:
    print(visible(line), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ctl.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--socket", type=Path, help="control socket (default: from the wrapper's settings)")
    parser.add_argument("--who", help="who asks (default: the user running this)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="mode, engines, evidence")
    for name in ("prepare", "set-mode", "write-mode-file"):
        command = commands.add_parser(name)
        command.add_argument("mode", choices=MODES)
        if name != "prepare":
            command.add_argument("--why", required=True)
        if name == "set-mode":
            command.add_argument("--if-mode", choices=MODES, help="only if this is the mode in force")
    commands.add_parser("ack", help="take the latch off").add_argument("--why", required=True)
    commands.add_parser("export-tree", help="bring the tree to the disk, where the wrapper keeps one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
