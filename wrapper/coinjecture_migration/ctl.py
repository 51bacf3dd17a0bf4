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
import contextlib
import errno
import json
import os
import pwd
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a file: the package lies one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coinjecture_migration.modes.mode_file import ModeRecord, write_mode_file
from coinjecture_migration.runtime.visible import visible
from coinjecture_migration.settings import SettingsError, load_settings
from coinjecture_migration.vocabulary import MODES

POLL_S = 0.2
ANSWER_TIMEOUT_S = 60.0


class Refused(RuntimeError):
    """The node said no, or did not answer; the message says what to do next."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request and return its result.

    Raises:
        Refused: The node refused, or nothing answers at the socket.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(str(path))
            with contextlib.suppress(BrokenPipeError):  # it refuses strangers before they have asked
                connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline() or b"null")
    except (OSError, ValueError) as error:
        raise Refused(
            "unreachable",
            f"{path}: no answer ({error}); is the unit running, and are you root?",
        ) from error
    if not isinstance(answer, dict):
        raise Refused("unreachable", f"{path}: the connection was closed without an answer; try again")
    if not answer.get("ok"):
        refusal = answer.get("error", {})
        raise Refused(str(refusal.get("code")), f"{refusal.get('message')}; {refusal.get('next')}")
    result = answer["result"]
    assert isinstance(result, dict)
    return result


def set_mode(
    path: Path, mode: str, who: str, why: str, if_mode: str | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Prepare where needed, show progress, commit.

    Raises:
        Refused: As `ask`; also where the preparation failed.
    """
    request = {"op": "set_mode", "mode": mode, "who": who, "why": why, "if_mode": if_mode}
    try:
        return ask(path, request)
    except Refused as refusal:
        if refusal.code != "not_prepared":
            raise
    ask(path, {"op": "prepare", "mode": mode, "who": who})
    while (state := ask(path, {"op": "status"})["prepare"]) and state["state"] == "running":
        tell(f"preparing {mode}: {state['done']} of {state['total']} blocks")
        time.sleep(POLL_S)
    if state and state["state"] == "failed":
        raise Refused("prepare_failed", f"prepare {mode} failed, nothing has changed: {state['error']}")
    return ask(path, request)


def write_mode(path: Path, mode_file: Path, mode: str, who: str, why: str) -> dict[str, Any]:
    """Write the mode file of a stopped node, with the rights of the node's user alone.

    Raises:
        Refused: The node is running (then `set-mode` is the way) or the file cannot be written.
    """
    try:
        ask(path, {"op": "status"})
    except Refused as refusal:
        if refusal.code != "unreachable":
            raise
    else:
        raise Refused("running", "the node is running; use set-mode, or stop the unit first")
    try:
        record = ModeRecord(mode, time.time(), who, why, while_stopped=True)
        _as_owner_of(mode_file.parent, lambda: write_mode_file(mode_file, record))
    except OSError as error:
        raise Refused("disk", f"{mode_file}: {error}; make room or become root, then try again") from error
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
        if options.command == "status":
            result = ask(path, {"op": "status"})
        elif options.command == "prepare":
            result = ask(path, {"op": "prepare", "mode": options.mode, "who": who})
        elif options.command == "set-mode":
            result = set_mode(path, options.mode, who, options.why, options.if_mode, _tell)
        elif options.command == "ack":
            result = ask(path, {"op": "ack", "who": who, "why": options.why})
        else:
            result = write_mode(path, settings.mode_file, options.mode, who, options.why)
    except (Refused, SettingsError) as error:
        print(f"ctl: {visible(str(error))}", file=sys.stderr)
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
