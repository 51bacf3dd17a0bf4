"""What the wrapper costs per call in each mode, beyond the engines that it calls: in a loop, and cold."""

from __future__ import annotations

import json
from functools import partial
from statistics import median
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import NEEDED
from bench import cold, engines
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
        with wrapper(mode, engines.LogStorage([])) as (wrapped, _):
            whole = alone(partial(engines.judge_all, wrapped, blocks), len(blocks), runs)
            own = whole - sum(alone_s[name] for name in judging)
            found.append({"name": f"wrapper_{mode}", "value": own, "unit": "s per call"})
            calls = [{"legacy": legacy, "rust": rust}[name].verify_block for name in judging]
            own = _cold(wrapped.verify_block, calls, blocks, runs)
            found.append({"name": f"wrapper_cold_{mode}", "value": own, "unit": "s per call"})
            if wrapped.mode.value != mode:
                raise RuntimeError(f"the wrapper left mode {mode} for {wrapped.mode.value}: see its alerts")
    found.append(
        {"name": "legacy_alone", "value": alone_s["legacy"], "unit": "s per call"},
    )
    return found


def _cold(whole: cold.Judge, judging: list[cold.Judge], blocks: list[Any], runs: int) -> float:
    """The same of single calls, each after the caches were emptied."""
    own = []
    for run in range(runs):
        block = blocks[run % len(blocks)]
        spent = [cold.once(cold.empty_caches, judge, block) for judge in (whole, *judging)]
        own.append(spent[0] - sum(spent[1:]))
    return median(own)
