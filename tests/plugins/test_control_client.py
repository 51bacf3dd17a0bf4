"""The control client against sockets that answer, lie, hang up or stay silent."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.control_client import (
    MAX_ANSWER_BYTES,
    ControlClient,
    ControlError,
)

Serve = Callable[[Callable[[socket.socket], None]], ControlClient]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve one connection with the given behaviour and return a client for it."""
    threads: list[threading.Thread] = []

    def start(behave: Callable[[socket.socket], None]) -> ControlClient:
        path = str(tmp_path / "control.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()

        def accept() -> None:
            with listener, listener.accept()[0] as connection:
                behave(connection)

        threads.append(threading.Thread(target=accept))
        threads[-1].start()
        return ControlClient(path, timeout=5)

    yield start
    for thread in threads:
        thread.join(timeout=10)


def answering(answer: Any, requests: list[Any] | None = None) -> Callable[[socket.socket], None]:
    """Read one request, then send ``answer`` as a line of JSON (or as it is, for bytes)."""

    def behave(connection: socket.socket) -> None:
        request = connection.makefile().readline()
        if requests is not None:
            requests.append(json.loads(request))
        connection.sendall(answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n")

    return behave


def test_given_a_wrapper_when_asked_for_status_then_its_result_comes_back(serve: Serve) -> None:
    client = serve(answering({"ok": True, "result": {"mode": "shadow"}}))
    assert client.status() == {"mode": "shadow"}


def test_given_a_mode_change_then_the_request_has_the_agreed_shape(serve: Serve) -> None:
    requests: list[Any] = []
    serve(answering({"ok": True, "result": {}}, requests)).set_mode("rust", "ops", "phase 2", "shadow")
    assert requests == [
        {"op": "set_mode", "mode": "rust", "who": "ops", "why": "phase 2", "if_mode": "shadow"}
    ]


@pytest.mark.parametrize(
    ("call", "request_line"),
    [
        (lambda c: c.prepare("rust", "ops"), {"op": "prepare", "mode": "rust", "who": "ops"}),
        (lambda c: c.ack("ops", "looked at it"), {"op": "ack", "who": "ops", "why": "looked at it"}),
        (
            lambda c: c.set_mode("legacy", "ops", "back"),
            {"op": "set_mode", "mode": "legacy", "who": "ops", "why": "back"},
        ),
    ],
)
def test_given_other_requests_then_they_have_the_agreed_shape(
    serve: Serve, call: Callable[[ControlClient], Any], request_line: dict[str, str]
) -> None:
    requests: list[Any] = []
    call(serve(answering({"ok": True, "result": {}}, requests)))
    assert requests == [request_line]


def test_given_a_refusal_then_code_message_and_next_step_are_told(serve: Serve) -> None:
    refusal = {"ok": False, "error": {"code": "if_mode", "message": "mode is legacy", "next": "read status"}}
    with pytest.raises(ControlError, match="mode is legacy: read status") as caught:
        serve(answering(refusal)).set_mode("rust", "ops", "phase 2", "shadow")
    assert caught.value.code == "if_mode"


@pytest.mark.parametrize(
    "answer",
    [
        b"not json\n",
        b"[1]\n",
        b'{"ok": true}\n',
        b'{"ok": false}\n',
        b'{"ok": "yes", "result": {}}\n',
        b'{"ok"',
    ],
)
def test_given_an_answer_that_is_none_then_it_is_never_taken_for_success(serve: Serve, answer: bytes) -> None:
    with pytest.raises(ControlError) as caught:
        serve(answering(answer)).status()
    assert caught.value.code == "garbled"


def test_given_an_endless_answer_then_reading_ends(serve: Serve) -> None:
    def flood(connection: socket.socket) -> None:
        try:
            connection.sendall(b"x" * (MAX_ANSWER_BYTES + 200_000))
        except OSError:
            pass  # the client has had enough

    with pytest.raises(ControlError, match="more than"):
        serve(flood).status()


def test_given_a_hang_up_then_the_error_names_who_is_served(serve: Serve) -> None:
    with pytest.raises(ControlError, match="only uid 0 is served"):
        serve(lambda connection: connection.recv(65536) and None).status()


def test_given_silence_then_the_client_gives_up(serve: Serve) -> None:
    released = threading.Event()
    client = serve(lambda connection: released.wait(10) and None)
    client.timeout = 0.2
    with pytest.raises(ControlError) as caught:
        client.status()
    released.set()
    assert caught.value.code == "timeout"


def test_given_no_socket_then_the_error_says_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="is the unit running") as caught:
        ControlClient(str(tmp_path / "absent.sock")).status()
    assert caught.value.code == "unreachable"


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
def test_given_a_link_to_another_service_in_the_sockets_place_then_nothing_is_said_to_it(
    tmp_path: Path, serve: Serve
) -> None:
    heard: list[bytes] = []
    client = serve(lambda connection: heard.append(connection.recv(65536)))
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    (nodes / "control.sock").symlink_to(client.path)
    os.chown(nodes, 12345, 12345)
    client.path = str(nodes / "control.sock")
    with pytest.raises(ControlError, match="leads to a service of user 0") as caught:
        client.set_mode("final", "ops", "why")
    assert caught.value.code == "stranger"
    assert heard in ([], [b""])


def test_given_an_answer_that_drips_then_the_client_gives_up_in_its_time(serve: Serve) -> None:
    released = threading.Event()

    def drip(connection: socket.socket) -> None:
        try:
            while not released.wait(0.05):
                connection.sendall(b" ")
        except OSError:
            pass  # the client has had enough

    client = serve(drip)
    client.timeout = 0.3
    with pytest.raises(ControlError) as caught:
        client.status()
    released.set()
    assert caught.value.code == "timeout"
