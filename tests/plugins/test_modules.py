"""Modules as Ansible runs them: check mode, what they do, and that a second time changes nothing."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections.coinjecture.migration.plugins"
LINE = "    from {}consensus import ConsensusEngine\n"
PAIR = f"try:\n{LINE.format('.')}except ImportError:\n{LINE.format('')}"


ALONE = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module(sys.argv[1], run_name="__main__")
"""


def run(module: str, *flags: str, **arguments: Any) -> dict[str, Any]:
    """Run one module on this machine and return its result.

    By Ansible where an action of that name has a part in it; else the module alone, which is far cheaper.
    """
    if (ROOT / f"plugins/action/{module}.py").exists():
        return run_by_ansible(module, *flags, **arguments)
    given = {"_ansible_check_mode": "--check" in flags, "_ansible_diff": "--diff" in flags}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, f"{PLUGINS}.modules.{module}"],
        cwd=ROOT, input=json.dumps(arguments | given), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return {"changed": False, **json.loads(done.stdout)}


def run_by_ansible(module: str, *flags: str, **arguments: Any) -> dict[str, Any]:
    """The same by the command ``ansible``."""
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", "localhost,", "-c", "local"]
    done = subprocess.run(
        [*command, "-m", f"coinjecture.migration.{module}", "-a", json.dumps(arguments), *flags],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])["plays"][0]["tasks"][0][
        "hosts"
    ]["localhost"]
    return answer


@pytest.fixture
def node_py(tmp_path: Path) -> Path:
    """A node.py that was never edited, and a folder for its backup."""
    (tmp_path / "backups").mkdir()
    (tmp_path / "node.py").write_text(PAIR)
    return tmp_path / "node.py"


def where(*entries: Path) -> dict[str, Any]:
    """Arguments of ``node_import`` for these files, in whose folder the legacy engine lies too."""
    folder = entries[0].parent
    return {
        "src": str(folder),
        "entries": [str(path) for path in entries],
        "backups": str(folder / "backups"),
    }


@pytest.mark.parametrize("way", [run, run_by_ansible])
def test_given_check_mode_then_the_edit_of_node_py_is_shown_and_not_made(
    node_py: Path, way: Callable[..., dict[str, Any]]
) -> None:
    said = way("node_import", "--check", "--diff", **where(node_py))
    assert said["changed"] is True
    assert "consensus_wrapper" in said["diff"][0]["after"]
    assert node_py.read_text() == PAIR
    assert list((node_py.parent / "backups").iterdir()) == []


def test_given_the_edit_then_a_second_one_changes_nothing_and_it_can_be_taken_back(node_py: Path) -> None:
    arguments = where(node_py)
    first = run("node_import", **arguments)
    assert first["changed"] is True
    assert Path(first["backups"][0]).read_text() == PAIR
    assert run("node_import", **arguments)["changed"] is False
    assert run("node_import", state="legacy", **arguments)["changed"] is True
    assert node_py.read_text() == PAIR


def test_given_a_node_py_of_another_shape_then_it_is_refused_and_untouched(node_py: Path) -> None:
    node_py.write_text("import consensus\n")
    said = run("node_import", **where(node_py))
    assert said["failed"] is True
    assert "nothing there takes ConsensusEngine from it" in said["msg"]
    assert node_py.read_text() == "import consensus\n"


class Wrapper(socketserver.ThreadingUnixStreamServer):
    """A wrapper's control socket that knows one mode and remembers what it was asked."""

    def __init__(self, path: str) -> None:
        super().__init__(path, Answer)
        self.mode = "shadow"
        self.prepare: dict[str, Any] | None = None
        self.looks = 2  # that a prepare takes
        self.asked: list[str] = []
        self.unacknowledged: list[dict[str, str]] = []


