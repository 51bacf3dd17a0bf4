"""The control socket serves one user id, answers each line with a line, and refuses with reasons."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration import ctl
from coinjecture_migration.control.server import MAX_REQUEST_BYTES, ControlServer
from consensus_wrapper import ConsensusMode

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.double import held
from tests.wrapper.test_hostile_engines import WrongRule

CTL = Path(ctl.__file__)


def talk(place: Place, *lines: bytes) -> list[Any]:
    """Send lines over one connection and read an answer to each."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(str(place.sockets / "control.sock"))
        answers = []
        with connection.makefile("rb") as reader:
            for line in lines:
                with contextlib.suppress(BrokenPipeError):  # strangers are refused before they have asked
                    connection.sendall(line)
                answers.append(json.loads(reader.readline() or b"null"))
        return answers


def ask(place: Place, **request: Any) -> Any:
    return talk(place, json.dumps(request).encode() + b"\n")[0]


def test_given_a_node_when_status_is_asked_then_one_line_tells_all(place: Place) -> None:
    wrapper = place.start("shadow")
    place.judge(wrapper, chain(1)[0])
    first, second = talk(place, b'{"op": "status"}\n', b'{"op": "status"}\n')
    assert first["ok"] and second["ok"]
    assert first["result"]["mode"] == "shadow"
    assert first["result"]["evidence"]["outcomes"]["match"] == 1


def test_given_legacy_when_shadow_is_prepared_and_set_then_the_node_compares(place: Place) -> None:
    wrapper = place.start("legacy")
    place.judge(wrapper, chain(1)[0])
    assert ask(place, op="prepare", mode="shadow", who="operator")["ok"]
    while (prepare := ask(place, op="status")["result"]["prepare"])["state"] == "running":
        pass
    assert prepare == {"target": "shadow", "state": "ready", "done": 1, "total": 2, "error": None}
    done = ask(place, op="set_mode", mode="shadow", who="operator", why="phase 1", if_mode="legacy")
    assert done == {"ok": True, "result": {"mode": "shadow", "changed": True, "drained": True}}
    status = ask(place, op="status")["result"]
    assert (status["by"], status["why"], status["prepare"]) == ("operator", "phase 1", None)


def test_given_another_mode_when_set_with_if_mode_then_it_is_refused_and_nothing_changes(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    refused = ask(place, op="set_mode", mode="rust", who="a", why="b", if_mode="legacy")
    assert (refused["ok"], refused["error"]["code"]) == (False, "other_mode")
    assert refused["error"]["next"]
    assert wrapper.mode is ConsensusMode.SHADOW
    same = ask(place, op="set_mode", mode="shadow", who="a", why="b", if_mode="shadow")
    assert same["result"]["changed"] is False


@pytest.mark.parametrize(
    ("request_line", "code"),
    [
        (b"not json\n", "bad_request"),
        (b"[]\n", "bad_request"),
        (b'{"op": "dance"}\n', "unknown_op"),
        (b'{"op": "set_mode", "mode": "final", "who": "a", "why": "b"}\n', "not_prepared"),
        (b'{"op": "set_mode", "mode": "shadow", "who": "a"}\n', "bad_request"),
        (b'{"op": "set_mode", "mode": "turbo", "who": "a", "why": "b"}\n', "unknown_mode"),
        (b'{"op": "prepare", "mode": "", "who": "a"}\n', "bad_request"),
        (b'{"op": "ack", "who": 7, "why": "b"}\n', "bad_request"),
        (b"[" * 5000 + b"\n", "bad_request"),
        (b"x" * MAX_REQUEST_BYTES, "bad_request"),
    ],
    ids=lambda value: value[:50].decode() if isinstance(value, bytes) else value,
)
def test_given_a_request_that_cannot_be_done_when_sent_then_a_code_and_the_next_step_come_back(
    place: Place, request_line: bytes, code: str
) -> None:
    place.start("legacy")
    (answer,) = talk(place, request_line)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert answer["error"]["message"] and answer["error"]["next"]
    assert ask(place, op="status")["result"]["mode"] == "legacy"


def test_given_another_user_when_it_connects_then_it_is_refused(place: Place) -> None:
    place.settings(control_uid=os.getuid() + 1)
    wrapper = place.start("shadow")
    refused = ask(place, op="set_mode", mode="legacy", who="a", why="b")
    assert (refused["ok"], refused["error"]["code"]) == (False, "not_allowed")
    assert wrapper.mode is ConsensusMode.SHADOW


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_given_a_socket_of_root_when_a_real_other_user_connects_then_it_is_refused(place: Place) -> None:
    place.start("shadow")
    path = place.sockets / "control.sock"
    path.parent.chmod(0o755)
    path.chmod(0o666)
    script = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.settimeout(20);"
        "s.connect(sys.argv[1]); print(s.makefile().readline())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30
    )
    assert json.loads(done.stdout)["error"]["code"] == "not_allowed"


