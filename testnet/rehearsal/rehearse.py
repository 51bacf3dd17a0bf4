"""A rehearsal from nothing to its summary."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report.migration import read_decisions, save
from report.run import MaterialError
from testnet.lab import network
from testnet.lab.nodes import NodeSilentError, ask
from testnet.lab.plan import MONITOR, NODES, ROOT, USERS
from testnet.lab.variants import REFERENCE
from testnet.machine.command import CommandError, RefusalError
from testnet.rehearsal import audit, material
from testnet.rehearsal.chain import ChainStory
from testnet.rehearsal.dashboard import account_dashboard
from testnet.rehearsal.droplet import Remote, UnreadableError
from testnet.rehearsal.kinds import REFERENCE_KIND, Kind
from testnet.rehearsal.operator import Operator
from testnet.rehearsal.restarts import read_restarts, unplanned
from testnet.rehearsal.sentinel import Sentinel
from testnet.rehearsal.summary import COMPLETE, FAILED, HALTED, Summary
from testnet.rehearsal.walk import HaltedError, Step, Walk

BUILD = ROOT / "build" / "rehearsal"
LOCAL_WHEELS = ROOT / "build" / "wheels" / "local"
SHORT_CALENDAR = Path(__file__).with_name("short.yml")
CONFIRM_LIMIT = 60.0  # seconds for the last transactions to be confirmed
MIN_NEW_PER_RESTART, MIN_KEPT_PER_RESTART = 50, 20  # requests; fewer would prove nothing
SETTLE = 10.0  # seconds after the miners have stopped

LEDGER_COMMAND = (
    *("env", "PYTHONPATH=/opt/coinjecture-load", "PYTHONDONTWRITEBYTECODE=1"),
    *("/opt/coinjecture/venv/bin/python", "-m", "testnet.users"),
)


def read_stories(nodes: Sequence[Remote], folder: Path, label: str) -> list[ChainStory]:
    """What the nodes' databases tell now; copies of them stay in the folder."""
    return [node.kind.read_story(node.fetch_database(folder / f"{node.name}-{label}.db")) for node in nodes]


@dataclass(frozen=True)
class Plan:
    """What is rehearsed.

    Attributes:
        fault: Which fault the wheel is built with and shows; None for a release wheel.
        there_and_back: Whether each step is rolled back and done again.
        kind: What the network is made of.
        short: Whether soaks last seconds, nobody watches from outside, and no node builds the wheel that this
            clone has: the same walk in a few minutes.
    """

    fault: str | None = None
    there_and_back: bool = False
    kind: Kind = REFERENCE_KIND
    short: bool = False

    @property
    def arguments(self) -> list[str]:
        """What every play of this rehearsal gets besides its own arguments."""
        faulty = {"wheel_features": ["faults"], "wrapper_fault": self.fault}
        given = ["-e", f"@{SHORT_CALENDAR.relative_to(ROOT)}"] if self.short else []
        if self.fault is not None:
            return [*given, "-e", json.dumps(faulty)]
        ready = sorted(LOCAL_WHEELS.glob("*.whl")) if self.short else []
        return [*given, *(["-e", f"wheel_file={ready[0]}"] if ready else [])]


