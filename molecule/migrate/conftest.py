"""Let the tests find what scenarios share; `molecule` itself is the name of the tool's own package."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
