"""A whole run in small: the blocks are what they are said to be, and the file is what the schema says."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bench import __main__ as command
from bench import chain, engines, mode_changes, rebuild, report, speed
from report.schemas import validator

SMALL = speed.Effort(
    mined=1,
    chain=4,
    replayed=8,
    mined_large=1,
    chain_large=2,
    replayed_large=3,
    runs=3,
    rebuild_blocks=3000,
    rounds=1,
    way_back_blocks=300,
)


@pytest.fixture(scope="module")
def samples() -> list[speed.Sample]:
    return speed.samples(SMALL)


def test_the_blocks_have_the_sizes_of_the_network_and_of_a_hundred_transactions(
    samples: list[speed.Sample],
) -> None:
    usual, large = samples
    assert 2_000 <= usual.block_bytes <= 3_000
    assert 32_000 <= large.block_bytes <= 36_000
    assert all(len(json.loads(raw)["transactions"]) == 100 for raw in large.raw)


def test_given_a_stretched_chain_then_both_engines_accept_every_block_and_agree_on_the_tip() -> None:
    log = list(chain.stretched(chain.mined(2, transactions=1), 50))
    both = engines.oracle(), engines.rust()
    for engine in both:
        engines.judge_all(engine, [raw for raw, _ in log])
    oracle, rust = (engine.best_tip for engine in both)
    assert oracle.height == rust.height == 50
    assert oracle.block["block_hash"] == rust.block["block_hash"]
    assert oracle.cumulative_work == rust.cumulative_work


def test_given_a_block_that_is_refused_then_nothing_is_measured(samples: list[speed.Sample]) -> None:
    broken = json.loads(samples[0].raw[0]) | {"merkle_root": ""}
    with pytest.raises(Exception, match="bad_merkle_root"):
        engines.judge_all(engines.rust(), [broken])


def test_given_a_log_that_takes_long_to_make_then_making_it_is_not_counted() -> None:
    log = rebuild.TimedLog(chain.mined(1, transactions=0), 3 * rebuild.ROWS_AT_ONCE)
    rows = list(log)
    assert len(rows) == 3 * rebuild.ROWS_AT_ONCE
    assert log.making_s > 0
    assert median(len(raw) for raw, _ in rows) > 1_500


def test_given_little_memory_then_a_shorter_chain_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "available_bytes", lambda: 3 << 30)
    assert rebuild.affordable(1_000_000) == 260_000
    assert rebuild.affordable(1000) == 1000
    monkeypatch.setattr(rebuild, "available_bytes", lambda: 64 << 30)
    assert rebuild.affordable(1_000_000) == 1_000_000


def test_given_a_small_run_then_the_file_fits_its_schema_and_holds_every_name(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    report.write(out, command.measured(SMALL))
    content: dict[str, Any] = json.loads(out.read_text(encoding="ascii"))
    validator("bench").validate(content)
    rows = {row["name"]: row for row in content["results"]}
    assert len(rows) == len(content["results"]), "a name stands for one figure"
    for name in ("verify_wire", "verify_object", "replay", "verify_wire_large"):
        assert rows[name]["ratio_low"] <= rows[name]["ratio"] <= rows[name]["ratio_high"]
    assert {"wrapper_legacy", "wrapper_shadow", "wrapper_rust", "wrapper_final"} <= rows.keys()
    assert "rebuild_3000_blocks" in rows and "rebuild_1m_blocks" not in rows
    assert {f"rebuild_chain_of_{length}" for length in (30, 300, 3000)} <= rows.keys()
    assert rows["rebuild_longest_over_shortest"]["value"] > 0
    assert rows["two_processes_over_one"]["value"] > 0
    assert report.table(content)


def test_given_changes_of_mode_under_load_then_all_are_made_and_the_feeder_was_not_left_behind() -> None:
    rows = rebuild.apart(mode_changes.commits, chain.mined(1, transactions=1), 1)
    found = {str(row["name"]): row["value"] for row in rows}
    assert found["mode_commit_count"] == len(mode_changes.ROUND)
    assert 0 < float(str(found["mode_commit_median"])) <= float(str(found["mode_commit_slowest"]))
    assert float(str(found["mode_commit_load"])) > 0


def test_given_a_chain_then_the_way_back_from_final_ends_in_legacy() -> None:
    rows = rebuild.apart(mode_changes.way_back, chain.mined(1, transactions=1), 300)
    assert [row["name"] for row in rows] == [
        "rollback_300_prepare",
        "rollback_300_commit",
        "rollback_300_restart",
    ]


def test_given_a_chain_that_ends_too_early_then_nothing_is_reported() -> None:
    log, rows = mode_changes.GrowingLog(), chain.stretched(chain.mined(1, transactions=1), 3)
    feeder = mode_changes.Feeder(engines.rust(log), log, rows)
    with pytest.raises(RuntimeError, match="has ended before the measurement"), feeder.at_work():
        feeder._thread.join()
