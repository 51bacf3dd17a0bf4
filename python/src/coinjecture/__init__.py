"""The COINjecture consensus engine in Rust, a drop-in for the Python one.

``ConsensusEngine`` is the engine as a node uses it; ``coinjecture.pow`` solves and verifies subset sums, and
``coinjecture._core`` is the native module under both.

    >>> from coinjecture import ConsensusConfig, ConsensusEngine, HeaderValidationError
    >>> engine = ConsensusEngine(ConsensusConfig(genesis_block=genesis), storage, registry)
    >>> engine
    <ConsensusEngine network='coinjecture-testnet-v1' blocks=1 tip_height=0>
    >>> engine.verify_block(block)
    True
    >>> try:
    ...     engine.verify_block(block | {"index": 7})
    ... except HeaderValidationError as error:
    ...     print(error.reason, error.value, error.limit)
    bad_height 7 1
"""

from . import consensus
from ._core import __version__
from .consensus import *  # noqa: F403 - its `__all__` is what is public

__all__ = ["__version__"]
__all__ += consensus.__all__
