"""The bytes that decide consensus: floats, escapes, key order and parsing, against Python and golden text."""

import json
import math
import random
import struct
from typing import Any

import pytest
from coinjecture import _core

from .support import NUMBERS, TEXTS, odd_value

SEED = 20240229
GOLDEN = [
    (2.0**-25, b"2.9802322387695312e-08"),
    (-0.0, b"-0.0"),
    (1e16, b"1e+16"),
    (9999999999999998.0, b"9999999999999998.0"),
    (1e-05, b"1e-05"),
    (0.0001, b"0.0001"),
    (5e-324, b"5e-324"),
    (1.7976931348623157e308, b"1.7976931348623157e+308"),
    (float("nan"), b"NaN"),
    (float("-inf"), b"-Infinity"),
    (10**30, b"1" + b"0" * 30),
    (True, b"true"),
    ("\x7f\x00é\u2028😀\ud800\"\\/", rb'"\u007f\u0000\u00e9\u2028\ud83d\ude00\ud800\"\\/"'),
    ({"b": 1, "a": [None, {}], "\ud800": 2, "\uffff": 3, "😀": 4},
     rb'{"a": [null, {}], "b": 1, "\ud800": 2, "\uffff": 3, "\ud83d\ude00": 4}'),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), GOLDEN, ids=[repr(text)[:30] for _, text in GOLDEN])
def test_canonical_json_has_these_bytes(value: Any, text: bytes) -> None:
    assert _core.canonical_json(value) == text
    assert json.dumps(value, sort_keys=True).encode() == text


def test_random_doubles_are_written_as_python_writes_them() -> None:
    rng = random.Random(SEED)
    doubles = [struct.unpack(">d", rng.randbytes(8))[0] for _ in range(100_000)]
    doubles += [
        float(f"{rng.randrange(10 ** rng.randrange(1, 18))}e{rng.randrange(-30, 30)}") for _ in range(100_000)
    ]
    doubles += [math.ldexp(rng.randrange(1, 8), rng.randrange(-1074, 1000)) for _ in range(50_000)]
    doubles += [math.nextafter(10.0**e, way) for e in range(-323, 309) for way in (0.0, math.inf, 10.0**e)]
    assert _core.canonical_json(doubles[:0]) == b"[]"
    for start in range(0, len(doubles), 10_000):
        part = doubles[start : start + 10_000]
        assert _core.canonical_json(part) == json.dumps(part).encode()


def test_random_values_are_written_as_python_writes_them() -> None:
    rng = random.Random(SEED)
    for _ in range(5_000):
        value = odd_value(rng, depth=4)
        assert _core.canonical_json(value) == json.dumps(value, sort_keys=True).encode(), value


PIECES = [
    *'{}[],:"\\-+.eE0123456789 \n\t\r\x0b\x00\x1f\x7fué',
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "null",
        "true",
        "false",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\ufeff",
        "\ud800",
        "\u2028",
    ),
    *('"a"', '"a":', "1e5", "-0", "-0.0", "0x1", "9" * 4300, "9" * 4301, "1e400", '{"a":1,"a":2}'),
]


def python_reads(text: str) -> Any:
    """What Python makes of a text: the value as canonical JSON, or None if it is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return json.dumps(value, sort_keys=True).encode() if isinstance(value, dict) else None


def rust_reads(text: str) -> Any:
    try:
        captured = _core.capture(text)
    except ValueError:
        return None
    assert captured.out_of_domain is None
    # Of surrogates that are not escaped the text is rewritten; a second reading must not change it.
    return _core.canonical_json(json.loads(captured.to_json()))


def mutated(rng: random.Random, text: str) -> str:
    """A text with a few pieces put in, taken out or repeated."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        cut = rng.choice((0, 0, 1, 1, 2, 5))
        text = text[:at] + rng.choice((rng.choice(PIECES), "")) + text[at + cut :]
    return text


def test_mutated_texts_are_read_as_python_reads_them() -> None:
    rng = random.Random(SEED)
    read = 0
    for _ in range(20_000):
        value = {rng.choice(TEXTS): odd_value(rng, depth=3), "n": rng.choice(NUMBERS)}
        text = mutated(rng, json.dumps(value, ensure_ascii=rng.random() < 0.7))
        expected = python_reads(text)
        assert rust_reads(text) == expected, text
        read += expected is not None
    assert read > 1_000, "hardly any mutant was JSON: the test compares nothing"


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xc0\x80"}',
        b"[]",
        b"",
        b'"x"',
        b"{} x",
    ],
)
def test_bytes_that_are_no_utf8_object_are_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(ValueError, match="a block"):
        _core.capture(raw)


def test_a_text_may_hold_surrogates_that_bytes_cannot() -> None:
    assert _core.capture('{"block_hash": "\ud800"}').block_hash == "\ud800"
    assert json.loads(_core.capture('{"block_hash": "\ud800"}').to_json()) == {"block_hash": "\ud800"}
