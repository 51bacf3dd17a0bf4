"""What is done when the guard has ended, however it ended: the node serves and is clean.

Safe at every stage, and done again it does nothing: every step looks first at what is there.
"""

from __future__ import annotations

from .operation import DetourLostError, Operation
from .stages import Report, Stage


class Undo(Operation):
    """Takes up the operation of a guard that is gone."""

    def run(self) -> Report | None:
        """Bring the node to rest; None if the guard had come to its own end."""
        stage = self.record.state.stage
        if stage is Stage.DONE:
            return None
        held = self.record.state.detour and self.learn_detour()
        if held and Stage.HOLDING <= stage < Stage.OPENING:
            self._hold_on()
        serving = True
        if Stage.STOPPING <= stage < Stage.OPENING:
            serving = self._bring_service_back(stage)
        lingering = self.leave() if self.record.state.detour else 0
        after = self.host.unit(self.settings.unit).main_pid
        before = self.record.state.main_pid
        self.enter(Stage.DONE)
        return Report(
            outcome="undone" if serving else "down",
            how=self.settings.how,
            why=f"the guard was ended from outside while it was {stage.name.lower().replace('_', ' ')}",
            stage=stage.name,
            lingering=lingering,
            main_pid=(before, after),
            notes=self.notes,
        )

    def _hold_on(self) -> None:
        """Let clients go on waiting while the service is brought back."""
        try:
            self.keep_in("detour", "hold")
        except DetourLostError:
            self.renewed_sets = ()

    def _bring_service_back(self, stage: Stage) -> bool:
        """Start the service if it is down, with the changes that had been begun; whether it serves."""
        unit, settings = self.settings.unit, self.settings
        self.patiently(lambda: not self.host.unit(unit).busy, settings.start_limit)
        if self._runs_well(stage):
            return True
        if stage is Stage.PUTTING_BACK:
            return self.put_back()
        if stage is Stage.CHANGING:
            self.host.apply(settings.meanwhile)
        self.ready_manager()
        self.systemctl("start", "--no-block", "--", unit)
        return self.comes_up() or (bool(settings.put_back) and self.put_back())

    def _runs_well(self, stage: Stage) -> bool:
        """Whether nothing has to be done: it serves, and not with changes that were only half made."""
        half_made = stage in (Stage.CHANGING, Stage.PUTTING_BACK)
        running = self.host.unit(self.settings.unit).main_pid
        return not half_made and running != 0 and self.serves() and self._stays(running)

    def _stays(self, main_pid: int) -> bool:
        """Whether this process stays; one that shows by no port that it is ready is watched a while."""

        def decided() -> bool:
            return self.host.unit(self.settings.unit).main_pid != main_pid or self._has_settled(main_pid)

        self.patiently(decided, 2 * self.settings.settle)
        return self.host.unit(self.settings.unit).main_pid == main_pid
