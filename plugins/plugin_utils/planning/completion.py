"""Is the migration over? The plan's six success criteria, each with what was found. Pure.

A criterion is ``met``, ``not met`` or ``unknown``; where nothing was measured it is unknown, and
unknown is no pass. ``accepted`` is one that an operator takes as it is, with a reason.
Runs on the controller only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ...module_utils.vocabulary import COMPARING
from ..gate import durations, performance
from ..gate.bounds import highest_rate
from ..gate.latency import replayed
from ..gate.reading import GarbledError, count, counts, number, part, shown
from ..gate.rules import Rules
from ..gate.status_reader import Reported, reported_by

TITLES = {
    "on_rust": "both nodes run on the Rust engine",
    "no_divergence": "zero divergences",
    "no_rust_error": "zero Rust errors",
    "performance": "performance is equal or better",
    "no_downtime": "no downtime was seen by users",
    "removable": "the legacy code can be removed",
}
CONFIDENCE = 0.95
SPEED = ("max_latency_ratio", "min_latency_pairs", "confidence")
NEVER_ACCEPTED = ("on_rust",)
UNSEEN_RESTARTS = ("restarted", "put back", "not touched")
"""Ends of a restart in which, when it is seamless, no request fails."""
SEAMLESS = ("seamless", "invisible", "apart")
"""How such a restart is called: the second was its name in records of 4.0, the third is of a unit that takes
no connection of a user."""


class Criterion(TypedDict):
    """One criterion: its name and title, ``state`` and the evidence in words.

    ``acceptable`` says whether an operator may take it as it is, where it is not met.
    """

    name: str
    title: str
    state: str
    evidence: list[str]
    acceptable: bool


def judge(
    states: Mapping[str, Mapping[str, Any] | None],
    restarts: Mapping[str, Sequence[Mapping[str, Any]]],
    chain: Mapping[str, Any],
    obstacles: Mapping[str, Sequence[str] | None],
    accepted: Mapping[str, str],
    criteria: Mapping[str, Any],
    undecided: Mapping[str, Sequence[str]] | None = None,
) -> list[Criterion]:
    """Judge all six criteria.

    Args:
        states: For every node what `node_state.read` gave, or None where it did not answer.
        restarts: For every node the ``detail`` of its journal's restarts.
        chain: What ``chain_health`` said now: ``problems``.
        obstacles: For every node why its legacy file cannot be removed; None where nobody could look.
        accepted: Criteria that the operator takes as they are, with the reason.
        criteria: Those of the gate, of which the ones on speed count here too: what is asked of it before a
            step is asked at the end.
        undecided: For every node the places that may use its legacy file, which only an operator can tell.
    """
    open_ = undecided or {}
    found = {
        "on_rust": [_on_rust(name, state) for name, state in states.items()],
        "no_divergence": [_never(name, state, "divergence") for name, state in states.items()],
        "no_rust_error": [_never(name, state, "rust_error") for name, state in states.items()],
        "performance": [speed(name, state, criteria) for name, state in states.items()],
        "no_downtime": [
            *(_downtime(name, state, restarts.get(name, ())) for name, state in states.items()),
            _chain(chain),
        ],
        "removable": [_removable(name, obstacles.get(name), open_.get(name, ())) for name in states],
    }
    return [
        _criterion(name, findings, accepted.get(name, ""), _may_be_accepted(name, states, obstacles))
        for name, findings in found.items()
    ]


def refused(criteria: Sequence[Criterion]) -> list[str]:
    """The criteria that stand in the way, in words."""
    return [
        f"{item['title']}: {item['state']} ({'; '.join(item['evidence'])})"
        for item in criteria
        if item["state"] not in ("met", "accepted")
    ]


def advice(criteria: Sequence[Criterion]) -> str:
    """What an operator may do about the criteria that stand in the way, besides mending the cause."""
    open_ones = [item for item in criteria if item["state"] not in ("met", "accepted")]
    names = [item["name"] for item in open_ones if item["acceptable"]]
    if not names:
        return "None of this can be taken as it is"
    reasons = json.dumps({"accept": dict.fromkeys(names, "the reason")})
    rest = ", ".join(item["title"] for item in open_ones if not item["acceptable"])
    told = f"What can be taken as it is, with a reason: -e '{reasons}'"
    return f"{told}; not so: {rest}" if rest else told


def lines(criteria: Sequence[Criterion]) -> list[str]:
    """All six for a person."""
    told = []
    for place, item in enumerate(criteria, start=1):
        told.append(f"{place}. {item['title']}: {item['state']}")
        told += [f"     {evidence}" for evidence in item["evidence"]]
    return told


def _may_be_accepted(
    name: str,
    states: Mapping[str, Mapping[str, Any] | None],
    obstacles: Mapping[str, Sequence[str] | None],
) -> bool:
    """Whether an operator's reason counts: not for what would break a node, nor for a fresh divergence."""
    if name == "removable":  # only what is undecided is left to the operator
        return all(found is not None and not found for found in map(obstacles.get, states))
    if name != "no_divergence":
        return name not in NEVER_ACCEPTED
    try:
        return not any(_last(reported_by(node, state)).get("divergence", 0) for node, state in states.items())
    except GarbledError:
        return False


