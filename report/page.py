"""The page of a run: one HTML file that needs nothing else, neither a script nor a network."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.coinjecture.migration.plugins.module_utils.visible import visible_in
from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import QUANTILES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.quantiles import quantile
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import duration, seconds
from report import charts, criteria
from report.histogram import of_engine
from report.run import Histogram, MaterialError, Run, check, load

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {"start": "passed", "wait": "waits", "fail": "refused", "nothing": "nothing to do"}


def render(run: Run) -> str:
    """The page as text. Everything in it that comes from outside is escaped, and made visible."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"record_id": lambda node, seq: f"journal-{node}-{seq}"}
    # What is only in the way of a reader who sees it: controls, marks that turn the direction of writing.
    run = visible_in(run)
    environment.filters |= {
        "utc": _utc, "clock": _clock, "duration": duration, "short": seconds, "number": _number,
        "asked": lambda criteria, name: f"{criteria[name]:,}" if name in criteria else "",
    }  # fmt: skip
    drawn = charts.distribution(_engines(run))
    return environment.get_template("report.html.j2").render(
        run=run,
        words=WORDS,
        criteria=criteria.judge(run),
        timeline=charts.timeline(run),
        distribution=drawn,
        latency=_latency_rows(run),
    )


def write(run: Run, target: Path) -> Path:
    """Check the material, and replace the page at once.

    Raises:
        MaterialError: The material has another form.
        OSError: The page cannot be written.
    """
    check(run)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_text(render(run), encoding="utf-8")
    return fresh.replace(target)


def _engines(run: Run) -> dict[str, Histogram]:
    """Each engine's durations over all nodes, where there are any."""
    found = {engine: of_engine(run["latency"].values(), engine) for engine in ("legacy", "rust")}
    return {engine: one for engine, one in found.items() if one is not None}


def _latency_rows(run: Run) -> list[dict[str, Any]]:
    """A row of the table of latencies for each node and engine."""
    return [
        {
            "node": node,
            "engine": engine,
            "count": one["count"],
            "mean": one["sum"] / one["count"],
            **{name: quantile(one, share) for name, share, _ in QUANTILES},
        }
        for node, engines in run["latency"].items()
        for engine, one in engines.items()
    ]


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%m-%d %H:%M:%S")


def _number(value: int | None) -> str:
    return "not measured" if value is None else f"{value:,}"


def main(arguments: Sequence[str]) -> int:
    """Make a page of a run's material: 0, or 2 for bad material."""
    parser = argparse.ArgumentParser(prog="python -m report.page", description=__doc__)
    parser.add_argument("run", type=Path, help="the material, as docs/schemas/run.schema.json describes it")
    parser.add_argument("page", type=Path, help="where the page goes")
    options = parser.parse_args(arguments)
    try:
        write(load(options.run), options.page)
    except (MaterialError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
