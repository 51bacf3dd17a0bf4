"""Positions of the drawings follow the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from report.charts import LEFT, RIGHT, WIDTH, Scale, distribution, timeline
from report.histogram import merged
from tests.report.material import histogram, rehearsal


def test_a_scale_maps_its_ends_to_its_ends_and_keeps_others_inside() -> None:
    linear, log = Scale(10, 20, 0, 100), Scale(1e-3, 1e1, 100, 0, log=True)
    assert [linear(value) for value in (10, 15, 20, 99, -5)] == [0, 50, 100, 100, 0]
    assert [log(value) for value in (1e-3, 1e-1, 1e1, 0.0)] == [100, 50, 0, 100]


def test_the_modes_of_a_node_fill_its_lane_without_a_hole() -> None:
    for lane in timeline(rehearsal()).lanes:
        ends = [round(span.x + span.width, 1) for span in lane.spans]
        assert lane.spans[0].x == LEFT
        assert ends[:-1] == [span.x for span in lane.spans[1:]]
        assert ends[-1] == WIDTH - RIGHT


def test_a_panel_is_drawn_for_every_node_that_was_measured() -> None:
    run = rehearsal()
    assert len(timeline(run).panels) == 4
    del run["clients"]["node1"]
    assert len(timeline(run).panels) == 3


@pytest.mark.parametrize("lasted", [0, 1, 59, 454, 7 * 86400, 60 * 86400])
def test_the_time_axis_has_a_readable_number_of_marks(lasted: float) -> None:
    run = rehearsal(clients={}, blocks={})
    run["finished"] = run["started"] + lasted
    ticks = timeline(run).ticks
    assert 1 <= len(ticks) <= 10
    assert ticks[0].label == "0 s"


def test_a_bin_without_requests_interrupts_the_line() -> None:
    run = rehearsal()
    run["clients"]["node1"]["bins"][5] |= {"requests": 0, "p50": None, "p99": None, "slowest": None}
    drawn = next(panel for panel in timeline(run).panels if panel.title.startswith("node1: what users"))
    assert [line.path.count("M") for line in drawn.lines] == [2, 2, 2]


def test_a_distribution_shows_the_used_part_of_the_axis_and_both_quantiles() -> None:
    drawn = distribution({"legacy": histogram(0, 9, 1, 0), "rust": histogram(9, 1, 0, 0)})
    assert drawn is not None
    assert [line.kind for line in drawn.lines] == ["area legacy", "area rust"]
    assert [(name, mark.label) for name, mark in drawn.marks] == [
        *[("legacy", "p50"), ("legacy", "p99"), ("rust", "p50"), ("rust", "p99")]
    ]
    assert distribution({"rust": histogram(0, 0)}) is None
    assert distribution({}) is None


def test_histograms_add_up_and_others_do_not() -> None:
    total: Any = merged([histogram(1, 2, 3), histogram(0, 0, 0), histogram(1, 1, 1)])
    assert total["counts"] == [2, 3, 4]
    assert total["count"] == 9
    assert merged([]) is None
    with pytest.raises(ValueError, match="different bounds"):
        merged([histogram(1, 2), histogram(1, 2, 3)])
