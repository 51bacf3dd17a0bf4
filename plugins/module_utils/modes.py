"""The modes of a node, from the old engine to the new one; a step goes up by one."""

from __future__ import annotations

MODES = ("legacy", "shadow", "rust", "final")
