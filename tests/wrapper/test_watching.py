"""The fork sentinel and the self-check find what they are for, and touch nothing else."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.api_shape import ApiShape
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.evidence_reader import read
from coinjecture_migration.runtime.errors import ModeChangeError
from coinjecture_migration.vocabulary import MODES
from coinjecture_migration.watchers.chain_view import ChainView
from coinjecture_migration.watchers.self_check import SelfCheck
from coinjecture_migration.watchers.sentinel import Sentinel, fetch_json

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.double import DoubleEngine
from tests.wrapper.test_files import check

PEER = "http://peer:8080"


class Watched:
    """A node with a chain of 45 blocks, and a peer whose answers the test gives."""

    def __init__(self, place: Place, mode: str = "shadow") -> None:
        self.place, self.wrapper = place, place.start(mode)
        self.manager = self.wrapper._manager
        self.blocks = chain(45)
        for block in self.blocks:
            assert place.judge(self.wrapper, block) == "accept"
        self.theirs: dict[int, Any] = {}
        self.depth = 25
        self.asked: list[str] = []

    def fetch(self, url: str) -> Any:
        """The peer's API: our own chain, but for what the test put into `theirs`."""
        self.asked.append(url)
        height = int(url.rsplit("/", 1)[1])
        found = self.theirs.get(height, self.blocks[height - 1]["block_hash"])
        if isinstance(found, Exception):
            raise found
        return {"hash": found, "height": height, "depth": self.depth, "block": {"index": height}}

    def sentinel(self, shape: ApiShape | None = None) -> Sentinel:
        """A sentinel of this node that asks this peer."""
        watchers = self.manager.watchers
        watchers.sentinel = Sentinel(
            [PEER],
            watchers._own,
            self.manager.evidence,
            self.wrapper._alerts,
            "node1",
            self.place.folder / "forks",
            every=3600,
            fetch=self.fetch,
            shape=shape,
        )
        return watchers.sentinel

    def self_check(self) -> SelfCheck:
        """A self-check of this node that does not wait."""
        return SelfCheck(
            self.manager.loader,
            lambda: self.manager.active,
            self.manager.evidence,
            self.wrapper._alerts,
            None,
            every=0,
            pause=0,
        )

    def found(self, name: str) -> Any:
        """What the evidence says of a watcher, checked against its schema."""
        stats = self.wrapper.stats()
        check("evidence", stats)
        return stats[name]


@pytest.fixture
def watched(place: Place) -> Watched:
    return Watched(place)


# The sentinel


def test_given_peers_that_agree_when_looked_at_then_the_deepest_common_fingerprint_was_compared(
    watched: Watched,
) -> None:
    watched.sentinel().look()
    found = watched.found("sentinel")
    expected = {"height": 20, "hash": watched.blocks[19]["block_hash"], "agrees": True, "error": None}
    assert (found["peers"], found["latched"]) == ({PEER: expected}, None)
    assert watched.asked == [f"{PEER}/v1/data/block/20"]


@pytest.mark.parametrize("own_block", [True, False], ids=["same", "other"])
def test_given_a_peer_whose_api_has_another_shape_when_looked_at_then_its_depth_is_counted_from_its_tip(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, own_block: bool
) -> None:
    def answer(url: str) -> Any:
        where = url.removeprefix(f"{PEER}/v1/data/block/")
        height = 45 if where == "latest" else int(where)
        found = watched.blocks[height - 1]["block_hash"] if own_block else "ab" * 32
        return {"status": "success", "data": {"index": height, "block_hash": found}}

    monkeypatch.setattr(watched, "fetch", answer)
    keys = {"height": "data.index", "hash": "data.block_hash", "depth": "", "content": "data"}
    sentinel = watched.sentinel(ApiShape.of(keys))
    sentinel.look()
    sentinel.look()
    said = watched.found("sentinel")["peers"][PEER]
    assert (said["height"], said["agrees"], said["error"]) == (20, own_block, None)
    assert (sentinel.latched is None) == own_block


