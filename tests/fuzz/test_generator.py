"""What the generator makes: repeatable, and common enough in every direction."""

import json
from random import Random
from typing import Any

import pytest
from coinjecture.replay import values
from coinjecture.replay.node import Known

from fuzz import blocks, report, text, workers
from fuzz.compare import Comparison
from fuzz.domain import levels, out_of_domain
from fuzz.oracle import Oracle, modules
from fuzz.scenario import Scenario
from fuzz.totals import Totals

SEED = 20_240_101
SCENARIOS = 170


def steps_of(seed: str) -> list[tuple[str, float]]:
    """Every step of a scenario, as the oracle's outcomes lead to it."""
    scenario = Scenario(seed)
    oracle = Oracle(scenario.genesis, scenario.profile)
    made = []
    while not scenario.finished:
        step = scenario.next_step()
        made.append((step.block_json, step.received_at))
        scenario.learn(oracle.submit(step.block_json, step.received_at))
    return made


def test_given_a_seed_when_a_scenario_is_made_twice_then_both_are_the_same_to_the_byte() -> None:
    assert steps_of("a:1") == steps_of("a:1")
    assert steps_of("a:1") != steps_of("a:2")


@pytest.fixture(scope="module")
def totals() -> Totals:
    """A short run against the engine in use: both engines are asked, nothing may differ."""
    comparison, counted = Comparison(workers.SUBJECTS["rust"]), Totals()
    for number in range(SCENARIOS):
        difference = comparison.run(workers.scenario_seed(SEED, number), counted)
        assert difference is None, f"scenario {difference.seed}: {difference.kind}"
    return counted


def test_given_a_short_run_then_every_reason_forks_and_accepts_have_their_share(totals: Totals) -> None:
    plan = workers.Plan(SEED, 1.0, 1, "rust", report.Path("unused"))
    content = report.summary(plan, totals, 1.0)
    assert report.shortfalls(content) == []


def test_given_a_short_run_then_reorgs_replaced_blocks_and_texts_that_are_no_json_are_in_it(
    totals: Totals,
) -> None:
    codes = totals.by_code()
    assert totals.reorgs > totals.cases / 200
    assert codes["unparsable"] and codes["out_of_domain"]
    assert totals.cases * 0.9 < totals.distinct() <= totals.cases


def test_given_long_scenarios_then_one_block_leaves_more_than_a_hundred_behind() -> None:
    for number in range(100):
        scenario = Scenario(f"long:{number}")
        oracle = Oracle(scenario.genesis, scenario.profile)
        height = 0
        while not scenario.finished:
            step = scenario.next_step()
            scenario.learn(oracle.submit(step.block_json, step.received_at))
            fallen, height = height - oracle.engine.best_tip.height, oracle.engine.best_tip.height
            if fallen > 100:
                assert step.note == "overturn"
                return
    raise AssertionError("no chain of more than a hundred blocks was left behind")


def test_given_an_unusual_text_when_it_is_parsed_then_its_hash_fits_what_it_means() -> None:
    rng, root = Random(5), Known("00" * 32, 0, 1.0)
    seal = modules().pow.calculate_block_hash
    fits = 0
    for _ in range(200):
        written = text.unusual(rng, blocks.child(rng, root, plain=True), seal)
        block = json.loads(written)
        try:
            fits += block["block_hash"] == seal(block)
        except ValueError:
            continue  # a key given twice took the mining capacity or wrote what has no hash
    assert fits > 120  # the rest got another hash, or none, by a key that is there twice


def test_given_an_integer_of_more_digits_than_python_writes_then_the_text_has_the_largest_one() -> None:
    block = {"index": 10**4300, "solution": [-(10**4301), 5, True], "problem": {"target": 10**4300 - 1}}
    written = json.loads(text.plain(block))
    largest = 10**4300 - 1
    assert written == {"index": largest, "solution": [-largest, 5, True], "problem": {"target": largest}}
    block = blocks.child(Random(2), Known("00" * 32, 10**4301, 1.0)) | {"remark": 10**4301}
    assert str(largest) in text.unusual(Random(1), block, lambda _: None)


@pytest.mark.parametrize("deep", [1, 2, 64])
def test_nested_makes_so_many_levels(deep: int) -> None:
    assert levels(values.nested(deep)) == deep


def block_with(**complexity: object) -> dict[str, object]:
    return {"complexity": complexity}


@pytest.mark.parametrize(
    ("size", "form", "outside"),
    [
        (4096, "O(2^n)", False),
        (-4096.0, "O(n!)", False),
        (4097, "O(2^n)", True),
        (4096.5, " n^n ", True),
        (values.NAN, "Theta(2^n)", True),
        (values.INF, "O(n^2)", False),
        ("9999", "O(2^n)", False),
        (True, "O(2^n)", False),
    ],
)
def test_the_domain_ends_where_the_oracle_would_compute_for_minutes(
    size: object, form: str, outside: bool
) -> None:
    block = block_with(problem_size=size, time_verify_O=form)
    assert bool(out_of_domain("{}", block)) is outside


def test_the_domain_ends_beyond_64_levels_and_beyond_a_mebibyte() -> None:
    for deep, outside in ((63, False), (64, True)):
        block = {"transactions": values.nested(deep)}
        assert bool(out_of_domain(json.dumps(block), block)) is outside
    assert out_of_domain(" " * (1 << 20), {}) is None
    assert out_of_domain(" " * ((1 << 20) + 1), {})
    assert out_of_domain("\u00e9" * (1 << 19) + " ", {})


def test_of_a_text_the_levels_count_that_are_overruled_only_beyond_what_is_read() -> None:
    for deep, outside in ((63, None), (64, None), (511, None), (512, "text of more than 512 levels")):
        text = f'{{"a": {"[" * deep}"[\\"["{"]" * deep}, "a": 1}}'
        assert json.loads(text) == {"a": 1}
        why = out_of_domain(text, {"a": 1})
        assert why is None if outside is None else outside in str(why)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"a": ' + "[" * 511, "unparsable"),
        ('{"a": ' + "[" * 512, "out_of_domain"),
        ('{"a": ' + "[" * 512 + "x", "out_of_domain"),
        ('{"a": x' + "[" * 512, "unparsable"),
        ("[" * 600 + "]" * 600, "unparsable"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + ', "a": 1}', "out_of_domain"),
        ("[" * 5000, "unparsable"),
    ],
    ids=["unclosed", "deep unclosed", "deep broken", "broken", "list", "deepest", "deepest list"],
)
@pytest.mark.parametrize("subject", [Oracle, workers.SUBJECTS["rust"]], ids=["oracle", "rust"])
def test_a_text_that_is_too_deep_to_read_is_outside_unless_it_is_no_object(
    subject: Any, text: str, verdict: str
) -> None:
    assert subject("testnet", "full").submit(text, 1.0).verdict == verdict
