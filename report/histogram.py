"""Arithmetic of histograms with bounds: adding them up, and their quantiles."""

from __future__ import annotations

from collections.abc import Iterable

from report.run import Histogram


def merged(histograms: Iterable[Histogram]) -> Histogram | None:
    """All values together; None where there is nothing. Histograms with other bounds are not mixed.

    Raises:
        ValueError: Two histograms have different bounds.
    """
    total: Histogram | None = None
    for one in histograms:
        if not one["count"]:
            continue
        if total is None:
            total = {**one, "bounds": list(one["bounds"]), "counts": list(one["counts"])}
            continue
        if one["bounds"] != total["bounds"]:
            raise ValueError("histograms with different bounds cannot be added up")
        total["counts"] = [a + b for a, b in zip(total["counts"], one["counts"], strict=True)]
        total["sum"] += one["sum"]
        total["count"] += one["count"]
    return total


def of_engine(latency: Iterable[dict[str, Histogram]], engine: str) -> Histogram | None:
    """One engine's durations over all nodes."""
    return merged(found[engine] for found in latency if engine in found)
