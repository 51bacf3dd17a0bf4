"""A whole run in small: the blocks are what they are said to be, and the file is what the schema says."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import jsonschema
import pytest

from bench import __main__ as command
from bench import chain, engines, rebuild, report, speed

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/schemas/bench.schema.json").read_text(encoding="ascii")
)
SMALL = speed.Effort(mined=1, chain=4, mined_large=1, chain_large=2, runs=3, rebuild_blocks=3000)


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
    jsonschema.validate(content, SCHEMA)
    rows = {row["name"]: row for row in content["results"]}
    assert len(rows) == len(content["results"]), "a name stands for one figure"
    for name in ("verify_wire", "verify_object", "replay", "verify_wire_large"):
        assert rows[name]["ratio_low"] <= rows[name]["ratio"] <= rows[name]["ratio_high"]
    assert {"wrapper_legacy", "wrapper_shadow", "wrapper_rust", "wrapper_final"} <= rows.keys()
    assert "rebuild_3000_blocks" in rows and "rebuild_1m_blocks" not in rows
    assert report.table(content)
