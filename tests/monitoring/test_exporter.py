"""What the metrics server says of a node, and what when a source is missing, torn or of another form."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from coinjecture_exporter import chain, evidence_families
from coinjecture_exporter.collector import NodeCollector
from coinjecture_exporter.journal import MODE_CHANGES
from coinjecture_exporter.settings import Settings, SettingsError, load_settings
from coinjecture_migration.api_shape import AnswerError, ApiShape
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.coinjecture.migration.plugins.module_utils import journal as step_journal
from tests.monitoring.support import evidence

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Node:
    """A node's files in a folder, and an API that answers what the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hashes = {height: f"{height:064x}" for height in range(200)}
        self.silent = False
        self.read: Callable[[Path], dict[str, Any]] = lambda _: evidence()
        (folder / "evidence.db").write_bytes(b"")
        self.write_mode("rust")
        self.write_journal(
            {"seq": 1, "node": "node1", "to": "shadow"}, {"seq": 2, "node": "node1", "to": "rust"}
        )

    def write_mode(self, mode: str, latched: Any = None) -> None:
        record = {"schema": 1, "mode": mode, "since": 900.0, "by": "ops", "why": "", "latched": latched}
        (self.folder / "mode.json").write_text(json.dumps(record))

    def write_journal(self, *records: dict[str, Any]) -> None:
        lines = [
            json.dumps({"schema": 1, "at": 5.0, "what": "step done"} | record) + "\n" for record in records
        ]
        (self.folder / "journal.jsonl").write_text("".join(lines))

    def fetch(self, url: str) -> Any:
        if self.silent:
            raise ConnectionRefusedError(url)
        at = url.rpartition("/")[2]
        height = max(self.hashes) if at == "latest" else int(at)
        return {"height": height, "hash": self.hashes[height]}

    def scrape(self, **settings: Any) -> Samples:
        """One scrape, through the exposition format."""
        registry = CollectorRegistry(auto_describe=False)
        known = Settings(
            "node1",
            state_dir=self.folder,
            operator_dir=self.folder / "operator",
            soak_required={"rust": 604800},
            **settings,
        )
        registry.register(NodeCollector(known, lambda path: self.read(path), self.fetch))
        families = text_string_to_metric_families(generate_latest(registry).decode())
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


def up(samples: Samples) -> dict[str, float]:
    return {
        dict(labels)["source"]: told
        for (name, labels), told in samples.items()
        if name == "coinjecture_exporter_source_up"
    }


def test_given_a_node_in_rust_then_every_agreed_metric_is_there(node: Node) -> None:
    samples = node.scrape()
    assert set(up(samples).values()) == {1.0}
    assert value(samples, "coinjecture_consensus_mode", mode="rust") == 1
    assert value(samples, "coinjecture_consensus_mode", mode="shadow") == 0
    assert value(samples, "coinjecture_consensus_journal_mode", mode="rust") == 1
    assert value(samples, "coinjecture_consensus_calls_total", mode="shadow", outcome="match") == 100
    assert value(samples, "coinjecture_consensus_calls_total", mode="rust", outcome="rust_error") == 2
    assert value(samples, "coinjecture_consensus_rejects_total", reason="work") == 4
    assert value(samples, "coinjecture_consensus_demotions_total") == 1
    assert value(samples, "coinjecture_consensus_latched") == 0
    assert value(samples, "coinjecture_chain_height") == 199
    assert value(samples, "coinjecture_consensus_soak_started_timestamp_seconds") == 1_000
    assert value(samples, "coinjecture_consensus_soak_required_seconds") == 604_800
    assert value(samples, "coinjecture_consensus_soak_calls", outcome="divergence") == 1
    assert value(samples, "coinjecture_consensus_evidence_timestamp_seconds") == 1_999.5
    build = {"release": "ab" * 32, "version": "", "python": "3.11.2", "libc": "glibc 2.36"}
    assert value(samples, "coinjecture_consensus_build_info", **build) == 1


def test_given_no_call_of_a_kind_yet_then_its_counter_is_there_with_zero(node: Node) -> None:
    calls = [labels for name, labels in node.scrape() if name == "coinjecture_consensus_calls_total"]
    assert len(calls) == 4 * 6, "increase() sees the first divergence only against a zero before it"


def test_given_histograms_then_their_buckets_are_cumulative_and_end_at_infinity(node: Node) -> None:
    samples = node.scrape()
    edges = [
        float(dict(labels)["le"])
        for name, labels in samples
        if name == "coinjecture_consensus_judge_seconds_bucket" and ("engine", "rust") in labels
    ]
    assert edges[0] == 1e-6 and edges[-2:] == [1.0, float("inf")]
    assert all(b / a <= 1.5 for a, b in pairwise(edges[:-1]))
    assert value(samples, "coinjecture_consensus_judge_seconds_bucket", engine="rust", le="1e-06") == 0
    assert value(samples, "coinjecture_consensus_judge_seconds_bucket", engine="rust", le="+Inf") == 109
    assert value(samples, "coinjecture_consensus_judge_seconds_sum", engine="legacy") == 0.004
    assert value(samples, "coinjecture_consensus_judge_cpu_seconds_sum", engine="rust") == 0.0002
    assert value(samples, "coinjecture_consensus_ratio_bucket", le="1.0") == 109


