"""What the wrapper costs per call: its own time in each mode, beside that of the engines it calls."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import engines
from bench.measure import alone
from fuzz.oracle import ROOT, SOURCE

MODES = {"legacy": ("legacy",), "shadow": ("legacy", "rust"), "rust": ("legacy", "rust"), "final": ("rust",)}
"""The modes, and which engines judge in them."""


def rows(raw: list[bytes], runs: int) -> list[dict[str, object]]:
    """For each mode the seconds per call beyond those of its engines. Run it in a process of its own."""
    blocks = [json.loads(one) for one in raw]
    legacy, rust = engines.oracle(), engines.rust()
    alone_s = {
        "legacy": alone(lambda: engines.judge_all(legacy, blocks), len(blocks), runs),
        "rust": alone(lambda: engines.judge_all(rust, blocks), len(blocks), runs),
    }
    sys.path[:0] = [str(ROOT / "wrapper"), str(SOURCE)]
    found: list[dict[str, object]] = []
    for mode, judging in MODES.items():
        whole = _in_mode(mode, blocks, runs)
        own = whole - sum(alone_s[name] for name in judging)
        found.append({"name": f"wrapper_{mode}", "value": own, "unit": "s per call"})
    found.append(
        {"name": "legacy_alone", "value": alone_s["legacy"], "unit": "s per call"},
    )
    return found


def _in_mode(mode: str, blocks: list[Any], runs: int) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        settings = {
            "node": "bench",
            "state_dir": name,
            "control_socket": str(folder / "control.sock"),
            "control_uid": os.getuid(),
            "release_link": str(folder / "current"),
            "node_config": str(folder / "node.json"),
        }
        (folder / "wrapper.json").write_text(json.dumps(settings))
        os.environ["COINJECTURE_SETTINGS"] = str(folder / "wrapper.json")
        module = importlib.import_module("consensus_wrapper")
        surface = importlib.import_module("consensus_surface")
        config = engines.config(surface.ConsensusConfig)
        registry = importlib.import_module("pow").ProblemRegistry()
        wrapper = module.DualRunConsensus(config, engines.LogStorage([]), registry, mode=mode)
        try:
            took = alone(lambda: engines.judge_all(wrapper, blocks), len(blocks), runs)
            if wrapper.mode.value != mode:
                raise RuntimeError(f"the wrapper left mode {mode} for {wrapper.mode.value}: see its alerts")
            return took
        finally:
            wrapper.close()
