"""Switches of the interpreter that change what Python accepts are named, wherever they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.interpreter import switches
from ansible_collections.coinjecture.migration.plugins.module_utils.unit_files import Unit
from ansible_collections.coinjecture.migration.plugins.module_utils.unit_reader import read


def a_unit(environment: str = "", command: str = "/src/node.py", **more: Any) -> Unit:
    """A unit with these variables, whose interpreter gets these words."""
    started = f"{{ path=/venv/bin/python ; argv[]=/venv/bin/python {command} ; ignore_errors=no ; pid=1 }}"
    properties = {"Environment": environment, "ExecStart": started, **more.pop("properties", {})}
    return Unit(properties, {}, **more)


@pytest.mark.parametrize(
    ("unit", "named"),
    [
        (a_unit(), []),
        (a_unit("PYTHONPATH=/x PYTHONUNBUFFERED=1 PYTHONOPTIMIZE= PATH=/bin"), []),
        (a_unit("PYTHONINTMAXSTRDIGITS=0 PYTHONUNBUFFERED=1"), ["PYTHONINTMAXSTRDIGITS=0"]),
        (a_unit("'PYTHONWARNINGS=error::x y'"), ["PYTHONWARNINGS=error::x y"]),
        (a_unit(environment_files={"/e": {"PYTHONUTF8": "0"}}), ["PYTHONUTF8=0"]),
        (a_unit(process={"PYTHONHASHSEED": "0", "HOME": "/"}), ["PYTHONHASHSEED=0"]),
        (a_unit("PYTHONUTF8=1", properties={"UnsetEnvironment": "PYTHONUTF8"}), []),
        (a_unit(command="-u -B /n.py -O"), []),
        (
            a_unit(command="-uO -X int_max_str_digits=0 -Wd -W error /n.py -b"),
            ["-O", "-W d", "-W error", "-X int_max_str_digits=0"],
        ),
        (a_unit(command="-bb -m node"), ["-bb"]),
        (a_unit(command="--check-hash-based-pycs always /n.py"), ["--check-hash-based-pycs always"]),
        (a_unit(process={}, command="/n.py"), []),
    ],
)
def test_given_a_unit_then_the_switches_that_change_what_python_accepts_are_named(
    unit: Unit, named: list[str]
) -> None:
    assert switches(unit) == named


def test_given_a_process_that_was_started_otherwise_than_the_unit_says_now_then_its_switches_count(
    tmp_path: Path,
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/environ").write_bytes(b"PYTHONINTMAXSTRDIGITS=640\0A=1\0")
    (tmp_path / "7/cmdline").write_bytes(b"/venv/bin/python\0-O\0/src/node.py\0")
    unit = read({"MainPID": "7", **a_unit().properties}, tmp_path)
    assert switches(unit) == ["-O", "PYTHONINTMAXSTRDIGITS=640"]
