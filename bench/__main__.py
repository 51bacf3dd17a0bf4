"""The command: `python -m bench`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from coinjecture.replay.walk import ROWS_AT_ONCE

from bench import cold, mode_changes, rebuild, report, second_core, speed, wrapper_cost
from bench.chain import mined
from fuzz.oracle import ROOT

QUICK = speed.Effort(
    mined=4,
    chain=40,
    replayed=200,
    mined_large=2,
    chain_large=6,
    replayed_large=20,
    runs=11,
    rebuild_blocks=20_000,
    rounds=1,
    way_back_blocks=5_000,
)

WORK = (
    "Valid blocks of the reference node's miner, {sizes}. Times are CPU seconds of one thread. "
    "verify, replay: parsing, rules 1-9, insertion, no I/O, by verify_block of both engine classes; "
    "replay begins with a new engine: Python on one core, Rust on two by pass_many, {rows_at_once} blocks "
    "at a time, as coinjecture.replay passes a log, in time that passes (replay_one_core: CPU time). "
    "two_processes_over_one: the Rust engine in two processes at once, over one. "
    "cold, idle: single calls, each after the caches were emptied or after a pause of 5 ms; object: block "
    "objects of the deployed node, by its own engine. "
    "rebuild: an engine's constructor reading its log, "
    "without making the rows. wrapper: time of a call beyond that of the engines it calls. mode_commit: "
    "from the command over the control socket to its answer, while the wrapper judges blocks. rollback: "
    "from final to legacy on a chain of so many blocks."
)


def out(text: str) -> None:
    """Show what is being done."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measured(effort: speed.Effort) -> dict[str, Any]:
    """Measure everything; the content of `build/bench.json`."""
    machine, started = report.machine(), time.monotonic()
    out(f"mining {effort.mined + effort.mined_large} blocks by the reference miner")
    samples = speed.samples(effort)
    results: list[dict[str, object]] = []
    for sample in samples:
        rows = speed.compared(sample, effort.runs, out)
        results += rows
        wire_s = rows[0]["rust_s"]
        assert isinstance(wire_s, float)
        results.append(speed.core(sample, effort.runs))
        results += speed.floors(sample, effort.runs, wire_s)
    out("what a second core is worth here")
    results.append(second_core.worth(samples[0].chain, effort.runs))
    results += long_chain(effort)
    for measurement, what in (
        (cold.rows, "single calls"),
        (wrapper_cost.rows, "the wrapper's own time in each mode"),
    ):
        out(what)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            results += pool.submit(measurement, samples[0].raw, effort.runs).result()
    out("changes of mode under load, and the way back on a long chain")
    small = mined(4, transactions=2)
    results += rebuild.apart(mode_changes.commits, small, effort.rounds)
    results += rebuild.apart(mode_changes.way_back, small, effort.way_back_blocks)
    sizes = " and ".join(
        f"{sample.block_bytes:,} bytes ({len(sample.raw)} blocks, replay {len(sample.chain):,})"
        for sample in samples
    )
    return {
        "machine": machine,
        "work": WORK.format(sizes=sizes, rows_at_once=ROWS_AT_ONCE),
        "results": results,
        "took_s": round(time.monotonic() - started, 1),
    }


def long_chain(effort: speed.Effort) -> list[dict[str, object]]:
    """Rebuild and memory. Where memory is short, a shorter chain is measured, and its name says so."""
    blocks = mined(4, transactions=2)
    longest = rebuild.affordable(effort.rebuild_blocks)
    lengths = rebuild.lengths(longest)
    out("memory of the tree; rebuilding an engine from " + ", ".join(f"{n:,}" for n in lengths) + " blocks")
    tree_blocks = min(rebuild.TREE_BLOCKS, longest)
    tree_bytes = rebuild.apart(rebuild.tree_bytes_per_block, blocks, tree_blocks)
    took = rebuild.apart(rebuild.rebuild_each, blocks, longest)
    per_block = [seconds / length for seconds, length in zip(took, lengths, strict=True)]
    growth = per_block[-1] / per_block[0]
    name = "1m" if longest == 1_000_000 else str(longest)
    return [
        {"name": "tree_bytes_per_block", "value": tree_bytes, "unit": "bytes"},
        {"name": f"rebuild_{name}_blocks", "value": took[-1], "unit": "s"},
        *(
            {"name": f"rebuild_chain_of_{length}", "value": seconds, "unit": "s per block"}
            for length, seconds in zip(lengths, per_block, strict=True)
        ),
        {
            "name": "rebuild_longest_over_shortest",
            "value": growth,
            "unit": "times per block",
        },
    ]


def main() -> int:
    """Measure and report; 0 when everything was measured, 2 where it could not be."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Both engines on the same blocks.")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench.json", help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="a fraction of the work, for a first impression")
    args = parser.parse_args()
    content = measured(QUICK if args.quick else speed.Effort())
    report.write(args.out, content)
    print(report.table(content))
    print(f"\n{content['work']}\nmeasured in {content['took_s']:.0f} s; {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
