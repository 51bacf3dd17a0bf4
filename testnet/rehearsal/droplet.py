"""Reading a droplet as its operator does, by ssh."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnet.lab.plan import KNOWN_HOSTS, LOOPBACK, OPERATOR_KEY, Droplet
from testnet.rehearsal.kinds import REFERENCE_KIND, Kind

SSH_TIMEOUT = 60.0  # seconds

# A consistent copy, taken while the node writes: SQLite's own serialisation of one read transaction.
SNAPSHOT = """
import sqlite3, sys
source = sqlite3.connect("file:{path}?mode=ro", uri=True)
copy = sqlite3.connect(":memory:")
source.backup(copy)
sys.stdout.buffer.write(copy.serialize())
"""

# The program of the node and what is dropped beside its unit: type and rights, owner, content.
OWN_FILES = """
import hashlib, json, pathlib
source, drop_ins = pathlib.Path({source!r}), pathlib.Path({drop_ins!r})
found = dict()
for path in (source, *source.parent.glob("*.py"), *source.rglob("*"), *drop_ins.rglob("*")):
    if "__pycache__" not in path.parts:
        have = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = [oct(have.st_mode), have.st_uid, have.st_gid, content]
print(json.dumps(found))
"""


class UnreadableError(Exception):
    """A droplet or its node gave no answer that can be used; the text says which and why."""


@dataclass(frozen=True)
class Remote:
    """A droplet, the ways to it, and the kind of node on it."""

    droplet: Droplet
    kind: Kind = REFERENCE_KIND

    @property
    def name(self) -> str:
        """Its name in the inventory."""
        return self.droplet.name

    def ssh(self, *command: str, stdin: bytes = b"") -> bytes:
        """Run a command as root on the droplet and return its output.

        Raises:
            UnreadableError: ssh or the command failed.
        """
        options = [
            *("-F", "none", "-i", str(OPERATOR_KEY), "-p", str(self.droplet.ssh_port)),
            *("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={KNOWN_HOSTS}"),
            *("-o", "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no", "-o", "ConnectTimeout=5"),
        ]
        argv = ["ssh", *options, f"ops@{LOOPBACK}", "sudo", "-n", *command]
        try:
            done = subprocess.run(argv, input=stdin, capture_output=True, timeout=SSH_TIMEOUT, check=True)
        except subprocess.SubprocessError as error:
            detail = getattr(error, "stderr", None) or str(error).encode()
            raise UnreadableError(f"{self.name}: {detail.decode(errors='replace').strip()[-500:]}") from error
        return done.stdout

    def status(self) -> dict[str, Any]:
        """What the wrapper on the node says of itself.

        Raises:
            UnreadableError: There is no wrapper, or it gives no answer.
        """
        answer = json.loads(self.ssh(*self.kind.control, "status"))
        if "result" in answer:
            answer = answer["result"]
        if not isinstance(answer, dict) or "mode" not in answer:
            raise UnreadableError(f"{self.name}: its control socket answered {answer!r}")
        return answer

    def own_files(self) -> dict[str, Any]:
        """Rights, owner and hash of each file that makes the node what it is, by path.

        Raises:
            UnreadableError: They cannot be read.
        """
        drop_ins = f"/etc/systemd/system/{self.kind.variant.unit}.d"
        script = OWN_FILES.format(source=self.kind.source, drop_ins=drop_ins)
        found: dict[str, Any] = json.loads(self.ssh("/usr/bin/python3", "-", stdin=script.encode()))
        return found

    def fetch_database(self, target: Path) -> Path:
        """Copy the node's chain database, consistent as of now."""
        script = SNAPSHOT.format(path=self.kind.database).encode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.ssh("/usr/bin/python3", "-", stdin=script))
        return target

    def stop_mining(self) -> None:
        """Switch its miner off, as its operator would."""
        self.ssh("/usr/bin/python3", "-", stdin=self.kind.stop_mining.encode())
        if self.kind.reloads:
            self.ssh("systemctl", "kill", "--kill-whom=main", "--signal=SIGHUP", self.kind.variant.unit)
