"""Whatever an engine does, the node gets an answer, and every call one outcome."""

import json
import logging
from dataclasses import replace
from typing import Any

import consensus_surface
import pytest
from coinjecture_migration.vocabulary import MODES
from consensus_wrapper import BrokenEngineError, ConsensusMode

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.double import DoubleEngine
from tests.wrapper.test_modes import outcomes


class Panic(BaseException):
    """What a panic of the core looks like: no Exception."""


class BudgetExceededError(Exception):
    """What a loop in the core ends in, by the core's own count."""


class Sick(DoubleEngine):
    """Breaks at the judgement or application whose number is in `breaks_at`, counted from 1."""

    breaks_at: frozenset[int] = frozenset({2})
    failure: BaseException = RuntimeError("no")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.judged = 0

    def judge(self, *args: Any) -> Any:
        self.judged += 1
        if self.judged in self.breaks_at:
            raise self.failure
        return super().judge(*args)


class WrongRule(DoubleEngine):
    """Rejects what it should accept, for blocks with a certain merkle root."""

    wrong_root = f"{666:064x}"

    def judge(self, captured: Any, *rest: Any) -> Any:
        judgement = super().judge(captured, *rest)
        if captured.block().get("merkle_root") != self.wrong_root:
            return judgement
        tip = self.best_tip
        return replace(
            judgement,
            accepted=False,
            reason="bad_proof",
            inserts=False,
            height=None,
            cumulative=None,
            tip_hash=tip.block["block_hash"],
            tip_cumulative=tip.cumulative_work,
        )


FAILURES = [RuntimeError("raised"), Panic("panicked"), BudgetExceededError("looped"), MemoryError()]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_given_rust_mode_when_rust_breaks_then_legacy_answers_this_block_and_the_node_demotes(
    place: Place, rust: Any, caplog: pytest.LogCaptureFixture, failure: BaseException
) -> None:
    rust(type("Broken", (Sick,), {"failure": failure}))
    wrapper = place.start("rust")
    assert [place.judge(wrapper, block) for block in chain(4)] == ["accept"] * 4
    assert wrapper.mode is ConsensusMode.SHADOW
    latch = place.recorded_mode()["latched"]
    assert (latch["from"], latch["to"]) == ("rust", "shadow")
    warning = next(r for r in caplog.records if r.message == "Rust consensus failed, using legacy")
    assert warning.levelno == logging.WARNING
    assert warning.migration["error"] == repr(failure)  # type: ignore[attr-defined]
    assert outcomes(wrapper) == {"match": 2}, "the new soak in shadow compares again at once"
    assert wrapper.stats()["ever"]["rust_error"] == 1
    assert {alert["kind"] for alert in place.alerts} == {"rust_error", "demotion"}


def test_given_an_allowance_when_rust_breaks_within_it_then_the_node_stays(place: Place, rust: Any) -> None:
    place.settings(error_allowance=1)
    rust(type("BrokenTwice", (Sick,), {"breaks_at": frozenset({2, 4})}))
    wrapper = place.start("rust")
    blocks = chain(5)
    assert [place.judge(wrapper, block) for block in blocks[:3]] == ["accept"] * 3
    assert wrapper.mode is ConsensusMode.REFACTORED_PRIMARY
    assert outcomes(wrapper) == {"match": 2, "rust_error": 1}
    assert place.judge(wrapper, blocks[3]) == "accept"
    assert wrapper.mode is ConsensusMode.SHADOW


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_given_shadow_when_rust_breaks_then_legacy_answers_and_it_is_counted(
    place: Place, rust: Any, failure: BaseException
) -> None:
    rust(type("Broken", (Sick,), {"failure": failure}))
    wrapper = place.start("shadow")
    assert [place.judge(wrapper, block) for block in chain(4)] == ["accept"] * 4
    assert outcomes(wrapper) == {"match": 3, "rust_error": 1}
    assert wrapper.mode is ConsensusMode.SHADOW
    assert place.recorded_mode()["latched"] is None


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_given_final_when_rust_breaks_then_an_error_goes_out_and_no_verdict(
    place: Place, rust: Any, caplog: pytest.LogCaptureFixture, failure: BaseException
) -> None:
    rust(type("Broken", (Sick,), {"failure": failure}))
    wrapper = place.start("final")
    first, second = chain(2)
    place.judge(wrapper, first)
    with pytest.raises(Exception) as caught:
        wrapper.verify_block(second)
    assert not isinstance(caught.value, consensus_surface.ValidationError)
    assert outcomes(wrapper) == {"alone": 1, "rust_error": 1}
    error = next(r for r in caplog.records if r.message == "Rust verification error")
    assert error.levelno == logging.ERROR
    with pytest.raises(BrokenEngineError, match="takes no blocks"):
        wrapper.verify_block(second)
    wrapper._manager.ack("test", "looked at it")
    assert place.judge(wrapper, second) == "accept", "the next attempt is fine"


