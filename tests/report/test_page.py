"""The page is one file that needs nothing else, shows what was measured, and believes no text it is given."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES
from report.page import main, render, write
from report.run import MaterialError, check, load
from tests.report.material import FIXTURE, rehearsal

ROOT = Path(__file__).parents[2]
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Reader(HTMLParser):
    """Notes every element with its attributes, checks that they nest, and keeps the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style"} & set(self.open):
            self.text.append(data)

    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = render(rehearsal())
    read = Reader(page)
    assert not read.open
    loading = [
        (tag, name, value)
        for tag, attributes in read.elements
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "action", "href", "xlink:href") or name.startswith("on")
        if not (tag == "a" and str(value).startswith("#"))
    ]
    assert loading == []
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.elements}
    assert "url(http" not in page
    assert "@import" not in page
    assert len(page) < 200_000


def test_the_page_tells_result_criteria_gates_plays_and_users() -> None:
    run = rehearsal()
    words = Reader(render(run)).words()
    for text in (
        "Complete", "Zero divergences", "Phase 3 on node2", "What users noticed", run["plays"][0]["what"],
        f"{run['users']['total']:,}" if run["users"] else "", "None in", "blocks stored per second",
        "what users waited for an answer",
    ):  # fmt: skip
        assert text in words


def test_every_node_has_a_lane_and_every_mode_its_bar() -> None:
    read = Reader(render(rehearsal()))
    bars = [attributes["class"] for tag, attributes in read.elements if tag == "rect"]
    for mode in MODES:
        assert bars.count(f"mode {mode}") == 2
    assert bars.count("restart") == 2


def test_what_was_not_measured_is_called_so() -> None:
    nothing = rehearsal(
        kind="migration", result="under way", clients={}, blocks={}, latency={}, ratio={}, users=None,
        gates=[], plays=[], restarts=[], transactions=None, reorgs=None, forks=None, journal={},
        counts=dict.fromkeys(("rust_calls", "compared", "divergences", "rust_errors")),
    )  # fmt: skip
    check(nothing)
    words = Reader(render(nothing)).words()
    assert "Client latency: not measured" in words
    assert "Block production over time: not measured" in words
    assert "the evidence of this run holds no latency" in words
    assert "Not measured: no node compared anything" in words
    assert "no ledger of users' requests" in words
    assert "Step journals: not read" in words


def test_given_hostile_texts_then_they_are_shown_and_not_obeyed() -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=y>"
    run = rehearsal(reason=evil, network=evil)
    run["plays"][0] |= {"who": evil, "what": evil, "said": evil}
    run["gates"][1]["reasons"] = [evil]
    run["divergences"] = [{"node": evil, "at": 1.0, "kind": evil, "capture": evil, "href": None}]
    run["journal"] = {"node1": {"records": 3, "broken": evil}}
    read = Reader(render(run))
    assert not {"script", "img"} & {tag for tag, _ in read.elements}
    assert read.words().count("<script>alert(1)</script>") >= 7


def test_given_a_step_that_is_done_then_its_gate_links_to_its_record_in_the_journal() -> None:
    record = {
        "seq": 4, "at": 1.0, "who": "ada@laptop", "what": "step done", "why": "phase 1", "phase": 1,
        "mode": "legacy", "target": "shadow", "digest": "ab" * 32,
    }  # fmt: skip
    run = rehearsal(records={"node1": [record]})
    for number, gate in enumerate(run["gates"]):
        gate |= {"node": "node1", "record": None if number else 4}
    check(run)
    read = Reader(render(run))
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert links == ["#journal-node1-4"]
    assert "journal-node1-4" in [attributes.get("id") for _, attributes in read.elements]
    assert "record 4 of its journal" in read.words()
    assert "step done, phase 1 : legacy → shadow" in read.words().replace("phase 1:", "phase 1 :")


