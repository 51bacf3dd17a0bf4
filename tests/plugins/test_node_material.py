"""What a node keeps of its migration is read without changing it, and what is absent is no error."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from coinjecture_migration.evidence.evidence import Evidence

from ansible_collections.coinjecture.migration.plugins.modules.node_material_info import MAX_CAPTURES, read

WRAPPER = Path(__file__).resolve().parents[2] / "wrapper"


def refused(command: Any) -> str:
    raise OSError("no such interpreter")


def test_given_a_node_that_was_never_touched_then_everything_is_absent(tmp_path: Path) -> None:
    found = read(str(tmp_path), sys.executable, "", str(tmp_path / "state"), str(tmp_path / "operator"))
    assert found | {"read_at": 0, "evidence_error": ""} == {
        "read_at": 0, "evidence": None, "evidence_error": "", "journal": None, "captures": [],
        "captures_total": 0, "legacy_present": False,
    }  # fmt: skip
    assert not (tmp_path / "state").exists()


def test_given_evidence_then_the_reader_beside_the_wrapper_reads_it(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.db", "node1", {"release": "ab"})
    evidence.open("shadow", {"release": "ab"}).counters.record("match", accepted=True)
    evidence.close()
    before = sorted(tmp_path.iterdir())
    found = read(str(WRAPPER), sys.executable, "", str(tmp_path), str(tmp_path / "operator"))
    assert found["evidence"]["totals"]["shadow"]["match"] == 1
    assert sorted(tmp_path.iterdir()) == before


def test_given_evidence_that_cannot_be_read_then_the_cause_is_told(tmp_path: Path) -> None:
    (tmp_path / "evidence.db").write_text("no database")
    found = read(str(WRAPPER), sys.executable, "", str(tmp_path), str(tmp_path / "operator"))
    assert found["evidence"] is None
    assert "evidence.db" in found["evidence_error"]
    assert (
        read(str(WRAPPER), "python", "", str(tmp_path), str(tmp_path / "operator"), refused)["evidence_error"]
        == "no such interpreter"
    )


def test_given_many_captures_then_the_newest_are_read_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "consensus.py").touch()
    (tmp_path / "journal.jsonl").write_text('{"seq": 1}\n')
    for number in range(MAX_CAPTURES + 3):
        path = tmp_path / "captures" / f"{number}.json"
        path.write_text(json.dumps({"number": number}))
        os.utime(path, (number, number))
    found = read(str(tmp_path), "python", "", str(tmp_path), str(tmp_path / "operator"), refused)
    assert found["captures_total"] == MAX_CAPTURES + 3
    assert [json.loads(one["text"])["number"] for one in found["captures"]] == list(
        range(3, MAX_CAPTURES + 3)
    )
    assert found["journal"] == '{"seq": 1}\n'
    assert found["legacy_present"]
