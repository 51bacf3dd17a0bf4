"""The forms in which the fuzzer gives a block to the Rust engine."""

import json

from coinjecture import _core

from fuzz.oracle import GENESIS
from fuzz.rust import as_object


def test_given_a_block_as_an_object_then_it_is_the_same_block_whatever_its_parts_lack_or_have_more() -> None:
    block = json.loads(GENESIS["testnet"]["block_json"])
    lacking, more = json.loads(json.dumps(block)), json.loads(json.dumps(block))
    del lacking["complexity"]["energy_metrics"]["solve_energy_joules"], lacking["timestamp"]
    more["complexity"] |= {"remark": [1, {"x": None}]}
    for content in (block, lacking, more, block | {"complexity": None}, block | {"complexity": {}}):
        made = _core.capture(as_object(content))
        assert json.loads(made.to_json()) == content
        assert made == _core.capture(content)
