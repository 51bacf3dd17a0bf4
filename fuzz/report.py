"""What a run says at its end: the table for people and `build/fuzz.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from consensus_surface import REASONS

from fuzz.totals import Totals
from fuzz.workers import Plan

MIN_ACCEPTED = 0.30
MIN_REASON = 0.01
MIN_FORKS = 0.10


def summary(plan: Plan, totals: Totals, seconds: float) -> dict[str, Any]:
    """The content of `build/fuzz.json`; `seconds` is how long it really took."""
    codes = totals.by_code()
    return {
        "seed": plan.seed,
        "seconds": round(seconds, 3),
        "cases": totals.cases,
        "distinct": totals.distinct(),
        "differences": totals.differences,
        "per_reason": {reason: codes[reason] for reason in REASONS},
        "accepted": codes["accept"],
        "forks": totals.forks,
        "oracle_timeouts": totals.oracle_timeouts,
        "reorgs": totals.reorgs,
        "scenarios": totals.scenarios,
        "out_of_domain": codes["out_of_domain"],
        "unparsable": codes["unparsable"],
        "cases_per_s": round(totals.cases / seconds, 1) if seconds else 0.0,
        "per_profile": {
            profile: {
                name.split()[1]: count
                for name, count in sorted(totals.codes.items())
                if name.startswith(profile)
            }
            for profile in ("full", "header")
        },
        "subject": plan.subject,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a summary as a file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")


def shortfalls(content: dict[str, Any]) -> list[str]:
    """Which aims of coverage the run missed; a short run may."""
    cases = max(1, content["cases"])
    shares = [
        ("accepted", content["accepted"] / cases, MIN_ACCEPTED),
        ("on forks", content["forks"] / cases, MIN_FORKS),
        *((reason, count / cases, MIN_REASON) for reason, count in content["per_reason"].items()),
    ]
    return [f"{name} {share:.2%}, aim {aim:.0%}" for name, share, aim in shares if share < aim]


def table(content: dict[str, Any]) -> str:
    """The table that is printed at the end."""
    cases = max(1, content["cases"])
    profiles = content["per_profile"]
    lines = [f"{'verdict':20}{'full':>12}{'header':>12}{'together':>12}{'share':>9}"]
    for code in ("accept", *REASONS, "out_of_domain", "unparsable"):
        full, header = (profiles[profile].get(code, 0) for profile in ("full", "header"))
        lines.append(f"{code:20}{full:12,}{header:12,}{full + header:12,}{(full + header) / cases:9.2%}")
    facts = (
        (
            "cases",
            f"{content['cases']:,} in {content['seconds']:.0f} s, {content['cases_per_s']:,.0f} per second",
        ),
        ("distinct", f"{content['distinct']:,}"),
        (
            "on forks",
            f"{content['forks']:,} ({content['forks'] / cases:.1%}), {content['reorgs']:,} of them reorgs",
        ),
        ("scenarios", f"{content['scenarios']:,} with seed {content['seed']}"),
        ("oracle timeouts", f"{content['oracle_timeouts']:,}"),
        ("differences", f"{content['differences']:,}"),
    )
    lines += ["", *(f"{name:20}{fact}" for name, fact in facts)]
    return "\n".join(lines)
