"""A passing shortage of descriptors, memory or threads ends no thread of the wrapper for good."""

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.control import server as control
from coinjecture_migration.control.server import MAX_CLIENTS, ControlServer
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.runtime.errors import ModeChangeError
from coinjecture_migration.runtime.periodic import Periodic

from tests.wrapper.conftest import Place, chain

WRAPPER = Path(__file__).parents[2] / "wrapper"


def ask(path: Path) -> Any:
    """One request; None where the connection was closed without an answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        try:
            connection.sendall(b'{"op": "status"}\n')
            return json.loads(connection.makefile("rb").readline() or b"null")
        except (BrokenPipeError, ConnectionResetError):
            return None


def ask_at_once(path: Path, clients: int) -> list[Any]:
    """Several requests whose connections are all open together."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(clients)]
        for connection in connections:
            connection.settimeout(20)
            connection.connect(str(path))
        answers = []
        for connection in connections:
            try:
                connection.sendall(b'{"op": "status"}\n')
                answers.append(json.loads(connection.recv(4096) or b"null"))
            except (BrokenPipeError, ConnectionResetError):
                answers.append(None)
        return answers


class Told(list[str]):
    """What a server tells, with a way to wait for the next."""

    def __init__(self) -> None:
        super().__init__()
        self._news = threading.Semaphore(0)

    def __call__(self, message: str) -> None:
        self.append(message)
        self._news.release()

    def wait(self) -> str:
        assert self._news.acquire(timeout=20)
        return self[-1]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ControlServer]]:
    """Starts a server that answers and pauses briefly."""
    monkeypatch.setattr(control, "SHORTAGE_PAUSE_S", 0.01)
    monkeypatch.setattr(control, "NO_SOCKET_PAUSE_S", 0.01)
    made: list[ControlServer] = []

    def start() -> ControlServer:
        made.append(ControlServer(tmp_path / "control.sock", lambda _: {"here": True}, os.getuid(), Told()))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.close()


PROGRAM = """
import os, resource, sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from coinjecture_migration.control.server import ControlServer
server = ControlServer(Path(sys.argv[2]), lambda _: {"here": True}, os.getuid())
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
server.start()
print("listening", flush=True)
for line in sys.stdin:
    while threading.active_count() > 2:  # the last client is still being let go
        pass
    held = []
    try:
        while line == "take all\\n":
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    print("taken", flush=True)
    sys.stdin.readline()
    for one in held:
        os.close(one)
    print("free", flush=True)
"""


def test_given_a_process_without_descriptors_when_clients_come_then_they_are_closed_and_later_ones_served(
    tmp_path: Path,
) -> None:
    path = tmp_path / "control.sock"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(WRAPPER), str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == "listening\n"
        assert ask(path)["ok"]
        for _ in range(2):
            process.stdin.write("take all\n")
            process.stdin.flush()
            assert process.stdout.readline() == "taken\n"
            answers = ask_at_once(path, 8)
            # the call that waits for a client has its descriptor already
            assert answers.count(None) >= 6, "closed at once, nobody hangs"
            process.stdin.write("let go\n")
            process.stdin.flush()
            assert process.stdout.readline() == "free\n"
            assert ask(path) == {"ok": True, "result": {"here": True}}
    finally:
        process.kill()
        _, complaints = process.communicate()
    assert "Too many open files" in complaints


@pytest.mark.parametrize(
    "number", ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "ECONNABORTED", "EPERM", "EINTR"]
)
def test_given_an_error_that_passes_when_a_client_is_taken_then_the_next_one_is_served(
    server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: str
) -> None:
    real, errors = socket.socket.accept, [OSError(getattr(errno, number), number)] * 3

    def accept(listener: socket.socket) -> Any:
        if errors and threading.current_thread().name == "control":
            raise errors.pop()
        return real(listener)

    monkeypatch.setattr(socket.socket, "accept", accept)
    started = server()
    while errors:  # what turns a client away may take some of them as well
        assert started._listener is not None
    while ask(tmp_path / "control.sock") is None:
        assert started._listener is not None
    assert started._tell == []


