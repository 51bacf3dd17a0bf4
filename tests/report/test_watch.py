"""The live screen keeps what it has seen, says how old that is, and colours nothing that is no terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.overview import status_report
from report import watch
from report.watch import (
    ReadingError,
    Watch,
    draws,
    frame,
    print_readings,
    read_network,
    show,
    wants_colour,
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def network(at: float) -> dict[str, Any]:
    """A status of two silent nodes."""
    return status_report({"node1": None, "node2": None}, [], {}, at)


def failing() -> dict[str, Any]:
    raise ReadingError("fatal: [node1]: no route", 4)


def test_given_a_reading_then_its_screen_and_its_age_are_shown() -> None:
    clock = Clock()
    watched = Watch(lambda: network(100.0), clock)
    assert watched.look()
    clock.now = 107.0
    assert "node1 does not answer" in watched.lines()
    assert watched.lines()[-1] == "read 7s ago; Ctrl-C ends"


def test_given_a_reading_that_fails_then_the_last_screen_stays_with_its_age_and_the_cause() -> None:
    clock = Clock()
    watched = Watch(lambda: network(100.0), clock)
    watched.look()
    watched.read, clock.now = failing, 130.0
    assert not watched.look()
    clock.now = 140.0
    shown = watched.lines()
    assert "node1 does not answer" in shown
    assert shown[-2:] == ["READING FAILED 10s ago: fatal: [node1]: no route", "what is shown is 40s old"]


def test_given_a_reading_that_works_again_then_the_failure_is_gone() -> None:
    watched = Watch(failing, Clock())
    watched.look()
    assert any("READING FAILED" in line for line in watched.lines())
    watched.read = lambda: network(100.0)
    watched.look()
    assert not any("READING FAILED" in line for line in watched.lines())


def test_given_a_terminal_lower_than_the_screen_then_nothing_scrolls() -> None:
    drawn = frame([f"line {n}" for n in range(50)], 10)
    assert drawn.count("\n") == 8
    assert drawn.startswith("\033[H")
    assert "\033[2J" not in drawn, "erasing everything first is what flickers"


def test_given_a_low_terminal_then_the_first_lines_and_the_age_stay() -> None:
    watched = Watch(lambda: network(100.0), Clock())
    watched.look()
    shown = watched.lines(80, 8)
    assert len(shown) == 8
    assert shown[0].startswith("SILENT") and shown[2].startswith("node1") and "more lines" in shown[-3]
    assert shown[-1] == "read 0s ago; Ctrl-C ends"


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_given_a_reader_that_leaves_early_then_the_watch_ends_without_a_word(option: list[str]) -> None:
    """The reader has the pipe closed before anything is written, as `| head -1` has it in the end."""
    script = (
        "import sys; from report import watch; from tests.report.test_watch import network\n"
        "watch.read_network = lambda arguments: network(9e9)\n"
        "sys.exit(watch.main(sys.argv[1:]))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        done = subprocess.run(
            [sys.executable, "-c", script, *option],
            cwd=watch.ROOT, stdout=out, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("stream", "environment", "wanted"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(stream: Any, environment: dict[str, str], wanted: bool) -> None:
    assert wants_colour(stream, environment) is wanted


@pytest.mark.parametrize(
    ("stream", "term"), [(io.StringIO(), "xterm"), (Terminal(), "xterm"), (Terminal(), "dumb")]
)
def test_given_the_end_then_the_last_screen_remains_and_only_a_terminal_that_can_gets_control_characters(
    stream: Any, term: str
) -> None:
    leaving = threading.Event()

    def read() -> dict[str, Any]:
        leaving.set()
        return network(100.0)

    drawn = draws(stream, {"TERM": term})
    (show if drawn else print_readings)(Watch(read, Clock()), stream, leaving)
    text = stream.getvalue()
    assert ("\033" in text) == drawn
    if drawn:
        assert text.split(watch.LEAVE)[1].strip(), "the screen is left in the scroll-back"
    else:
        assert "node1 does not answer" in text


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a script in the place of ansible-playbook; the status file that it names is given back."""

    def install(script: str) -> Path:
        program = tmp_path / "ansible-playbook"
        program.write_text(f"#!/bin/sh\necho 'for programs: {tmp_path}/status.json'\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(watch.sys, "executable", str(tmp_path / "python"))
        return tmp_path / "status.json"

    return install


def test_given_a_play_that_fails_then_its_last_words_and_its_exit_status_are_told(play: Any) -> None:
    play("echo 'PLAY [x]'; echo 'fatal: [node1]: FAILED! => no'; echo; exit 2")
    with pytest.raises(ReadingError, match=r"FAILED! => no$") as caught:
        read_network()
    assert caught.value.exit_status == 2


def test_given_a_play_that_leaves_nothing_new_then_an_old_file_is_not_shown_as_new(play: Any) -> None:
    status = play("exit 0")
    status.write_text('{"now": 1.0}')
    with pytest.raises(ReadingError, match="was not written by this reading"):
        read_network()


def test_given_a_play_that_works_then_what_it_wrote_is_read(play: Any) -> None:
    play("cd $(dirname $0); echo '{\"now\": 9e9}' > status.json")
    assert read_network() == {"now": 9e9}


def test_given_a_play_that_names_no_place_then_the_status_of_another_network_is_not_taken_for_it(
    play: Any,
) -> None:
    status = play("")
    status.write_text('{"now": 9e9}')
    (status.parent / "ansible-playbook").write_text("#!/bin/sh\n")
    with pytest.raises(ReadingError, match="does not say where"):
        read_network()


def test_json_is_all_that_is_printed_and_a_failure_has_the_exit_status_of_the_play(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "read_network", lambda arguments: network(100.0) | {"asked": list(arguments)})
    assert watch.main(["--json", "-i", "inventory/testnet"]) == 0
    assert json.loads(capsys.readouterr().out)["asked"] == ["-i", "inventory/testnet"]
    monkeypatch.setattr(watch, "read_network", lambda arguments: failing())
    assert watch.main(["--json"]) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no route" in printed.err


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_given_an_inventory_that_is_not_there_then_the_watch_ends_with_the_reason(
    stream: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch.sys, "stdout", stream)
    monkeypatch.setattr(watch.signal, "signal", lambda *_: None)
    assert watch.main(["-i", "/no/such/inventory"]) == 1
    assert "Completely failed to parse inventory source /no/such/inventory" in capsys.readouterr().err