class Answer(socketserver.StreamRequestHandler):
    """One request, one answer."""

    server: Wrapper

    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        self.server.asked.append(request["op"])
        if request["op"] == "prepare":
            state = "failed" if request["mode"] == "final" else "running"
            self.server.prepare = {
                "target": request["mode"],
                "state": state,
                "done": 0,
                "total": 2,
                "error": "no wheel",
            }
        elif request["op"] == "status" and self.server.prepare and self.server.prepare["state"] == "running":
            self.server.prepare["done"] += 1
            self.server.prepare["state"] = (
                "ready" if self.server.prepare["done"] >= self.server.looks else "running"
            )
        elif request["op"] == "set_mode":
            self.server.mode = request["mode"]
        elif request["op"] == "ack":
            self.server.unacknowledged = []
        result = {"mode": self.server.mode, "prepare": self.server.prepare, "latched": None}
        result["unacknowledged"] = self.server.unacknowledged
        if request["op"] == "export_tree":
            result = {"state": "kept", "nodes": 7}
        self.wfile.write(json.dumps({"ok": True, "result": result}).encode() + b"\n")


@pytest.fixture
def wrapper(tmp_path: Path) -> Iterator[Wrapper]:
    """A wrapper in shadow."""
    with Wrapper(str(tmp_path / "control.sock")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def control(wrapper: Wrapper, *flags: str, **arguments: Any) -> dict[str, Any]:
    """Ask the wrapper through the module."""
    return run("consensus_control", *flags, socket=wrapper.server_address, who="ops", **arguments)


def test_given_check_mode_then_the_mode_is_predicted_and_not_set(wrapper: Wrapper) -> None:
    said = control(wrapper, "--check", op="set_mode", mode="rust", why="phase 2", if_mode="shadow")
    assert (said["changed"], said["before"], said["after"]) == (True, "shadow", "rust")
    assert wrapper.asked == ["status"]


def test_given_a_mode_change_then_a_second_one_changes_nothing(wrapper: Wrapper) -> None:
    arguments = {"op": "set_mode", "mode": "rust", "why": "phase 2", "if_mode": "shadow"}
    assert control(wrapper, **arguments)["changed"] is True
    assert wrapper.mode == "rust"
    assert control(wrapper, **arguments)["changed"] is False


def test_given_a_node_in_another_mode_then_the_change_is_refused(wrapper: Wrapper) -> None:
    said = control(wrapper, op="set_mode", mode="final", why="phase 3", if_mode="rust")
    assert said["failed"] is True
    assert "the node is in shadow, expected rust" in said["msg"]
    assert wrapper.mode == "shadow"


def test_given_a_tree_that_is_asked_for_then_what_is_kept_of_it_is_told(wrapper: Wrapper) -> None:
    said = control(wrapper, op="export_tree")
    assert (said["changed"], said["tree"]) == (False, {"state": "kept", "nodes": 7})
    assert control(wrapper, "--check", op="export_tree")["status"]["mode"] == "shadow"
    assert wrapper.asked == ["export_tree", "status"]


def test_given_a_prepare_then_it_is_waited_for(wrapper: Wrapper) -> None:
    said = control(wrapper, op="prepare", mode="rust")
    assert said["status"]["prepare"]["state"] == "ready"
    assert wrapper.asked == ["prepare", "status", "status"]


def test_given_a_prepare_that_outlasts_a_call_then_it_is_asked_for_again(wrapper: Wrapper) -> None:
    wrapper.looks = 60
    said = control(wrapper, op="prepare", mode="rust")
    assert said["status"]["prepare"]["state"] == "ready"
    assert wrapper.asked.count("prepare") == 1


def test_given_a_prepare_that_fails_then_its_reason_is_told(wrapper: Wrapper) -> None:
    said = control(wrapper, op="prepare", mode="final")
    assert said["failed"] is True
    assert "cannot prepare final: no wheel" in said["msg"]


def test_given_a_fork_that_a_watcher_latched_then_it_is_acknowledged_though_the_mode_is_not_latched(
    wrapper: Wrapper,
) -> None:
    fork = {"kind": "fork", "why": "another block at height 20"}
    wrapper.unacknowledged = [fork]
    predicted = control(wrapper, "--check", op="ack", why="the other node was rebuilt")
    assert (predicted["changed"], wrapper.asked) == (True, ["status"])
    done = control(wrapper, op="ack", why="the other node was rebuilt")
    assert (done["changed"], done["acknowledged"]) == (True, [fork])
    assert control(wrapper, op="ack", why="again")["changed"] is False


def folders(tmp_path: Path) -> dict[str, str]:
    """Where root writes, and where it did before."""
    return {"folder": str(tmp_path / "operator"), "old": str(tmp_path / "state")}


def test_given_a_record_then_the_controller_has_a_copy_of_the_whole_journal(tmp_path: Path) -> None:
    journal, copy = tmp_path / "operator" / "journal.jsonl", tmp_path / "build" / "journal" / "node1.jsonl"
    here = {"kept": str(tmp_path / "build"), "node": "node1"}
    entry = {"who": "ops", "why": "phase 1", "what": "step done", "node": "node1", "to": "shadow"}
    arguments = {"state": "appended", "entry": entry, **here, **folders(tmp_path)}
    predicted = run("step_journal", "--check", **arguments)
    assert (predicted["changed"], copy.exists()) == (True, False)
    for count in (1, 2):
        said = run("step_journal", **arguments)
        assert said["changed"] is True
        assert "content" not in said, "a whole journal is not for the screen"
        assert copy.read_bytes() == journal.read_bytes()
        assert len(copy.read_text().splitlines()) == count


def test_given_check_mode_then_what_would_go_is_shown_and_stays(tmp_path: Path) -> None:
    state, drop_ins = tmp_path / "state", tmp_path / "node.service.d"
    for path in (state / "mode.json", state / "operation.json", drop_ins / "50-migration.conf"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    arguments = {
        "paths": [str(state), str(drop_ins / "50-migration.conf")],
        "keep": [str(state / "operation.json")],
        "if_empty": [str(drop_ins)],
    }
    said = run("paths_absent", "--check", "--diff", **arguments)
    assert said["gone"] == [str(state / "mode.json"), str(drop_ins / "50-migration.conf"), str(drop_ins)]
    assert (state / "mode.json").exists() and (drop_ins / "50-migration.conf").exists()
    assert run("paths_absent", **arguments)["changed"] is True
    assert [path.name for path in tmp_path.rglob("*")] == ["state", "operation.json"]
    assert run("paths_absent", **arguments)["changed"] is False


def test_given_an_operation_then_check_mode_opens_none_and_the_second_time_changes_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "operator" / "operation.json"
    begun = {"schema": 1, "kind": "rollback", "origin": "final", "target": "rust", "mode": "final"}
    begun |= {"since": 1.5, "by": "ann@laptop", "why": "a test"}
    arguments = {"state": "open", "operation": begun, **folders(tmp_path)}
    said = run("pending_operation", "--check", "--diff", **arguments)
    assert said["changed"] is True and not path.exists()
    assert said["diff"]["before"] == "no open operation\n"
    assert [run("pending_operation", **arguments)["changed"] for _ in range(2)] == [True, False]
    assert json.loads(path.read_text()) == begun
    closed = {"state": "closed", **folders(tmp_path)}
    assert [run("pending_operation", **closed)["changed"] for _ in range(2)] == [True, False]


def test_given_something_that_is_no_operation_then_it_is_refused(tmp_path: Path) -> None:
    said = run("pending_operation", **folders(tmp_path), state="open", operation={"kind": "x"})
    assert said["failed"] is True
    assert "nothing else was changed" in said["msg"]


def test_given_another_operation_than_the_finished_one_then_it_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "operator" / "operation.json"
    begun = {"schema": 1, "kind": "rollback", "origin": "final", "target": "legacy", "mode": "final"}
    path.parent.mkdir()
    path.write_text(json.dumps(begun | {"since": 1.5, "by": "ann@laptop", "why": "a test"}))
    said = run("pending_operation", **folders(tmp_path), state="closed", target="rust")
    assert said["changed"] is False and path.exists()
    assert run("pending_operation", **folders(tmp_path), state="closed", target="legacy")["changed"] is True


class Api(BaseHTTPRequestHandler):
    """A node's API with one block for ever."""

    def do_GET(self) -> None:
        if self.path == "/v1/peers":
            answer: dict[str, Any] = {"peers": []}
        else:
            answer = {"height": 10, "hash": "a"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_given_a_healthy_chain_then_it_is_said_that_there_is_no_problem() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        targets = {"node1": f"http://127.0.0.1:{server.server_port}"}
        said = run("chain_health", targets=targets, advance=0, min_peers=0)
        stalled = run("chain_health", targets=targets, advance=1, min_peers=0, timeout=0)
        server.shutdown()
    assert said["problems"] == [], "completion tells a healthy chain from one that nobody has asked by it"
    assert stalled["failed"] is True
    assert "node1 has gained 0 blocks" in stalled["problems"][0]
