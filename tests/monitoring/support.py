"""A node's evidence in the agreed form, and the programs of the monitoring packages."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles/monitoring"
RECORDING = ROLE / "files/recording.yml"
CASES = Path(__file__).parent / "alerts_test.yml"
EDGES = [10 ** (k / 6 - 6) for k in range(37)]
LIMIT = 60.0  # seconds for something that takes a few


def tool(name: str) -> str:
    """A program that scripts/setup has unpacked into .venv."""
    found = shutil.which(name)
    assert found, f"{name} is missing: run make setup"
    return found


def await_true(condition: Callable[[], Any], what: str) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + LIMIT
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.2)


def histogram(edges: list[float], at: int, count: int, total: float) -> dict[str, Any]:
    counts = [0] * (len(edges) + 1)
    counts[at] = count
    return {"bounds": edges, "counts": counts, "sum": total, "count": count}


def evidence(**changes: Any) -> dict[str, Any]:
    """What `evidence_reader.read` gives of a node that has been in shadow and is in rust."""
    running = {
        "mode": "rust",
        "soak_started": 1_000.0,
        "last_call": 1_990.0,
        "outcomes": {
            "match": 9,
            "divergence": 1,
            "rust_error": 2,
            "legacy_error": 0,
            "skipped": 0,
            "alone": 0,
        },
        "restarts": 1,
        "release": "ab" * 32,
        "python": "3.11.2",
        "libc": "glibc 2.36",
    }
    return {
        "schema": 1,
        "read_at": 2_000.0,
        "flushed": 1_999.5,
        "evidence": running,
        "totals": {"shadow": {"match": 100}, "rust": {"match": 9, "divergence": 1, "rust_error": 2}},
        "rejected": {"shadow": {"malformed": 3, "work": 1}, "rust": {"work": 3}},
        "latency": {"legacy": histogram(EDGES, 9, 110, 0.004), "rust": histogram(EDGES, 3, 109, 0.0004)},
        "cpu": {"legacy": histogram(EDGES, 9, 100, 0.002), "rust": histogram(EDGES, 3, 100, 0.0002)},
        "ratio": histogram([0.5, 1.0, 2.0], 0, 109, 11.0),
        "demotions": 1,
    } | changes


def role_defaults(role: str) -> dict[str, Any]:
    """The defaults of a role."""
    defaults: dict[str, Any] = yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())
    return defaults


def render_alerts(target: Path, **changes: Any) -> Path:
    """Write the alert rules as the role does, with its defaults and these changes."""
    environment = Environment(
        loader=FileSystemLoader(ROLE / "templates"),
        variable_start_string="<<",
        variable_end_string=">>",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    runbook = {"monitoring_runbook": f"file://{ROOT}/docs/alerts.md"}
    text = environment.get_template("alerts.yml.j2").render(role_defaults("monitoring") | runbook | changes)
    target.write_text(text)
    return target


def rendered(folder: Path, name: str, **variables: Any) -> Path:
    """A template of the role as Ansible renders it, with the role's defaults."""
    target = folder / name
    values = role_defaults("monitoring") | variables
    (folder / "vars.json").write_text(json.dumps(values))
    arguments = f"src={ROOT}/roles/monitoring/templates/{name}.j2 dest={target}"
    command = ["ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", "ansible.builtin.template"]
    command += [
        "-a",
        arguments,
        "-e",
        f"@{folder}/vars.json",
        "-e",
        "ansible_python_interpreter=/usr/bin/python3",
    ]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return target
