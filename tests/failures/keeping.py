"""What a failed test leaves behind: its report, the playbooks that it typed last, and what the droplets have.

A plugin of every run of pytest in this tree, Molecule's too (conftest.py at the root). Each failed test gets
a folder in build/failed/, which is named at the end; one that is run again begins without it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from testnet.lab.gathered import gather

ROOT = Path(__file__).resolve().parents[2]
PLAYS = 6
"""So many outputs of playbooks are kept for a test that fails."""
FRESH = 60.0
"""Seconds for which what the droplets had is good for the next failure, too: one network fails many tests."""
WRITTEN = ("molecule", "rehearsal/logs", "rehearsal/summary.json", "rehearsal/run.json")
"""Below build/, what the plays of the rehearsal and of Molecule have left."""
TALLY = "TEST_TALLY"
"""The variable that names a file to which each run adds how many tests passed and failed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    where = ROOT / "build/failed"
    parser.addoption("--failed-folder", type=Path, default=where, help=f"what failed tests leave ({where})")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Keeper(config.getoption("--failed-folder")), "kept-failures")


def place(folder: Path, nodeid: str) -> Path:
    """Where a test leaves its things: a name that says which it is, and two tests never share."""
    name = re.sub(r"[^\w.-]+", "-", nodeid.replace(".py::", "-").removeprefix("tests/")).strip("-")
    return folder / (name if len(name) <= 150 else f"{name[:130]}-{sha256(nodeid.encode()).hexdigest()[:12]}")


class Keeper:
    """Listens to the plays that tests type, and keeps what is there when a test fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._plays: deque[str] = deque(maxlen=PLAYS)
        self._run: Callable[..., Any] = subprocess.run
        self._gathered: tuple[float, Path] | None = None

    def pytest_sessionstart(self) -> None:
        subprocess.run = self._listening

    def pytest_sessionfinish(self) -> None:
        subprocess.run = self._run

    def _listening(self, *args: Any, **options: Any) -> Any:
        """`subprocess.run`; what a playbook said is remembered."""
        argv = args[0] if args else options.get("args", ())
        words = [argv] if isinstance(argv, str | Path) else [str(word) for word in argv]
        if not any("ansible" in word.partition(" ")[0] or "ansible-playbook" in word for word in words):
            return self._run(*args, **options)
        began, ended = time.strftime("%H:%M:%S"), "did not end"
        done: Any = None
        try:
            done = self._run(*args, **options)
            ended = f"exit status {done.returncode}"
        except subprocess.TimeoutExpired as late:
            done, ended = late, "was stopped at its time limit"
            raise
        finally:
            said = "".join(_text(getattr(done, name, None)) for name in ("stdout", "stderr"))
            self._plays.append(f"$ {' '.join(words)}\n{said}\n[begun {began}, {ended}]\n")
        return done

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        outcome: Any = yield
        report: pytest.TestReport = outcome.get_result()
        where = place(self.folder, report.nodeid)
        if report.failed:
            self._keep(where, item, report)
        elif report.when == "setup" and where.exists():
            shutil.rmtree(where)  # of an earlier run

    def _keep(self, where: Path, item: pytest.Item, report: pytest.TestReport) -> None:
        where.mkdir(parents=True, exist_ok=True)
        parts = [report.longreprtext, *(f"--- {name}\n{text}" for name, text in report.sections)]
        (where / f"{report.when}.txt").write_text("\n".join(parts) + "\n")
        for number, said in enumerate(self._plays, start=1):
            (where / f"play-{number}.txt").write_text(said)
        if item.get_closest_marker("droplets") or "molecule" in item.path.parts:
            self._of_the_droplets(where)

    def _of_the_droplets(self, where: Path) -> None:
        if self._gathered and self._gathered[1].exists() and time.monotonic() - self._gathered[0] < FRESH:
            (where / "droplets.txt").write_text(f"as they were just before: {self._gathered[1]}\n")
            return
        gather(where)
        for name in WRITTEN:
            source = ROOT / "build" / name
            if source.is_dir():
                shutil.copytree(source, where / name, dirs_exist_ok=True)
            elif source.exists():
                (where / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, where / name)
        self._gathered = time.monotonic(), where

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        told = terminalreporter.stats
        bad = {report.nodeid: None for kind in ("failed", "error") for report in told.get(kind, [])}
        if kept := [where for nodeid in bad if (where := place(self.folder, nodeid)).exists()]:
            terminalreporter.section("what the failed tests left")
            for where in kept:
                terminalreporter.write_line(os.path.relpath(where))
        if tally := os.environ.get(TALLY):
            with Path(tally).open("a") as file:
                file.write(f"{len(told.get('passed', []))} {len(bad)}\n")


def _text(said: str | bytes | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""
