"""Types of profiles and reasons, whichever copy of ``consensus_surface`` a process finds first.

Beside the wrapper lies a copy of it, which may be older than this wheel and have no such names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import consensus_surface

if TYPE_CHECKING:
    from consensus_surface import PROFILES, Profile, Reason
else:
    PROFILES = getattr(consensus_surface, "PROFILES", ("header", "full"))
    Profile = getattr(consensus_surface, "Profile", str)
    Reason = getattr(consensus_surface, "Reason", str)

__all__ = ["PROFILES", "Profile", "Reason"]
