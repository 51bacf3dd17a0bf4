"""What the legacy engine does beside its verdicts: construction, storage effects, reads, reorgs, quirks."""

import json
from typing import Any

import pytest

from testnet.node.src import consensus, pow

from .support import GENESIS, Clock, RecordingStorage, config, engine, sealed

ROOT: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])


def chain(length: int, *, tag: int = 0, root: dict[str, Any] = ROOT) -> list[dict[str, Any]]:
    blocks = [root]
    for _ in range(length):
        blocks.append(sealed(blocks[-1], tag=tag))
    return blocks[1:]


def reason_of(subject: consensus.ConsensusEngine, block: Any) -> str | None:
    with pytest.raises(consensus.HeaderValidationError) as caught:
        subject.verify_block(block)
    return caught.value.reason


class TestConstruction:
    def test_a_genesis_of_another_network_is_refused_with_what_to_do(self) -> None:
        wrong = config(network_id="another-network")
        with pytest.raises(consensus.ValidationError, match="use the genesis of network 'another-network'"):
            consensus.ConsensusEngine(wrong, RecordingStorage(), pow.ProblemRegistry())

    def test_a_missing_genesis_is_refused(self) -> None:
        with pytest.raises(consensus.ValidationError, match="genesis_block"):
            consensus.ConsensusEngine(config(genesis_block=None), RecordingStorage(), pow.ProblemRegistry())

    def test_a_storage_without_a_log_leaves_the_genesis_alone(self) -> None:
        subject = engine(storage=object())
        assert list(subject.block_tree) == [ROOT["block_hash"]]

    def test_the_tree_is_rebuilt_with_the_stored_receipt_times_and_without_writes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Clock(monkeypatch, now=5000.0)
        first, second = chain(2)
        storage = RecordingStorage([(json.dumps(first).encode(), 11.0), (json.dumps(second).encode(), 12.5)])
        subject = engine(storage=storage, max_headers_per_second=1)
        assert subject.block_tree[second["block_hash"]].receipt_time == 12.5
        assert subject.best_tip.height == 2
        assert storage.writes == []
        assert subject.rate_limited == 0

    def test_a_stored_block_sent_again_replaces_its_node_on_rebuild(self) -> None:
        (block,) = chain(1)
        raw = json.dumps(block).encode()
        subject = engine(storage=RecordingStorage([(raw, 11.0), (raw, 22.0)]))
        assert subject.block_tree[block["block_hash"]].receipt_time == 22.0
        assert subject.best_tip.receipt_time == 11.0

    def test_a_stored_block_that_is_refused_now_is_left_out_and_the_rest_is_kept(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        (good,) = chain(1)
        orphan = sealed(good, previous_hash="f" * 64)
        log = [(json.dumps(orphan).encode(), 1.0), (json.dumps(good).encode(), 2.0)]
        subject = engine(storage=RecordingStorage(log))
        assert subject.get_best_tip() == good
        assert "unknown_parent" in caplog.text


class TestStorageEffects:
    def test_both_writes_follow_every_insertion_even_off_the_best_chain(self) -> None:
        subject = engine()
        heavy = sealed(ROOT, work={"measured_solve_space": 1024})
        light = sealed(ROOT, tag=1)
        for block in (heavy, light):
            subject.verify_block(block)
        work = [int(subject.block_tree[b["block_hash"]].cumulative_work) for b in (heavy, light)]
        assert subject.get_best_tip() == heavy
        assert subject.storage.writes == [
            ("work_index", 1, work[0], heavy["block_hash"]),
            ("tip", heavy["block_hash"], work[0]),
            ("work_index", 1, work[1], light["block_hash"]),
            ("tip", light["block_hash"], work[1]),
        ]

    def test_a_rejected_block_writes_nothing(self) -> None:
        subject = engine()
        assert reason_of(subject, sealed(ROOT, index=7)) == "bad_height"
        assert subject.storage.writes == []

    @pytest.mark.parametrize("solve_time", [float("inf"), float("nan")])
    def test_a_sum_that_is_no_finite_number_is_malformed_with_the_node_kept(self, solve_time: float) -> None:
        subject = engine()
        work = {"measured_solve_time": solve_time, "measured_solve_space": 1024}
        block = sealed(ROOT, work=work)
        assert reason_of(subject, block) == "malformed"
        assert block["block_hash"] in subject.block_tree
        assert (subject.get_best_tip() == block) is (solve_time == float("inf"))
        assert subject.storage.writes == []

    def test_a_failure_of_storage_is_no_verdict_and_goes_out_as_it_is(self) -> None:
        class FullDisk(RecordingStorage):
            def store_tip(self, block_hash: Any, cumulative: int) -> None:
                raise OSError("disk full")

        subject = engine(storage=FullDisk())
        with pytest.raises(OSError, match="disk full"):
            subject.verify_block(sealed(ROOT))


class TestForkChoice:
    def test_equal_work_keeps_the_earlier_block_and_an_earlier_clock_beats_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch, now=100.0)
        subject = engine()
        first, later, earlier = (sealed(ROOT, tag=tag) for tag in range(3))
        subject.verify_block(first)
        clock.now = 101.0
        subject.verify_block(later)
        assert subject.get_best_tip() == first
        clock.now = 99.0  # the clock was set back
        subject.verify_block(earlier)
        assert subject.get_best_tip() == earlier

    def test_a_block_sent_again_replaces_its_node_while_the_tip_stays_the_old_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch, now=100.0)
        subject = engine()
        strong = sealed(ROOT, work={"measured_solve_space": 4096})
        weak = strong | {"complexity": sealed(ROOT)["complexity"]}
        subject.verify_block(strong)
        old_tip = subject.best_tip
        clock.now = 200.0
        subject.verify_block(weak)
        assert subject.block_tree[strong["block_hash"]] is not old_tip
        assert subject.block_tree[strong["block_hash"]].receipt_time == 200.0
        assert subject.best_tip is old_tip


