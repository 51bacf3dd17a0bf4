"""The policy alone: a pure function from two observations to outcome, answer and demotion."""

from dataclasses import replace
from typing import Any

import pytest
from coinjecture_migration.engines.observation import Observation, compare
from consensus_wrapper import Decision, decide

YES = Observation(
    "legacy", accepted=True, block_hash="aa", work=1.0, inserted=True, height=1, cumulative=2.0, tip_hash="aa"
)
NO = Observation("legacy", reasons=frozenset({"bad_proof"}), block_hash="aa", work=1.0, tip_hash="00")
BROKE = Observation("legacy", error=RuntimeError())
LIMITED = replace(NO, reasons=frozenset(), not_a_rule=True)


def rust(observation: Observation) -> Observation:
    return replace(observation, engine="rust")


@pytest.mark.parametrize(
    ("mode", "legacy", "other", "options", "expected"),
    [
        ("shadow", YES, rust(YES), {}, Decision("match", None, "legacy")),
        ("rust", YES, rust(YES), {}, Decision("match", None, "rust")),
        ("shadow", YES, rust(NO), {}, Decision("divergence", "verdict", "legacy")),
        ("rust", YES, rust(NO), {"on_divergence": "rust"}, Decision("divergence", "verdict", "rust")),
        ("shadow", YES, rust(BROKE), {}, Decision("rust_error", None, "legacy")),
        ("rust", YES, rust(BROKE), {"errors_left": 1}, Decision("rust_error", None, "legacy")),
        (
            "rust",
            YES,
            rust(BROKE),
            {"behind": "legacy", "errors_left": 1},
            Decision("rust_error", None, None),
        ),
        ("shadow", BROKE, None, {}, Decision("legacy_error", None, None)),
        ("rust", BROKE, rust(YES), {}, Decision("legacy_error", None, "rust")),
        ("rust", BROKE, rust(BROKE), {}, Decision("rust_error", None, None)),
        ("shadow", LIMITED, None, {}, Decision("skipped", "not_a_rule", "legacy")),
        ("rust", LIMITED, rust(YES), {}, Decision("skipped", "not_a_rule", "rust")),
        ("shadow", YES, None, {"out_of_domain": True}, Decision("skipped", "out_of_domain", "legacy")),
        ("rust", NO, None, {"out_of_domain": True}, Decision("skipped", "out_of_domain", "legacy")),
        ("shadow", YES, None, {"behind": "rust"}, Decision("skipped", "resync", "legacy")),
        ("rust", YES, None, {"behind": "rust"}, Decision("skipped", "resync", "legacy")),
        ("rust", YES, rust(NO), {"behind": "legacy"}, Decision("skipped", "resync", "rust")),
    ],
)
def test_given_two_observations_when_decided_then_one_outcome_and_one_answer(
    mode: str, legacy: Observation, other: Observation | None, options: dict[str, Any], expected: Decision
) -> None:
    assert decide(mode, legacy, other, **options) == expected


@pytest.mark.parametrize("other", [rust(NO), rust(BROKE)])
def test_given_rust_leads_when_it_is_wrong_or_breaks_then_the_node_demotes_and_legacy_answers(
    other: Observation,
) -> None:
    decision = decide("rust", YES, other)
    assert decision.answer == "legacy"
    assert decision.demote


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"block_hash": "bb"}, ("block_hash",)),
        ({"work": 1.0000000000000002}, ("work",)),
        ({"work": 1}, ("work",)),
        ({"height": True}, ("height",)),
        ({"height": None, "cumulative": None}, ("height", "cumulative")),
        ({"cumulative": -2.0}, ("cumulative",)),
        ({"tip_hash": "00"}, ("tip",)),
        ({"tip_cumulative": float("nan")}, ()),
        ({}, ()),
    ],
)
def test_given_one_value_that_differs_when_compared_then_its_kind_is_named(
    change: dict[str, Any], kinds: tuple[str, ...]
) -> None:
    assert compare(YES, rust(replace(YES, **change))) == kinds


def test_given_odd_numbers_when_compared_then_bits_count_and_any_nan_is_any_other() -> None:
    nan = replace(YES, work=float("nan"), cumulative=0.0)
    assert compare(nan, rust(replace(nan, work=-float("nan")))) == ()
    assert compare(nan, rust(replace(nan, cumulative=-0.0))) == ("cumulative",)


def test_given_a_reject_that_stands_for_several_codes_when_one_of_them_is_meant_then_they_agree() -> None:
    group = replace(NO, reasons=frozenset({"bad_proof", "bad_tier_size"}))
    assert compare(group, rust(NO)) == ()
    assert compare(group, rust(replace(NO, reasons=frozenset({"malformed"})))) == ("reason",)
