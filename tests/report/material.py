"""Material for the tests of the page, and changes of it.

Both are recorded: `rehearsal.json` of a complete rehearsal, `halted.json` of one with a faulty wheel.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from report.run import Run, load

FIXTURE = Path(__file__).with_name("fixtures") / "rehearsal.json"


def rehearsal(**changes: Any) -> Run:
    """A complete rehearsal, with some of its fields replaced."""
    run: Any = copy.deepcopy(load(FIXTURE)) | changes
    return run  # type: ignore[no-any-return]


def histogram(*counts: int) -> Any:
    """A histogram with edges of 10 us, 100 us, 1 ms, ..."""
    bounds = [10.0 ** (power - 5) for power in range(len(counts) - 1)]
    return {"bounds": bounds, "counts": list(counts), "sum": 1e-4 * sum(counts), "count": sum(counts)}
