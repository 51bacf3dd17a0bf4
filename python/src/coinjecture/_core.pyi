"""The consensus engine in Rust: the thin binding of the crate ``coinjecture-consensus``."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, final, type_check_only

from consensus_surface import Profile, Reason

__all__ = [
    "BudgetExceeded",
    "BudgetExceededError",
    "Captured",
    "Engine",
    "EngineError",
    "Judgement",
    "Node",
    "OutOfDomain",
    "OutOfDomainError",
    "StaleJudgement",
    "StaleJudgementError",
    "__version__",
    "build_info",
    "canonical_json",
    "capture",
    "check_subset_sum_py",
    "compute_header_hash_py",
    "sha256_hash",
    "solve_subset_sum_py",
    "verify_subset_sum_py",
]

__version__: str
"""Version of the crates."""

@type_check_only
class BuildInfo(TypedDict):
    """What a build of the module is; ``features`` is empty in a release build."""

    version: str
    profile: Literal["release", "debug"]
    features: list[str]
    target: str

class EngineError(Exception):
    """The engine failed; this is never a verdict on a block."""

class BudgetExceededError(EngineError):
    """The work budget was used up before there was a verdict."""

class StaleJudgementError(EngineError):
    """The tree changed since the judgement; judge the block again."""

class OutOfDomainError(EngineError):
    """The block lies outside the parity domain: only the legacy engine can judge it."""

BudgetExceeded = BudgetExceededError
StaleJudgement = StaleJudgementError
OutOfDomain = OutOfDomainError

@final
class Captured:
    """A block as an immutable value, with its hash and its work score. Made by ``capture``.

    Equal are those of the same JSON.
    """

    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def out_of_domain(self) -> str | None:
        """Why the block lies outside the parity domain; None if it lies inside."""

    @property
    def block_hash(self) -> Any:
        """The hash that the block claims, whatever it is; None also if it has none."""

    @property
    def computed_hash(self) -> str | None:
        """Hash of the content as hex; None where the rules compute none."""

    @property
    def work(self) -> float | None:
        """Work score; None where the rules compute none."""

    def to_json(self) -> bytes:
        """The block as JSON that parses to the same value; of a text the text itself.

        Raises:
            OutOfDomainError: The block is an object that could not be read.
        """

@final
class Judgement:
    """A verdict and what applying it does. Made by ``Engine.judge``.

    Equal are those that say the same of a block, numbers to the bit.
    """

    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def accepted(self) -> bool:
        """Whether the block is accepted."""

    @property
    def reason(self) -> Reason | None:
        """The reason code of a reject, else None."""

    @property
    def value(self) -> Any:
        """What the block has that breaks the rule of a reject; None where it is accepted or malformed."""

    @property
    def limit(self) -> Any:
        """What that rule holds it against: a bound, both bounds, or what it should be; else None."""

    @property
    def block_hash(self) -> Any:
        """The hash the block claims, whatever it is."""

    @property
    def computed_hash(self) -> str | None:
        """Hash of the content as hex; None where the rules compute none."""

    @property
    def work(self) -> float | None:
        """Work score; None where the rules compute none."""

    @property
    def inserts(self) -> bool:
        """Whether applying puts a node into the tree. So it does for a reject whose sum is not finite."""

    @property
    def parent(self) -> Any:
        """``previous_hash`` of the node that is put, else None."""

    @property
    def height(self) -> Any:
        """Height of the node that is put, else None."""

    @property
    def cumulative(self) -> float | None:
        """Sum of the node that is put, else None."""

    @property
    def moves_tip(self) -> bool:
        """Whether the node becomes the tip."""

    @property
    def tip_hash(self) -> Any:
        """Hash of the tip as it is after applying."""

    @property
    def tip_cumulative(self) -> float:
        """Sum of the tip as it is after applying."""

    @property
    def received_at(self) -> float:
        """Receipt time that was given, in seconds."""

@final
class Node:
    """A node of the tree, without its block.

    Equal are those that say the same, numbers to the bit; the number of the insertion does not count.
    """

    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def block_hash(self) -> Any:
        """The hash its block claims."""

    @property
    def parent(self) -> Any:
        """Its block's ``previous_hash``."""

    @property
    def height(self) -> Any:
        """The parent's height plus one, of a root its ``index``."""

    @property
    def cumulative(self) -> float:
        """Sum of the work scores."""

    @property
    def received_at(self) -> float:
        """Receipt time in seconds."""

    @property
    def timestamp(self) -> Any:
        """The block's own time."""

    @property
    def serial(self) -> int:
        """Number of the insertion: a node and the one that replaced it differ in it."""