def test_given_evidence_of_an_older_wrapper_then_only_its_processor_time_is_missing(node: Node) -> None:
    older = evidence()
    del older["cpu"]
    node.read = lambda _: older
    samples = node.scrape()
    assert set(up(samples).values()) == {1.0}
    assert "coinjecture_consensus_judge_cpu_seconds_count" not in names(samples)
    assert value(samples, "coinjecture_consensus_ratio_bucket", le="1.0") == 109


@pytest.mark.parametrize("counts", [[1, 2], [1, 2, 3, 4]])
def test_given_counts_that_do_not_fit_their_edges_then_they_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        evidence_families.buckets({"bounds": [0.5, 1.0], "counts": counts, "sum": 1.0, "count": sum(counts)})


def test_given_a_latch_then_it_shows(node: Node) -> None:
    node.write_mode("shadow", {"at": 1.0, "from": "rust", "to": "shadow", "why": "", "capture": None})
    assert value(node.scrape(), "coinjecture_consensus_latched") == 1


def test_given_a_node_the_migration_has_not_touched_then_it_is_in_legacy_and_nothing_is_amiss(
    node: Node,
) -> None:
    for name in ("mode.json", "evidence.db", "journal.jsonl"):
        (node.folder / name).unlink()
    samples = node.scrape()
    assert set(up(samples).values()) == {1.0}
    assert value(samples, "coinjecture_consensus_mode", mode="legacy") == 1
    assert value(samples, "coinjecture_consensus_installed") == 0
    assert "coinjecture_consensus_calls_total" not in names(samples)
    assert "coinjecture_consensus_journal_mode" not in names(samples)


def torn(_: Path) -> dict[str, Any]:
    raise sqlite3.DatabaseError("file is not a database")


@pytest.mark.parametrize("read", [torn, lambda _: {"schema": 1}, lambda _: evidence(latency={"rust": {}})])
def test_given_evidence_that_cannot_be_read_then_it_alone_is_missing(node: Node, read: Any) -> None:
    node.read = read
    samples = node.scrape()
    assert up(samples) == {"mode": 1, "evidence": 0, "journal": 1, "api": 1}
    assert "coinjecture_consensus_calls_total" not in names(samples)
    assert value(samples, "coinjecture_chain_height") == 199


def test_given_a_torn_moment_of_the_evidence_then_a_second_look_finds_it_whole(node: Node) -> None:
    looks: list[Path] = []

    def read(path: Path) -> dict[str, Any]:
        looks.append(path)
        return torn(path) if len(looks) == 1 else evidence()

    node.read = read
    assert up(node.scrape())["evidence"] == 1


def test_given_evidence_without_a_soak_yet_then_its_totals_are_there(node: Node) -> None:
    node.read = lambda _: evidence(evidence=None, flushed=None)
    samples = node.scrape()
    assert up(samples)["evidence"] == 1
    assert "coinjecture_consensus_calls_total" in names(samples)
    assert "coinjecture_consensus_soak_started_timestamp_seconds" not in names(samples)


def test_given_a_mode_file_without_evidence_then_evidence_is_missing(node: Node) -> None:
    (node.folder / "evidence.db").unlink()
    assert up(node.scrape())["evidence"] == 0


@pytest.mark.parametrize("text", ["", "{", '{"mode": "turbo", "latched": null}', '{"mode": "rust"}'])
def test_given_a_damaged_mode_file_then_no_mode_is_claimed(node: Node, text: str) -> None:
    (node.folder / "mode.json").write_text(text)
    samples = node.scrape()
    assert up(samples)["mode"] == 0
    assert "coinjecture_consensus_mode" not in names(samples)


def test_given_evidence_and_no_mode_file_then_no_mode_is_claimed(node: Node) -> None:
    (node.folder / "mode.json").unlink()
    assert up(node.scrape())["mode"] == 0


@pytest.mark.parametrize("line", ["{", "[]", '"x"'])
def test_given_a_damaged_journal_then_no_mode_is_said_to_be_recorded(node: Node, line: str) -> None:
    (node.folder / "journal.jsonl").write_text(f'{{"node": "node1", "to": "rust"}}\n{line}\n')
    samples = node.scrape()
    assert up(samples)["journal"] == 0
    assert "coinjecture_consensus_journal_mode" not in names(samples)


def test_given_a_journal_with_another_nodes_steps_then_they_do_not_count(node: Node) -> None:
    node.write_journal(
        {"node": "node1", "to": "shadow"},
        {"node": "node2", "to": "rust"},
        {"node": "node1", "what": "step begun", "to": "rust"},
    )
    samples = node.scrape()
    assert value(samples, "coinjecture_consensus_journal_mode", mode="shadow") == 1
    assert value(samples, "coinjecture_consensus_complete") == 0