def test_given_no_thread_for_a_client_when_it_comes_then_it_is_closed_and_its_place_is_free_again(
    server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started, real = server(), threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "control-client":
            raise RuntimeError("can't start new thread")
        real(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert [ask(tmp_path / "control.sock") for _ in range(MAX_CLIENTS + 1)] == [None] * (MAX_CLIENTS + 1)
    assert ask(tmp_path / "control.sock") == {"ok": True, "result": {"here": True}}
    assert started._tell == []


def test_given_a_socket_that_ends_when_nobody_closed_it_then_its_file_goes_it_is_said_and_made_anew(
    server: Any, tmp_path: Path
) -> None:
    started = server()
    assert ask(tmp_path / "control.sock")
    ended: list[bool] = []
    tell = started._tell

    def told(message: str) -> None:
        ended.append((tmp_path / "control.sock").exists())
        tell(message)

    started._tell = told
    assert started._listener is not None
    started._listener.shutdown(socket.SHUT_RDWR)
    assert "has ended" in tell.wait()
    tell.wait()
    assert ended == [False, True], "no file without anybody behind it"
    assert "is there now" in tell[-1]
    assert ask(tmp_path / "control.sock")["ok"]


def test_given_a_folder_that_comes_later_when_a_node_has_started_then_its_socket_is_made_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "NO_SOCKET_PAUSE_S", 0.01)
    later = place.sockets / "later"
    place.settings(control_socket=str(later / "c.sock"))
    wrapper = place.start("shadow")
    (alert,) = place.alerts
    assert "no control socket" in alert["message"]
    later.mkdir()
    while wrapper._control._listener is None:
        assert not wrapper._control._closed.is_set()
    while len(place.alerts) < 2:
        assert wrapper._control._listener is not None
    assert ask(later / "c.sock")["result"]["mode"] == "shadow"
    wrapper.close()
    later.rmdir()


def no_threads(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """From now on no thread can be started."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    return monkeypatch


def test_given_no_threads_at_all_when_a_node_starts_then_blocks_are_judged_and_status_starts_what_is_missing(
    place: Place,
) -> None:
    place.settings(peers=["http://127.0.0.1:1"], determinism_seconds=600)
    with pytest.MonkeyPatch.context() as patch:
        no_threads(patch)
        wrapper = place.start("shadow")
        assert place.judge(wrapper, chain(1)[0]) == "accept"
        assert [alert["kind"] for alert in place.alerts] == ["control_socket"]
        assert not (place.sockets / "control.sock").exists(), "no file that nobody answers"
    manager = wrapper._manager
    status_of(manager)
    for one in (
        manager.evidence.thread,
        manager.watchers.sentinel.thread,
        manager.watchers.self_check.thread,
    ):
        assert one._thread is not None and one._thread.is_alive()


def test_given_no_thread_when_a_mode_is_prepared_then_it_fails_and_can_be_prepared_again(
    place: Place,
) -> None:
    wrapper = place.start("legacy")
    with pytest.MonkeyPatch.context() as patch:
        no_threads(patch)
        with pytest.raises(ModeChangeError, match="no thread could be started"):
            wrapper.set_mode("shadow", who="eve", why="phase 1")
    assert status_of(wrapper._manager)["prepare"]["state"] == "failed"
    wrapper.set_mode("shadow", who="eve", why="phase 1")


@pytest.mark.parametrize(
    "raised", [MemoryError(), OSError(errno.EMFILE, "too many"), BaseException("a panic")]
)
def test_given_work_that_raises_when_its_turn_comes_again_then_it_is_done(
    raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    done, errors = threading.Event(), [raised] * 3

    def work() -> None:
        if errors:
            raise errors.pop()
        done.set()

    periodic = Periodic("a test", 0.001, work)
    assert periodic.start()
    assert done.wait(20)
    periodic.close(wait=True)
    assert caplog.text.count("a test: one turn failed") == 3


def test_given_a_thread_that_has_died_when_ensured_then_another_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    done, errors = threading.Event(), [SystemExit()]

    def work() -> None:
        if errors:
            raise errors.pop()
        done.set()

    periodic = Periodic("a test", 0.001, work)
    periodic.start()
    first = periodic._thread
    assert first is not None
    first.join(20)
    assert periodic.ensure()
    assert done.wait(20)
    periodic.close(wait=True)
    assert periodic.ensure() and periodic._thread is not None and not periodic._thread.is_alive()


def test_given_an_engine_that_panics_when_the_chain_is_looked_at_then_the_evidence_is_written_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = place.start("shadow")
    evidence = wrapper._manager.evidence

    def panic() -> Any:
        raise BaseException("PanicException")

    monkeypatch.setattr(evidence, "_look", panic)
    assert evidence.flush() is True
    assert evidence.thread._thread is not None and evidence.thread._thread.is_alive()
