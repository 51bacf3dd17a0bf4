"""The machine's own apt set-up, as far as a droplet has to share it: sources, proxies, date checks."""

from __future__ import annotations

import os
import re

from testnet.image.recipe import CODENAME
from testnet.machine.command import RefusalError, run
from testnet.machine.privilege import require_root

_SUITES = (CODENAME, f"{CODENAME}-updates", f"{CODENAME}-security")
_SHARED_OPTION = re.compile(r"Acquire::(Check-|https?::Proxy\b)")


def debian_sources() -> str:
    """The lines of a `sources.list` for the Debian archives that this machine itself uses.

    Raises:
        RefusalError: The machine's sources hold no Debian archive of the droplets' release.
    """
    lines = _debian_lines()
    if not any(line.split()[2] == CODENAME for line in lines):
        run([*require_root("Reading the package lists (apt-get update)"), "apt-get", "update", "-qq"])
        lines = _debian_lines()
    if not any(line.split()[2] == CODENAME for line in lines):
        raise RefusalError(
            f"The droplets are Debian {CODENAME} and this machine's apt sources have no such archive: "
            "run on Debian 12, or add the Debian archive of that release to them."
        )
    return "\n".join(lines) + "\n"


def _debian_lines() -> list[str]:
    """One `deb` line for each known index whose signed release file says Debian; other vendors stay out."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    output = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian"])
    return [line for line in dict.fromkeys(output.splitlines()) if line.split()[2] in _SUITES]


def shared_options() -> list[str]:
    """The apt options without which these archives cannot be used: proxies and checks of dates."""
    options = [line for line in run(["apt-config", "dump"]).splitlines() if _SHARED_OPTION.match(line)]
    for scheme in ("http", "https"):
        proxy = os.environ.get(f"{scheme}_proxy")
        if proxy:
            options.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return options
