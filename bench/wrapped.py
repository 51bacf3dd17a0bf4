"""A wrapper as a node has it, in a folder of its own."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import engines
from fuzz.oracle import ROOT, SOURCE


@contextmanager
def wrapper(mode: str, storage: Any) -> Iterator[tuple[Any, Path]]:
    """A wrapper in this mode on this storage, and its control socket. For a process of its own."""
    for folder in (str(SOURCE), str(ROOT / "wrapper")):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        socket = Path(name) / "control.sock"
        settings = {
            "node": "bench",
            "state_dir": name,
            "control_socket": str(socket),
            "control_uid": os.getuid(),
            "release_link": str(Path(name) / "current"),
            "node_config": str(Path(name) / "node.json"),
        }
        (Path(name) / "wrapper.json").write_text(json.dumps(settings))
        os.environ["COINJECTURE_SETTINGS"] = str(Path(name) / "wrapper.json")
        module = importlib.import_module("consensus_wrapper")
        surface = importlib.import_module("consensus_surface")
        registry = importlib.import_module("pow").ProblemRegistry()
        made = module.DualRunConsensus(engines.config(surface.ConsensusConfig), storage, registry, mode=mode)
        try:
            yield made, socket
        finally:
            made.close()
