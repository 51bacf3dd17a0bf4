"""A droplet of the tests' own, with the reference node on it, users at it, and the guard brought to it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from testnet.image.build import ensure_image
from testnet.lab.plan import APT_CACHE, LABEL, ROOT
from testnet.machine.docker import Docker, require_docker
from testnet.users.ledger import read_entries, report

NETWORK, SUBNET, GATEWAY = "restart-lab", "10.78.0.0/24", "10.78.0.1"
ADDRESS, SSH_PORT, API_PORT = "10.78.0.11", 23011, 8080
CONTAINER = "restart-node"
PROGRAM = ROOT / "roles/restart/files/seamless_restart"
RUN_DIR = "/run/coinjecture-restart"
BROUGHT = Path(__file__).parent / "on_the_droplet"
JOURNAL = "journalctl --no-pager --lines 30 -u coinjecture-restart -u 'coinjecture-detour*'"
PLAY = str(BROUGHT / "play.yml")
UNIT = "coinjecture-node.service"
USERS_AT_ONCE = 4
"""The users' habits times this: about a hundred requests a second."""


@dataclass
class Droplet:
    """One host with a node, alone in its network."""

    docker: Docker
    folder: Path

    def sh(self, script: str, *, stdin: str | None = None, timeout: float = 120) -> str:
        return self.docker.execute(CONTAINER, "bash", "-c", script, stdin=stdin, timeout=timeout)

    def ask(self, path: str = "/health", port: int = API_PORT) -> Any:
        with urllib.request.urlopen(f"http://{ADDRESS}:{port}{path}", timeout=5) as answer:
            return json.load(answer)

    def play(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.play_argv(name, *options), cwd=ROOT, check=False, capture_output=True, text=True, timeout=400
        )

    def play_argv(self, name: str, *options: str) -> list[str]:
        return ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), name, *options]

    def guard(self, program: str = "seamless_restart", at: str = "", **settings: Any) -> dict[str, Any]:
        """Restart by the program alone, without Ansible; `at` is the stage for a program that kills there."""
        self.bring_guard(at)
        asked = {"unit": UNIT, "port": API_PORT, "path": "/health", "start_limit": 20} | settings
        start = (
            f"import sys; from seamless_restart.__main__ import start; start(sys.stdin.read(), {program!r})"
        )
        written = self.sh(
            f"cd / && PYTHONPATH=/run/coinjecture-restart python3 -B -c '{_quoted(start)}'",
            stdin=json.dumps(asked),
        )
        lines = [line for line in written.splitlines() if line.startswith("{")]
        assert lines, f"neither guard nor undo has reported: {written}"
        said: dict[str, Any] = json.loads(lines[-1])
        return said

    def bring_guard(self, at: str) -> None:
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
            tar.add(PROGRAM, "seamless_restart", filter=_source_only)
            for extra in BROUGHT.glob("killed_*.py"):
                tar.add(extra, extra.name)
        prefix = [*self.docker.prefix, "docker", "exec", "-i", CONTAINER, "sh", "-c"]
        script = f"mkdir -p {RUN_DIR} && cd {RUN_DIR} && tar x && echo '{at}' > kill_at"
        subprocess.run([*prefix, script], input=packed.getvalue(), check=True, timeout=60)

    def await_true(self, condition: Callable[[], bool], limit: float = 60.0) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, "what was waited for did not happen"
            time.sleep(0.1)

    def remains(self) -> list[str]:
        """What is left of restarts on the droplet; nothing, in the end."""
        return self.sh(
            "nft list tables | grep detour_; pgrep -a haproxy; ls -d /run/coinjecture-restart 2>/dev/null;"
            "systemctl list-units --all --plain --no-legend 'coinjecture-detour*' 'coinjecture-restart*';"
            "ls /run/systemd/transient | grep coinjecture; ip -o addr show dev lo | grep 192.0;"
            "ip rule | grep 0x77; ls /opt/coinjecture/src /etc/coinjecture -A | grep '.restart$'; true"
        ).splitlines()

    def await_clean(self) -> None:
        deadline = time.monotonic() + 15
        while remains := self.remains():
            assert time.monotonic() < deadline, f"still there: {remains}; {self.sh(JOURNAL)}"
            time.sleep(0.2)

    def main_pid(self, unit: str = UNIT) -> int:
        return int(self.sh(f"systemctl show --property=MainPID --value {unit}"))