class TestReads:
    def test_the_chain_runs_from_the_genesis_to_the_tip_that_is_asked_for(self) -> None:
        subject = engine()
        blocks = chain(3)
        for block in blocks:
            subject.verify_block(block)
        assert subject.get_chain_from_genesis() == [ROOT, *blocks]
        assert subject.get_chain_from_genesis(blocks[1]["block_hash"]) == [ROOT, *blocks[:2]]
        assert subject.get_chain_from_genesis("nowhere") == []

    def test_a_ring_of_replaced_nodes_ends_the_walk(self) -> None:
        subject = engine()
        first = sealed(ROOT, block_hash="x")
        second = sealed(first, block_hash="y")
        again = sealed(second, block_hash="x")
        for block in (first, second, again):
            subject.validate_header(block)
        assert [block["block_hash"] for block in subject.get_chain_from_genesis()] == ["y", "x"]

    def test_a_block_is_final_at_the_confirmation_depth_and_not_one_before(self) -> None:
        subject = engine(confirmation_depth=3)
        blocks = chain(4)
        for block in blocks:
            subject.verify_block(block)
        assert subject.is_finalized(blocks[0]["block_hash"]) is True
        assert subject.is_finalized(blocks[1]["block_hash"]) is False
        assert subject.is_finalized("nowhere") is False


class TestReorg:
    def test_the_lists_begin_after_the_common_ancestor_and_the_tip_moves(self) -> None:
        subject = engine()
        trunk = chain(2)
        left, right = chain(2, tag=1, root=trunk[-1]), chain(1, tag=2, root=trunk[-1])
        for block in [*trunk, *left, *right]:
            subject.verify_block(block)
        assert subject.get_best_tip() == left[-1]
        assert subject.handle_reorg(right[-1]["block_hash"]) == (left, right)
        assert subject.get_best_tip() == right[-1]

    def test_a_reorg_beyond_the_limit_or_to_an_unknown_block_changes_nothing(self) -> None:
        subject = engine(max_reorg_depth=1)
        left, right = chain(2, tag=1), chain(1, tag=2)
        for block in [*left, *right]:
            subject.verify_block(block)
        assert subject.handle_reorg(right[-1]["block_hash"]) == ([], [])
        assert subject.handle_reorg("nowhere") == ([], [])
        assert subject.get_best_tip() == left[-1]

    def test_a_second_root_shares_no_ancestor_and_is_refused(self) -> None:
        subject = engine()
        island = sealed(ROOT, index=0, previous_hash="island")
        subject.verify_block(island)
        assert subject.handle_reorg(island["block_hash"]) == ([], [])
        assert subject.get_best_tip() == ROOT


class TestRateLimit:
    def test_the_nth_header_within_a_second_is_refused_by_no_rule_and_counted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch, now=100.0)
        subject = engine(max_headers_per_second=3)
        first, second, third = chain(3)
        subject.verify_block(first)
        subject.validate_header(second)
        with pytest.raises(consensus.HeaderValidationError, match="rate limit") as caught:
            subject.verify_block(third)
        assert caught.value.reason is None
        assert subject.rate_limited == 1
        clock.now = 101.5
        assert subject.verify_block(third) is True


class TestReveal:
    SALT = b"salt of the miner"

    def commitment(self, block: dict[str, Any]) -> str:
        params = pow.ProblemRegistry().encode_params(block["problem"])
        return pow.calculate_commitment(params, self.SALT, block["previous_hash"], block["solution"])

    def test_a_fitting_reveal_is_accepted_and_inserts_nothing(self) -> None:
        subject, block = engine(), sealed(ROOT)
        assert subject.validate_reveal(block, self.commitment(block), self.SALT, b"proof") is True
        assert list(subject.block_tree) == [ROOT["block_hash"]]
        assert subject.storage.writes == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"previous_hash": "nowhere"}, "previous_hash"),
            ({"solution": [1, 3]}, "does not solve"),
            ({"problem": None}, "raised"),
        ],
    )
    def test_an_unknown_parent_a_wrong_proof_and_nonsense_are_refused(
        self, change: dict[str, Any], message: str
    ) -> None:
        block = sealed(ROOT) | change
        with pytest.raises(consensus.RevealValidationError, match=message):
            engine().validate_reveal(block, self.commitment(block), self.SALT)

    def test_another_salt_and_an_oversized_bundle_are_refused(self) -> None:
        subject, block = engine(max_proof_size_bytes=4), sealed(ROOT)
        with pytest.raises(consensus.RevealValidationError, match="commitment"):
            subject.validate_reveal(block, self.commitment(block), b"another salt")
        with pytest.raises(consensus.RevealValidationError, match="max_proof_size_bytes"):
            subject.validate_reveal(block, self.commitment(block), self.SALT, b"12345")


def test_text_that_does_not_parse_is_malformed_with_its_cause() -> None:
    for raw in (b"{", b"\xff{}", b"\xef\xbb\xbf{}", b"[]"):
        assert reason_of(engine(), raw) == "malformed"


def test_the_surface_of_the_engine_is_complete() -> None:
    subject = engine()
    for name in ("config", "storage", "problem_registry", "block_tree", "best_tip", "genesis_block"):
        assert hasattr(subject, name)
    for name in ("validate_header", "verify_block", "validate_reveal", "handle_reorg"):
        assert callable(getattr(subject, name))
    for name in ("get_best_tip", "get_chain_from_genesis", "is_finalized"):
        assert callable(getattr(subject, name))
