"""The loop finds an engine that is wrong, makes the finding small, and keeps a file that replays."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from coinjecture.replay.outcome import Outcome

from fuzz import workers
from fuzz.compare import Comparison, Difference
from fuzz.oracle import Oracle
from fuzz.rust import RustEngine
from fuzz.totals import Totals

ENOUGH_SCENARIOS = 400


class Planted:
    """The Rust engine with something wrong about what it says."""

    def __init__(self, genesis: str, profile: str, wrong: Callable[[Outcome], Outcome]) -> None:
        self._engine = RustEngine(genesis, profile)
        self._wrong = wrong

    def submit(self, text: str, received_at: float) -> Outcome:
        return self._wrong(self._engine.submit(text, received_at))


def accepts_any_size(outcome: Outcome) -> Outcome:
    if outcome.reason == "bad_tier_size":
        return outcome._replace(verdict="accept", reason=None)
    return outcome


def one_bit_of_work(outcome: Outcome) -> Outcome:
    """The last bit of a score is wrong where it is the highest digit: one block in sixteen."""
    if outcome.work_bits and outcome.work_bits.endswith("f"):
        return outcome._replace(work_bits=outcome.work_bits[:-1] + "e")
    return outcome


def other_code(outcome: Outcome) -> Outcome:
    if outcome.reason == "missing_proof":
        return outcome._replace(reason="bad_merkle_root")
    return outcome


class KeepsTheFirstOfATie:
    """An engine that ignores the receipt time where two tips have the same sum."""

    def __init__(self, genesis: str, profile: str) -> None:
        self._engine = RustEngine(genesis, profile)
        self._tip: tuple[str | None, str | None] = (None, None)

    def submit(self, text: str, received_at: float) -> Outcome:
        outcome = self._engine.submit(text, received_at)
        if outcome.tip_hash_json is None:
            return outcome
        if outcome.tip_cumulative_bits != self._tip[1]:
            self._tip = (outcome.tip_hash_json, outcome.tip_cumulative_bits)
        return outcome._replace(tip_hash_json=self._tip[0])


class Panics:
    """An engine that dies of a string it does not expect."""

    def __init__(self, genesis: str, profile: str) -> None:
        self._engine = RustEngine(genesis, profile)

    def submit(self, text: str, received_at: float) -> Outcome:
        if "\\ud800" in text:
            return Outcome("error", "PanicException: a lone surrogate")
        return self._engine.submit(text, received_at)


def first_difference(comparison: Comparison) -> Difference:
    totals = Totals()
    for number in range(ENOUGH_SCENARIOS):
        difference = comparison.run(f"planted:{number}", totals)
        if difference is not None:
            assert totals.differences == 1
            return difference
    raise AssertionError(f"not found in {totals.cases} cases")


@pytest.mark.parametrize(
    ("wrong", "differs"),
    [
        (accepts_any_size, ("verdict", "reason")),
        (one_bit_of_work, ("work_bits",)),
        (other_code, ("reason",)),
    ],
)
def test_given_an_engine_with_a_wrong_answer_when_it_is_fuzzed_then_it_is_found_and_shrunk(
    wrong: Callable[[Outcome], Outcome], differs: tuple[str, ...]
) -> None:
    comparison = Comparison(lambda genesis, profile: Planted(genesis, profile, wrong))
    found = first_difference(comparison)
    assert found.fields == differs
    small = comparison.shrink(found)
    assert small.fields == differs
    assert small.steps[-1] == found.steps[-1]
    assert len(small.steps) <= len(found.steps)


def test_given_a_wrong_tie_break_when_it_is_found_then_only_the_rivals_and_their_ancestors_are_left() -> None:
    comparison = Comparison(KeepsTheFirstOfATie)
    small = comparison.shrink(first_difference(comparison))
    assert "tip_hash_json" in small.fields
    assert 2 <= len(small.steps) <= 12
    for leave_out in range(len(small.steps) - 1):
        fewer = dataclasses.replace(small, steps=small.steps[:leave_out] + small.steps[leave_out + 1 :])
        assert not differs_at_the_end(fewer), f"step {leave_out} is not needed"


def differs_at_the_end(difference: Difference) -> bool:
    oracle = Oracle(difference.genesis, difference.profile)
    wrong = KeepsTheFirstOfATie(difference.genesis, difference.profile)
    same = [
        oracle.submit(step.block_json, step.received_at) == wrong.submit(step.block_json, step.received_at)
        for step in difference.steps
    ]
    return all(same[:-1]) and not same[-1]


def test_given_an_engine_that_panics_then_that_is_a_difference_and_not_the_end_of_the_run() -> None:
    comparison = Comparison(Panics)
    found = first_difference(comparison)
    assert found.got.verdict == "error"


def test_given_a_difference_when_it_is_kept_then_the_file_replays_like_a_vector(tmp_path: Path) -> None:
    def make(genesis: str, profile: str) -> Planted:
        return Planted(genesis, profile, accepts_any_size)

    comparison = Comparison(make)
    path = workers.keep(comparison, comparison.shrink(first_difference(comparison)), tmp_path / "fuzz")
    line = json.loads(path.read_text(encoding="ascii"))
    oracle, right, wrong = (kind(line["genesis"], line["profile"]) for kind in (Oracle, RustEngine, make))
    for step in line["steps"]:
        expect = Outcome(**step["expect"])
        assert oracle.submit(step["block_json"], step["received_at"]) == expect
        assert right.submit(step["block_json"], step["received_at"]) == expect
        last = wrong.submit(step["block_json"], step["received_at"])
    assert last.verdict == "accept" and expect.reason == "bad_tier_size"
    assert line["found"]["differs"] == ["verdict", "reason"]


def test_given_many_differences_of_one_kind_then_all_are_counted_and_a_few_are_kept(tmp_path: Path) -> None:
    comparison = Comparison(lambda genesis, profile: Planted(genesis, profile, other_code))
    hunt = workers.Hunt(comparison, tmp_path)
    number = 0
    while hunt.totals.differences < 12:
        hunt.scenario(f"many:{number}")
        number += 1
    assert (
        1 <= len(list(tmp_path.glob("*.json"))) <= 2 * workers.KEPT_OF_A_KIND
    )  # both profiles reach this code


class NeverEnds:
    """An oracle that computes for ever."""

    def __init__(self, genesis: str, profile: str) -> None:
        self._counted = 0

    def submit(self, text: str, received_at: float) -> Outcome:
        while True:
            self._counted += 1


def test_given_an_oracle_that_does_not_finish_then_the_case_is_counted_apart() -> None:
    totals = Totals()
    comparison = Comparison(RustEngine, NeverEnds, oracle_limit_s=0.02)
    assert comparison.run("slow:1", totals) is None
    assert (totals.oracle_timeouts, totals.cases, totals.differences) == (1, 0, 0)
