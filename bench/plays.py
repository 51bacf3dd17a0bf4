"""What an operator waits for: `python -m bench.plays`, each play on the running local network, several times.

Every run is one of a person who has not typed for a while: with a connection of its own, from Enter to the
prompt. The network is brought to where the play begins by the node's own command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench import report
from testnet.lab.plan import NODES, ROOT
from testnet.rehearsal.droplet import Remote, UnreadableError

CONTROL = "/opt/coinjecture/venv/bin/python -B /opt/coinjecture/src/coinjecture_migration/ctl.py"
MODE_FILE = "/var/lib/coinjecture-migration/mode.json"
REMOTES = tuple(Remote(node) for node in NODES)

EASY = {
    "phases": [
        {"phase": number, "mode": mode, "soak_between_nodes": 0, "soak_after": 0}
        for number, mode in ((1, "shadow"), (2, "rust"), (3, "final"))
    ],
    **dict.fromkeys(("gate_min_calls", "gate_min_rejects", "gate_min_reason_codes"), 0),
    **{"gate_min_latency_pairs": 1, "gate_confidence": 0.5},
    **dict.fromkeys(("gate_max_latency_ratio", "gate_max_restarts"), 1000),
}
"""A calendar without soaks: what is measured is the play, not the evidence."""

FLOORS = {"empty": "[]", "noop": "[{ansible.builtin.ping: {}}]"}
"""Plays of Ansible's own: below them no play on both nodes comes."""

WORK = (
    "Seconds from Enter to the prompt, the median of so many runs, each with a new ssh connection; delay_ms: "
    "a round trip between controller and nodes is longer by so much. tasks: as Ansible begins them; "
    "round_trips: how often ssh was run; in_force_s: until the last node had the mode."
)


@dataclass(frozen=True)
class Play:
    """What is measured.

    Attributes:
        name: The row's name.
        arguments: What is typed after ``ansible-playbook``.
        before: The mode that both nodes are brought to before each run; empty for as they are.
        changes: Whether a mode is changed, whose moment is looked up.
    """

    name: str
    arguments: Sequence[str]
    before: str = ""
    changes: bool = False


def plays(folder: Path) -> list[Play]:
    """All of them; those that need no droplet of their own files are in ``folder``."""
    for name, tasks in FLOORS.items():
        text = f"- {{hosts: nodes, gather_facts: false, tasks: {tasks}}}\n"
        (folder / f"{name}.yml").write_text(text)
    easy = ("-e", json.dumps(EASY))
    return [
        *(Play(name, [str(folder / f"{name}.yml")]) for name in FLOORS),
        Play("rollback", ["playbooks/rollback.yml", "-e", "to=legacy"], "final", True),
        Play("step", ["playbooks/phase2.yml", "-l", "node1", *easy], "shadow", True),
        Play("gate", ["playbooks/gate.yml", *easy], "shadow"),
        Play("preflight", ["playbooks/preflight.yml"], "shadow"),
        Play("status", ["playbooks/status.yml"], "shadow"),
        Play("monitoring", ["playbooks/monitoring.yml"]),
    ]


def bring(mode: str) -> None:
    """Have both nodes in a mode."""
    for remote in REMOTES:
        if remote.status()["mode"] != mode:
            remote.ssh("sh", "-c", f"'{CONTROL} set-mode {mode} --why bench'")