def _criterion(name: str, findings: Sequence[tuple[str, str]], reason: str, may: bool) -> Criterion:
    """Put what was found on every node together; the worst of it counts."""
    states = {state for state, _ in findings}
    worst: str = next(state for state in ("not met", "unknown", "met") if state in states)
    evidence = [text for _, text in findings]
    if worst != "met" and reason.strip():
        if not may:
            evidence.append("this one cannot be accepted as it is")
        else:
            worst = "accepted"
            evidence.append(f"accepted by the operator: {reason.strip()}")
    return {"name": name, "title": TITLES[name], "state": worst, "evidence": evidence, "acceptable": may}


def is_completed(state: Mapping[str, Any]) -> bool:
    """Whether a node runs the Rust engine without the wrapper already."""
    entries = state["node_py"]
    alone = entries["state"] == "rust" and not entries.get("apart")
    return bool(alone and state["mode"] == "final" and state["status"] is None)


def _on_rust(name: str, state: Mapping[str, Any] | None) -> tuple[str, str]:
    if state is None:
        return "unknown", f"{name} does not answer"
    if is_completed(state):
        return "met", f"{name} imports the Rust engine itself"
    told = reported_by(name, state)
    if (status := told.status) is None:
        return "unknown", told.wrong or f"{name}: {state['why']}"
    if (status["mode"], status["answering"]) != ("final", "rust"):
        return "not met", f"{name} is in {status['mode']}, and {status['answering']} answers"
    if status["engines"]["legacy"]["module_imported"]:
        return "not met", f"{name}: its process has the legacy module in it"
    return "met", f"{name} is in final, Rust answers, the legacy module is not imported"


def _never(name: str, state: Mapping[str, Any] | None, kind: str) -> tuple[str, str]:
    """That something never happened on a node since the installation, and what that proves."""
    told = reported_by(name, state)
    if told.record is None:
        return "unknown", told.wrong or f"{name}: no evidence can be read"
    try:
        times = count(part(told.record, "ever"), kind)
        compared = _last(told).get("match", 0) if told.record.get("baseline") is not None else 0
    except GarbledError as error:
        return "unknown", f"{name}: the evidence has no number of them that can be believed: {error}"
    bound = highest_rate(compared, CONFIDENCE)
    proves = f"; 0 in {compared:,} compared calls of the last soak: at most {bound:.3%} at 95 %"
    word = kind.replace("_", " ")
    if times:
        return "not met", f"{name}: {times} {word}s since the installation"
    has_log = kind != "divergence" or Rules.of(told.status).has_log
    past = "" if has_log else "; live alone: it keeps no log of blocks, so its past ones were not compared"
    return "met", f"{name}: no {word} since the installation{proves if compared else ''}{past}"


def _last(told: Reported) -> dict[str, int]:
    """The outcomes of the last soak with both engines; raises `GarbledError` where they cannot be read."""
    if told.record is None:
        raise GarbledError(told.wrong or "no evidence can be read")
    return counts(part(told.record, "baseline"), "outcomes")


