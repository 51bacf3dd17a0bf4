"""The COINjecture consensus engine in Rust, a drop-in for the Python one.

``coinjecture.consensus`` is the engine as a node uses it; ``coinjecture._core`` is the native module under
it.
"""

__version__ = "4.0.0"
