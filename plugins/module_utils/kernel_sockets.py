"""Sockets of a host and of a unit, as the kernel's own tables tell them.

What a unit has is known by its control group: not by a name, a user or a port that somebody wrote down. This
one file is used by the plays and by the program that restarts a node, so it imports nothing of theirs.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ESTABLISHED, SYN_RECV, CLOSE_WAIT, LISTEN = "01", "03", "08", "0A"
_OPEN = frozenset({ESTABLISHED, SYN_RECV, CLOSE_WAIT})
_ACCEPTS = 0x10000  # __SO_ACCEPTCON of the table of Unix sockets

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Socket:
    """One socket of the host, by its own end.

    Attributes:
        local: Its address.
        port: Its port.
        remote: The other end's address.
        state: As the kernel writes it, two hexadecimal digits.
        uid: Whose it is; a connection begun is its listener's, one that nobody has accepted yet is 0's.
        inode: 0 while nobody has accepted it.
    """

    local: Address
    port: int
    remote: Address
    state: str
    uid: int
    inode: int = 1

    @property
    def is_open(self) -> bool:
        """Whether a request can still arrive on it or be under way."""
        return self.state in _OPEN

    @property
    def is_arriving(self) -> bool:
        """Whether it is being made, or made and not accepted yet."""
        return self.state == SYN_RECV or (self.is_open and self.inode == 0)


@dataclass(frozen=True)
class Listener:
    """A place where a program takes connections.

    Attributes:
        place: `0.0.0.0:8080`, or the path of a Unix socket.
        port: Its TCP port; None of a Unix socket.
    """

    place: str
    port: int | None = None


def read_sockets() -> list[Socket]:
    """Every TCP socket of this host."""
    found: list[Socket] = []
    for name in ("tcp", "tcp6"):
        try:
            text = Path("/proc/net", name).read_text(encoding="ascii")
        except FileNotFoundError:
            continue  # a host without IPv6
        found += parse(text)
    return found


def parse(text: str) -> list[Socket]:
    """Read one of the kernel's tables."""
    sockets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        local, port = _end(fields[1])
        remote, _ = _end(fields[2])
        sockets.append(Socket(local, port, remote, fields[3], int(fields[7]), int(fields[9])))
    return sockets


def _end(text: str) -> tuple[Address, int]:
    """Address and port; the kernel writes addresses as words of the host's byte order."""
    digits, _, port = text.partition(":")
    words = (digits[i : i + 8] for i in range(0, len(digits), 8))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address, int(port, 16)


SHOW = ("systemctl", "show", "--property=ControlGroup,MainPID", "--")
"""The command whose answer for a unit `listeners` reads; the unit's name belongs to its end."""


def listeners(shown: str, control_groups: Path = Path("/sys/fs/cgroup")) -> list[Listener]:
    """Where the processes of a unit take connections, TCP ports first; needs root.

    They are those of its control group, its main process, and what that has begun: where one of the two ways
    finds less, as in a container with other mounts, none of its sockets is taken for another program's.

    Args:
        shown: What `SHOW` says of the unit.
        control_groups: Where the control groups are mounted.
    """
    told = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    main = int(told.get("MainPID") or 0)
    of_group = processes(told.get("ControlGroup", ""), control_groups)
    return listeners_of({*of_group, *(begun_by(main) if main else ())})


def listeners_of(pids: Iterable[int]) -> list[Listener]:
    """Where these processes take connections, TCP ports first; needs root."""
    own = held(pids)
    tcp = {
        (socket.port, f"{socket.local}:{socket.port}")
        for socket in read_sockets()
        if socket.state == LISTEN and socket.inode in own
    }
    try:
        unix = unix_listening(Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        unix = {}
    paths = sorted({path for inode, path in unix.items() if inode in own})
    return [*(Listener(place, port) for port, place in sorted(tcp)), *map(Listener, paths)]


def processes(group: str, control_groups: Path) -> list[int]:
    """The processes of a control group and of those below it."""
    if not group.strip("/"):
        return []
    for root in (control_groups, control_groups / "systemd", control_groups / "unified"):
        place = root / group.strip("/")
        if place.is_dir():
            lists = [place / "cgroup.procs", *place.rglob("*/cgroup.procs")]
            return [int(pid) for found in lists for pid in _lines(found)]
    return []


def begun_by(main: int) -> set[int]:
    """A process and all that came of it."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(place.parent.name)] = int(fields[1])
    found, new = set[int](), {main}
    while new:
        found |= new
        new = {pid for pid, parent in parents.items() if parent in new} - found
    return found


def held(pids: Iterable[int]) -> set[int]:
    """The inodes of the sockets that processes hold open; one that has ended meanwhile holds none.

    Raises:
        PermissionError: The kernel does not tell, so nobody may take it that there are none.
    """
    found = set()
    for pid in pids:
        try:
            found |= _inodes(pid)
        except PermissionError:
            found |= _as_its_owner(pid)
    return found


def _inodes(pid: int) -> set[int]:
    try:
        names = list(Path(f"/proc/{pid}/fd").iterdir())
        return {inode for name in names if (inode := _inode(name)) is not None}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def _as_its_owner(pid: int) -> set[int]:
    """The same with the rights of the process's user: root of a container may not look by itself."""
    try:
        owner = Path(f"/proc/{pid}").stat()
    except FileNotFoundError:
        return set()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = b"?"
        try:
            os.setgroups([])
            os.setresgid(owner.st_gid, owner.st_gid, owner.st_gid)
            os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)
            said = " ".join(map(str, _inodes(pid))).encode()
        finally:
            os.write(writing, said[:65_536])
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if said == b"?":
        raise PermissionError(f"the sockets of process {pid} cannot be read")
    return {int(word) for word in said.split()}


def unix_listening(text: str) -> dict[int, str]:
    """Unix sockets that take connections: their path, by inode."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) >= 7 and int(fields[3], 16) & _ACCEPTS:
            found[int(fields[6])] = fields[7] if len(fields) == 8 else "a Unix socket without a name"
    return found


def is_apart(
    found: Iterable[Listener], port: int, taken: bool, served_by: str, unit: str, control: str
) -> bool:
    """Whether a unit that runs takes no request of a user, so that its restart cuts none.

    A unit that listens nowhere is one only where another program has the users' port: it may be starting.

    Args:
        found: Where it takes connections.
        port: The port at which users ask.
        taken: Whether any program of this host listens at that port.
        served_by: The unit that serves users, as the inventory has it; empty where it says none.
        unit: The unit itself.
        control: The control socket, which only root asks.
    """
    others = [one for one in found if one.place != control]
    if any(one.port == port for one in others):
        return False
    return served_by not in ("", unit) or (taken and not others)


def _inode(name: Path) -> int | None:
    """The inode of the socket that a descriptor stands for; None of anything else."""
    try:
        target = str(name.readlink())
    except FileNotFoundError:
        return None
    return int(target[8:-1]) if target.startswith("socket:[") else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
