"""The benchmark of the plays: what a run becomes in the file, its timeline, a connection with a delay."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench import plays, report
from report.schemas import validator
from testnet.lab.plan import ROOT

TASKS = [(0.9, "first"), (1.5, "second"), (2.0, "")]


def test_given_runs_then_the_row_has_the_median_and_the_timeline_of_the_run_in_the_middle(
    tmp_path: Path,
) -> None:
    runs = [
        plays.Measured(took, [(at + took, name) for at, name in TASKS], 6, took / 2)
        for took in (3.0, 2.0, 7.0)
    ]
    row = plays.row(plays.Play("rollback", [], "final", True), 50.0, runs)
    assert (row["median_s"], row["least_s"], row["most_s"], row["in_force_s"]) == (3.0, 2.0, 7.0, 1.5)
    assert row["timeline"] == [
        {"task": "before the first task", "s": 3.9},
        {"task": "first", "s": 0.6},
        {"task": "second", "s": 0.5},
    ]
    assert (row["tasks"], row["round_trips"]) == (2, 6)
    report.write(
        tmp_path / "out.json",
        {"machine": report.machine(), "work": plays.WORK, "results": [row], "took_s": 1.0},
    )
    validator("bench-plays").validate(json.loads((tmp_path / "out.json").read_text()))


def test_given_a_play_without_tasks_then_its_row_is_valid(tmp_path: Path) -> None:
    (empty,) = (play for play in plays.plays(tmp_path) if play.name == "empty")
    row = plays.row(empty, 0.0, [plays.Measured(1.0, [(0.9, "")], 0, None)])
    content = {"machine": report.machine(), "work": plays.WORK, "results": [row], "took_s": 1.0}
    validator("bench-plays").validate(content)
    assert row["tasks"] == 0


def test_given_a_playbook_then_the_callback_notes_when_its_tasks_begin(tmp_path: Path) -> None:
    book = tmp_path / "book.yml"
    tasks = "[{name: one, ansible.builtin.debug: {msg: x}}, {name: two, ansible.builtin.debug: {msg: x}}]"
    book.write_text(f"- {{hosts: localhost, gather_facts: false, tasks: {tasks}}}\n")
    began = time.time()
    environment = os.environ | {
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "bench/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "timeline",
        "TIMELINE": str(tmp_path / "timeline.json"),
        "TIMELINE_FROM": repr(began),
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    subprocess.run(
        [program, "-i", "localhost,", "-c", "local", str(book)],
        cwd=tmp_path, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    noted = json.loads((tmp_path / "timeline.json").read_text())
    assert [name for _, name in noted] == ["one", "two", ""]
    assert [at for at, _ in noted] == sorted(at for at, _ in noted)


class Echo(socketserver.StreamRequestHandler):
    """Says back what it hears, once."""

    def handle(self) -> None:
        """Answer one line."""
        self.wfile.write(self.rfile.readline())


@pytest.mark.parametrize("delay_ms", [0, 300])
def test_given_a_delay_then_an_answer_takes_at_least_so_much_longer(delay_ms: int) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        host, port = server.server_address
        line = subprocess.Popen(
            [sys.executable, "-m", "bench.delay", str(host), str(port), str(delay_ms)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert line.stdin and line.stdout
        asked = time.monotonic()
        line.stdin.write(b"hello\n")
        line.stdin.flush()
        assert line.stdout.readline() == b"hello\n"
        assert time.monotonic() - asked >= delay_ms / 1000
        line.stdin.close()
        line.wait()
