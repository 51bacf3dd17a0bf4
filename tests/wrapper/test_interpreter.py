"""Switches of a whole interpreter that change what Python accepts belong to what is compared."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration import interpreter
from coinjecture_migration.control.status import report as status_of

from tests.wrapper.conftest import Place

PROBE = Path(interpreter.__file__)


def probed(*options: str, **environment: str) -> Any:
    """What the file says when an interpreter runs it."""
    done = subprocess.run(
        [sys.executable, *options, str(PROBE)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return json.loads(done.stdout)


def test_given_an_interpreter_that_nobody_has_touched_when_probed_then_everything_is_usual() -> None:
    found = probed()
    assert found["unusual"] == {}
    assert set(found["switches"]) == {switch.name for switch in interpreter.SWITCHES}
    assert all(switch.why for switch in interpreter.SWITCHES)


@pytest.mark.parametrize(
    ("options", "environment", "unusual"),
    [
        ([], {"PYTHONINTMAXSTRDIGITS": "640"}, {"int_max_str_digits": "640"}),
        (["-X", "int_max_str_digits=0"], {}, {"int_max_str_digits": "0"}),
        ([], {"PYTHONOPTIMIZE": "1"}, {"optimize": "1"}),
        (["-bb"], {}, {"bytes_warning": "2", "warnings": "raise"}),
        ([], {"PYTHONWARNINGS": "error"}, {"warnings": "raise"}),
        (["-W", "ignore"], {}, {}),
        (["-X", "utf8=0"], {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, {"text_encoding": "ascii"}),
        (["-X", "utf8=1"], {"LC_ALL": "C"}, {}),
        ([], {"PYTHONHASHSEED": "7"}, {}),
        (["-X", "dev"], {}, {}),
    ],
    ids=str,
)
def test_given_a_switch_when_the_interpreter_is_probed_then_it_is_named_if_it_can_change_a_verdict(
    options: list[str], environment: dict[str, str], unusual: dict[str, str]
) -> None:
    assert probed(*options, **environment)["unusual"] == unusual


def test_given_a_processor_told_to_round_upwards_when_probed_then_it_is_named() -> None:
    libm = ctypes.CDLL("libm.so.6")
    assert interpreter.found()["rounding"] == "nearest"
    upwards = {"x86_64": 0x800, "aarch64": 0x400000}[os.uname().machine]
    libm.fesetround(upwards)
    try:
        assert interpreter.found()["rounding"] == "directed"
    finally:
        libm.fesetround(0)


def test_given_another_switch_when_the_node_starts_again_then_a_new_soak_begins_and_names_it(
    place: Place,
) -> None:
    place.start("shadow").close()
    before, limit = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    again = place.start("shadow")
    assert again.stats()["restarts"] == 1
    again.close()
    sys.set_int_max_str_digits(640)
    try:
        other = place.start("shadow")
        stats = other.stats()
        assert stats["restarts"] == 0
        assert stats["soak_why"].startswith("interpreter ")
        assert "int_max_str_digits=640" in stats["soak_why"]
        assert "int_max_str_digits=640" in status_of(other._manager)["process"]["interpreter"]
    finally:
        sys.set_int_max_str_digits(before)
    assert sys.getrecursionlimit() == limit


def test_given_a_file_changed_under_a_running_node_when_the_mode_changes_then_the_soak_is_still_the_process_s(
    place: Place,
) -> None:
    (place.folder / "node.json").write_text("{}")
    wrapper = place.start("shadow")
    before = wrapper.stats()["config_fingerprint"]
    (place.folder / "node.json").write_text('{"edited": "and not restarted"}')
    wrapper.set_mode("rust", who="eve", why="phase 2")
    assert wrapper.stats()["config_fingerprint"] == before
    wrapper.close()
    again = place.start(None)
    assert again.stats()["soak_why"].startswith("config_fingerprint ")
