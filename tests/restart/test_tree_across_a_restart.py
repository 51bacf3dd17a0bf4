"""What the role says of the tree that a wrapper carries across a restart."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KEPT = {"state": "kept", "nodes": 7}


class Wrapper(socketserver.ThreadingUnixStreamServer):
    """A control socket: the tree before the restart, and what the process after it took over."""

    def __init__(self, path: str) -> None:
        super().__init__(path, Answer)
        self.after: dict[str, Any] = {}


class Answer(socketserver.StreamRequestHandler):
    """One request, one answer."""

    server: Wrapper

    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())["op"]
        result = KEPT if asked == "export_tree" else {"mode": "shadow", "tree": self.server.after}
        self.wfile.write(json.dumps({"ok": True, "result": result}).encode() + b"\n")


@pytest.fixture
def wrapper() -> Iterator[Wrapper]:
    with tempfile.TemporaryDirectory(prefix="ctl") as folder, Wrapper(f"{folder}/s") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def said(folder: Path, socket: str) -> str:
    """What the tasks around a restart print."""
    role = {"name": "coinjecture.migration.restart", "tasks_from": "tree_before"}
    after = {
        "name": "Say what became of the tree",
        "ansible.builtin.include_role": role | {"tasks_from": "tree_after"},
        "when": "restart_tree.tree is defined",
    }
    tasks = [{"name": "Have the tree written down", "ansible.builtin.include_role": role}, after]
    (folder / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    )
    given = {
        "ansible_become": False, "migration_socket": socket, "restart_reason": "a test",
        "coinjecture_unit": "x", "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    (folder / "vars.json").write_text(json.dumps(given))
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{folder}/vars.json"]
    done = subprocess.run([*command, str(folder / "play.yml")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_given_a_tree_that_was_taken_over_then_it_is_said_how_large_it_is(
    wrapper: Wrapper, tmp_path: Path
) -> None:
    wrapper.after = {"carried": {"nodes": 8}, "refused": None, "why": None}
    assert "localhost: the tree of 8 blocks is there again" in said(tmp_path, str(wrapper.server_address))


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"carried": None, "refused": "its line 3 is damaged", "why": None}, "its line 3 is damaged"),
        ({"carried": {"nodes": 3}, "refused": None, "why": None}, "no wrapper took them over"),
        ({}, "no wrapper took them over"),
    ],
    ids=["refused", "less of it", "an older wrapper"],
)
def test_given_a_tree_that_was_not_taken_over_then_it_is_said_why_and_the_play_goes_on(
    wrapper: Wrapper, tmp_path: Path, after: dict[str, Any], why: str
) -> None:
    wrapper.after = after
    told = said(tmp_path, str(wrapper.server_address))
    assert "of the 7 blocks of its tree are there again" in told
    assert why in told


def test_given_no_wrapper_before_the_restart_then_nothing_is_asked_afterwards(tmp_path: Path) -> None:
    assert "blocks" not in said(tmp_path, "/nowhere")