def test_given_a_peer_that_lacks_a_key_when_looked_at_then_address_and_key_are_told(watched: Watched) -> None:
    watched.sentinel(ApiShape.of({"hash": "data.block_hash"})).look()
    said = watched.found("sentinel")["peers"][PEER]
    assert f"{PEER}/v1/data/block/" in said["error"]
    assert "without 'data.block_hash'" in said["error"]


def test_given_another_block_twice_when_looked_at_then_it_latches_dumps_both_sides_and_alerts_once(
    watched: Watched,
) -> None:
    watched.theirs[20] = "ff" * 32
    sentinel = watched.sentinel()
    sentinel.look()
    assert watched.found("sentinel")["latched"] is None  # a chain may be on its way to another tip
    sentinel.look()
    sentinel.look()
    fork = watched.found("sentinel")["latched"]
    assert (fork["height"], fork["own"], fork["peers"]) == (20, watched.blocks[19]["block_hash"], "ff" * 32)
    dump = json.loads((watched.place.folder / fork["dump"]).read_text())
    assert (dump["own_block"], dump["peer_block"]) == (watched.blocks[19], {"index": 20})
    assert [alert["kind"] for alert in watched.place.alerts] == ["fork"]
    with pytest.raises(ModeChangeError, match="different blocks"):
        watched.wrapper.set_mode("rust", who="test", why="phase 2")
    watched.wrapper.set_mode("legacy", who="test", why="the way back stays open")


def test_given_a_latched_fork_when_the_node_restarts_then_it_is_latched_until_acknowledged(
    watched: Watched,
) -> None:
    watched.theirs[20] = "ff" * 32
    sentinel = watched.sentinel()
    sentinel.look()
    sentinel.look()
    watched.wrapper.close()
    again = watched.place.start("shadow")
    assert again.stats()["sentinel"]["latched"]["height"] == 20
    status = status_of(again._manager)
    check("status", status)
    why = f"another block at height 20 of {PEER}"
    assert (status["latched"], status["unacknowledged"]) == (None, [{"kind": "fork", "why": why}])
    acknowledged = again._manager.ack("eve", "the other node was rebuilt")
    assert status_of(again._manager)["unacknowledged"] == []
    assert acknowledged["watchers"] == ["fork"]
    found = again.stats()["sentinel"]
    assert (found["latched"], found["acknowledged"]["why"]) == (None, "the other node was rebuilt")


@pytest.mark.parametrize("what", [OSError("refused"), KeyError("hash"), RecursionError()])
def test_given_a_peer_that_gives_no_answer_when_looked_at_then_it_is_no_fork(
    watched: Watched, what: Exception
) -> None:
    watched.theirs |= dict.fromkeys((10, 20), what)
    watched.blocks.insert(-1, watched.blocks[0])
    watched.theirs[0] = what
    sentinel = watched.sentinel()
    sentinel.look()
    sentinel.look()
    found = watched.found("sentinel")
    assert found["latched"] is None
    assert type(what).__name__ in found["peers"][PEER]["error"]


def test_given_a_peer_whose_block_is_not_deep_when_looked_at_then_it_may_still_change(
    watched: Watched,
) -> None:
    watched.theirs |= dict.fromkeys((0, 10, 20), "ff" * 32)
    watched.depth = 19
    sentinel = watched.sentinel()
    sentinel.look()
    sentinel.look()
    assert watched.found("sentinel")["peers"][PEER]["agrees"] is None


def test_given_a_fork_that_heals_before_the_second_look_then_nothing_is_latched(watched: Watched) -> None:
    sentinel = watched.sentinel()
    watched.theirs[20] = "ff" * 32
    sentinel.look()
    del watched.theirs[20]
    sentinel.look()
    watched.theirs[20] = "ee" * 32
    sentinel.look()
    assert watched.found("sentinel")["latched"] is None