def test_given_a_folder_of_root_then_the_journal_is_read_there_and_in_the_old_place_no_more(
    node: Node,
) -> None:
    node.write_journal({"node": "node1", "what": "step done", "to": "final"})
    (node.folder / "operator").mkdir()
    assert "coinjecture_consensus_journal_mode" not in names(node.scrape())
    (node.folder / "journal.jsonl").rename(node.folder / "operator" / "journal.jsonl")
    assert value(node.scrape(), "coinjecture_consensus_journal_mode", mode="final") == 1


def test_given_a_journal_that_says_complete_then_the_metrics_say_it(node: Node) -> None:
    node.write_journal({"node": "node1", "to": "final"}, {"node": "node1", "what": "complete", "to": "final"})
    assert value(node.scrape(), "coinjecture_consensus_complete") == 1


def test_given_a_journal_as_the_plays_write_it_then_its_mode_is_the_one_they_read(node: Node) -> None:
    assert MODE_CHANGES == step_journal.MODE_CHANGES
    common = {"at": 1.0, "who": "ops", "why": "because", "node": "node1"}
    text = step_journal.append("", common | {"what": "step done", "to": "shadow"})
    text = step_journal.append(text, common | {"what": "lock broken"})
    text = step_journal.append(text, common | {"what": "rollback", "to": "legacy"})
    (node.folder / "journal.jsonl").write_text(text)
    samples = node.scrape()
    recorded = step_journal.recorded_mode([json.loads(line) for line in text.splitlines()])
    assert recorded == "legacy"
    assert value(samples, "coinjecture_consensus_journal_mode", mode=recorded) == 1
    assert value(samples, "coinjecture_consensus_complete") == 0


def test_given_a_silent_api_then_it_alone_is_missing(node: Node) -> None:
    node.silent = True
    samples = node.scrape()
    assert up(samples) == {"mode": 1, "evidence": 1, "journal": 1, "api": 0}
    assert "coinjecture_chain_height" not in names(samples)


def test_given_two_nodes_at_different_heights_then_they_share_slots_of_equal_height(node: Node) -> None:
    near = chain.look("http://node", 20, 10, node.fetch)
    node.hashes = {height: node.hashes[height] for height in range(180)}
    behind = chain.look("http://node", 20, 10, node.fetch)
    assert [point.height for point in near.checkpoints] == [140, 150, 160, 170]
    shared = set(near.checkpoints) & set(behind.checkpoints)
    assert {point.height for point in shared} == {140, 150}
    node.hashes[150] = "f" * 64
    forked = chain.look("http://node", 20, 10, node.fetch)
    assert {point.height for point in set(near.checkpoints) & set(forked.checkpoints)} == {140}


def test_given_an_api_of_another_shape_then_its_chain_is_read_and_what_it_lacks_is_named() -> None:
    def answer(url: str) -> object:
        where = url.rsplit("/", 1)[1]
        height = 199 if where == "latest" else int(where)
        return {"status": "success", "data": {"index": height, "block_hash": f"{height:064x}"}}

    shape = ApiShape.of({"height": "data.index", "hash": "data.block_hash"})
    seen = chain.look("http://node", 20, 10, answer, shape)
    assert (seen.height, [point.height for point in seen.checkpoints]) == (199, [140, 150, 160, 170])
    with pytest.raises(AnswerError, match="http://node/v1/data/block/latest answers without 'height'"):
        chain.look("http://node", 20, 10, answer)


def test_given_a_chain_shorter_than_the_lag_then_nothing_is_compared(node: Node) -> None:
    node.hashes = {0: "0" * 64, 1: "1" * 64}
    assert chain.look("http://node", 20, 10, node.fetch).checkpoints == ()


def test_given_hashes_then_their_fingerprint_is_exact_in_a_float() -> None:
    largest = chain.fingerprint("f" * 64)
    assert int(float(largest)) == largest
    assert int(float(largest - 1)) == largest - 1


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    def write(text: str) -> Path:
        path = tmp_path / "metrics.json"
        path.write_text(text)
        return path

    yield write


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"node": "n", "adress": "x"}', '{"port": 1}', '{"node": "n", "port": 0}',
     '{"node": "n", "address": "everywhere"}', '{"node": "n", "api": "node:8080"}',
     '{"node": "n", "fingerprint_step": 0}'],
)  # fmt: skip
def test_given_wrong_settings_then_the_refusal_says_what_to_do(
    write: Callable[[str], Path], text: str
) -> None:
    with pytest.raises(SettingsError, match=r"metrics.json: .*monitoring.yml"):
        load_settings(write(text))


def test_given_settings_then_they_are_read(write: Callable[[str], Path]) -> None:
    settings = load_settings(write('{"node": "n", "address": "10.0.0.5", "state_dir": "/x"}'))
    assert (settings.address, settings.state_dir) == ("10.0.0.5", Path("/x"))
