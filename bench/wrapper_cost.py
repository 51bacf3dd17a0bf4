"""What the wrapper costs per call: its own time in each mode, beside that of the engines it calls."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import NEEDED
from bench import engines
from bench.measure import alone
from bench.wrapped import wrapper


def rows(raw: list[bytes], runs: int) -> list[dict[str, object]]:
    """For each mode the seconds per call beyond those of its engines. Run it in a process of its own."""
    blocks = [json.loads(one) for one in raw]
    legacy, rust = engines.oracle(), engines.rust()
    alone_s = {
        "legacy": alone(lambda: engines.judge_all(legacy, blocks), len(blocks), runs),
        "rust": alone(lambda: engines.judge_all(rust, blocks), len(blocks), runs),
    }
    found: list[dict[str, object]] = []
    for mode, judging in NEEDED.items():
        whole = _in_mode(mode, blocks, runs)
        own = whole - sum(alone_s[name] for name in judging)
        found.append({"name": f"wrapper_{mode}", "value": own, "unit": "s per call"})
    found.append(
        {"name": "legacy_alone", "value": alone_s["legacy"], "unit": "s per call"},
    )
    return found


def _in_mode(mode: str, blocks: list[Any], runs: int) -> float:
    with wrapper(mode, engines.LogStorage([])) as (wrapped, _):
        took = alone(lambda: engines.judge_all(wrapped, blocks), len(blocks), runs)
        if wrapped.mode.value != mode:
            raise RuntimeError(f"the wrapper left mode {mode} for {wrapped.mode.value}: see its alerts")
        return took