@final
class Engine:
    """The tree of blocks with the rules.

    Args:
        genesis: The genesis, a ``Captured`` or anything that ``capture`` takes; never validated.
        received_at: Its receipt time, in seconds.
        python_minor: Minor of the Python 3 whose ``sum`` and digits hold, 11 to 14; the running one by
            default.
        work_budget: Steps that one judgement may take.
        pin_profile: ``header`` or ``full`` to judge every block by, whatever the call says.

    Raises:
        EngineError: The genesis cannot be a node.
        ValueError: The rules of that Python are not known, or ``pin_profile`` is no profile.
    """

    def __new__(
        cls,
        genesis: Any,
        received_at: float,
        *,
        python_minor: int | None = None,
        work_budget: int | None = None,
        pin_profile: Profile | None = None,
    ) -> Engine: ...
    def judge(self, captured: Captured, received_at: float, profile: Profile) -> Judgement:
        """Judge a captured block by a profile, ``header`` or ``full``. Changes nothing.

        Raises:
            OutOfDomainError, BudgetExceededError, EngineError: There is no verdict.
        """

    def take(
        self, block: object, received_at: float, profile: Profile
    ) -> tuple[Reason | None, bool, Any, Any, int | None, tuple[Any, Any] | None]:
        """Capture, judge and apply a block in one call, for a caller that asks no other engine.

        What is no block is rejected as malformed, as `capture` does it with ``total``.

        Returns:
            The reason code of a reject, else None; whether the node became the tip; of the node that was put
            its key and its height, None where there is none; of an accepted block the sum of the work up to
            it, as ``int`` makes it of the float; and of a rejected one the value that breaks the rule and the
            rule's limit.

        Raises:
            OutOfDomainError, BudgetExceededError, EngineError: There is no verdict, and nothing has changed.
        """

    def take_many(
        self, rows: Sequence[tuple[bytes | bytearray, float]], profile: Profile, *, threads: int = 1
    ) -> list[Judgement | EngineError]:
        """``take`` of many blocks in their order, each a pair of its bytes and its receipt time (seconds).

        The interpreter lock is released meanwhile. With more ``threads`` (this one included) the blocks are
        parsed and hashed side by side; the verdicts are the same. Who asks this engine something from
        another thread waits for the end, without the interpreter lock.

        Returns:
            For each block its judgement; where there is none, the error: ``OutOfDomainError``,
            ``BudgetExceededError`` or another ``EngineError``. Such a block has changed nothing.
        """

    def pass_many(
        self, rows: Sequence[tuple[bytes | bytearray, float]], profile: Profile, *, threads: int = 1
    ) -> tuple[int, EngineError | None]:
        """As ``take_many`` for a caller who asks for no verdicts, which saves the making of them.

        Returns:
            How many blocks were judged, and None if all of them; else the error that stands in place of the
            next one's verdict. That one has changed nothing, and those behind it have not been judged.
        """

    def apply(self, judgement: Judgement) -> None:
        """Put a judgement into the tree.

        Raises:
            StaleJudgementError: The tree changed since, or the judgement is another engine's.
        """

    def tip(self) -> Node:
        """The best tip."""

    def get(self, key: Any) -> Node | None:
        """The node under a key; None if there is none."""

    def __contains__(self, key: Any, /) -> bool: ...
    def __len__(self) -> int: ...
    def keys(self) -> list[Any]:
        """The keys of all nodes, in the order they first came."""

    def export(self) -> bytes:
        """The whole tree as bytes, for ``import_``."""

    def import_(self, data: bytes) -> None:
        """Take over the tree of an ``export``.

        Raises:
            EngineError: The data is none; the tree stays as it is.
        """

    def put(
        self,
        key: Any,
        parent: Any,
        height: Any,
        cumulative: float,
        received_at: float,
        timestamp: Any,
        *,
        block_hash: Any = None,
    ) -> None:
        """Put a node as another engine has it: nothing is judged or computed.

        ``block_hash`` is what its block claims, where that is another object than the key (``1`` and
        ``True``).
        """

    def set_tip(
        self, key: Any, parent: Any, height: Any, cumulative: float, received_at: float, timestamp: Any
    ) -> None:
        """Make a node the tip: the one in the tree if it is the same, else one that was replaced there."""

    def ancestors(self, key: Any) -> list[Node]:
        """The node under a key, its parent, and so on down to its root; empty if there is no such node."""

    def tip_ancestors(self) -> list[Node]:
        """The tip, its parent, and so on. The tip may be a node that was replaced in the tree."""

    def is_finalized(self, key: Any, depth: int) -> bool:
        """Whether the node under a key lies ``depth`` or more below the tip, on whatever branch."""

    @property
    def tree_bytes(self) -> int:
        """Bytes that the tree holds in memory."""

