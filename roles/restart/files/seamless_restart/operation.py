"""What guard and undo have in common: renewing, waiting, the restart itself, the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compatibility import Answer
from .haproxy import leave_argvs, table_name, unit_name
from .host import CommandFailedError, Host
from .kernel_sockets import Socket
from .rules import ELEMENT_LIFE, Table
from .settings import Settings
from .sockets import listening, probes
from .stages import Record, Stage

RENEW_EVERY = 4.0
"""Seconds after which elements of the sets are renewed; well below their life."""
ASK_EVERY = 0.2
"""Seconds between two looks at who serves users, where that is another unit than the one that restarts."""
ENDS_ALLOWED = 2
"""How often new code may end by itself before it counts as not starting."""
ARRIVAL_LIMIT = 5.0
"""Seconds that connections begun through the detour have to be accepted before it stops to listen."""
LEAVE_WAIT = 5.0
"""Seconds that the operation waits for the detour to end; with clients that stay it ends later, alone."""

assert ELEMENT_LIFE > 3 * RENEW_EVERY


class DetourLostError(Exception):
    """haproxy or its table is gone; connections go to the service itself again."""


class Operation:
    """One operation on one host, begun anew or taken up from its record."""

    def __init__(self, host: Host, settings: Settings, record: Record) -> None:
        self.host = host
        self.settings = settings
        self.record = record
        name = record.state.operation
        self.detour_unit = unit_name(name)
        self.table = Table(
            table_name(name), settings.port, settings.detour_port, keeping=settings.client_address
        )
        self.detour_pid = 0
        self.detour_uid = -1
        self.renewed_sets: tuple[str, ...] = ()
        self._renewed_at = 0.0
        self.asks = self.missed = 0
        self._ask_at = 0.0
        self._users_served = True
        self._process = (0, 0.0)  # of a unit apart: its main process, and since when
        self.notes: list[str] = []

    # Stages, sets and waiting

    def enter(self, stage: Stage, **more: Any) -> None:
        """Record that this stage begins, and what else of the state changes with it."""
        self.record.update(stage=stage, **more)

    def nft(self, commands: str) -> None:
        """Carry out commands in one transaction.

        Raises:
            DetourLostError: The table is not there any more.
        """
        try:
            self.host.run(["nft", "-f", "-"], commands)
        except CommandFailedError as failure:
            raise DetourLostError(f"the detour's table is gone: {failure}") from failure

    def keep_in(self, *sets: str) -> None:
        """Put the port into these sets and keep it there as long as this operation waits."""
        self.renewed_sets = sets
        self.nft(self.table.renew(*sets))
        self._renewed_at = self.host.now()

    def wait(self, condition: Callable[[], bool], limit: float) -> bool:
        """Watch until it holds or the limit is over, renewing what has to be renewed.

        Raises:
            DetourLostError: The detour went away meanwhile.
        """
        deadline = self.host.now() + limit
        while True:
            # Before the condition: what a dead detour leaves looks like connections that have ended.
            self._stay_alive()
            if condition():
                return True
            if self.host.now() > deadline:
                return False
            self.host.pause()

    def _stay_alive(self) -> None:
        """Renew the elements when it is time, and see that the detour still runs."""
        if self.record.state.apart:
            self._watch_users()
        if not self.renewed_sets:
            return
        if not self.host.runs(self.detour_pid):
            raise DetourLostError("haproxy has ended")
        if self.host.now() - self._renewed_at > RENEW_EVERY:
            self.keep_in(*self.renewed_sets)

    def learn_detour(self) -> bool:
        """Find the detour's process and user; False if it does not run."""
        unit = self.host.unit(self.detour_unit)
        if not unit.main_pid or unit.uid is None:
            return False
        self.detour_pid, self.detour_uid = unit.main_pid, unit.uid
        return True

    # The service

    def systemctl(self, *words: str) -> None:
        """Tell the service manager something."""
        self.host.run(["systemctl", *words])

    def ready_manager(self) -> None:
        """Let the service manager read its units again, and not count earlier failures against a start."""
        self.systemctl("daemon-reload")
        self.systemctl("reset-failed", "--", self.settings.unit)

    def restart(self) -> bool:
        """Restart the service with the changes that belong to it; whether it serves with another process.

        The detour may be lost meanwhile: that fails the requests in it, and is no reason to stay down.
        """
        unit, meanwhile = self.settings.unit, self.settings.meanwhile
        self.enter(Stage.STOPPING)
        if meanwhile:
            self.systemctl("stop", "--no-block", "--", unit)
            self.patiently(self._is_stopped, self.settings.start_limit)
            self.enter(Stage.CHANGING)
            self.host.apply(meanwhile)
            self.systemctl("daemon-reload")
            self.enter(Stage.STARTING)
            self.systemctl("start", "--no-block", "--", unit)
        else:
            # One job of the service manager: it starts the service even if nobody is left to ask for it.
            self.systemctl("restart", "--no-block", "--", unit)
            self.enter(Stage.STARTING)
        return self.comes_up()

    def put_back(self) -> bool:
        """Bring the old code back and start it; whether it serves."""
        unit = self.settings.unit
        self.enter(Stage.PUTTING_BACK)
        self.systemctl("stop", "--no-block", "--", unit)
        self.patiently(self._is_stopped, self.settings.start_limit)
        self.host.apply(self.settings.put_back)
        self.ready_manager()
        self.systemctl("start", "--no-block", "--", unit)
        return self.comes_up()

    def patiently(self, condition: Callable[[], bool], limit: float) -> bool:
        """Wait as `wait` does, and go on without the detour if it is lost."""
        try:
            return self.wait(condition, limit)
        except DetourLostError as lost:
            self.notes.append(f"{lost} while the service was down: requests that waited in it have failed")
            self.renewed_sets = ()
            return self.wait(condition, limit)

    def comes_up(self) -> bool:
        """Wait until the service serves with another process than before; False where it does not come up."""
        given_up = False

        def decided() -> bool:
            nonlocal given_up
            unit = self.host.unit(self.settings.unit)
            given_up = not unit.busy and (unit.active == "failed" or unit.restarts >= ENDS_ALLOWED)
            changed = unit.main_pid not in (0, self.record.state.main_pid)
            well = changed and not unit.busy and self.serves()
            return given_up or (well and self._has_settled(unit.main_pid))

        return self.patiently(decided, self.settings.start_limit) and not given_up

    def _has_settled(self, main_pid: int) -> bool:
        """Whether a unit that shows by no port that it is ready has run long enough."""
        if not self.record.state.apart:
            return True
        if self._process[0] != main_pid:
            self._process = (main_pid, self.host.now())
        return self.host.now() - self._process[1] >= self.settings.settle

    def _watch_users(self) -> None:
        """See, now and then, whether those who serve users go on while this unit restarts."""
        if self.host.now() < self._ask_at or not self.record.state.spoke_http:
            return
        self._ask_at = self.host.now() + ASK_EVERY
        answer = self.asked()
        self._users_served = answer is not None and answer.serves
        self.asks += 1
        self.missed += not self._users_served

    def serves(self) -> bool:
        """Whether the service answers, past detour and hold, as well as it did before."""
        if self.record.state.apart:
            return self._users_served
        answer = self.asked()
        return answer is not None and (answer.serves or not self.record.state.spoke_http)

    def asked(self) -> Answer | None:
        """What the service answers now, asked where its user listens; None if it does not.

        Another program may listen at the same port, as one in front of it does on another address.
        """
        port, uid = self.settings.port, self.host.unit(self.settings.unit).uid
        asked = (
            self.host.ask(address, port, self.settings.path)
            for address in probes(listening(self.host.sockets(), port, uid))
        )
        answers = [answer for answer in asked if answer is not None]
        return next((answer for answer in answers if answer.serves), answers[0] if answers else None)

    def _is_stopped(self) -> bool:
        unit = self.host.unit(self.settings.unit)
        return not unit.busy and unit.main_pid == 0

    # The way out

    def leave(self) -> int:
        """Let the requests that waited go, lead new connections to the service again, and end the detour.

        Returns:
            How many clients still keep a connection through the detour, which ends with the last of them.
        """
        self.enter(Stage.OPENING)
        self.renewed_sets = ()
        try:
            self.nft(self.table.flush("hold"))
            self.nft(self.table.flush("detour", "trial"))
            self.wait(lambda: not self._arriving(), ARRIVAL_LIMIT)
        except DetourLostError:
            pass  # it is not in the way then
        self.enter(Stage.LEAVING)
        if not self._detour_has_left():
            self._ask_detour_to_leave()
            self.wait(self._detour_has_left, LEAVE_WAIT)
        if self._detour_has_left():
            self._remove_remains()
        return len(self._through_detour())

    def _ask_detour_to_leave(self) -> None:
        """Tell haproxy to end with its last client."""
        try:
            self.systemctl("stop", "--no-block", "--", self.detour_unit)
        except CommandFailedError:
            # It may have ended by itself between two looks; a transient unit is unknown from then on.
            if not self._detour_has_left():
                raise

    def _remove_remains(self) -> None:
        """Take away what haproxy's unit takes away when it ends: for a detour that never came to run."""
        for argv in leave_argvs(self.table):
            try:
                self.host.run(argv)
            except CommandFailedError:
                continue  # gone already, as it should be

    def _detour_has_left(self) -> bool:
        return self.host.unit(self.detour_unit).active in ("inactive", "failed", "")

    def _arriving(self) -> list[Socket]:
        """Connections begun through the detour and not accepted yet; closing its door would reset them."""
        return [
            s
            for s in self.host.sockets()
            if s.port == self.settings.port and s.is_arriving and s.uid in (0, self.detour_uid)
        ]

    def _through_detour(self) -> list[Socket]:
        """Clients' connections that end in the detour."""
        port, uid = self.settings.port, self.detour_uid
        return [s for s in self.host.sockets() if s.port == port and s.uid == uid and s.is_open]
