"""`start` begins an operation as a unit of its own and waits for it; `run` and `undo` are that unit's."""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys

from .guard import Guard
from .host import ThisHost
from .settings import RUN_DIR, Settings, SettingsError, parse, read
from .stages import Record, Report, Stage, State
from .undo import Undo

GUARD_UNIT = "coinjecture-restart.service"
PYTHON = "/usr/bin/python3"
EXIT_CODES = {"restarted": 0, "not touched": 3, "put back": 4, "down": 5, "undone": 6}


def start(text: str, program: str = __package__) -> int:
    """Begin the operation that these settings ask for, and wait until it is over.

    It does not need the one who waits: the unit goes on alone, and the service manager cleans up after it.

    Args:
        text: The settings, JSON.
        program: The module whose `run` is the guard.
    """
    settings = parse(text)
    RUN_DIR.mkdir(mode=0o755, exist_ok=True)
    asked = RUN_DIR / "settings.json"
    asked.touch(mode=0o600)
    asked.write_text(text, encoding="utf-8")
    return subprocess.run(unit_argv(settings, program), stdin=subprocess.DEVNULL, check=False).returncode


def unit_argv(settings: Settings, program: str) -> list[str]:
    """The command that runs the guard as a transient unit with the undo behind it."""
    properties = {
        "Description": f"Restart of {settings.unit}: {settings.reason or 'no reason given'}",
        "Type": "exec",
        "RuntimeDirectory": RUN_DIR.name,
        "Environment": f"PYTHONPATH={RUN_DIR}",
        # Named by the interpreter: a program without its x bit would be a dead-man that never runs.
        "ExecStopPost": f"{PYTHON} -B -m {__package__} undo",
        "RuntimeMaxSec": f"{settings.longest:.0f}",
        # Both count for the undo: it may have to wait for the service twice.
        "TimeoutStopSec": f"{2 * settings.start_limit + 60:.0f}",
        "OOMScoreAdjust": "-900",
        "UMask": "0077",
    }
    options = [f"--property={name}={value}" for name, value in properties.items()]
    return [
        *["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={GUARD_UNIT}", *options],
        *[PYTHON, "-B", "-m", program, "run"],
    ]


def new_record(settings_text: str) -> Record:
    """The record of an operation that begins now."""
    return Record(State(secrets.token_hex(3), Stage.CHECKING, settings_text))


def run(guard: type[Guard] = Guard) -> int:
    """Carry out the operation whose settings lie in the run directory."""
    settings = read()
    record = new_record((RUN_DIR / "settings.json").read_text(encoding="utf-8"))
    return out(guard(ThisHost(), settings, record).run())


def undo() -> int:
    """Bring the node to rest after a guard; the record has the settings that it was asked with."""
    record = Record.read()
    if record is None:
        return 0
    report = Undo(ThisHost(), parse(record.state.settings), record).run()
    return 0 if report is None else out(report)


def out(report: Report) -> int:
    """Print the report for whoever still waits for it; its exit status."""
    try:
        print(report.line(), flush=True)
    except OSError:
        pass  # whoever waited is gone; the operation is not
    return EXIT_CODES[report.outcome]


def main() -> int:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(prog=__package__, description=__doc__)
    parser.add_argument("command", choices=["start", "run", "undo"])
    command = parser.parse_args().command
    try:
        if command == "start":
            return start(sys.stdin.read())
        return run() if command == "run" else undo()
    except SettingsError as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
