"""What a node is, read from what lies on it; where it is not clear, the mode is None with a reason."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.node_state import (
    NodePaths,
    read,
    settle_mode,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.rollback import (
    plan as plan_rollback,
)

PAIR = "try:\n    from .{0} import {1}\nexcept ImportError:\n    from {0} import {1}\n"
LEGACY = PAIR.format("consensus", "ConsensusEngine")
WRAPPED = PAIR.format("consensus_wrapper", "DualRunConsensus as ConsensusEngine")


@pytest.fixture
def paths(tmp_path: Path) -> NodePaths:
    """A node that was never touched."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/node.py").write_text(LEGACY)
    return NodePaths(
        unit="node.service",
        src=str(tmp_path / "src"),
        entries=(str(tmp_path / "src/node.py"),),
        python="python3",
        socket=str(tmp_path / "control.sock"),
        mode_file=str(tmp_path / "mode.json"),
        current=str(tmp_path / "current"),
        drop_in=str(tmp_path / "50-migration.conf"),
        settings=str(tmp_path / "wrapper.json"),
        releases=str(tmp_path / "releases"),
        user="nobody",
        operator_dir=str(tmp_path / "operator"),
    )


def systemd(
    active: str = "active",
    sub: str = "running",
    load: str = "loaded",
    started: float | None = None,
    guard: str = "inactive",
) -> Any:
    """A systemctl that knows one unit, and an interpreter that says what it is."""

    def run(command: Sequence[str]) -> str:
        if "python3" in command:
            return json.dumps({"python": "3.11", "libc": "glibc 2.36", "machine": "x86_64"})
        if command[-1] == "coinjecture-restart.service":
            return f"{guard}\n"
        when = time.gmtime(started if started is not None else time.time() + 60)
        return (
            f"LoadState={load}\nActiveState={active}\nSubState={sub}\nMainPID=42\nNRestarts=0\n"
            f"ExecMainStartTimestamp={time.strftime('%a %Y-%m-%d %H:%M:%S', when)}.250000 UTC\n"
            "User=nobody\nEnvironment=A=1\n"
        )

    return run


@contextmanager
def answering(path: Path, status: Mapping[str, Any] | bytes) -> Iterator[None]:
    """A wrapper that answers one request with this status, or with these bytes."""
    line = (
        status if isinstance(status, bytes) else json.dumps({"ok": True, "result": status}).encode() + b"\n"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.makefile().readline()
                connection.sendall(line)

        served = threading.Thread(target=serve)
        served.start()
        yield
        served.join(timeout=10)


def test_given_an_untouched_node_then_it_is_in_legacy(paths: NodePaths) -> None:
    state = read(paths, systemd())
    assert (state["mode"], state["release"], state["status"]) == ("legacy", None, None)
    assert state["service"]["main_pid"] == 42
    assert state["runtime"]["python"] == "3.11"
    assert state["changed_since_start"] == []


def test_given_a_node_py_edited_after_the_start_then_the_process_still_runs_legacy(paths: NodePaths) -> None:
    node_py = Path(paths.src) / "node.py"
    node_py.write_text(WRAPPED)
    state = read(paths, systemd(started=time.time() - 60))
    assert state["mode"] == "legacy"
    assert state["changed_since_start"] == [str(node_py)]


def test_given_files_of_the_wrapper_newer_than_the_process_then_they_are_named(paths: NodePaths) -> None:
    (Path(paths.src) / "coinjecture_migration").mkdir()
    for name in (
        f"{paths.src}/coinjecture_migration/a.py",
        f"{paths.src}/consensus_wrapper.py",
        paths.settings,
    ):
        Path(name).touch()
    Path(paths.current).symlink_to("/nowhere/abc")
    stale = read(paths, systemd(started=time.time() - 60))["changed_since_start"]
    assert {Path(name).name for name in stale} >= {"a.py", "consensus_wrapper.py", "wrapper.json", "current"}


def test_given_a_wrapper_that_does_not_answer_then_the_mode_is_unknown(paths: NodePaths) -> None:
    (Path(paths.src) / "node.py").write_text(WRAPPED)
    Path(paths.mode_file).write_text('{"mode": "rust"}')
    state = read(paths, systemd())
    assert state["mode"] is None
    assert "nobody listens" in state["why"]
    assert "its mode file says rust" in state["why"]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (systemd(load="not-found", active="inactive", sub="dead"), "the unit is not there"),
        (systemd(active="failed", sub="failed"), "the unit is failed (failed)"),
        (systemd(active="activating", sub="auto-restart"), "the unit is activating"),
    ],
)
def test_given_a_service_that_does_not_run_then_the_mode_is_unknown(
    paths: NodePaths, run: Any, reason: str
) -> None:
    state = read(paths, run)
    assert state["mode"] is None
    assert reason in state["why"]


def test_given_a_node_py_of_another_shape_then_the_mode_is_unknown_and_the_reason_told(
    paths: NodePaths,
) -> None:
    (Path(paths.src) / "node.py").write_text("import consensus\n")
    state = read(paths, systemd())
    assert state["mode"] is None
    assert "nothing there takes ConsensusEngine from it" in state["why"]


def test_given_an_answer_of_the_wrapper_then_it_alone_decides() -> None:
    service = {"found": True, "active": True, "state": "active (running)"}
    node_py = {"state": "legacy", "why": ""}
    assert (
        settle_mode(service, node_py, {"mode": "rust"}, "", {"mode": "final"}, [], "/x/node.py")[0] == "rust"
    )