def prepared() -> None:
    """Have the wrapper on both nodes.

    Raises:
        SystemExit: The step that brings it did not end well.
    """
    try:
        for remote in REMOTES:
            remote.status()
    except UnreadableError:
        (wheel,) = (ROOT / "build/wheels/local").glob("*.whl")
        typed = ["playbooks/phase1.yml", "-e", json.dumps(EASY | {"wheel_file": str(wheel)})]
        done = subprocess.run([_program(), *typed], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the wrapper did not come in:\n{done.stdout[-3000:]}{done.stderr}") from None


@dataclass(frozen=True)
class Measured:
    """One run."""

    took: float
    tasks: list[tuple[float, str]]
    round_trips: int
    in_force: float | None


def measured(play: Play, delay_ms: float, folder: Path) -> Measured:
    """Run it once.

    Raises:
        SystemExit: It did not end well.
    """
    if play.before:
        bring(play.before)
    count, timeline = folder / "count", folder / "timeline.json"
    ssh = folder / "ssh"
    ssh.write_text(f'#!/bin/sh\necho >> {count}\nexec ssh "$@"\n')
    ssh.chmod(0o755)
    count.write_text("")
    typed = [_program(), *play.arguments]
    if delay_ms:
        proxy = f"{sys.executable} -m bench.delay %h %p {delay_ms:g}"
        typed += ["-e", json.dumps({"ansible_ssh_extra_args": f'-o ProxyCommand="{proxy}"'})]
    with tempfile.TemporaryDirectory(prefix="cp") as connections:
        began = time.time()
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
        } | {
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "bench/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "timeline",
            "ANSIBLE_SSH_EXECUTABLE": str(ssh),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": connections,
            "PYTHONPATH": str(ROOT),
            "TIMELINE": str(timeline),
            "TIMELINE_FROM": repr(began),
        }
        done = subprocess.run(
            typed, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False
        )
        took = time.time() - began
    if done.returncode:
        raise SystemExit(
            f"{' '.join(typed)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr}"
        )
    changed = max((at for at in map(_since, REMOTES) if at > began), default=None) if play.changes else None
    tasks = [(float(at), str(name)) for at, name in json.loads(timeline.read_text())]
    in_force = None if changed is None else changed - began
    return Measured(took, tasks, len(count.read_text().splitlines()), in_force)


def row(play: Play, delay_ms: float, runs: Sequence[Measured]) -> dict[str, Any]:
    """A row of `results`."""
    times, middle = [run.took for run in runs], sorted(runs, key=lambda run: run.took)[len(runs) // 2]
    found: dict[str, Any] = {
        "name": play.name,
        "delay_ms": delay_ms,
        "runs": len(runs),
        "median_s": round(median(times), 2),
        "least_s": round(min(times), 2),
        "most_s": round(max(times), 2),
        "tasks": len(middle.tasks) - 1,
        "round_trips": middle.round_trips,
        "timeline": _timeline(middle.tasks),
    }
    changes = [run.in_force for run in runs if run.in_force is not None]
    return found | ({"in_force_s": round(median(changes), 2)} if changes else {})


def _timeline(tasks: Sequence[tuple[float, str]]) -> list[dict[str, Any]]:
    """What each task took, after what came before the first."""
    first = {"task": "before the first task", "s": round(tasks[0][0], 2)}
    spans = ({"task": name, "s": round(end - at, 2)} for (at, name), (end, _) in pairwise(tasks))
    return [first, *spans]


def _since(remote: Remote) -> float:
    return float(json.loads(remote.ssh("cat", MODE_FILE))["since"])


def _program() -> str:
    return str(Path(sys.executable).with_name("ansible-playbook"))


def rows(
    runs: int, delays: Sequence[float], names: Sequence[str], out: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Measure what is named, all of it where nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        for play in plays(Path(folder)):
            for delay in delays if not names or play.name in names else ():
                found = row(play, delay, [measured(play, delay, Path(folder)) for _ in range(runs)])
                shown = {name: value for name, value in found.items() if name != "timeline"}
                out(" ".join(f"{name}={value}" for name, value in shown.items()))
                yield found


def main() -> int:
    """Measure and report; 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.plays", description=__doc__)
    parser.add_argument("plays", nargs="*", help="only these (rollback, step, ...)")
    parser.add_argument("--runs", type=int, default=10, help="how often each is run")
    parser.add_argument(
        "--delays", type=float, nargs="+", default=[0.0, 50.0], help="ms of a round trip more"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench-plays.json", help="where they go")
    options = parser.parse_args()
    prepared()
    started, machine = time.monotonic(), report.machine()
    results = list(rows(options.runs, options.delays, options.plays, lambda line: print(line, flush=True)))
    took = round(time.monotonic() - started, 1)
    report.write(options.out, {"machine": machine, "work": WORK, "results": results, "took_s": took})
    print(f"\n{WORK}\nmeasured in {took:.0f} s; {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