def speed(name: str, state: Mapping[str, Any] | None, criteria: Mapping[str, Any]) -> tuple[str, str]:
    """The gate's own verdict on the speed of a node's engines, as the state of a criterion, and in words.

    While both engines judge it is that of the running soak; live calls from before ``final`` are those that
    were frozen then.

    Args:
        name: The node.
        state: What `node_state.read` gave, or None where it did not answer.
        criteria: The gate's criteria.
    """
    told = reported_by(name, state)
    record = told.record
    if told.wrong:
        return "unknown", told.wrong
    comparing = record is not None and record.get("mode") in COMPARING
    if state is None or record is None or not (comparing or record.get("baseline")):
        return "unknown", f"{name}: nothing was kept of the speed of both engines from before final"
    try:
        limit, fewest, confidence = (number(criteria, key) for key in SPEED)
        soak = record if comparing else part(record, "baseline")
        live = durations.read(soak.get("durations"), "durations")
        again = replayed(record.get("determinism"), state.get("release"), _by_replay(state))
    except GarbledError as error:
        return "unknown", f"{name}: what there is cannot be believed: {error}"
    verdict = performance.judge(live, again, limit, confidence, fewest)
    found = "; ".join(text for text in (verdict.why, *verdict.told) if text)
    if verdict.state == "met":
        return "met", f"{name}: {found}"
    if verdict.state == "slower":
        return "not met", f"{name}: {found}"
    has_log = Rules.of(state.get("status")).has_log
    more = "playbooks/replay.yml" if has_log else "with no log to replay, time with the self-check"
    return "unknown", f"{name}: {found}; {more} brings more"


def _by_replay(state: Mapping[str, Any]) -> durations.Measured | None:
    """What a replay with the release in force has measured."""
    replay = state.get("replay")
    if not isinstance(replay, Mapping) or replay.get("release") != state.get("release"):
        return None
    return durations.read((replay.get("result") or {}).get("durations"), "replay.durations")


def _downtime(
    name: str, state: Mapping[str, Any] | None, restarts: Sequence[Mapping[str, Any]]
) -> tuple[str, str]:
    """What the restarts of the migration did to users, as far as the node can tell."""
    if state is None:
        return "unknown", f"{name} does not answer"
    if not restarts:
        return "unknown", f"{name}: its step journal tells of no restart, though the wrapper came by one"
    try:
        bad = [restart for restart in restarts if _was_seen(restart)]
        held = 0.0 if bad else max(map(_waited, restarts))
    except GarbledError as error:
        return "unknown", f"{name}: what its step journal tells of a restart cannot be believed: {error}"
    if bad:
        told = f"{bad[0].get('how')}, {bad[0].get('outcome')}, {bad[0]['left']} connections cut"
        return "not met", f"{name}: {len(bad)} of {len(restarts)} restarts were seen by users ({told})"
    if not state["service"]["active"] or state["service"]["restarts"]:
        return "not met", f"{name}: its unit is {state['service']['state']} and has restarted by itself"
    return "met", (
        f"{name}: {len(restarts)} restarts of the migration, all seamless, no connection cut, new "
        f"requests waited at most {held:g} s; the unit has not restarted by itself. "
        "Not measured here: what users saw besides"
    )


def _was_seen(restart: Mapping[str, Any]) -> bool:
    """Whether users noticed a restart; `GarbledError` where it cannot tell how many connections it cut."""
    if not isinstance(restart, Mapping):
        raise GarbledError(f"it is {shown(restart)}, not an object")
    cut = count(restart, "left") + (count(restart, "missed") if "missed" in restart else 0)
    return restart.get("outcome") not in UNSEEN_RESTARTS or restart.get("how") not in SEAMLESS or bool(cut)


def _waited(restart: Mapping[str, Any]) -> float:
    """For how many seconds a restart held new requests back; one that left the old code running, none."""
    if restart["outcome"] != "restarted" and not restart.get("seconds"):
        return 0.0
    if (held := number(part(restart, "seconds"), "held", "seconds.")) < 0:
        raise GarbledError(f"seconds.held is {held:g}, below 0")
    return held


def _chain(chain: Mapping[str, Any]) -> tuple[str, str]:
    problems = chain.get("problems")
    if problems is None:
        return "unknown", "the chain was not asked"
    return (
        ("not met", "; ".join(problems))
        if problems
        else ("met", "every API answers now, and the nodes agree")
    )


def _removable(name: str, obstacles: Sequence[str] | None, undecided: Sequence[str]) -> tuple[str, str]:
    if obstacles is None:
        return "unknown", f"{name}: nobody could look"
    if obstacles:
        others = any("imports the legacy module too" in text for text in obstacles)
        named = ["name such files in coinjecture_importers, to be edited too"] if others else []
        return "not met", f"{name}: {'; '.join([*obstacles, *undecided, *named])}"
    if undecided:
        text = "look at each; where none means the legacy module, accept removable with that reason"
        return "unknown", f"{name}: {'; '.join(undecided)}; {text}"
    return (
        "met",
        f"{name}: nothing else uses the legacy file, and the Rust engine has all that the node takes",
    )
