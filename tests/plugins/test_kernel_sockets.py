"""Where a unit takes connections, by its control group: on this machine, with sockets of this process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.kernel_sockets import (
    Listener,
    is_apart,
    listeners,
)

ROOT = Path(__file__).resolve().parents[2]
API = Listener("10.0.0.1:5000", 5000)
GOSSIP = Listener("10.0.0.1:9000", 9000)
CONTROL = Listener("/run/control.sock")


def test_given_a_control_group_then_what_its_processes_listen_on_is_found(tmp_path: Path) -> None:
    group = tmp_path / "cgroup" / "system.slice" / "node.service" / "below"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text(f"{os.getpid()}\n999999999\n")
    path = str(tmp_path / "control")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        port = tcp.getsockname()[1]
        for shown in (
            "ControlGroup=/system.slice/node.service\nMainPID=0",
            f"ControlGroup=\nMainPID={os.getpid()}",
        ):
            found = listeners(shown, tmp_path / "cgroup")
            assert Listener(f"127.0.0.1:{port}", port) in found
            assert Listener(path) in found
    assert listeners("ControlGroup=/system.slice/other.service\nMainPID=0\n", tmp_path / "cgroup") == []
    assert listeners("ControlGroup=\nMainPID=0\n", tmp_path / "cgroup") == []


def test_given_a_process_with_children_then_what_they_listen_on_is_its_too() -> None:
    program = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdin is not None
        port = int(child.stdout.readline())
        assert Listener(f"127.0.0.1:{port}", port) in listeners(f"MainPID={os.getpid()}", Path("/nowhere"))
        child.stdin.close()


@pytest.mark.parametrize(
    ("found", "taken", "served_by", "apart"),
    [
        ([API], True, "", False),
        ([API], True, "api.service", False),
        ([], True, "", True),
        ([CONTROL], True, "", True),
        ([], False, "", False),
        ([], False, "api.service", True),
        ([GOSSIP], True, "", False),
        ([GOSSIP], True, "node.service", False),
        ([GOSSIP], True, "api.service", True),
    ],
)
def test_given_where_a_unit_listens_then_it_is_known_whether_users_reach_it(
    found: list[Listener], taken: bool, served_by: str, apart: bool
) -> None:
    assert is_apart(found, 5000, taken, served_by, "node.service", CONTROL.place) == apart


LISTENS = (
    "import socket, time; one = socket.create_server(('127.0.0.1', 0)); "
    "print(one.getsockname()[1], flush=True); time.sleep(60)"
)
READS = (
    "import sys; sys.path.insert(0, 'plugins/module_utils'); import kernel_sockets; "
    "print([one.place for one in kernel_sockets.listeners_of([int(sys.argv[1])])])"
)
NOBODY = 65_534


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up rights, which takes some")
@pytest.mark.parametrize("user", [NOBODY, 0])
def test_given_a_root_that_may_not_look_into_processes_then_it_asks_as_their_user_or_says_so(
    user: int,
) -> None:
    """Root of a container often lacks CAP_SYS_PTRACE; an empty answer would mean that nobody listens."""
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all"]
    without = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    told = ["setpriv", "--no-new-privs", *as_user[1:]] if user else ["env"]
    with subprocess.Popen(
        [*told, "/usr/bin/python3", "-c", LISTENS], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            command = [*without, sys.executable, "-c", READS, str(process.pid)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        finally:
            process.kill()
    if user:
        assert done.stdout == f"['127.0.0.1:{port}']\n", done.stderr
    else:
        assert "PermissionError: the sockets of process" in done.stderr
