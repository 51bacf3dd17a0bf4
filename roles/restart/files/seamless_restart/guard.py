"""The operation from its beginning to its end: check, detour, drain, hold, restart, open, leave."""

from __future__ import annotations

from .choices import RefusedError, choices
from .compatibility import Answer, incompatibility
from .haproxy import HAPROXY, IP, NFT, UNIT_PREFIX, config, config_path, keeping_argvs, start_argv
from .host import CommandFailedError
from .kernel_sockets import Socket, is_apart
from .operation import DetourLostError, Operation
from .rules import TRIAL_DETOUR_ADDRESS, TRIAL_DRAIN_ADDRESS
from .sockets import by_client, direct, listening, under_way
from .stages import Report, Stage

_HAPROXY_START_LIMIT = 10.0
_TRIES = 3


class Guard(Operation):
    """Carries out one operation."""

    how: str = "seamless"
    speaks_http = True
    drains = True

    def run(self) -> Report:
        """Carry it out; whatever comes of it is in the report."""
        began = self.host.now()
        self.how = self.settings.how
        left, drained_at, held_at = 0, began, began
        try:
            self._check()
            if self._leads_round:
                self._bring_detour()
                left = self._drain()
                drained_at = self.host.now()
                left += self._hold()
            else:
                self.ready_manager()
            held_at = self.host.now()
        except (RefusedError, DetourLostError, CommandFailedError) as refusal:
            return self._refuse(refusal)
        report = self._exchange()
        opened_at = self.host.now()
        if self.record.state.detour:
            report.lingering = self.leave()
        self.enter(Stage.DONE)
        report.left, report.missed = left, self.missed
        if self.missed:
            self.notes.append(
                f"users were not answered {self.missed} of {self.asks} times while it restarted, though "
                "another unit serves them"
            )
        report.seconds = {
            "drain": round(drained_at - began, 3),
            "held": 0.0 if self.record.state.apart else round(opened_at - held_at, 3),
            "whole": round(self.host.now() - began, 3),
        }
        return report

    @property
    def _leads_round(self) -> bool:
        """Whether clients take a detour meanwhile: users are there, and nobody wants them cut."""
        return self.how != "plain" and not self.record.state.apart

    def _refuse(self, error: Exception) -> Report:
        """Go back to where the service was, which has not been touched."""
        refused = error if isinstance(error, RefusedError) else RefusedError(str(error))
        stage = self.record.state.stage
        lingering = self.leave() if self.record.state.detour else 0
        self.enter(Stage.DONE)
        return Report(
            outcome="not touched",
            how=self.how,
            why=str(refused),
            stage=stage.name,
            left=refused.left,
            lingering=lingering,
            choices=choices(self.settings, refused),
            notes=self.notes,
        )

    # Checking

    def _check(self) -> None:
        """See that the operation can be carried out; nothing is touched.

        Raises:
            RefusedError: It cannot.
        """
        before = self.host.unit(self.settings.unit)
        self.enter(Stage.CHECKING, main_pid=before.main_pid)
        sources = [c.source for c in (*self.settings.meanwhile, *self.settings.put_back) if c.source]
        if absent := self.host.missing(sources):
            raise RefusedError(
                f"these files are to be put in place and are not there: {', '.join(absent)}",
                plain_helps=False,
            )
        listens = [str(address) for address in listening(self.host.sockets(), self.settings.port)]
        apart = bool(before.main_pid) and self._is_apart(bool(listens))
        answer = self._first_answer() if listens else None
        self.record.update(spoke_http=answer is not None and answer.serves, apart=apart)
        if apart:
            self.how = "apart"
            return
        if self.how == "plain":
            return
        if not listens or not before.main_pid:
            self.how = "plain"
            self.notes.append("the service was not serving before, so there was nothing to hide")
            return
        if listens != ["0.0.0.0"]:  # noqa: S104 - compared, not listened on
            raise RefusedError(
                f"it listens on {', '.join(listens)} at port {self.settings.port}; the detour was tried with "
                "services that listen on 0.0.0.0 alone (IPv4, every address)",
                cut_helps=False,
            )
        self._check_answer(answer or Answer(b""))
        self._check_tools()

    def _is_apart(self, taken: bool) -> bool:
        """Whether another unit serves users, by the sockets of this one's processes.

        Raises:
            RefusedError: The settings say so and the port is this one's.
        """
        unit, port, api_unit = self.settings.unit, self.settings.port, self.settings.api_unit
        try:
            found = [one for one in self.host.listeners_of(unit) if one.place != self.settings.control]
        except OSError as error:
            self.notes.append(f"where {unit} takes connections cannot be read: {error}")
            found, taken = [], False  # then users are taken to reach it, unless the inventory says otherwise
        if api_unit not in ("", unit) and any(one.port == port for one in found):
            raise RefusedError(
                f"coinjecture_api_unit says that {api_unit} serves users, and port {port} is {unit}'s own; "
                "say which it is",
                plain_helps=False,
            )
        if is_apart(found, port, taken, api_unit, unit, self.settings.control):
            self.notes.append(f"{unit} takes no connection of a user, so there is nothing to lead round it")
            return True
        if found and not any(one.port == port for one in found):
            places = ", ".join(one.place for one in found)
            self.notes.append(f"{unit} listens on {places}; the detour is before what has port {port}")
        return False

    def _first_answer(self) -> Answer | None:
        """What the service answers now; None if it does not, asked several times."""
        for _ in range(_TRIES):
            answer = self.asked()
            if answer is not None:
                return answer
        return None

    def _check_answer(self, answer: Answer) -> None:
        """Decide by one answer how the service is drained."""
        self.speaks_http = answer.status is not None
        self.drains = self.speaks_http and not answer.closes
        why = incompatibility(answer)
        if why is None:
            return
        if self.how == "seamless":
            raise RefusedError(why)
        self.drains = False
        self.notes.append(f"direct connections are not drained: {why}")

    def _check_tools(self) -> None:
        """See that the detour can be made."""
        tools = [HAPROXY, NFT, IP] if self.table.keeping else [HAPROXY, NFT]
        if absent := self.host.missing(tools):
            raise RefusedError(f"not installed: {', '.join(absent)}", cut_helps=False)
        if not self.host.port_is_free(self.settings.detour_port):
            raise RefusedError(f"port {self.settings.detour_port} of 127.0.0.1 is in use; name a free one")
        if self.table.keeping and (others := self._other_detours()):
            raise RefusedError(
                f"{', '.join(others)} of an earlier restart still has clients and ends with the last of "
                "them; until then a second one cannot keep clients' addresses"
            )

    def _other_detours(self) -> list[str]:
        """Detours of earlier operations that clients have not left yet."""
        listed = self.host.run(["systemctl", "list-units", "--plain", "--no-legend", f"{UNIT_PREFIX}*"])
        return [line.split()[0] for line in listed.splitlines() if line.strip()]

    # Detour

    def _bring_detour(self) -> None:
        """Start haproxy, load the table, and try both with requests of our own."""
        self.enter(Stage.DETOUR, detour=True)
        operation = self.record.state.operation
        path = config_path(operation)
        self.host.write(path, config(self.settings, self.table, http=self.speaks_http))
        self.host.run([HAPROXY, "-c", "-q", "-f", str(path)])
        if self.table.keeping:
            for argv in keeping_argvs():
                self.host.run(argv)
        self.nft(self.table.text())
        self.host.run(start_argv(operation, self.settings, self.table))
        self.wait(self._detour_has_started, _HAPROXY_START_LIMIT)
        if not self._detour_listens():
            raise RefusedError(f"haproxy did not start; see journalctl -u {self.detour_unit}")
        self._try_detour()

    def _detour_has_started(self) -> bool:
        """Whether there is nothing more to wait for: it listens, or it has ended."""
        return self._detour_listens() or self.host.unit(self.detour_unit).main_pid == 0

    def _detour_listens(self) -> bool:
        port = self.settings.detour_port
        return self.learn_detour() and bool(listening(self.host.sockets(), port))

    def _try_detour(self) -> None:
        """One request is drained and another takes the detour, before any client's is."""
        self.enter(Stage.TRIAL)
        self.keep_in("trial")
        port, path = self.settings.port, self.settings.path
        if self.drains:
            drained = self.host.ask(TRIAL_DRAIN_ADDRESS, port, path)
            if drained is None or not drained.drained:
                raise RefusedError("an answer to ourselves was not rewritten to `Connection: close`")
        through = self.host.ask(TRIAL_DETOUR_ADDRESS, port, path)
        if through is None or (self.speaks_http and not through.serves):
            raise RefusedError("a request of our own did not get through the detour")
        self.renewed_sets = ()
        self.nft(self.table.flush("trial"))

    # Drain and hold

    def _drain(self) -> int:
        """Lead new connections into the detour and wait until no direct one is left; how many are left.

        Raises:
            RefusedError: Some are left at the limit, and they are not to be cut.
        """
        self.enter(Stage.DRAINING)
        if not self.speaks_http:
            # What cannot be told apart into requests must not get through: it could not be held later.
            self.keep_in("detour", "hold")
        else:
            self.keep_in("detour")
        limit = self.settings.drain_limit if self.drains or self.how == "seamless" else 0.0
        # Judged by what was watched: a connection that the detour is just accepting looks like a direct one.
        left = [] if self.wait(lambda: not self._direct(), limit) else self._direct()
        if left and self.how == "seamless":
            raise RefusedError(
                f"{len(left)} direct connections are left after {self.settings.drain_limit:g} s: "
                f"{by_client(left)}",
                left=len(left),
            )
        self.ready_manager()
        return len(left)

    def _hold(self) -> int:
        """Let new requests wait, and those under way end; how many of these are left.

        Raises:
            RefusedError: Some are left at the limit, and they are not to be cut.
        """
        self.enter(Stage.HOLDING)
        self.keep_in("detour", "hold")
        ended = self.wait(lambda: not self._under_way(), self.settings.flight_limit)
        left = [] if ended else self._under_way()
        if left and self.how == "seamless":
            raise RefusedError(
                f"{len(left)} requests are still being answered after {self.settings.flight_limit:g} s",
                left=len(left),
            )
        return len(left)

    def _direct(self) -> list[Socket]:
        return direct(self.host.sockets(), self.settings.port, self.detour_uid)

    def _under_way(self) -> list[Socket]:
        return under_way(self.host.sockets(), self.settings.port)

    # Restart

    def _exchange(self) -> Report:
        """Restart the service; where the new code does not start, put the old one back."""
        outcome, why, stage = "restarted", "", Stage.STARTING
        if not self.restart():
            why = f"it does not serve; see journalctl -u {self.settings.unit}"
            outcome, stage = "down", self.record.state.stage
            if self.settings.put_back and self.put_back():
                outcome, why = "put back", "the new code did not start; the old one serves again"
        after = self.host.unit(self.settings.unit).main_pid
        pids = (self.record.state.main_pid, after)
        return Report(outcome, self.how, why, stage.name, main_pid=pids, notes=self.notes)
