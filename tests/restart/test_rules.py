"""The generated table: nothing acts without an element, and the drain keeps every length."""

from __future__ import annotations

import re

import pytest
from seamless_restart import rules
from seamless_restart.rules import Table

TABLE = Table("detour_abc123", 8080, 18080)


def overwrite(answer: bytes, rule: str) -> bytes:
    """What a rule of the drain makes of an answer: matches and writes, as nftables would."""
    for bits, length, verb, value in re.findall(r"@ih,(\d+),(\d+) (set )?0x([0-9a-f]+)", rule):
        assert int(bits) % 8 == int(length) % 8 == 0
        start, wanted = int(bits) // 8, bytes.fromhex(value)
        assert len(wanted) == int(length) // 8, "the value has the length that the expression has"
        if verb:
            answer = answer[:start] + wanted + answer[start + len(wanted) :]
        elif answer[start : start + len(wanted)] != wanted:
            return answer
    return answer


def drained(answer: bytes) -> bytes:
    for line in TABLE.text().splitlines():
        if "set 0x" in line:
            answer = overwrite(answer, line)
    return answer


@pytest.mark.parametrize("before", [b"", b"A: b\r\n", b"Content-Type: application/json\r\n" * 5])
def test_given_a_date_header_anywhere_in_reach_then_close_stands_in_its_place(before: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    date, after = b"Date: Mon, 23 Nov 2026 09:04:03 GMT\r\n", b"Content-Length: 2\r\n\r\n{}"
    answer = drained(head + before + date + after)
    assert answer == head + before + rules.DRAIN_HEADERS + after
    assert len(rules.DRAIN_HEADERS) == len(date) == rules.DATE_HEADER_LENGTH


def test_given_an_answer_without_that_header_then_it_stays_as_it_is() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Date: Mon, 23 Nov 2026 09:04:03 GMT\r\n\r\n" + b"x" * 300
    assert drained(answer) == answer


def test_given_every_offset_then_there_is_one_rule_for_it() -> None:
    text = TABLE.text()
    assert text.count(" set 0x") == 3 * (rules.LAST_OFFSET - rules.FIRST_OFFSET + 1)


def test_given_no_element_then_no_rule_acts() -> None:
    text = TABLE.text()
    for line in re.findall(r"^  (?:ip|tcp|meta) .*$", text, re.MULTILINE):
        assert re.search(r"@(detour|hold|trial)\b", line), line
    for name in ("detour", "hold", "trial"):
        assert f"set {name} {{ type inet_service; flags timeout; }}" in text


def test_given_users_connections_then_the_guards_own_addresses_are_never_led_away() -> None:
    for line in TABLE.text().splitlines():
        if "@detour" in line:
            assert rules.OWN_ADDRESSES in line and "!=" in line


def test_given_clients_addresses_are_kept_then_only_that_service_address_is_marked() -> None:
    kept = Table("t", 8080, 18080, keeping=True).text()
    assert f"ip saddr {rules.KEEPING_ADDRESS} tcp sport 8080 meta mark set" in kept
    assert "meta mark" not in TABLE.text()


def test_given_a_renewal_then_it_is_one_transaction_that_works_whether_the_element_is_there_or_not() -> None:
    lines = TABLE.renew("detour", "hold").splitlines()
    assert [line.split()[0] for line in lines] == ["add", "delete", "add"] * 2
    assert all("8080" in line for line in lines)