@pytest.fixture
def peer_api() -> Iterator[Callable[[bytes], str]]:
    """A real HTTP server that answers everything with the same bytes."""
    servers = []

    def serve(body: bytes) -> str:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_given_a_peer_over_http_when_asked_then_json_is_read_and_all_else_is_an_error(
    peer_api: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert fetch_json(peer_api(b'{"hash": "ab"}')) == {"hash": "ab"}
    with pytest.raises(ValueError, match="Expecting value"):
        fetch_json(peer_api(b"<html>"))
    with pytest.raises(ValueError, match="an answer of more than"):
        fetch_json(peer_api(b" " * (8 * 2**20 + 1)))


def test_given_a_reorganisation_when_the_chain_is_viewed_then_fingerprints_follow_the_best_chain(
    watched: Watched,
) -> None:
    engine = watched.manager.active.answering
    view = ChainView(5)
    before = dict(view.look(engine)["fingerprints"])
    assert list(before) == ["40", "30", "20", "10"]
    for block in chain(20, parent=watched.blocks[34], tag=3):
        watched.place.judge(watched.wrapper, block)
    after = view.look(engine)["fingerprints"]
    assert after["40"] != before["40"]
    assert after["30"] == before["30"]


# The self-check


@pytest.mark.parametrize("mode", MODES)
def test_given_engines_that_keep_their_word_when_the_arm_runs_then_nothing_is_found(
    place: Place, mode: str
) -> None:
    watched = Watched(place, mode)
    before = watched.wrapper.stats()
    watched.self_check().run()
    found = watched.found("determinism")
    assert (found["runs"], found["mismatches"], found["differences"]) == (1, 0, 0)
    assert 0 < found["blocks"] <= 45
    pairs = 2 * found["blocks"] if mode in ("shadow", "rust") else 0
    assert found["ratio"]["count"] <= pairs
    for engines in found["durations"].values():
        assert {engine: one["count"] for engine, one in engines.items()} == {"legacy": pairs, "rust": pairs}
    after = watched.wrapper.stats()
    assert (after["calls"], after["ratio"]) == (before["calls"], before["ratio"])
    assert len(watched.wrapper.block_tree) == 46


class Moody(DoubleEngine):
    """A Rust engine whose third fresh one computes another sum."""

    made = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type(self).made += 1
        self.mood = type(self).made

    def judge(self, captured: Any, received_at: float, profile: str) -> Any:
        judgement = super().judge(captured, received_at, profile)
        if self.mood >= 3 and judgement.cumulative is not None:
            return judgement.__class__(**{**vars(judgement), "cumulative": judgement.cumulative + 1.0})
        return judgement


def test_given_an_engine_that_contradicts_itself_when_the_arm_runs_then_it_is_counted_and_survives(
    place: Place, rust: Any
) -> None:
    Moody.made = 0
    rust(Moody)
    watched = Watched(place)
    watched.self_check().run()
    found = watched.found("determinism")
    assert found["mismatches"] == found["differences"] == found["blocks"]
    assert len(found["examples"]) == 5
    assert {alert["kind"] for alert in place.alerts} == {"self_mismatch", "divergence"}
    watched.wrapper.close()
    assert read(place.folder / "evidence.db")["evidence"]["determinism"]["mismatches"] == found["mismatches"]
    again = place.start("shadow")
    assert [one["kind"] for one in status_of(again._manager)["unacknowledged"]] == ["determinism"]
    assert again._manager.ack("eve", "the memory was replaced")["watchers"] == ["determinism"]
    assert again.stats()["determinism"]["mismatches"] == 0


def test_given_a_change_of_mode_in_between_when_the_arm_runs_then_the_sample_counts_for_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(place, "rust")
    check = watched.self_check()
    judge_once = check._pass

    def then_final(*args: Any) -> Any:
        told = judge_once(*args)
        if watched.wrapper.mode.value == "rust":
            watched.wrapper.set_mode("final", who="eve", why="phase 3")
        return told

    monkeypatch.setattr(check, "_pass", then_final)
    check.run()
    assert watched.found("determinism") is None
    assert place.alerts == []


def test_given_another_release_when_the_arm_runs_then_it_counts_anew(place: Place) -> None:
    watched = Watched(place)
    watched.self_check().run()
    identity = dict(watched.manager.active.soak.identity) | {"release": "f" * 64}
    watched.manager.active.soak.identity = identity
    watched.self_check().run()
    found = watched.found("determinism")
    assert (found["release"], found["runs"]) == ("f" * 64, 1)


def test_given_a_node_with_its_genesis_alone_when_the_arm_runs_then_there_is_nothing_to_judge(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    manager = wrapper._manager
    SelfCheck(
        manager.loader, lambda: manager.active, manager.evidence, wrapper._alerts, None, every=0, pause=0
    ).run()
    assert wrapper.stats()["determinism"] is None


# An engine that breaks in final


class Breaks(DoubleEngine):
    """A Rust engine that breaks on one block."""

    def judge(self, captured: Any, received_at: float, profile: str) -> Any:
        if captured.block()["index"] == 3:
            raise RuntimeError("broke")
        return super().judge(captured, received_at, profile)


def test_given_final_when_the_engine_breaks_then_no_block_is_taken_until_acknowledged(
    place: Place, rust: Any
) -> None:
    rust(Breaks)
    wrapper = place.start("final")
    blocks = chain(3)
    assert [place.judge(wrapper, block) for block in blocks[:2]] == ["accept"] * 2
    with pytest.raises(RuntimeError, match="broke"):
        place.judge(wrapper, blocks[2])
    with pytest.raises(RuntimeError, match="takes no blocks since its engine broke"):
        place.judge(wrapper, sealed(blocks[1], tag=9))
    status = status_of(wrapper._manager)
    check("status", status)
    assert "broke" in status["stopped"]["why"]
    assert status["latched"]["to"] == "final"
    assert wrapper.best_tip.height == 2  # reads go on
    assert wrapper.stats()["skipped"] == {"stopped": 1}
    assert [alert["kind"] for alert in place.alerts] == ["rust_error", "stopped"]
    assert "playbooks/rollback.yml" in place.alerts[-1]["message"]
    wrapper.close()
    again = place.start("legacy")
    assert status_of(again._manager)["stopped"] is not None  # a restart is no acknowledgement
    again._manager.ack("eve", "the block was a forgery")
    assert place.judge(again, sealed(blocks[0], tag=9)) == "accept"


def stopped(place: Place, rust: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A node in `final` whose engine has broken on the last of three blocks, and the blocks."""
    rust(Breaks)
    wrapper, blocks = place.start("final"), chain(3)
    for block in blocks[:2]:
        place.judge(wrapper, block)
    with pytest.raises(RuntimeError, match="broke"):
        place.judge(wrapper, blocks[2])
    return wrapper, blocks


def test_given_a_stopped_node_when_it_is_rolled_back_then_legacy_answers_from_the_stored_log(
    place: Place, rust: Any
) -> None:
    wrapper, blocks = stopped(place, rust)
    wrapper.set_mode("legacy", who="operator", why="rollback")
    assert place.judge(wrapper, blocks[2]) == "accept"
    assert (wrapper.best_tip.height, status_of(wrapper._manager)["stopped"]) == (3, None)
    assert place.recorded_mode()["latched"]["why"].startswith("the Rust engine broke")


def test_given_a_stopped_node_when_the_file_says_legacy_at_the_start_then_legacy_answers(
    place: Place, rust: Any
) -> None:
    wrapper, blocks = stopped(place, rust)
    wrapper.close()
    record = place.recorded_mode() | {"mode": "legacy"}
    place.mode_file.write_text(json.dumps(record))
    again = place.start(None)
    assert place.judge(again, blocks[2]) == "accept"
    assert status_of(again._manager)["latched"] is not None


def test_given_final_when_the_storage_fails_then_the_engine_is_not_to_blame(place: Place) -> None:
    wrapper = place.start("final")
    place.storage.broken = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        place.judge(wrapper, chain(1)[0])
    place.storage.broken = None
    assert status_of(wrapper._manager)["stopped"] is None
    assert place.judge(wrapper, genesis_child()) == "accept"


def genesis_child() -> dict[str, Any]:
    return sealed(genesis_block(), tag=4)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"peers": "http://a"}', "must be a list of http"),
        ('{"peers": ["ftp://a"]}', "must be a list of http"),
        ('{"sentinel_seconds": 0.5}', "must be at least 1"),
    ],
)
def test_given_wrong_settings_of_the_watchers_when_read_then_they_are_named(
    tmp_path: Path, content: str, complaint: str
) -> None:
    from coinjecture_migration.settings import SettingsError, load_settings

    path = tmp_path / "wrapper.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=complaint):
        load_settings(path)