def _quoted(script: str) -> str:
    return script.replace("'", '"')


def _source_only(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry


@contextmanager
def users(droplet: Droplet) -> Iterator[Callable[[], dict[str, Any]]]:
    """Users at the node; the value counts what they got, once they have been told to stop."""
    name = secrets.token_hex(4)
    ledger, config = droplet.folder / f"{name}.jsonl", droplet.folder / f"{name}.json"
    nodes = {f"as-{number}": ADDRESS for number in range(USERS_AT_ONCE)}
    config.write_text(json.dumps({"port": API_PORT, "nodes": nodes}))
    argv = [sys.executable, "-m", "testnet.users", "--ledger", str(ledger), "run", "--config", str(config)]
    process = subprocess.Popen(argv, cwd=ROOT, preexec_fn=lambda: os.nice(5) and None)
    try:
        droplet.await_true(lambda: ledger.is_file() and ledger.stat().st_size > 20_000)
        yield lambda: _counted(process, ledger)
    finally:
        process.kill()
        process.wait()


def _counted(process: subprocess.Popen[bytes], ledger: Path) -> dict[str, Any]:
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    return report(read_entries(ledger))


@contextmanager
def droplet(folder: Path) -> Iterator[Droplet]:
    """A droplet with a running node, removed at the end."""
    docker = require_docker()
    _remove(docker)
    try:
        docker("network", "create", "--subnet", SUBNET, "--label", f"{LABEL}={ROOT}-restart", NETWORK)
        docker("run", "--detach", *_run_options(docker), ensure_image(docker), "/sbin/init")
        made = Droplet(docker, folder)
        made.sh("until [ -S /run/systemd/private ]; do sleep 0.05; done; systemctl is-system-running --wait")
        _authorize(made)
        done = made.play("testnet/provision.yml", "-e", f"node_archive={folder}/node.tar")
        assert done.returncode == 0, done.stdout[-3000:]
        made.await_true(lambda: _mines(made))
        yield made
    finally:
        _remove(docker)


def _mines(made: Droplet) -> bool:
    try:
        return bool(made.ask()["height"] > 1)
    except OSError:
        return False


def _run_options(docker: Docker) -> list[str]:
    options = ["--name", CONTAINER, "--hostname", "alone", "--network", NETWORK, "--ip", ADDRESS]
    options += ["--publish", f"127.0.0.1:{SSH_PORT}:22", "--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"]
    options += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
    options += ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", f"{APT_CACHE}:/var/cache/apt/archives"]
    if docker.cgroup_v2():
        return [*options, "--cgroupns", "private"]
    return [*options, "--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]


def _authorize(made: Droplet) -> None:
    """A key of this test's own, the host key pinned, and an inventory that names both."""
    key, known = made.folder / "id", made.folder / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    made.sh(
        "umask 077; cat > /home/ops/.ssh/authorized_keys; chown ops: /home/ops/.ssh/authorized_keys",
        stdin=key.with_suffix(".pub").read_text(),
    )
    kind, host_key, *_ = made.sh("cat /etc/ssh/ssh_host_ed25519_key.pub").split()
    known.write_text(f"[127.0.0.1]:{SSH_PORT} {kind} {host_key}\n")
    options = f"-F none -o IdentitiesOnly=yes -o UserKnownHostsFile={known}"
    host = {
        "ansible_host": "127.0.0.1",
        "ansible_port": SSH_PORT,
        "ansible_user": "ops",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": options,
        "droplet_address": ADDRESS,
    }
    groups = {"nodes": {"hosts": {"alone": host}}, "load": {"hosts": {}}}
    (made.folder / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}))


def _remove(docker: Docker) -> None:
    if docker.inspect("container", CONTAINER) is not None:
        docker("rm", "--force", "--volumes", CONTAINER)
    network = docker.inspect("network", NETWORK)
    if network is not None:
        docker("network", "rm", NETWORK)