def test_given_a_latch_when_it_is_acknowledged_then_it_is_gone(place: Place, rust: Any) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    assert ask(place, op="status")["result"]["latched"]["from"] == "rust"
    assert ask(place, op="ack", who="operator", why="seen")["result"]["acknowledged"]["from"] == "rust"
    assert ask(place, op="status")["result"]["latched"] is None
    assert ask(place, op="ack", who="operator", why="seen")["result"]["acknowledged"] is None


def test_given_a_handler_that_breaks_when_asked_then_the_socket_answers_and_lives_on(tmp_path: Path) -> None:
    def broken(_request: Any) -> Any:
        raise BaseException("panic")

    place = type("Here", (), {"sockets": tmp_path})()
    server = ControlServer(tmp_path / "control.sock", broken, os.getuid())
    server.start()
    for _ in range(2):
        assert ask(place, op="status")["error"]["code"] == "internal"
    server.close()
    assert not (tmp_path / "control.sock").exists()


def test_given_a_socket_left_by_a_dead_process_when_started_then_it_is_replaced(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place.sockets / "control.sock"))
    place.start("legacy")
    assert ask(place, op="status")["ok"]


@pytest.mark.parametrize("trouble", ["no folder", "somebody listens"])
def test_given_no_control_socket_when_started_then_there_is_an_alert_and_blocks_are_judged(
    place: Place, trouble: str
) -> None:
    if trouble == "no folder":
        place.settings(control_socket=str(place.folder / "none" / "control.sock"))
    else:
        place.start("legacy")
    wrapper = place.start("legacy")
    assert [alert["kind"] for alert in place.alerts] == ["control_socket"]
    assert place.judge(wrapper, chain(1)[0]) == "accept"


def test_given_a_judgement_that_takes_long_when_status_is_asked_then_it_answers_meanwhile(
    place: Place, rust: Any
) -> None:
    engine, judging, go_on = held()
    rust(engine)
    wrapper = place.start("shadow")
    caller = threading.Thread(target=lambda: place.judge(wrapper, chain(1)[0]))
    caller.start()
    assert judging.wait(20)
    assert ask(place, op="status")["result"]["tip"]["height"] in (0, 1)
    go_on.set()
    caller.join(20)


# The client


def test_given_final_when_a_person_types_the_way_back_then_it_prepares_and_commits(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = place.start("final")
    for block in chain(3):
        place.judge(wrapper, block)
    assert ctl.main(["--who", "operator", "set-mode", "legacy", "--why", "by hand"]) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "legacy"
    assert wrapper.mode is ConsensusMode.LEGACY_ONLY
    assert place.recorded_mode()["by"] == "operator"
    assert place.judge(wrapper, chain(4)[-1]) == "accept"


def test_given_a_running_node_when_the_mode_file_is_to_be_written_then_the_client_refuses(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = place.start("shadow")
    assert ctl.main(["write-mode-file", "legacy", "--why", "no"]) == 1
    assert "use set-mode" in capsys.readouterr().err
    assert place.recorded_mode()["mode"] == "shadow"
    wrapper.close()
    assert ctl.main(["write-mode-file", "legacy", "--why", "broken wheel"]) == 0
    assert place.recorded_mode()["mode"] == "legacy"


def test_given_a_node_that_hangs_when_the_mode_file_is_to_be_written_then_it_is_not_taken_for_stopped(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctl, "ANSWER_TIMEOUT_S", 0.2)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hung:
        hung.bind(str(place.sockets / "control.sock"))
        hung.listen()
        assert ctl.main(["write-mode-file", "legacy", "--why", "no"]) == 1
    assert "no answer: " in capsys.readouterr().err
    assert not place.mode_file.exists()


def test_given_no_node_when_the_client_is_run_as_a_file_then_it_says_so_and_fails(place: Place) -> None:
    done = subprocess.run([sys.executable, str(CTL), "status"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "no answer" in done.stderr and "is the unit running" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
def test_given_root_at_the_mode_file_then_links_of_the_nodes_user_lead_nowhere() -> None:
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        secret, state = place / "secret", place / "state"
        secret.write_text("of root")
        state.mkdir()
        (state / ".mode.json.new").symlink_to(secret)
        os.chown(state, 12345, 12345)
        ctl.write_mode(place / "no.sock", state / "mode.json", "legacy", "ops", "a test")
        assert (secret.read_text(), secret.stat().st_uid) == ("of root", 0)
        assert (state / "mode.json").lstat().st_uid == 12345
    finally:
        shutil.rmtree(place)
