"""Objects that fight back while they are read: each ends as out of the domain or as an ordinary exception."""

import enum
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from coinjecture import _core
from coinjecture import consensus as rust

from testnet.node.src import pow
from tests.oracle.support import sealed

from .support import GENESIS, RecordingStorage, config

GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])


def block() -> dict[str, Any]:
    return dict(sealed(GENESIS_BLOCK))


def core() -> _core.Engine:
    return _core.Engine(GENESIS["testnet"]["block_json"], GENESIS["testnet"]["received_at"])


def told(content: Any) -> str:
    """How reading ends: why the block is out of the domain, or the class of an ordinary exception."""
    try:
        return str(_core.capture(content).out_of_domain)
    except Exception as error:  # a panic is none and goes out
        return type(error).__name__


class Acting(enum.Enum):
    """An enum whose value does something before it is told."""

    MEMBER = "mobile"
    act = enum.nonmember(lambda: None)

    @property
    def value(self) -> Any:
        return type(self).act()


class Items(Mapping[str, Any]):
    """A mapping of so many items, or of items without end."""

    def __init__(self, give: Callable[[], Iterator[tuple[Any, Any]]]) -> None:
        self.give = give

    def items(self) -> Any:
        return self.give()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def emptied(content: Any) -> None:
    content.clear()


def grown(content: Any) -> None:
    content[f"more {len(content)}"] = 1


def exchanged(content: Any) -> None:
    content.pop(next(reversed(content)))
    content[f"other {id(object())}"] = 1


FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a dict": lambda content: content,
    "a dict in a dict": lambda content: {"around": content},
    "an attribute": lambda content: SimpleNamespace(**block() | {"transactions": [content]}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("where", ["index", "mining_capacity", "remark", "problem", "complexity", "mapping"])
@pytest.mark.parametrize("change", [emptied, grown, exchanged])
def test_given_a_value_that_changes_its_block_then_reading_ends_without_a_panic(
    change: Callable[[Any], None], where: str, form: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a block in which a value changes the dict that holds it, each time it is asked
    content: dict[str, Any] = block()
    inside = content[where] if where in ("problem", "complexity") else content

    def act() -> Any:
        change(inside)
        return "mobile"

    monkeypatch.setattr(Acting, "act", act)
    if where == "mapping":
        content["remark"] = Items(lambda: iter([("a", act())]))
    elif inside is content:
        content[where] = Acting.MEMBER
    else:
        inside[next(iter(inside))] = Acting.MEMBER
    # when it is read
    said = told(form(content))
    # then that ends, and says what was wrong; only an entry that is exchanged may have been read in time
    assert said == "a dict that changed while it was read" or (change is exchanged and said == "None")


def test_given_a_list_that_grows_while_it_is_read_then_reading_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[Any] = [Acting.MEMBER]
    monkeypatch.setattr(Acting, "act", lambda: items.append(Acting.MEMBER))
    assert _core.capture(block() | {"transactions": items}).out_of_domain is None
    assert len(items) < 10


def test_given_items_or_fields_without_end_then_reading_ends_where_the_domain_does() -> None:
    def without_end() -> Iterator[tuple[str, Any]]:
        while True:
            yield ("key", 1)

    names = SimpleNamespace(__dataclass_fields__=Names(), key=1)
    for endless in (Items(without_end), names):
        assert "more than 1048576 bytes" in told(block() | {"transactions": endless})
        assert "more than 1048576 bytes" in told({"problem": endless})
    assert "more than 1048576 bytes" in told(Items(without_end))


class Names:
    """Names of fields without end."""

    def __iter__(self) -> Iterator[str]:
        while True:
            yield "key"


SHARED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
from coinjecture import _core
from coinjecture._reveal import check_reveal
from types import MappingProxyType, SimpleNamespace
import json
class Registry:
    encode_params = staticmethod(lambda problem: json.dumps(problem).encode())
def doubled(make, start):
    value = start
    for _ in range(30):
        value = make(value)
    return value
def cyclic():
    ring = []
    ring += [ring, ring, {"ring": ring}]
    return ring
shapes = [
    doubled(lambda x: [x, x], []), doubled(lambda x: {"a": x, "b": x}, {}),
    doubled(lambda x: [x] * 40, "x" * 1000), doubled(lambda x: MappingProxyType({"a": x, "b": x}), 1),
    doubled(lambda x: SimpleNamespace(a=x, b=x), 1), [[None] * 50_000_000] * 2, cyclic(),
    [["x" * 10_000_000] * 1000] * 1000, {"x" * 2_000_000: 1}, ["\\u00e9" * 100_000_000],
    [2**300] * 10_000_000,
]
read = ("problem", "solution", "transactions", "complexity", "remark", "block_hash")
for number, shape in enumerate(shapes):
    given = [{name: shape} for name in read] + [MappingProxyType({name: shape}) for name in read]
    given += [SimpleNamespace(problem=shape), {"complexity": {"problem_size": shape, "remark": shape}}]
    for content in given:
        assert _core.capture(content, total=True).out_of_domain is not None, number
    for function in (_core.canonical_json, lambda x: _core.compute_header_hash_py({"x": x}),
                     lambda x: _core.verify_subset_sum_py(x, []), lambda x: _core.check_subset_sum_py({}, x)):
        try:
            function(shape)
        except ValueError:
            continue
        raise AssertionError((number, function))
    for part in ("problem", "solution"):
        revealed = {"previous_hash": "", "problem": {}, "solution": []} | {part: shape}
        try:
            check_reveal(revealed, "", b"", None, known_parent=True, registry=Registry, max_bundle_bytes=1)
        except ValueError:
            continue
        raise AssertionError((number, part))
print("ended")
"""


def test_given_objects_that_are_small_and_would_be_huge_as_text_then_reading_ends_within_a_gibibyte() -> None:
    # Where reading went on to the end, the process would not come back, or be out of memory.
    done = subprocess.run(
        [sys.executable, "-c", SHARED], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("ended", "")


class Whole(int):
    """An integer that says other things of itself."""

    def bit_length(self) -> int:
        return 3

    def to_bytes(self, *_: Any, **__: Any) -> bytes:  # type: ignore[override]
        return b"\x07"

    def __index__(self) -> int:
        raise AssertionError("asked")

    __int__ = __abs__ = __hash__ = __index__


@pytest.mark.parametrize("field", ["index", "solution", "remark", "problem"])
def test_given_an_integer_of_ten_million_bits_then_it_is_refused_by_their_number(field: str) -> None:
    for number in (1 << 10**7, -(1 << 10**7), Whole(1 << 10**7)):
        for content in (block() | {field: number}, block() | {field: [number]}, {field: {"x": number}}):
            assert "4300 digits" in told(content)
    assert core().get(1 << 10**7) is None


class Text(str):
    """A text that says other things of itself."""

    def __len__(self) -> int:
        raise AssertionError("asked")

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"\xff\xfe"

    __str__ = __repr__ = __iter__ = __len__  # type: ignore[assignment]


class Real(float):
    def __float__(self) -> float:
        raise AssertionError("asked")

    __index__ = __int__ = __hash__ = __float__  # type: ignore[assignment]


class Elements(list[Any]):
    def __len__(self) -> int:
        return 2**62

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("asked")

    __getitem__ = __contains__ = __iter__  # type: ignore[assignment]


class Members(dict[Any, Any]):
    def __len__(self) -> int:
        return 2**62

    def items(self) -> Any:
        raise AssertionError("asked")

    __iter__ = keys = values = __getitem__ = get = __contains__ = items  # type: ignore[assignment]


def disguised(value: Any) -> Any:
    """The same value of subclasses that lie about everything."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, dict):
        return Members({Text(key): disguised(member) for key, member in value.items()})
    if isinstance(value, list):
        return Elements([disguised(member) for member in value])
    kinds: dict[type, Any] = {int: Whole, float: Real, str: Text}
    return kinds[type(value)](value)


def test_given_subclasses_that_lie_then_a_block_is_what_it_holds() -> None:
    content = block() | {"index": 1, "remark": [10**400, -(10**30), "\ud800"], "\ud800": 1}
    captured = _core.capture(disguised(content))
    assert captured.out_of_domain is None
    assert captured.computed_hash == content["block_hash"]
    assert json.loads(captured.to_json()) == content
    partly = {key: disguised(value) for key, value in content.items()}
    assert json.loads(_core.capture(partly).to_json()) == content
    named = {Text(key): value for key, value in content.items()}
    assert _core.capture(named).computed_hash == content["block_hash"]


def test_given_a_list_that_lies_about_its_length_then_no_call_believes_it() -> None:
    raw = json.dumps(block()).encode()
    rows = [(raw, 1.0)]

    class Lying(list[Any]):
        def __len__(self) -> int:
            return 2**62

    assert core().take_many(Lying(rows), "full")[0].accepted  # type: ignore[union-attr]
    assert core().pass_many(Lying(rows), "full") == (1, None)
    assert sorted(_core.solve_subset_sum_py(Lying([1, 2]), 3)) == [0, 1]


def test_given_reading_that_reads_then_the_interpreter_ends_the_recursion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given an enum that is its own value, and one that has its own block read, deep down in it
    monkeypatch.setattr(Acting, "act", lambda: Acting.MEMBER)
    assert told(block() | {"index": Acting.MEMBER}) == "RecursionError"
    deep: Any = Acting.MEMBER
    for level in range(60):
        deep = [deep] if level % 2 else {"x": deep}
    for content in (block() | {"transactions": deep}, block() | {"solution": deep}):
        monkeypatch.setattr(Acting, "act", lambda content=content: _core.capture(content))
        assert told(content) == "RecursionError"


class Refusing:
    """An object whose every attribute raises."""

    def __init__(self, error: BaseException) -> None:
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name: str) -> Any:
        raise object.__getattribute__(self, "error")


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, KeyError, RecursionError, OSError])
def test_given_an_object_that_raises_then_that_goes_out_as_it_is(kind: type[Exception]) -> None:
    error, content = kind("x"), block()
    for hostile in (Refusing(error), {"index": Refusing(error)}, content | {"remark": [Refusing(error)]}):
        with pytest.raises(kind):
            _core.capture(hostile, total=True)


class Leaving:
    """An object that changes a dict when it goes."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def __del__(self) -> None:
        self.content["left"] = len(self.content)


def test_given_finalizers_that_change_the_block_then_reading_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    content: dict[str, Any] = {}

    def act() -> Any:
        Leaving(content)
        return 1

    monkeypatch.setattr(Acting, "act", act)
    content |= block() | {"remark": Acting.MEMBER, "later": 1}
    assert told(content) == "a dict that changed while it was read"


@pytest.mark.parametrize("call", ["verify_block", "validate_header", "capture"])
def test_given_such_blocks_then_the_engine_of_a_node_judges_on(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = rust.ConsensusEngine(config(), RecordingStorage(), pow.ProblemRegistry())
    shared: Any = []
    for _ in range(40):
        shared = [shared, shared]
    content = block() | {"index": Acting.MEMBER}
    monkeypatch.setattr(Acting, "act", lambda: content.clear())
    for hostile in (block() | {"transactions": shared}, block() | {"index": 1 << 10**7}, content):
        if call == "capture":
            assert engine.capture(hostile).out_of_domain is not None
            continue
        with pytest.raises(rust.HeaderValidationError, match="outside the parity domain"):
            getattr(engine, call)(hostile)
    assert engine.verify_block(block())
