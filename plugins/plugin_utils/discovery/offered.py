"""What the wrapper offers in place of the engine, read from its own files by syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CLASSES = {
    "wrapper/consensus_wrapper.py": "DualRunConsensus",
    "wrapper/coinjecture_migration/judging/reads.py": "AnsweringReads",
}


def offered(root: Path = ROOT) -> frozenset[str]:
    """The names of methods and attributes that the wrapper has, private ones too."""
    found: set[str] = set()
    for path, name in CLASSES.items():
        tree = ast.parse((root / path).read_text(encoding="utf-8"))
        classes = (one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name)
        found |= {node.name for one in classes for node in one.body if isinstance(node, ast.FunctionDef)}
    return frozenset(found)
