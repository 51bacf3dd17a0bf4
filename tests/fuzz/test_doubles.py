"""The run over doubles: repeatable, of every kind, and able to find a wrong digit."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from fuzz import doubles


def test_given_a_short_run_then_nothing_differs_and_the_summary_says_how_much_was_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "doubles.json"
    assert doubles.main(["--count", "120000", "--seed", "3", "--out", str(out)]) == 0
    content = json.loads(out.read_text(encoding="ascii"))
    assert content["count"] == 120_000 and content["differences"] == 0
    assert set(content["kinds"]) == {make.__name__ for make, _ in doubles.KINDS}
    assert content["distinct"] > 80_000 and content["halfway_literals"] >= 64
    assert content["long_literals"] >= 16
    assert "0 differences" in capsys.readouterr().out


def test_a_seed_gives_the_same_doubles_again() -> None:
    first, again = (repr(list(doubles.batches(5, 60_000))) for _ in range(2))
    assert first == again != repr(list(doubles.batches(6, 60_000)))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(b"e-0", b"e-"), (b"e+1", b"e1"), (b"-0.0,", b"0.0,"), (b".5,", b".50,")],
    ids=["one digit of exponent", "no sign of exponent", "no sign of zero", "a digit too many"],
)
def test_given_a_formatter_that_is_wrong_then_it_is_found(
    right: bytes, wrong: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = doubles.canonical_json
    monkeypatch.setattr(doubles, "canonical_json", lambda value: written(value).replace(right, wrong))
    assert doubles.main(["--count", "120000", "--seed", "1", "--out", str(tmp_path / "doubles.json")]) == 1


def test_a_halfway_literal_lies_between_two_doubles_and_one_unit_decides() -> None:
    below = 0.1
    above = math.nextafter(below, 1.0)
    (p, q), (r, s) = below.as_integer_ratio(), above.as_integer_ratio()
    scale = max(q, s)
    middle = p * (scale // q) + r * (scale // s)
    read = [float(doubles._decimal(middle, 2 * scale, beside)) for beside in (-1, 0, 1)]
    assert read[0] == below and read[2] == above and read[1] in (below, above)


@pytest.mark.parametrize("where", ["value", "form"])
def test_given_a_reader_that_counts_exponents_to_65536_then_it_is_found(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, far = doubles.capture, re.compile(r"e-([1-9]\d{4,30})", re.IGNORECASE)

    def short(block: Any) -> Any:
        if isinstance(block, str):
            block = far.sub(lambda found: f"e-{min(int(found[1]), 65_536)}", block)
        return right(block)

    monkeypatch.setattr(doubles, "capture", short)
    monkeypatch.setattr(doubles, f"differing_{'form' if where == 'value' else 'value'}", lambda _: [])
    assert doubles.main(["--count", "120000", "--seed", "1", "--out", str(tmp_path / "doubles.json")]) == 1


def test_a_count_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert doubles.main(["--count", "0"]) == 2
    assert "above 0" in capsys.readouterr().err
