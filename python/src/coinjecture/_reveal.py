"""The check of a reveal: the opening of a miner's commitment to a proof. No rule, so plain Python."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from consensus_surface import RevealValidationError

from . import _core


def calculate_commitment(params: bytes, miner_salt: bytes, previous_hash: Any, solution: Any) -> str:
    """Hash (hex) that binds a miner to a solution before it is shown.

    It covers the problem's parameters, the miner's salt, a salt of the epoch (the parent, so that a
    commitment cannot be made in advance) and the solution's own hash.
    """
    epoch_salt = hashlib.sha256(f"epoch:{previous_hash}".encode()).digest()
    solution_hash = hashlib.sha256(json.dumps(solution).encode()).digest()
    return hashlib.sha256(params + miner_salt + epoch_salt + solution_hash).hexdigest()


def check_reveal(
    block: Any,
    commitment: str,
    miner_salt: bytes,
    proof_bundle: bytes | None,
    *,
    known_parent: bool,
    registry: Any,
    max_bundle_bytes: int,
) -> None:
    """Check that a block, as a mapping, reveals what its miner committed to.

    Raises:
        RevealValidationError: Unknown parent, wrong commitment, wrong proof or a bundle too big.
        Exception: What reading the block or asking the registry raises.
    """
    if not known_parent:
        raise RevealValidationError("reveal: previous_hash is not in the tree")
    for part in ("problem", "solution"):
        _core.canonical_json(block[part])  # refuses what is small as an object and without end as a text
    params = registry.encode_params(block["problem"])
    if commitment != calculate_commitment(params, miner_salt, block["previous_hash"], block["solution"]):
        raise RevealValidationError("reveal: the commitment does not fit problem, salt and solution")
    if not registry.verify(block["problem"], block["solution"]):
        raise RevealValidationError("reveal: the solution does not solve the problem")
    if proof_bundle is not None and len(proof_bundle) > max_bundle_bytes:
        raise RevealValidationError("reveal: the proof bundle is larger than max_proof_size_bytes")
