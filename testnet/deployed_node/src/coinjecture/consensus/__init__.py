"""Helpers of the node around consensus; no engine is in here."""


def describe(block_hash: str) -> str:
    """A block in a log line."""
    return block_hash[:16]
