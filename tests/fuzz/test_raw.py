"""The run over raw bytes: what it reaches, and that it finds a parser that is wrong."""

import json
import re
from random import Random

import pytest

from fuzz import raw


def test_given_a_short_run_then_both_parsers_agree_and_every_sort_is_reached() -> None:
    counted, different = raw.run(3, 20_000, print)
    assert different == []
    assert counted["block"] > 4000 and counted["no block"] > 4000


@pytest.mark.parametrize(
    "wrong", ["bytes that are no UTF-8", "a control character", "a number that is too large", "an exponent"]
)
def test_given_a_parser_that_takes_too_much_then_it_is_found(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = raw.by_rust

    def lenient(data: bytes) -> raw.Read:
        if wrong == "bytes that are no UTF-8":
            return right(data.decode("utf-8", "replace").encode())
        if wrong == "a control character":
            return right(data.replace(b"\x1f", b"").replace(b"\x00", b""))
        if wrong == "an exponent":
            return right(re.sub(rb"e-(\d{5,})", b"e-65535", data))
        return right(data.replace(b"1e400", b"1e300"))

    monkeypatch.setattr(raw, "by_rust", lenient)
    assert raw.main(["--count", "20000", "--seed", "1"]) == 1
    assert "difference:" in capsys.readouterr().out


def test_given_blocks_with_long_literals_then_each_is_large_and_none_beyond_the_domain_however_damaged() -> (
    None
):
    rng = Random(20261205)
    blocks = [raw.dense(rng) for _ in range(600)]
    assert sum(len(block) > 2**16 for block in blocks) > 10
    assert max(len(raw.damaged(rng, block)) for block in blocks for _ in range(20)) <= raw.MAX_BYTES


def test_the_bytes_of_a_byte_order_mark_are_no_block() -> None:
    data = b"\xef\xbb\xbf" + json.dumps({"index": 1}).encode()
    assert raw.by_python(data) is None and raw.by_rust(data) is None


def test_a_count_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert raw.main(["--count", "0"]) == 2
    assert "above 0" in capsys.readouterr().err