@pytest.mark.parametrize(
    "garbage",
    [
        {"accepted": "yes"},
        {"accepted": True, "reason": "bad_proof"},
        {"accepted": False, "reason": None},
        {"accepted": False, "reason": "because"},
    ],
)
def test_given_rust_when_it_answers_garbage_then_it_is_an_error_and_no_verdict(
    place: Place, rust: Any, garbage: dict[str, Any]
) -> None:
    class Garbage(DoubleEngine):
        def judge(self, *args: Any) -> Any:
            return replace(super().judge(*args), **garbage)

    rust(Garbage)
    wrapper = place.start("shadow")
    assert place.judge(wrapper, chain(1)[0]) == "accept"
    assert outcomes(wrapper) == {"rust_error": 1}


def test_given_rust_mode_when_rust_breaks_while_it_applies_then_its_whole_tree_is_copied_again(
    place: Place, rust: Any
) -> None:
    class HalfApplied(DoubleEngine):
        applied = 0

        def apply(self, judgement: Any, block: Any) -> None:
            HalfApplied.applied += 1
            if HalfApplied.applied == 3:
                self.block_tree.clear()
                raise Panic("in the middle")
            super().apply(judgement, block)

    rust(HalfApplied)
    wrapper = place.start("rust")
    assert [place.judge(wrapper, block) for block in chain(6)] == ["accept"] * 6
    assert wrapper.mode is ConsensusMode.SHADOW
    assert outcomes(wrapper) == {"match": 3}


def test_given_a_rust_engine_that_takes_over_nothing_when_it_is_behind_then_calls_are_skipped(
    place: Place, rust: Any
) -> None:
    class Stubborn(Sick):
        refuses = True

        def import_tree(self, *args: Any, **kwargs: Any) -> None:
            if Stubborn.refuses:
                raise RuntimeError("not now")
            super().import_tree(*args, **kwargs)

    rust(Stubborn)
    wrapper = place.start("shadow")
    blocks = chain(60)
    for block in blocks[:20]:
        assert place.judge(wrapper, block) == "accept"
    assert outcomes(wrapper) == {"match": 1, "rust_error": 1, "skipped": 18}
    assert wrapper.stats()["skipped"] == {"resync": 18}
    Stubborn.refuses = False
    for block in blocks[20:]:
        assert place.judge(wrapper, block) == "accept"
    assert outcomes(wrapper)["match"] > 1


@pytest.mark.parametrize(("mode", "left"), [("shadow", "shadow"), ("rust", "shadow")])
def test_given_one_wrong_block_when_fifty_descendants_follow_then_it_is_one_divergence(
    place: Place, rust: Any, caplog: pytest.LogCaptureFixture, mode: str, left: str
) -> None:
    rust(WrongRule)
    wrapper = place.start(mode)
    place.judge(wrapper, chain(1)[0])
    wrong = sealed(chain(1)[0], tag=666)
    assert place.judge(wrapper, wrong) == "accept", "the network's history is legacy's"
    for block in chain(50, wrong):
        assert place.judge(wrapper, block) == "accept"
    assert wrapper.mode is ConsensusMode(left)
    assert wrapper.stats()["ever"]["divergence"] == 1
    assert outcomes(wrapper)["match"] >= 50
    assert sum(r.message == "CONSENSUS DIVERGENCE" for r in caplog.records) == 1
    assert bool(place.recorded_mode()["latched"]) == (mode == "rust")
    heights = [write[1] for write in place.storage.writes if write[0] == "work_index"]
    assert heights == list(range(1, 53)), "every answer was written once, the wrong block's too"


