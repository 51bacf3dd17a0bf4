"""What a run says at its end: the table for people and `build/bench.json`."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    facts = dict(line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    return {
        "processor": facts.get("model name", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "sha_extensions": "sha_ni" in facts.get("flags", "").split(),
        "python": platform.python_version(),
        "libc": " ".join(platform.libc_ver()),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the figures as a file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")


def duration(seconds: float) -> str:
    """A duration in a unit that leaves one to three digits before the point."""
    for unit, factor in UNITS.items():
        if abs(seconds) * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.2g} us"


def table(content: dict[str, Any]) -> str:
    """The table that is printed at the end."""
    lines = [f"{'per block':24}{'python':>11}{'rust':>11}{'faster by':>12}   range of the middle 80 %"]
    for row in content["results"]:
        if "ratio" in row:
            lines.append(
                f"{row['name']:24}{duration(row['oracle_s']):>11}{duration(row['rust_s']):>11}"
                f"{row['ratio']:11.1f}x   {row['ratio_low']:.1f}x to {row['ratio_high']:.1f}x, "
                f"{row['runs']} pairs, {row['block_bytes']:,} bytes"
            )
    lines.append("")
    for row in content["results"]:
        if "value" in row:
            first, _, rest = row["unit"].partition(" ")
            timed, unit = first == "s", rest if first == "s" else row["unit"]
            value = duration(row["value"]) if timed else f"{row['value']:,.1f}"
            lines.append(f"{row['name']:30}{value:>12} {unit}".rstrip())
    return "\n".join(lines)
