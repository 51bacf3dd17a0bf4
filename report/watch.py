"""`python -m report.watch [-i INVENTORY ...]`: the network on one screen, drawn in place until interrupted.

The nodes are read by playbooks/status.yml as often as that goes; between two readings ages and soaks go on. A
reading that fails leaves the last screen in place, with its age and the cause; one that cannot begin, for
a wrong inventory or option, ends the watch with the reason. `--json` reads once and prints the status
alone. Other arguments are for ansible-playbook.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.screen import WIDTH, status_lines
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import (
    Paint,
    coloured,
    duration,
    plain,
)

ROOT = Path(__file__).resolve().parents[1]
KEPT = re.compile(r"^for programs: (.+)$", re.MULTILINE)  # where the play has left what it read
PAUSE = 2.0  # seconds between the end of a reading and the next
FRAME = 0.5  # seconds between two drawings
NOT_BEGUN = (1, 5)  # what ansible-playbook ends with where the command or the inventory is wrong: it stays so
SILENT = 4  # what the status play ends with where a node could not be asked: it shows the rest
ENTER, LEAVE = "\033[?1049h\033[?25l\033[?7l", "\033[?7h\033[?25h\033[?1049l"
"""Another screen without a cursor, on which a line that is too long is cut and not broken; and back."""


class ReadingError(Exception):
    """The nodes could not be read; the text has the play's last words.

    Attributes:
        exit_status: That of ansible-playbook, or 2 where it left nothing to read.
        output: All it printed.
    """

    def __init__(self, why: str, exit_status: int = 2, output: str = "") -> None:
        super().__init__(why)
        self.exit_status = exit_status
        self.output = output


def read_network(arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run the status play and return what it left where it says.

    Raises:
        ReadingError: The play failed, or left nothing new.
    """
    program = Path(sys.executable).with_name("ansible-playbook")
    begun = time.time()
    done = subprocess.run(
        [str(program), "playbooks/status.yml", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in (0, SILENT):
        raise ReadingError(_last_words(done.stdout), done.returncode, done.stdout)
    if not (told := KEPT.findall(done.stdout)):
        raise ReadingError("the play does not say where it left what it read", output=done.stdout)
    status = Path(told[-1])
    try:
        report: dict[str, Any] = json.loads(status.read_text())
    except (OSError, ValueError) as error:
        raise ReadingError(f"{status} cannot be read: {error}", output=done.stdout) from error
    if report["now"] < begun:
        raise ReadingError(f"{status} was not written by this reading", output=done.stdout)
    return report


def _last_words(output: str) -> str:
    """The line of a play's output that says what went wrong."""
    told = [line.strip() for line in output.splitlines() if line.startswith(("fatal", "ERROR", "[ERROR]"))]
    return (told or output.strip().splitlines() or ["no message"])[-1]


@dataclass
class Watch:
    """What is known of the network and how it is drawn.

    Attributes:
        read: Reads the network; raises `ReadingError`.
        clock: Seconds since the epoch.
        paint: Colours, or none.
        hopeless: The failure after which no reading can succeed, None before one.
    """

    read: Callable[[], Mapping[str, Any]]
    clock: Callable[[], float] = time.time
    paint: Paint = plain
    hopeless: ReadingError | None = field(default=None, init=False)
    _seen: Mapping[str, Any] | None = field(default=None, init=False)
    _failure: tuple[float, str] | None = field(default=None, init=False)

    def look(self) -> bool:
        """Read once; False where that failed, and what was seen before stays."""
        try:
            self._seen = self.read()
        except ReadingError as failure:
            self._failure = self.clock(), str(failure)
            if failure.exit_status in NOT_BEGUN:
                self.hopeless = failure
            return False
        self._failure = None
        return True

    def lines(self, width: int = WIDTH, height: int | None = None) -> list[str]:
        """The screen as of now, with a last line about its age, in as many columns and lines as there are."""
        now = self.clock()
        if self._seen is None:
            return ["reading the nodes ...", "", *self._trouble(now)]
        age = duration(now - self._seen["now"])
        foot = self._trouble(now) or [f"read {age} ago; Ctrl-C ends"]
        if self._failure is not None:
            foot.append(f"what is shown is {age} old")
        left = None if height is None else height - len(foot) - 1
        return [*status_lines(self._seen, self.paint, now, width, left), "", *foot]

    def _trouble(self, now: float) -> list[str]:
        """What to say of the last reading, if it failed."""
        if self._failure is None:
            return []
        at, why = self._failure
        text = f"READING FAILED {duration(now - at)} ago: {why}"
        return [self.paint("bad", text if len(text) <= WIDTH else text[: WIDTH - 3] + "...")]


def frame(lines: Sequence[str], height: int) -> str:
    """A drawing over the one before, without a flash: every line is overwritten, what is below is erased."""
    return "\033[H" + "\033[K\r\n".join(lines[: max(height - 1, 1)]) + "\033[K\033[J"


def draws(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether it is a terminal whose cursor can be moved."""
    return stream.isatty() and environment.get("TERM") != "dumb"


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to colour: on a terminal that can, and where NO_COLOR is not set."""
    return draws(stream, environment) and not environment.get("NO_COLOR")


def print_readings(watch: Watch, out: TextIO, leaving: threading.Event) -> None:
    """Print a screen for each reading until told to leave; on a terminal, no more lines than it has."""
    while not leaving.is_set():
        watch.look()
        if watch.hopeless:
            return
        room = shutil.get_terminal_size() if out.isatty() else None
        screen = watch.lines(room.columns, room.lines - 2) if room else watch.lines()
        out.write("\n".join([*screen, "", ""]))
        out.flush()
        leaving.wait(PAUSE)


def show(watch: Watch, out: TextIO, leaving: threading.Event) -> None:
    """Draw in place until told to leave."""

    def keep_reading() -> None:
        while not leaving.is_set():
            watch.look()
            if watch.hopeless:
                leaving.set()
            leaving.wait(PAUSE)

    threading.Thread(target=keep_reading, name="reader", daemon=True).start()
    out.write(ENTER)
    try:
        while not leaving.is_set():
            room = shutil.get_terminal_size()
            out.write(frame(watch.lines(room.columns, room.lines - 1), room.lines))
            out.flush()
            leaving.wait(FRAME)
    finally:
        out.write(LEAVE + "\n".join(watch.lines()) + "\n")
        out.flush()


def main(arguments: Sequence[str]) -> int:
    """Watch until interrupted, or print the status once as JSON; a reader that has gone ends it in peace."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        with Path(os.devnull).open("w") as nowhere:  # for what Python would still write at its end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return 0
    return status


def _run(arguments: Sequence[str]) -> int:
    """Watch, or print the status once as JSON."""
    if "--json" in arguments:
        try:
            report = read_network([word for word in arguments if word != "--json"])
        except ReadingError as failure:
            print(failure.output or failure, file=sys.stderr)
            return failure.exit_status
        print(json.dumps(report, indent=1))
        return 0
    leaving = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: leaving.set())
    paint = coloured if wants_colour(sys.stdout, os.environ) else plain
    watch = Watch(lambda: read_network(arguments), paint=paint)
    present = show if draws(sys.stdout, os.environ) else print_readings
    present(watch, sys.stdout, leaving)
    if watch.hopeless:
        print(f"watch: {watch.hopeless}", file=sys.stderr)
        return watch.hopeless.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
