"""The fields that a block must have: stated by programs that may not import one another, compared here."""

from __future__ import annotations

import json

import pytest
from coinjecture.consensus import ConsensusEngine
from coinjecture.replay import changes
from coinjecture_migration.engines import legacy
from consensus_surface import HeaderValidationError

from testnet.node.src import pow
from testnet.node.src.consensus import REQUIRED_FIELDS
from tests.wrapper.conftest import NodeStorage, chain, config

BLOCK = chain(1)[0]


def test_given_all_who_state_them_then_they_state_the_same() -> None:
    assert legacy.REQUIRED == changes.REQUIRED == REQUIRED_FIELDS


@pytest.mark.parametrize("name", sorted({*BLOCK, *REQUIRED_FIELDS}))
@pytest.mark.parametrize("form", ["dict", "bytes"])
def test_given_a_block_without_a_field_then_rust_calls_it_malformed_where_the_field_is_required(
    name: str, form: str
) -> None:
    engine = ConsensusEngine(config(), NodeStorage(), pow.ProblemRegistry())
    block = {key: value for key, value in BLOCK.items() if key != name}
    reason = None
    try:
        engine.verify_block(block if form == "dict" else json.dumps(block).encode())
    except HeaderValidationError as rejected:
        reason = rejected.reason
    assert (reason == "malformed") is (name in REQUIRED_FIELDS)
