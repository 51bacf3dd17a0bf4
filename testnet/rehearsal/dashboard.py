"""Whether the dashboard shows anything: its queries, asked of the Prometheus that watches the network."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from testnet.lab.plan import ROOT
from testnet.rehearsal.droplet import Remote

BOARD = ROOT / "roles/grafana/files/dashboards/migration.json"
PATIENCE = 15.0  # seconds for a panel to fill: a node that has just restarted is not read at once
NO_NUMBERS = ("NaN", "+Inf", "-Inf")

# Runs on the monitoring host, where alone Prometheus listens.
ASK = """
import json, urllib.parse, urllib.request
answers = []
for query in {queries}:
    url = "http://127.0.0.1:9090/api/v1/query?query=" + urllib.parse.quote(query, safe="")
    with urllib.request.urlopen(url, timeout=10) as answer:
        answers.append(json.load(answer)["data"]["result"])
print(json.dumps(answers))
"""


def panels() -> dict[str, list[str]]:
    """The queries of every panel of the dashboard by its title, of all nodes."""
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    return {
        panel["title"]: [target["expr"].replace("$node", ".*") for target in panel["targets"]]
        for panel in board["panels"]
        if panel["type"] != "row"
    }


def ask(monitor: Remote, queries: Sequence[str]) -> list[list[dict[str, Any]]]:
    """For each query the series that it gives now, those without a number left out.

    Raises:
        UnreadableError: The host or its Prometheus does not answer, or a query is none.
    """
    script = ASK.format(queries=json.dumps(list(queries)))
    answers = json.loads(monitor.ssh("/usr/bin/python3", "-", stdin=script.encode()))
    return [[series for series in answer if series["value"][1] not in NO_NUMBERS] for answer in answers]


def empty_panels(monitor: Remote, board: Mapping[str, Sequence[str]]) -> list[str]:
    """The titles of the panels of which a query gives nothing now."""
    titles = [title for title, queries in board.items() for _ in queries]
    answers = ask(monitor, [query for queries in board.values() for query in queries])
    return list(dict.fromkeys(title for title, answer in zip(titles, answers, strict=True) if not answer))


def account_dashboard(monitor: Remote) -> dict[str, Any]:
    """The summary's `dashboard`: how many panels there are, how many show something, which do not.

    Raises:
        UnreadableError: Nobody could be asked.
    """
    board = panels()
    deadline = time.monotonic() + PATIENCE
    while (empty := empty_panels(monitor, board)) and time.monotonic() < deadline:
        time.sleep(1)
    return {"panels": len(board), "with_data": len(board) - len(empty), "empty": empty}
