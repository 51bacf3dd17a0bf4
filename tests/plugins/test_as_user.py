"""Commands of the node's user, run for root: they cannot flood it, hold it up, or leave anything running."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import as_user


def test_given_a_command_then_what_it_prints_comes_back(tmp_path: Path) -> None:
    script = 'pwd; echo "$SAID"; echo aside >&2'
    said = as_user.output(["sh", "-c", script], 20, {"PATH": "/usr/bin:/bin", "SAID": "hello"})
    assert said == "/\nhello\n"


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["sh", "-c", "echo complaint >&2; exit 3"], "^complaint$"),
        (["sh", "-c", "exit 3"], "^it ended with 3$"),
        (["sh", "-c", "kill -9 $$"], "^it ended with -9$"),
        (["/nonexistent/python"], "cannot be started"),
        (["sh", "-c", "exec cat /dev/zero"], "said too much"),
        (["sh", "-c", "exec cat /dev/zero >&2"], "said too much"),
    ],
)
def test_given_a_command_that_fails_or_floods_then_it_is_one_error(argv: list[str], why: str) -> None:
    with pytest.raises(as_user.NotDoneError, match=why):
        as_user.output(argv, 60)


@pytest.mark.parametrize("script", ["exec sleep 600", "exec >&- 2>&-; exec sleep 600", "sleep 600 & exit 0"])
def test_given_a_command_that_does_not_end_or_leaves_a_child_then_nothing_of_it_stays(
    tmp_path: Path, script: str
) -> None:
    noted = tmp_path / "group"
    with pytest.raises(as_user.NotDoneError, match=r"more than 0\.5 s"):
        as_user.output(["sh", "-c", f"echo $$ > {noted}; {script}"], 0.5)
    group = int(noted.read_text())
    for _ in range(500):  # a kill is carried out when the kernel comes to it
        if not (left := alive(group)):
            break
        time.sleep(0.02)
    assert left == []


def alive(group: int) -> list[Path]:
    """The processes of a group that have not ended."""
    members = [path for path in Path("/proc").glob("[0-9]*") if group_of(path) == group]
    return [path for path in members if "Z (zombie)" not in status(path)]


def status(process: Path) -> str:
    try:
        return (process / "status").read_text()
    except OSError:
        return "State:\tZ (zombie)"


def group_of(process: Path) -> int | None:
    try:
        return os.getpgid(int(process.name))
    except OSError:
        return None


@pytest.mark.skipif(os.geteuid() != 0, reason="rights are given up as root")
def test_given_a_user_then_the_command_has_that_users_rights_alone_and_cannot_have_them_back() -> None:
    nobody = pwd.getpwnam("nobody")
    told = as_user.output(as_user.command("nobody", ["cat", "/proc/self/status"]), 20)
    lines = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    assert set(lines["Uid"].split()) == {str(nobody.pw_uid)}
    assert set(lines["Gid"].split()) == {str(nobody.pw_gid)}
    assert lines["Groups"].split() == []
    assert (lines["NoNewPrivs"], int(lines["CapEff"], 16), int(lines["CapPrm"], 16)) == ("1", 0, 0)