def capture(block: Any, *, total: bool = False) -> Captured:
    """Take over a block: JSON bytes or text, a mapping, or an object with attributes (enums by value).

    A tuple, a key that is no text, an integer of more than 4300 digits and any object without attributes
    have no JSON value: such a block is out of the domain.

    Args:
        block: The block.
        total: Make of what is no block a capture that every profile rejects as malformed, like a block
            without its fields.

    Raises:
        ValueError: A text that is no JSON object in UTF-8 (without ``total``).
        TypeError: Another value that is no block (without ``total``).
    """

def sha256_hash(data: bytes) -> bytes:
    """SHA-256 of bytes."""

def compute_header_hash_py(block: Mapping[str, Any]) -> bytes:
    """Hash of a block's content, 32 bytes; their hex is the block hash.

    Raises:
        KeyError: A hashed field is missing.
        ValueError: The mining capacity is no tier, or a value is none of JSON.
    """

def verify_subset_sum_py(problem: Mapping[str, Any], solution: Any, budget: int | None = None) -> bool:
    """Whether a solution solves a problem (rule 8); False also where evaluating the rule raises in Python.

    Raises:
        BudgetExceededError: ``budget`` steps are not enough.
        ValueError: A value is none of JSON.
    """

def check_subset_sum_py(problem: Any, solution: Any, budget: int | None = None) -> bool:
    """As ``verify_subset_sum_py``, but where evaluating the rule raises in Python this raises the same class.

    Raises:
        BudgetExceededError: ``budget`` steps are not enough.
        Exception: Of the class that Python raises; ValueError also for a value that is none of JSON.
    """

def solve_subset_sum_py(numbers: list[int], target: int, budget: int | None = None) -> list[int]:
    """Positions of the numbers that add up to a target: the choice of the reference miner's solver.

    Other threads run meanwhile where it takes long.

    Raises:
        ValueError: There is no such choice.
        IndexError: The search came to a negative number.
        MemoryError: A table of ``target + 1`` cells does not fit.
        BudgetExceededError: ``budget`` steps are not enough.
    """

def canonical_json(value: Any) -> bytes:
    """What ``json.dumps(value, sort_keys=True).encode()`` gives: the bytes that are hashed.

    Raises:
        ValueError: JSON has no such value, or it has more than 64 levels or is larger than a block may be.
    """

def build_info() -> BuildInfo:
    """What this build is."""
