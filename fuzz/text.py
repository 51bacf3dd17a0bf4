"""JSON text of a block: plain, written in an unusual way, or broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from coinjecture.replay import values
from coinjecture.replay.node import Block
from coinjecture.replay.writing import writable, written

Seal = Callable[[Block], str | None]

HASH_MARK = "@@hash@@"
LITERAL_FIELDS = ("index", "timestamp", "cumulative_work_score")


def plain(block: Block) -> str:
    """The text that a node sends."""
    return written(block)


def unusual(rng: Random, block: Block, seal: Seal) -> str:
    """Write a block in one of the many ways that JSON allows, and seal what the text means when parsed.

    Number literals in other spellings, keys twice, escapes where none is needed, another order, white space.
    """
    marked, literals = _mark_literals(rng, block | {"block_hash": HASH_MARK})
    if rng.random() < 0.5:
        keys = list(marked)
        rng.shuffle(keys)
        marked = {key: marked[key] for key in keys}
    text = _dump(rng, marked)
    for mark, literal in literals.items():
        text = text.replace(f'"{mark}"', literal)
    if rng.random() < 0.4:
        text = _key_twice(rng, text)
    if rng.random() < 0.4:
        text = _needless_escape(rng, text)
    return _sealed(rng, text, seal)


def broken(rng: Random, text: str) -> str:
    """Damage a text so that it is, most likely, no JSON object any more."""
    at = rng.randrange(len(text))
    edits: tuple[Callable[[], str], ...] = (
        lambda: text[:at],
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at] + rng.choice(',:"{}[]\\-+.eE0 \x00\x0b\xa0\u2028') + text[at:],
        lambda: text + rng.choice((",", "}", " {}", "\x00", "\x0b", "\ufeff")),
        lambda: rng.choice(("\ufeff", "[", " ", "\xa0")) + text,
        lambda: f"[{text}]",
        lambda: text.replace(
            "null", rng.choice(("nan", "None", "+1", "01", "-", ".5", "1.", "1e", "-NaN", "nul"))
        ),
        lambda: text.replace(
            "null", rng.choice(("1" * 4301, "-" + "9" * 4301, "Infinit", "0x10", "'a'", '"\t"'))
        ),
        lambda: text.replace(
            "null", rng.choice((r'"\x"', r'"\u12"', r'"\ud800\u12"', r'"\u 123"', "[1,]", '{"a":1,}'))
        ),
        lambda: rng.choice(("", " ", "null", "0", '"block"', "{", "{}", "[]", "NaN")),
    )
    return rng.choice(edits)()


def _sealed(rng: Random, text: str, seal: Seal) -> str:
    if HASH_MARK not in text:
        return text
    try:
        parsed = json.loads(text)
        computed = seal(parsed)
    except ValueError:  # no JSON, so there is nothing to seal
        computed = None
    return text.replace(HASH_MARK, computed or f"{rng.getrandbits(256):064x}")


def _mark_literals(rng: Random, block: Block) -> tuple[Block, dict[str, str]]:
    """Put marks where numbers get another spelling. Returns the block, and the literal of each mark."""
    literals: dict[str, str] = {}

    def mark(value: Any) -> str:
        name = f"@@{len(literals)}@@"
        if type(value) is int and abs(value) < 2**53 and rng.random() < 0.8:
            literals[name] = values.integer_literal(rng, value)
        else:
            literals[name] = values.decimal_literal(rng)
        return name

    marked = dict(block)
    if rng.random() < 0.6:
        marked["cumulative_work_score"] = [mark(None) for _ in range(rng.randint(1, 8))]
    if rng.random() < 0.3 and type(block.get("index")) is int:
        marked["index"] = mark(block["index"])
    if rng.random() < 0.2 and isinstance(solution := block.get("solution"), list) and solution:
        marked["solution"] = [mark(x) if type(x) is int and rng.random() < 0.5 else x for x in solution]
    if rng.random() < 0.2 and isinstance(complexity := block.get("complexity"), dict) and complexity:
        field = rng.choice(list(complexity))
        marked["complexity"] = complexity | {field: mark(complexity[field])}
    return marked, literals


def _dump(rng: Random, block: Block) -> str:
    separators = rng.choice(((", ", ": "), (",", ":"), (" ,\t", "\r\n:  ")))
    try:
        text = json.dumps(
            block,
            separators=separators,
            indent=rng.choice((None, None, 1)),
            ensure_ascii=rng.random() < 0.6,
        )
        text.encode()
    except ValueError:  # a lone surrogate has no UTF-8: it can only be sent as an escape
        text = json.dumps(writable(block), separators=separators)
    return rng.choice(("", " ", "\n\t")) + text + rng.choice(("", "\r\n "))


def _key_twice(rng: Random, text: str) -> str:
    """Give a key a second time: early, so that it is overruled, or late, so that it rules."""
    key = rng.choice(
        ("index", "timestamp", "previous_hash", "problem", "complexity", "block_hash", "transactions")
    )
    value = json.dumps(values.odd(rng))
    if key == "transactions":  # whatever it is, no rule reads it: a place for what is too deep
        value = values.nested_text(len(text))
    pair = f"{json.dumps(key)}: {value}"
    if rng.random() < 0.7:
        opening = text.index("{") + 1
        return f"{text[:opening]}{pair}, {text[opening:]}"
    if rng.random() < 0.5:
        pair = f'"cumulative_work_score": {json.dumps(values.odd(rng))}'
    closing = text.rindex("}")
    return f"{text[:closing]}, {pair}{text[closing:]}"


def _needless_escape(rng: Random, text: str) -> str:
    """Write a letter of a key, or the hash's mark, as an escape."""
    word = rng.choice(("index", "previous_hash", "problem", "numbers", "solution", "subset_sum", "n"))
    at = rng.randrange(len(word))
    escape = f"\\u{ord(word[at]):04x}" if rng.random() < 0.5 else f"\\u{ord(word[at]):04X}"
    return text.replace(f'"{word}"', f'"{word[:at]}{escape}{word[at + 1 :]}"')
