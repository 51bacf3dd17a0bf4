"""The way back on one node, in one call: what is durable before what, and a wrapper that says no."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .test_modules import run

OPERATION = {
    "schema": 1, "kind": "rollback", "origin": "final", "target": "legacy", "mode": "final", "since": 1.7e9,
    "by": "ann@desk", "why": "going back from final to legacy",
}  # fmt: skip
ENTRY = {"what": "rollback", "why": "rollback", "who": "ann@desk", "node": "node1", "to": "legacy"}


class Wrapper(socketserver.StreamRequestHandler):
    """Answers as the control socket; what the server ``refuses`` it says no to."""

    def handle(self) -> None:
        """Answer one request, and note what lay on the node by then."""
        server: Any = self.server
        asked = json.loads(self.rfile.readline())["op"]
        server.seen.append((asked, (server.folder / "operation.json").exists()))
        if asked == server.refuses:
            answer: dict[str, Any] = {"ok": False, "error": {"code": "no", "message": "not now"}}
        else:
            server.mode = "legacy" if asked == "set_mode" else server.mode
            answering = "legacy" if server.mode == "legacy" else "rust"
            status = {"mode": server.mode, "answering": answering, "prepare": {"state": "ready"}}
            answer = {"ok": True, "result": status}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


@pytest.fixture
def wrapper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A node in final; its socket and root's folder lie in ``place``."""
    place = tmp_path_factory.mktemp("w")
    server: Any = socketserver.ThreadingUnixStreamServer(str(place / "s"), Wrapper)
    server.place, server.folder, server.mode, server.refuses, server.seen = (
        place, place / "operator", "final", "", [],
    )  # fmt: skip
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def back(place: Path, *flags: str) -> dict[str, Any]:
    """Go back from final to legacy."""
    return run(
        "rollback", *flags,
        folder=str(place / "operator"), old=str(place / "state"), socket=str(place / "s"),
        operation=OPERATION, mode="legacy", if_mode="final", who="ann@desk", entry=ENTRY,
        kept=str(place / "kept"), node="node1",
    )  # fmt: skip


def test_given_a_wrapper_then_the_target_is_fixed_first_and_the_record_is_written_last(wrapper: Any) -> None:
    said = back(wrapper.place)
    assert (said["changed"], said["refused"]) == (True, "")
    assert ("set_mode", True) in wrapper.seen
    assert wrapper.mode == "legacy"
    assert said["record"]["what"] == "rollback"
    assert json.loads((wrapper.folder / "operation.json").read_text())["target"] == "legacy"
    copies = list(wrapper.place.rglob("kept*/journal/node1.jsonl"))
    assert [copy.read_text() for copy in copies] == [(wrapper.folder / "journal.jsonl").read_text()]


@pytest.mark.parametrize("request_", ["status", "prepare", "set_mode"])
def test_given_a_wrapper_that_says_no_then_that_is_told_and_nothing_is_recorded(
    wrapper: Any, request_: str
) -> None:
    wrapper.refuses = request_
    said = back(wrapper.place)
    assert not said.get("failed")
    assert "not now" in said["refused"]
    assert wrapper.mode == "final"
    assert (wrapper.folder / "operation.json").exists(), "the restart that follows ends there"
    assert not (wrapper.folder / "journal.jsonl").exists()


def test_given_a_node_in_another_mode_than_was_read_then_its_mode_stays(wrapper: Any) -> None:
    wrapper.mode = "rust"
    said = back(wrapper.place)
    assert "the node is in rust, expected final" in said["refused"]
    assert wrapper.mode == "rust"


def test_given_check_mode_then_nothing_is_asked_or_written(wrapper: Any) -> None:
    assert back(wrapper.place, "--check")["changed"] is True
    assert (wrapper.seen, wrapper.folder.exists(), wrapper.mode) == ([], False, "final")