def test_given_other_criteria_then_only_that_of_speed_says_why_single_blocks_differ() -> None:
    run = rehearsal(speed={"node1": {"state": "met", "told": "processor time"}})
    above, below = (
        [0] * at + [50] + [0] * (len(one["counts"]) - at - 1)
        for one in [run["ratio"]["node1"]]
        for at in (40, 30)
    )
    for one in run["ratio"].values():
        one |= {"counts": above, "count": 50}
    note = "That does not contradict the verdict"
    assert Reader(render(run)).words().count(note) == 1
    for one in run["ratio"].values():
        one |= {"counts": below, "count": 50}
    assert note not in Reader(render(run)).words(), "Rust was the faster one in every pair"


def test_the_page_has_a_dark_dress_of_every_colour_that_it_uses() -> None:
    style = (ROOT / "report/templates/style.css").read_text()
    light, dark = (
        set(re.findall(r"--(\w+):", part)) for part in style.split("prefers-color-scheme: dark")[:2]
    )
    assert light == dark
    assert set(re.findall(r"var\(--(\w+)\)", style)) <= light
    inside = style.split("\n* {")[1]
    assert not re.findall(r"#[0-9a-f]{3,6}\b", inside), "a colour of its own would stay in the dark"


def test_given_divergences_then_each_links_to_its_capture_and_says_what_judges_it_again() -> None:
    copied = "captures/node1/ab.json"
    rows: list[Any] = [{"node": "node1", "at": 1.0, "kind": "verdict", "capture": "ab.json", "href": copied}]
    read = Reader(render(rehearsal(divergences=rows)))
    assert [a["href"] for tag, a in read.elements if tag == "a"] == [copied]
    assert f"python -m coinjecture.replay --captures {copied}" in read.words()
    uncopied = Reader(render(rehearsal(divergences=[rows[0] | {"href": None}])))
    assert "its capture was not copied" in uncopied.words()


def test_given_failed_requests_then_they_are_marked_in_the_drawing() -> None:
    run = rehearsal()
    run["clients"]["node1"]["bins"][3]["failed"] = 2
    dots = [a for tag, a in Reader(render(run)).elements if tag == "circle"]
    assert len(dots) == 1


def test_given_a_broken_journal_then_the_page_says_where() -> None:
    words = Reader(render(rehearsal(journal={"node1": {"records": 7, "broken": "line 8: prev"}}))).words()
    assert "BROKEN line 8: prev" in words


@pytest.mark.parametrize(
    "change",
    [
        {"result": "probably"},
        {"nodes": []},
        {"forks": -1},
        {"surprise": 1},
        {"divergences": [{"node": "a", "at": 0, "kind": "", "capture": "x", "href": "javascript:alert(1)"}]},
        {"divergences": [{"node": "a", "at": 0, "kind": "", "capture": "x", "href": "../../etc/passwd"}]},
    ],
)
def test_material_of_another_form_is_refused_and_an_old_page_stays(change: Any, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("the page before")
    with pytest.raises(MaterialError):
        write(rehearsal(**change), page)
    assert page.read_text() == "the page before"


def test_the_command_makes_a_page_or_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(FIXTURE), str(tmp_path / "made" / "report.html")]) == 0
    assert (tmp_path / "made" / "report.html").read_text().startswith("<!doctype html>")
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(dict(load(FIXTURE)) | {"started": "yesterday"}))
    assert main([str(bad), str(tmp_path / "no.html")]) == 2
    assert "$.started" in capsys.readouterr().err
    bad.write_text("{")
    assert main([str(bad), str(tmp_path / "no.html")]) == 2


def test_a_rehearsal_that_halted_shows_what_stopped_it_and_its_captures() -> None:
    halted = load(FIXTURE.with_name("halted.json"))
    read = Reader(render(halted))
    words = read.words()
    for text in ("Halted", "refused", "divergences in", "Zero Rust errors", "chain whole"):
        assert text in words
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert len(links) == len(halted["divergences"]) > 0
    assert "were counted" in words, "more divergences than captures"
    faults = [a for tag, a in read.elements if tag == "td" and "fault" in (a.get("class") or "")]
    assert faults, "what must be zero and is not is marked"
