"""The settings that the engine shares with the wrapper: a pinned profile and the work budget."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ._types import PROFILES, Profile

DEFAULT_PATH = "/etc/coinjecture-migration/wrapper.json"


@dataclass(frozen=True)
class EngineSettings:
    """What of the wrapper's settings concerns the engine.

    Attributes:
        pin_profile: Profile that the network judges every block by, or None: the call decides.
        work_budget: Steps that one judgement may take, or None: the engine's default.
    """

    pin_profile: Profile | None = None
    work_budget: int | None = None


def load() -> EngineSettings:
    """Read the file named by ``COINJECTURE_SETTINGS``; without a file the defaults hold.

    Raises:
        ValueError: The file is no JSON object, or a setting is none of its values.
    """
    path = Path(os.environ.get("COINJECTURE_SETTINGS") or DEFAULT_PATH)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return EngineSettings()
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error}); mend it or remove it to use the defaults") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: not a JSON object; mend it or remove it to use the defaults")
    profile, budget = content.get("pin_profile"), content.get("work_budget")
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"{path}: pin_profile is {profile!r}; set it to one of {PROFILES} or null")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
        raise ValueError(f"{path}: work_budget is {budget!r}; set it to a whole number above 0 or null")
    return EngineSettings(pin_profile=profile, work_budget=budget)