class Rehearsal:
    """One run; `summary` is on disk from the first moment, whatever happens."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.summary = Summary(reason="interrupted before its end")
        self._started = time.time()
        self._ended: float | None = (
            None  # what page and summary call so, once nothing but writing them is left
        )
        self._load_since = self._started
        self._kind, variant = plan.kind, plan.kind.variant
        self._nodes = [Remote(droplet, plan.kind) for droplet in NODES]
        self._users = Remote(USERS)
        self._monitor = Remote(MONITOR)
        self._watched = False
        self._sentinel = Sentinel(NODES, variant)
        operator = Operator(BUILD / "logs", variant.inventory if variant is not REFERENCE else None)
        self._walk = Walk(operator, self._nodes, plan.arguments, there_and_back=plan.there_and_back)

    def run(self) -> Summary:
        """Rehearse; what goes wrong becomes the result, not an exception."""
        self._save()
        try:
            self._prepare()
            self._migrate()
            self.summary.result, self.summary.reason = COMPLETE, "every step done"
        except (HaltedError, UnreadableError) as halt:
            self.summary.result, self.summary.reason = HALTED, str(halt)
        except (RefusalError, CommandError) as error:
            self.summary.reason = str(error)
            self._save()
            raise
        try:
            self._account()
        except (UnreadableError, NodeSilentError) as error:
            self.summary.result = FAILED
            self.summary.reason += f"; the final account could not be made: {error}"
        finally:
            self._sentinel.stop()
        faults = self.summary.faults()
        if self.summary.result == COMPLETE and faults:
            self.summary.result, self.summary.reason = FAILED, ", ".join(faults)
        self._make_page()
        self._save()
        return self.summary

    def _make_page(self) -> None:
        """The page of this rehearsal; a complete one without its page has failed."""
        try:
            run = self._walk.operator.play("report")
            if run.exit_status != 0:
                raise MaterialError(f"the nodes could not be read: {run.last_words}")
            page = (BUILD.parent / "page").resolve()  # with what else is kept of this network
            nodes = json.loads((page / "nodes.json").read_text())
            decisions = read_decisions(page.with_name("steps"), since=self._started)
            self._ended = time.time()
            span, plays = (self._started, self._ended), self._walk.operator.runs
            page_run = material.assemble(BUILD, nodes, decisions, self.summary, plays, span, self._kind)
            self.summary.blocks["compared_ever"] = page_run["counts"]["compared"] or 0
            save(page_run, BUILD)
        except (MaterialError, OSError, ValueError) as error:
            print(f"  no page: {error}", flush=True)
            if self.summary.result == COMPLETE:
                self.summary.result, self.summary.reason = FAILED, f"its page could not be made: {error}"

    def _prepare(self) -> None:
        """A fresh network on its legacy engine, with users and a hostile peer; watched, but in short."""
        network.down()
        network.up(self._kind.variant)
        self._load_since = time.time()
        self._sentinel.start()
        self._need("preflight", *self.plan.arguments)
        if not self.plan.short:
            self._need("monitoring")
            self._watched = True

    def _need(self, playbook: str, *arguments: str) -> None:
        """Run a playbook without which no step is taken."""
        run = self._walk.operator.play(playbook, *arguments)
        if run.exit_status != 0:
            raise HaltedError(f"{playbook}: {run.last_words}")

    def _migrate(self) -> None:
        steps = [Step(phase, node) for phase in (1, 2, 3) for node in self._nodes]
        for number, step in enumerate(steps, start=1):
            print(f"\n== step {number} of {len(steps)}: phase {step.phase} on {step.node.name}", flush=True)
            self._walk.take(step)
            self._save()

    # The final account

    def _account(self) -> None:
        """Read the dashboard, stop the users, let the chain confirm what it acknowledged, and count."""
        print("\n== final account", flush=True)
        if self._watched:
            self.summary.dashboard = account_dashboard(self._monitor)
        self._users.ssh("systemctl", "stop", "coinjecture-hostile.service", "coinjecture-users.service")
        report = self._ledger()
        acknowledged = [entry["id"] for entry in report["acknowledged"]]
        self._await_confirmation(acknowledged)
        self._stop_miners()
        stories = self._read_stories("final")
        summary = self.summary
        summary.steps = self._walk.rows
        summary.requests = report["requests"]
        summary.transactions = audit.account_transactions(acknowledged, stories)
        summary.reorgs = audit.account_reorgs(stories)
        forked = audit.forked_heights(self._reported_chains(stories))
        summary.forks = len(forked | self._sentinel.deep_disagreements)
        summary.blocks = self._account_blocks(stories)
        summary.final_mode = self._modes()
        self._judge_requests(report)

    def _ledger(self) -> dict[str, Any]:
        """The users' ledger, counted where it was written, with the operator's restarts as windows."""
        restarts = [restart for node in self._nodes for restart in read_restarts(node, self._load_since)]
        own = [restart for restart in restarts if restart not in unplanned(restarts, self._walk.plays)]
        if len(own) < len(restarts) and self.summary.result == COMPLETE:
            strange = ", ".join(restart.node for restart in restarts if restart not in own)
            self.summary.result, self.summary.reason = FAILED, f"restarted without being told to: {strange}"
        windows = [f"--restart={one.node}:{one.stopped}:{one.started}" for one in own]
        answer = self._users.ssh(*LEDGER_COMMAND, "report", *windows)
        report: dict[str, Any] = json.loads(answer)
        (BUILD / "requests.json").write_text(json.dumps(report, indent=1) + "\n")
        return report

    def _judge_requests(self, report: dict[str, Any]) -> None:
        """No request may fail, and each restart has to have met enough of them to prove anything."""
        self.summary.restarts = report["windows"]
        if self.summary.result != COMPLETE:
            return
        quiet = [
            window["node"]
            for window in report["windows"]
            if window["new"] < MIN_NEW_PER_RESTART or window["kept"] < MIN_KEPT_PER_RESTART
        ]
        if quiet:
            self.summary.result = FAILED
            self.summary.reason = f"too few requests in the restart of {', '.join(quiet)} to prove anything"

    def _await_confirmation(self, acknowledged: list[str]) -> None:
        """Let mining go on until every acknowledged transaction is deep on both nodes, a minute at most."""
        deadline = time.time() + CONFIRM_LIMIT
        while time.time() < deadline:
            missing = audit.unconfirmed(acknowledged, self._read_stories("confirming"))
            if not missing:
                return
            print(f"  {len(missing)} transactions still to be confirmed", flush=True)
            time.sleep(2)

    def _stop_miners(self) -> None:
        for node in self._nodes:
            node.stop_mining()
        time.sleep(SETTLE)  # the settling time that the format of the summary fixes

    def _read_stories(self, label: str) -> list[ChainStory]:
        return read_stories(self._nodes, BUILD, label)

    def _reported_chains(self, stories: list[ChainStory]) -> dict[str, dict[int, str]]:
        """What each node answers for every height, asked through its API."""
        top = max(story.height for story in stories)
        chains: dict[str, dict[int, str]] = {}
        for node in self._nodes:
            reported = {}
            for height in range(min(top, int(ask(node.droplet, "/health")["height"])) + 1):
                answer = ask(node.droplet, f"/v1/data/block/{height}")
                reported[height] = self._kind.variant.hash_of(answer)
            chains[node.name] = reported
            self._sentinel.reported.update(reported.values())
        return chains

    def _account_blocks(self, stories: list[ChainStory]) -> dict[str, int]:
        """The summary's `blocks`, with divergences and errors since the wrapper came, not of one soak."""
        ever = {"divergence": 0, "rust_error": 0}
        for node in self._nodes:
            try:
                found = node.status()["evidence"]["ever"]
            except UnreadableError:
                continue  # a node that was never migrated has compared nothing
            for kind in ever:
                ever[kind] += found[kind]
        return {
            "compared": sum(row["compared"] for row in self._walk.rows),
            "divergences": ever["divergence"],
            "rust_errors": ever["rust_error"],
            "lost": len(audit.lost_blocks(self._sentinel.reported, stories)),
        }

    def _modes(self) -> dict[str, str]:
        """The mode each node is in; a node without a wrapper is on its legacy engine."""
        modes = {}
        for node in self._nodes:
            wrapped = node.ssh(
                "sh", "-c", "'test -S /run/coinjecture-migration/control.sock && echo yes || echo no'"
            )
            modes[node.name] = node.status()["mode"] if wrapped.strip() == b"yes" else "legacy"
        return modes

    def _save(self) -> None:
        self.summary.steps = self._walk.rows
        self.summary.duration_s = (self._ended or time.time()) - self._started
        self.summary.write(BUILD / "summary.json")
