"""What a replay says at its end: the table for people and the JSON for programs."""

from __future__ import annotations

import json
import math
from array import array
from pathlib import Path
from typing import Any

from consensus_surface import REASONS

from coinjecture.replay import build
from coinjecture.replay.parallel import Plan
from coinjecture.replay.tally import ENGINES, PER_DECADE, Tally

SCHEMA = 1
CONFIDENCE = 0.95
BOUNDS = tuple(round(1.5**power, 6) for power in range(-16, 9))
LISTED = 20
CODES = ("accept", *REASONS, "out_of_domain", "error")


def upper_bound(cases: int) -> float | None:
    """Largest share of differing cases that zero in so many leaves possible, at 95 % confidence; exact."""
    return 1.0 - (1.0 - CONFIDENCE) ** (1.0 / cases) if cases else None


def ratio(values: array[float]) -> dict[str, Any]:
    """How the times of the two engines on the same block compare: Rust over Python, parsing included."""
    ordered = sorted(values)
    counts, at = [0] * (len(BOUNDS) + 1), 0
    for value in ordered:
        while at < len(BOUNDS) and value > BOUNDS[at]:
            at += 1
        counts[at] += 1

    def quantile(share: float) -> float | None:
        return (
            round(ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)], 6) if ordered else None
        )

    return {
        "pairs": len(ordered),
        "median": quantile(0.5),
        "p99": quantile(0.99),
        "above_1": sum(value > 1.0 for value in ordered),
        "histogram": {"bounds": list(BOUNDS), "counts": counts},
    }


def summary(plan: Plan, tally: Tally, started: float, seconds: float) -> dict[str, Any]:
    """The content of the JSON file; ``started`` is in seconds since the epoch, ``seconds`` what it took."""
    return {
        "schema": SCHEMA,
        "database": str(plan.database),
        "network_id": plan.network.network_id,
        "profile": plan.profile,
        "seed": plan.seed,
        "jobs": plan.jobs,
        "started": round(started, 3),
        "seconds": round(seconds, 3),
        "blocks": tally.blocks.total(),
        "mutants": tally.mutants.total(),
        "verdicts": {
            "blocks": {code: tally.blocks[code] for code in CODES if tally.blocks[code]},
            "mutants": {code: tally.mutants[code] for code in CODES if tally.mutants[code]},
        },
        "divergences": {"count": tally.diverging, "captured": tally.divergences},
        "not_accepted": tally.not_accepted,
        "out_of_domain": tally.out_of_domain,
        "throughput": {
            engine: {
                "calls": tally.calls[engine],
                "seconds": round(tally.seconds[engine], 6),
                "per_second": _rate(tally.calls[engine], tally.seconds[engine]),
            }
            for engine in ENGINES
        },
        "ratio": ratio(tally.ratios),
        "durations": {"cpu": {engine: _durations(tally, engine) for engine in ENGINES}},
        "bound": {
            "confidence": CONFIDENCE,
            "cases": tally.cases,
            "upper": None if tally.diverging else upper_bound(tally.cases),
        },
        "release": build.release(),
        "builds": build.identities(plan.legacy),
        "surroundings": build.surroundings(),
    }


def _durations(tally: Tally, engine: str) -> dict[str, Any]:
    """Durations of an engine in the form that a node's evidence has."""
    found = tally.durations[engine]
    counts = {str(bucket): found[bucket] for bucket in sorted(found)}
    total = round(tally.accepted_seconds[engine], 6)
    return {"per_decade": PER_DECADE, "counts": counts, "sum": total, "count": found.total()}


def _quantile(durations: dict[str, Any], share: float) -> float:
    """A quantile in microseconds, at most a bucket too long."""
    wanted, seen, bucket = math.ceil(share * durations["count"]), 0, 0
    for name, count in durations["counts"].items():
        if seen >= wanted:
            break
        seen, bucket = seen + count, int(name)
    return float(10 ** (bucket / durations["per_decade"] - 3))


def _rate(calls: int, seconds: float) -> float | None:
    return round(calls / seconds, 1) if seconds else None


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a summary as a file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")


def table(content: dict[str, Any], captures: Path) -> str:
    """The table that is printed at the end."""
    verdicts = content["verdicts"]
    lines = [f"{'verdict':20}{'blocks':>12}{'mutants':>12}"]
    lines += [
        f"{code:20}{verdicts['blocks'].get(code, 0):12,}{verdicts['mutants'].get(code, 0):12,}"
        for code in CODES
        if code in verdicts["blocks"] or code in verdicts["mutants"]
    ]
    lines += [f"{'together':20}{content['blocks']:12,}{content['mutants']:12,}", ""]
    lines += [f"{name:20}{fact}" for name, fact in _facts(content)]
    for kind, sentence in (
        ("out_of_domain", "block {sequence} is outside the domain: {why}; legacy says {legacy}"),
        ("not_accepted", "block {sequence} is stored and both engines reject it: {reason}"),
    ):
        lines += [sentence.format(**one) for one in content[kind][:LISTED]]
        if len(content[kind]) > LISTED:
            lines.append(f"and {len(content[kind]) - LISTED} more, in the JSON")
    for one in content["divergences"]["captured"][:LISTED]:
        lines.append(
            f"divergence at block {one['sequence']} {one['change'] or 'as it is stored'}: "
            f"{', '.join(one['differs'])} (legacy {one['legacy']}, rust {one['rust']}); "
            f"{captures / one['file']}"
        )
    return "\n".join(lines)


def _facts(content: dict[str, Any]) -> list[tuple[str, str]]:
    rates, spent, bound = content["throughput"], content["durations"]["cpu"], content["bound"]
    facts = [
        ("divergences", f"{content['divergences']['count']:,}"),
        ("took", f"{content['seconds']:.1f} s, {content['jobs']} processes, seed {content['seed']}"),
    ]
    for engine in ("legacy", "rust"):
        if rates[engine]["per_second"]:
            facts.append((engine, f"{rates[engine]['per_second']:,.0f} judgements a second on one core"))
    if spent["rust"]["count"]:
        told = ", ".join(
            f"{words} {_quantile(spent['rust'], share):.1f} and {_quantile(spent['legacy'], share):.1f}"
            for words, share in (("median", 0.5), ("p99", 0.99))
        )
        facts.append(("rust and legacy", f"processor time of an accepted block in us: {told}"))
    if bound["upper"]:
        facts.append(
            (
                "what it proves",
                f"no difference in {bound['cases']:,}: of blocks like these fewer than one in "
                f"{1 / bound['upper']:,.0f} differ (95 % confidence); of others it says nothing",
            )
        )
    return facts
