"""Drop-ins of an operator's own that would defeat the migration's, as `systemctl edit` leaves them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .lab import UNIT, Droplet

pytestmark = pytest.mark.droplets

FOLDER = f"/etc/systemd/system/{UNIT}.d"
OVERRIDE = f"{FOLDER}/override.conf"
CHECKS = json.dumps({"preflight_min_memory_bytes": 100_000_000, "preflight_min_disk_bytes": 100_000_000})


@contextmanager
def override(droplet: Droplet, settings: str) -> Iterator[None]:
    """A drop-in as long as it is looked at."""
    droplet.sh(
        f"mkdir -p {FOLDER} && cat > {OVERRIDE} && systemctl daemon-reload", stdin=f"[Service]\n{settings}\n"
    )
    try:
        yield
    finally:
        droplet.sh(f"rm {OVERRIDE} && systemctl daemon-reload")


def preflight(droplet: Droplet) -> tuple[int, str]:
    """The exit status of preflight, and what it says in one line."""
    done = droplet.play("playbooks/preflight.yml", "-e", CHECKS)
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("Environment=\nEnvironment=TZ=UTC", "no PYTHONPATH"),
        ("RestrictAddressFamilies=\nRestrictAddressFamilies=AF_INET AF_INET6", "is without AF_UNIX"),
        ("ReadOnlyPaths=-/var/lib/coinjecture-migration", "cannot be written by the process"),
    ],
)
def test_given_a_drop_in_that_would_defeat_the_wrapper_then_preflight_names_it_until_it_is_gone(
    droplet: Droplet, settings: str, said: str
) -> None:
    with override(droplet, settings):
        status, told = preflight(droplet)
    assert status == 2, told[-2000:]
    assert said in told
    assert f"take that out of {OVERRIDE}, then: systemctl daemon-reload" in told
    status, told = preflight(droplet)
    assert status == 0, told[-2000:]
    assert "alone may be migrated" in told