@pytest.mark.parametrize("mode", ["paused", ["rust"], {}, None, 3, True, "absent"])
def test_given_an_answer_without_a_mode_then_it_counts_as_a_silent_wrapper_and_the_way_back_is_planned(
    paths: NodePaths, mode: Any
) -> None:
    (Path(paths.src) / "node.py").write_text(WRAPPED)
    Path(paths.mode_file).write_text('{"mode": "rust"}')
    status = {"latched": None} | ({} if mode == "absent" else {"mode": mode})
    with answering(Path(paths.socket), status):
        state = read(paths, systemd())
    assert (state["status"], state["mode"]) == (None, None)
    assert "answered a status that is none: mode is" in state["why"]
    planned = plan_rollback(state, None)
    assert (planned["how"], planned["to"]) == ("restart", "shadow")


@pytest.mark.parametrize("part", ["evidence", "engines", "process", "tip", "latched", "unacknowledged"])
def test_given_an_answer_with_a_part_of_another_type_then_it_counts_as_a_silent_wrapper(
    paths: NodePaths, part: str
) -> None:
    (Path(paths.src) / "node.py").write_text(WRAPPED)
    with answering(Path(paths.socket), {"mode": "rust", part: "fork!"}):
        state = read(paths, systemd())
    assert state["status"] is None
    assert f"{part} of another type" in state["why"]


def test_given_an_answer_nested_without_end_then_it_counts_as_a_silent_wrapper(paths: NodePaths) -> None:
    (Path(paths.src) / "node.py").write_text(WRAPPED)
    with answering(Path(paths.socket), b'{"ok": true, "result": ' + b"[" * 60_000 + b"\n"):
        assert "not JSON" in read(paths, systemd())["why"]


@pytest.mark.parametrize("content", ["", "[", "{}", '{"mode": "paused"}'])
def test_given_a_mode_file_that_says_no_mode_then_it_is_as_none_and_what_is_wrong_is_told(
    paths: NodePaths, content: str
) -> None:
    (Path(paths.src) / "node.py").write_text(WRAPPED)
    Path(paths.mode_file).write_text(content)
    state = read(paths, systemd())
    assert state["mode_file"] is None
    assert state["mode_file_error"].startswith(paths.mode_file)


def test_given_no_mode_file_then_nothing_is_wrong_with_it(paths: NodePaths) -> None:
    assert read(paths, systemd())["mode_file_error"] == ""


def test_given_an_installed_release_then_its_bytes_are_compared_and_a_change_makes_the_process_stale(
    paths: NodePaths,
) -> None:
    release = Path(paths.releases) / ("ab" * 32)
    release.mkdir(parents=True)
    (release / "coinjecture.py").touch()
    Path(paths.current).symlink_to(release)
    state = read(paths, systemd(started=time.time() - 60))
    assert "keeps 0 wheels" in state["installed"]["differs"][0]
    assert str(release / "coinjecture.py") in state["changed_since_start"]


def test_given_a_wrapper_that_says_what_a_start_would_take_then_it_is_believed(paths: NodePaths) -> None:
    (Path(paths.src) / "node.py").write_text(WRAPPED)
    Path(paths.mode_file).write_text('{"mode": "rust"}')
    told = {"problem": None, "next_start": {"mode": "shadow", "latched": True}}
    with answering(Path(paths.socket), {"mode": "rust", "mode_file": told}):
        assert read(paths, systemd())["next_mode"] == "shadow"


@pytest.mark.parametrize(("imports", "following"), [(LEGACY, "legacy"), (WRAPPED, "rust")])
def test_given_a_mode_file_then_the_next_start_reads_it_only_through_the_wrapper(
    paths: NodePaths, imports: str, following: str
) -> None:
    (Path(paths.src) / "node.py").write_text(imports)
    Path(paths.mode_file).write_text('{"mode": "rust"}')
    assert read(paths, systemd())["next_mode"] == following


def test_given_no_interpreter_then_the_runtime_is_empty_and_says_why(paths: NodePaths) -> None:
    def run(command: Sequence[str]) -> str:
        if "python3" in command:
            raise OSError("python3: not found")
        return str(systemd()(command))

    assert read(paths, run)["runtime"]["error"] == "python3: not found"


def test_given_a_node_py_with_the_rust_engine_then_the_node_is_in_final_once_its_process_has_read_it() -> (
    None
):
    service, node_py = {"found": True, "active": True, "state": "active"}, {"state": "rust", "why": ""}
    assert settle_mode(service, node_py, None, "no socket", None, [], "/x/node.py")[0] == "final"
    assert settle_mode(service, node_py, None, "no socket", None, ["/x/node.py"], "/x/node.py")[0] is None


def test_given_no_step_journal_then_it_is_empty_and_whole(paths: NodePaths) -> None:
    found = read(paths, systemd())["journal"]
    assert (found["records"], found["mode"], found["broken"], found["completed"]) == (0, None, None, False)


def test_given_files_of_the_nodes_own_under_our_names_then_nothing_of_the_migration_remains(
    paths: NodePaths,
) -> None:
    places = {name: str(Path(paths.src).parent / name / "x") for name in ("socket", "mode_file")}
    paths = replace(paths, **places)
    (Path(paths.src) / "consensus_wrapper.py").write_text("# the node's own\n")
    assert read(paths, systemd())["remains"] == []
    Path(paths.settings).touch()
    assert len(read(paths, systemd())["remains"]) == 2
