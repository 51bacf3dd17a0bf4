"""Read a node's evidence from its file: for programs beside the node, such as the metrics exporter.

It opens the file read-only, imports no engine, and works whether or not the node is running.
`docs/schemas/evidence-file.schema.json` is the form of the answer.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from coinjecture_migration.evidence.histograms import from_counts
from coinjecture_migration.vocabulary import ENGINES, LATENCY_EDGES, MODES, OUTCOMES, RATIO_EDGES

SCHEMA = 1
REPORT_FACTS = ("baseline", "sentinel", "determinism")


class EvidenceError(RuntimeError):
    """There is no evidence at this path, or it is none; the message names the path and the cause."""


def read(path: Path) -> dict[str, Any]:
    """Everything the file tells, of one moment.

    Args:
        path: The evidence file, by default `/var/lib/coinjecture-migration/evidence.db` on a node.

    Returns:
        `evidence`: the running soak as `status.evidence` gives it, as of its last flush, None before the
        first; `read_at` and `flushed` in seconds since the epoch, so the age of all of it can be told.
        Everything else counts since installation and only ever grows: `totals` {mode: {outcome: n}},
        `accepted` {mode: n}, `rejected` {mode: {code: n}} as answered, `rejects` {code: n} given by both
        engines, `skipped` {why: n}, `latency` {engine: histogram in seconds}, `ratio` histogram of Rust's
        duration over legacy's for accepts and `reject_ratio` for rejects, `cpu` {engine: histogram of the
        processor time, in seconds, of accepts that both judged alike}, `demotions`, `restarts`, `gaps`
        {count, seconds}. Only `chain` {height, tip, cumulative, lag, fingerprints} and `latched` (None:
        not) are as of the last flush.

    Raises:
        EvidenceError: Nothing there, another format, or locked for more than 2 s.
    """
    try:
        db = _connect(path)
        try:
            db.execute("BEGIN")  # one moment for all of it
            row = db.execute("SELECT counters FROM soak ORDER BY id DESC LIMIT 1").fetchone()
            totals = dict(db.execute("SELECT name, value FROM total").fetchall())
            facts = {n: json.loads(v) for n, v in db.execute("SELECT name, value FROM fact").fetchall()}
        finally:
            db.close()
        report = json.loads(row[0]) if row else None
    except (sqlite3.Error, OSError, ValueError) as error:
        raise EvidenceError(f"{path}: {error}") from error
    return _answer(report, totals, facts)


def _connect(path: Path) -> sqlite3.Connection:
    """A read-only connection that leaves nothing behind; without a write-ahead log nobody writes."""
    if not path.is_file():
        raise OSError("there is no such file; has the wrapper ever run here?")
    still = "" if Path(f"{path}-wal").exists() else "&immutable=1"
    address = f"file:{quote(str(path))}?mode=ro{still}"
    return sqlite3.connect(address, uri=True, timeout=2.0, isolation_level=None)


def _answer(
    report: dict[str, Any] | None, totals: Mapping[str, float], facts: Mapping[str, Any]
) -> dict[str, Any]:
    counts = {name: int(value) for name, value in totals.items()}
    if report is not None:
        report |= {name: facts.get(name) for name in REPORT_FACTS}
    return {
        "schema": SCHEMA,
        "read_at": time.time(),
        "flushed": report["flushed"] if report else None,
        "evidence": report,
        "totals": {
            mode: {outcome: counts.get(f"outcome/{mode}/{outcome}", 0) for outcome in OUTCOMES}
            for mode in MODES
        },
        "accepted": {mode: counts.get(f"accepted/{mode}", 0) for mode in MODES},
        "rejected": {mode: _under(counts, f"rejected/{mode}/") for mode in MODES},
        "rejects": _under(counts, "compared/"),
        "skipped": _summed(counts, "skipped/"),
        **{
            name: {
                engine: from_counts(
                    LATENCY_EDGES,
                    _buckets(counts, f"{name}/{engine}/"),
                    totals.get(f"{name}_sum/{engine}", 0.0),
                )
                for engine in ENGINES
            }
            for name in ("latency", "cpu")
        },
        "ratio": from_counts(RATIO_EDGES, _buckets(counts, "ratio/"), totals.get("ratio_sum", 0.0)),
        "reject_ratio": from_counts(
            RATIO_EDGES, _buckets(counts, "reject_ratio/"), totals.get("reject_ratio_sum", 0.0)
        ),
        "demotions": counts.get("demotions", 0),
        "restarts": counts.get("restarts", 0),
        "gaps": {"count": counts.get("gaps", 0), "seconds": totals.get("gap_seconds", 0.0)},
        "chain": facts.get("chain"),
        "latched": facts.get("latched"),
    }


def _under(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Counters below a prefix, by the rest of their name."""
    return {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}


def _summed(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Counters `prefix/mode/name` added up over the modes."""
    summed: dict[str, int] = {}
    for rest, n in _under(counts, prefix).items():
        name = rest.partition("/")[2]
        summed[name] = summed.get(name, 0) + n
    return summed


def _buckets(counts: Mapping[str, int], prefix: str) -> dict[int, float]:
    return {int(index): n for index, n in _under(counts, prefix).items()}
