"""What the engines took is kept by two clocks, so narrowly that a few percent can be told."""

import itertools
import math
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from coinjecture_migration.evidence.counters import MOST_TIMED, Counters, flat
from coinjecture_migration.evidence.histograms import (
    COARSE,
    FINE,
    Durations,
    Paired,
    in_latency_buckets,
    latency_bucket,
)
from coinjecture_migration.runtime import timing
from coinjecture_migration.runtime.timing import NOTHING, Spent
from coinjecture_migration.vocabulary import LATENCY_EDGES

from tests.wrapper.conftest import Place
from tests.wrapper.test_watching import Watched


def test_given_a_thread_that_waits_then_the_wall_sees_it_and_its_processor_time_does_not() -> None:
    started = timing.start()
    threading.Event().wait(0.05)
    spent = timing.since(started)
    assert spent.cpu < spent.wall
    assert spent.wall >= 0.05


def test_given_clocks_that_are_only_read_then_their_cost_is_left_out_and_nothing_is_negative() -> None:
    found = [timing.since(timing.start()) for _ in range(1000)]
    assert min(spent.cpu for spent in found) >= 0.0
    assert min(timing.READING_NS, timing.ASKING_NS) >= 0


@dataclass
class Clocks:
    """Both clocks, set by hand."""

    wall: float = 100.0
    cpu: float = 5.0
    asked: int = 0

    def thread_time_ns(self) -> int:
        self.asked += 1
        return round(self.cpu * 1e9)

    def pass_(self, wall: float, cpu: float) -> None:
        self.wall, self.cpu = self.wall + wall, self.cpu + cpu


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The clocks of the wrapper, which cost nothing to read and have not been read yet."""
    clocks = Clocks()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clocks.wall)
    monkeypatch.setattr(timing.time, "thread_time_ns", clocks.thread_time_ns)
    for cost in ("READING_NS", "READING_S", "ASKING_NS"):
        monkeypatch.setattr(timing, cost, 0.0)
    monkeypatch.setattr(timing, "_latest", timing.NEVER)
    return clocks


def test_given_work_too_short_to_wait_in_then_the_system_is_not_asked_again(clocks: Clocks) -> None:
    for _ in range(3):
        started = timing.start()
        clocks.pass_(4e-6, 4e-6)
        assert timing.since(started) == pytest.approx((4e-6, 4e-6))
    assert clocks.asked == 1


def test_given_a_wait_in_or_before_the_work_then_the_system_is_asked_and_the_wait_left_out(
    clocks: Clocks,
) -> None:
    started = timing.start()
    clocks.pass_(0.3, 2e-6)
    assert timing.since(started) == pytest.approx((0.3, 2e-6))
    clocks.pass_(0.5, 1e-6)
    started = timing.start()
    clocks.pass_(3e-6, 3e-6)
    assert timing.since(started) == pytest.approx((3e-6, 3e-6))
    assert clocks.asked == 3


def test_given_another_thread_that_has_just_read_the_clocks_then_this_one_asks_for_its_own(
    clocks: Clocks,
) -> None:
    timing.start()
    clocks.cpu = 1.0
    found: list[tuple[float, float]] = []
    thread = threading.Thread(target=lambda: found.append(timing.start()))
    thread.start()
    thread.join()
    assert found == [(100.0, 1e9)]
    assert clocks.asked == 2


def test_given_more_calls_than_wait_for_their_buckets_then_every_duration_is_counted() -> None:
    counters = Counters()
    for calls in range(1, 3 * MOST_TIMED):
        counters.record("match", accepted=True, legacy=Spent(2e-4, 1e-4), rust=Spent(1e-4, 5e-5))
        if calls % (MOST_TIMED + 7) == 0:
            assert counters.snapshot()["ratio"]["count"] == calls
    found = counters.snapshot()
    assert {sum(buckets) for buckets in found["latency"].values()} == {calls}
    assert found["durations"]["cpu"]["rust"]["count"] == calls


@pytest.mark.parametrize("per_decade", [COARSE, FINE])
def test_given_durations_then_each_lies_in_a_narrow_bucket_that_its_number_tells(per_decade: int) -> None:
    for seconds in (3e-9, 1e-6, 1.234e-5, 0.25, 40.0):
        durations = Durations(per_decade)
        durations.add(seconds)
        ((bucket, count),) = durations.as_json()["counts"].items()
        high = 10 ** (int(bucket) / per_decade - 9)
        assert (count, high >= seconds * (1 - 1e-12)) == (1, True)
        assert high / seconds < 10 ** (1 / per_decade) * (1 + 1e-9)


def test_given_a_clock_that_saw_nothing_then_the_duration_lies_in_the_first_bucket() -> None:
    durations = Durations(FINE)
    for seconds in (0.0, 1e-9):
        durations.add(seconds)
    assert durations.as_json() == {"per_decade": FINE, "counts": {"0": 2}, "sum": 1e-9, "count": 2}


def test_given_saved_durations_then_it_goes_on_from_them_unless_they_are_of_other_buckets() -> None:
    first = Paired(FINE)
    first.add(Spent(2e-4, 1e-4), Spent(1e-4, 5e-5))
    again = Paired(FINE, first.as_json())
    assert again.as_json() == first.as_json()
    again.add(Spent(2e-4, 1e-4), Spent(1e-4, 5e-5))
    assert again.as_json()["cpu"]["rust"]["count"] == 2
    assert Paired(COARSE, first.as_json()).as_json()["cpu"]["rust"]["count"] == 0


def test_given_narrow_buckets_then_those_of_the_metrics_hold_the_same_values() -> None:
    seconds = [10 ** (k / 7.3 - 7.5) for k in range(70)]
    durations, expected = Durations(COARSE), dict[int, int]()
    for one in seconds:
        durations.add(one)
        expected[latency_bucket(one)] = expected.get(latency_bucket(one), 0) + 1
    assert in_latency_buckets(durations.as_json()) == expected
    assert {0, len(LATENCY_EDGES)} <= set(expected), "also what lies below and above all edges"


def test_given_calls_then_only_accepts_that_both_judged_alike_are_pairs_of_durations() -> None:
    counters = Counters()
    both: dict[str, Any] = {"legacy": Spent(2e-4, 1e-4), "rust": Spent(1e-4, 5e-5)}
    counters.record("match", accepted=True, **both)
    counters.record("match", accepted=False, reason="no_work", **both)
    counters.record("divergence", "verdict", accepted=True, **both)
    counters.record("alone", accepted=True, legacy=Spent(2e-4, 1e-4), rust=NOTHING)
    found = counters.snapshot()["durations"]
    assert {engine: one["count"] for engine, one in found["cpu"].items()} == {"legacy": 1, "rust": 1}
    assert found["wall"]["rust"]["sum"] == 1e-4
    named = flat(counters.snapshot(), "shadow")
    assert named[f"cpu/legacy/{latency_bucket(1e-4)}"] == 1
    assert math.isclose(named["cpu_sum/rust"], 5e-5)


def test_given_a_soak_of_an_older_wrapper_then_it_goes_on_with_no_durations_so_far() -> None:
    saved = Counters().snapshot()
    del saved["durations"]
    assert Counters(saved).snapshot()["durations"]["cpu"]["legacy"]["count"] == 0


def test_given_the_arm_then_each_engine_judges_every_block_once_before_and_once_after_the_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(place)
    check = watched.self_check()
    judged: list[tuple[int, str]] = []
    judge = check._judge

    def noting(engine: Any, block: Any, *rest: Any) -> Any:
        judged.append((block["index"], engine.name))
        return judge(engine, block, *rest)

    monkeypatch.setattr(check, "_judge", noting)
    check.run()
    turns = [(*one, second[1]) for one, second in zip(judged[::2], judged[1::2], strict=True)]
    blocks = {index for index, _, _ in turns}
    assert blocks
    for block in blocks:
        assert sorted(turn[1:] for turn in turns if turn[0] == block) == [
            ("legacy", "rust"),
            ("rust", "legacy"),
        ]
    firsts = [first for _, first, _ in turns[: len(blocks)]]
    assert all(one != other for one, other in itertools.pairwise(firsts)), "from pair to pair"


def test_given_what_the_arm_found_with_an_older_wrapper_then_it_goes_on_and_gathers_durations(
    place: Place,
) -> None:
    watched = Watched(place)
    check = watched.self_check()
    check.run()
    known = watched.found("determinism")
    older = {name: value for name, value in known.items() if name != "durations"}
    watched.manager.evidence.set_fact("determinism", older)
    check.run()
    found = watched.found("determinism")
    assert found["runs"] == 2
    assert found["durations"]["cpu"]["rust"]["count"] == 2 * (found["blocks"] - known["blocks"])