def test_given_a_divergence_when_it_is_captured_then_the_file_has_all_to_judge_it_again(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    parent = chain(1)[0]
    place.judge(wrapper, parent)
    wrong = sealed(parent, tag=666)
    place.judge(wrapper, wrong)
    (found,) = place.captures()
    assert json.loads(found["block_json"]) == wrong
    assert found["kinds"][0] == "verdict"
    assert json.loads(found["parent"]["hash_json"]) == parent["block_hash"]
    assert found["verdicts"]["legacy"]["verdict"] == "accept"
    assert found["verdicts"]["rust"]["reason"] == "bad_proof"
    assert found["builds"]["legacy"]["sha256"]
    assert found["builds"]["rust"]["version"] == "double"
    latch = place.recorded_mode()["latched"]
    assert (place.folder / "captures" / latch["capture"]).exists()


def test_given_the_plan_s_literal_text_when_the_engines_part_then_rust_answers_until_shadow(
    place: Place, rust: Any
) -> None:
    place.settings(on_divergence="rust")
    rust(WrongRule)
    wrapper = place.start("rust")
    parent = chain(1)[0]
    place.judge(wrapper, parent)
    wrong = sealed(parent, tag=666)
    assert place.judge(wrapper, wrong) == "bad_proof"
    assert place.judge(wrapper, chain(1, parent)[0]) == "accept"
    assert outcomes(wrapper) == {"match": 1, "divergence": 1, "skipped": 1}
    assert wrapper.mode is ConsensusMode.REFACTORED_PRIMARY
    wrapper.set_mode("shadow", who="test", why="back")
    for block in chain(3, wrong):
        assert place.judge(wrapper, block) == "accept", "legacy followed its own verdict all along"
    assert outcomes(wrapper) == {"skipped": 1, "match": 2}


def test_given_shadow_when_the_storage_refuses_a_write_then_its_error_goes_out_and_is_no_verdict(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("shadow")
    place.storage.broken = OSError(28, "No space left on device")
    block = chain(1)[0]
    with pytest.raises(OSError, match="No space left"):
        wrapper.verify_block(block)
    assert outcomes(wrapper) == {"legacy_error": 1}
    place.storage.broken = None
    assert place.judge(wrapper, block) == "accept"
    assert place.judge(wrapper, chain(2)[1]) == "accept"
    assert outcomes(wrapper) == {"legacy_error": 1, "match": 2}


def test_given_rust_mode_when_the_storage_refuses_a_write_then_the_node_keeps_its_mode(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("rust")
    place.storage.broken = OSError(28, "No space left on device")
    block = chain(1)[0]
    with pytest.raises(OSError, match="No space left"):
        wrapper.verify_block(block)
    assert outcomes(wrapper) == {"rust_error": 1}
    assert wrapper.mode is ConsensusMode.REFACTORED_PRIMARY
    place.storage.broken = None
    assert [place.judge(wrapper, b) for b in (block, chain(2)[1])] == ["accept", "accept"]


def test_given_legacy_alone_when_the_storage_refuses_a_write_then_its_error_goes_out(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("legacy")
    place.storage.broken = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        wrapper.verify_block(chain(1)[0])
    assert outcomes(wrapper) == {"legacy_error": 1}


@pytest.mark.parametrize(("mode", "seen"), [("shadow", BrokenEngineError), ("rust", None)])
def test_given_a_legacy_engine_that_panics_when_rust_leads_then_rust_answers(
    place: Place, rust: Any, mode: str, seen: type[Exception] | None
) -> None:
    wrapper = place.start(mode)
    engine = wrapper._active.legacy
    assert engine is not None
    healthy = engine.engine.verify_block
    first, second = chain(2)

    def panic(_block: Any) -> bool:
        raise Panic("legacy too")

    engine.engine.verify_block = panic
    if seen is None:
        assert place.judge(wrapper, first) == "accept"
    else:
        with pytest.raises(seen):
            wrapper.verify_block(first)
    assert outcomes(wrapper) == {"legacy_error": 1}
    engine.engine.verify_block = healthy
    for block in [second] if seen is None else [first, second]:
        assert place.judge(wrapper, block) == "accept"
    assert outcomes(wrapper)["match"] == (1 if seen is None else 2), "both are level again"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_given_any_mode_when_the_process_is_told_to_end_then_that_is_not_swallowed(
    place: Place, rust: Any, monkeypatch: pytest.MonkeyPatch, mode: str, interrupt: type[BaseException]
) -> None:
    wrapper = place.start(mode)
    active = wrapper._active
    engine = active.rust if mode in ("rust", "final") else active.legacy
    assert engine is not None

    def interrupted(*_args: Any) -> Any:
        raise interrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine.engine, "judge" if engine is active.rust else "verify_block", interrupted)
        with pytest.raises(interrupt):
            wrapper.verify_block(chain(1)[0])
    assert wrapper.stats()["skipped"] == {"interrupted": 1}
    assert [place.judge(wrapper, block) for block in chain(2)] == ["accept", "accept"]
    dual = {"skipped": 2, "match": 1}  # the block after it brings both level, the next is compared
    assert outcomes(wrapper) == (dual if mode in ("shadow", "rust") else {"skipped": 1, "alone": 2})


def test_given_an_engine_that_changes_the_block_when_it_judges_then_rust_still_sees_it_as_it_came(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("shadow")
    engine = wrapper._active.legacy
    assert engine is not None
    judge = engine.engine.verify_block

    def vandal(block: dict[str, Any]) -> bool:
        answer = judge(dict(block))
        block["solution"] = ["overwritten"]
        return bool(answer)

    engine.engine.verify_block = vandal
    place.judge(wrapper, sealed(genesis_block()))
    assert outcomes(wrapper) == {"match": 1}


def test_given_an_alert_callback_that_raises_when_a_divergence_is_found_then_the_block_is_answered(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    place.alerts = None  # type: ignore[assignment]
    seen = []

    def callback(alert: dict[str, Any]) -> None:
        seen.append(alert["kind"])
        raise RuntimeError("the pager is down")

    class Deaf:
        append = staticmethod(callback)

    place.alerts = Deaf()  # type: ignore[assignment]
    wrapper = place.start("shadow")
    assert place.judge(wrapper, sealed(genesis_block(), tag=666)) == "accept"
    assert seen == ["divergence"]


def test_given_the_real_engine_when_its_work_budget_ends_a_judgement_then_legacy_answers(
    place: Place,
) -> None:
    place.settings(work_budget=300)
    wrapper = place.start("rust")
    first = chain(1)[0]
    assert place.judge(wrapper, first) == "accept"
    endless = sealed(first, problem={"numbers": list(range(400)), "target": 5, "size": 8}, solution=[2, 3])
    assert place.judge(wrapper, endless) == "accept"
    assert wrapper.mode is ConsensusMode.SHADOW
    assert "BudgetExceededError" in next(a["error"] for a in place.alerts if a["kind"] == "rust_error")
    assert place.judge(wrapper, chain(1, endless)[0]) == "accept"
    assert outcomes(wrapper) == {"match": 1}


@pytest.mark.parametrize("mode", ["shadow", "rust"])
@pytest.mark.parametrize("fault", ["lies", "panics"])
def test_given_a_rust_engine_that_fails_in_a_reorg_when_it_is_asked_then_legacy_answers_and_both_are_level(
    place: Place, rust: Any, mode: str, fault: str
) -> None:
    class Confused(DoubleEngine):
        def handle_reorg(self, new_tip_hash: Any) -> Any:
            if fault == "panics":
                raise Panic("in a reorg")
            return [], []

    rust(Confused)
    wrapper = place.start(mode)
    trunk, branch = chain(2, tag=1), chain(1, tag=2)
    for block in [*trunk, *branch]:
        place.judge(wrapper, block)
    removed, added = wrapper.handle_reorg(branch[0]["block_hash"])
    assert (len(removed), len(added)) == (2, 1)
    assert wrapper.stats()["ever"] == {
        "divergence": int(fault == "lies"),
        "rust_error": int(fault == "panics"),
        "legacy_error": 0,
    }
    assert wrapper.mode is ConsensusMode.SHADOW
    assert bool(place.recorded_mode()["latched"]) == (mode == "rust")
    soak = outcomes(wrapper).get("match", 0)
    assert place.judge(wrapper, chain(1, branch[0], tag=3)[0]) == "accept"
    assert outcomes(wrapper)["match"] == soak + 1


def test_given_a_legacy_engine_that_changes_the_block_it_judges_then_the_block_as_it_came_is_compared(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = place.start("shadow")
    legacy = wrapper._manager.active.legacy
    assert legacy is not None
    judge = legacy.engine.verify_block

    def meddle(block: Any) -> bool:
        answer: bool = judge(dict(block))
        block["problem"]["target"] += 1
        block["complexity"]["problem_size"] = 1
        return answer

    monkeypatch.setattr(legacy.engine, "verify_block", meddle)
    assert [place.judge(wrapper, block) for block in chain(2)] == ["accept"] * 2
    assert outcomes(wrapper) == {"match": 2}
