"""Changes to a valid block, sorted by the rule they are meant to reach.

What a change really leads to is the oracle's to say: an aim is only what makes every reason common enough.
Each change works on the block before it is sealed, so the rule behind the hash is reached; the changes of
`AFTER_SEALING` come after it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from coinjecture.replay import values
from coinjecture.replay.node import Block, Known

Change = Callable[[Random, Block, Known], None]

REQUIRED = (
    *("index", "timestamp", "previous_hash", "transactions", "merkle_root", "problem", "solution"),
    *("complexity", "mining_capacity", "cumulative_work_score", "block_hash"),
)
MEASURED = (
    *("problem_size", "epsilon_approximation", "asymmetry_time", "asymmetry_space", "measured_solve_time"),
    *("measured_verify_time", "measured_solve_space", "measured_verify_space"),
)
READ_BY_WORK = (*MEASURED, "time_solve_O", "time_verify_O", "problem_class", "energy_metrics")


def unknown_parent(rng: Random, block: Block, _parent: Known) -> None:
    """Name a parent that is most likely not there."""
    block["previous_hash"] = rng.choice((f"{rng.getrandbits(256):064x}", values.odd(rng), None, 1, True, 1.0))


def bad_height(rng: Random, block: Block, parent: Known) -> None:
    """Leave out a height or take one twice."""
    steps = (0, 2, 1.5, -1, 10**20, 0.9999999999999999, values.INF)
    base = parent.height if isinstance(parent.height, int) else 1
    block["index"] = abs(base + rng.choice(steps)) if rng.random() < 0.9 else values.odd(rng)


def bad_timestamp(rng: Random, block: Block, parent: Known) -> None:
    """Be no later than the parent."""
    time = parent.timestamp
    choices = [time, time, 0, -values.INF, "", False]
    if isinstance(time, int | float) and abs(time) < 1e300:
        choices += [time - 1, int(time), float(int(time)), time - 1e-6]
    block["timestamp"] = rng.choice(choices)


def missing_proof(rng: Random, block: Block, _parent: Known) -> None:
    """Empty the problem or the solution."""
    block[rng.choice(("problem", "solution"))] = values.falsy(rng)


def bad_merkle_root(rng: Random, block: Block, _parent: Known) -> None:
    """Give the root another length, or another type of the right length."""
    choices = ("", None, 0, "a" * 63, "a" * 65, "\U0001f600" * 32, "\U0001f600" * 64, [None] * 64, [0] * 63)
    block["merkle_root"] = rng.choice((*choices, {str(key): 0 for key in range(64)}, {}, values.text(rng)))


def missing_complexity(rng: Random, block: Block, _parent: Known) -> None:
    """Say nothing of the work."""
    block["complexity"] = values.falsy(rng)


def no_work(rng: Random, block: Block, _parent: Known) -> None:
    """Make the score zero, negative or as small as can be."""
    complexity = block.get("complexity")
    if not isinstance(complexity, dict):
        return
    complexity.update(
        asymmetry_time=rng.choice((1, 0, -5.0, values.NAN)), asymmetry_space=rng.choice((1, 0, -1))
    )
    field, tiny = rng.choice(
        (
            ("measured_solve_time", rng.choice((0, 0.0, -0.0, -1, -1e-300, 5e-324))),
            ("measured_solve_space", rng.choice((0, 0.0, 1e-320))),
            ("epsilon_approximation", values.INF),
            ("measured_verify_time", rng.choice((values.INF, 1e308))),
        )
    )
    complexity[field] = tiny


def bad_proof(rng: Random, block: Block, _parent: Known) -> None:
    """Break the subset sum, or only nearly."""
    problem, solution = block.get("problem"), block.get("solution")
    if not isinstance(problem, dict) or not isinstance(solution, list) or not solution:
        return
    kind = rng.randrange(8)
    if kind == 0:
        problem["target"] = rng.choice((values.NAN, values.INF, 0, None, values.odd(rng)))
    elif kind == 1:
        solution.append(solution[0])
    elif kind == 2:
        solution[rng.randrange(len(solution))] = values.odd(rng)
    elif kind == 3:
        problem["numbers"] = [x for x in _numbers(problem) if x != solution[-1]]
    elif kind == 4 and type(problem.get("target")) is int:
        problem["target"] += rng.choice((1, -1, 2))
    elif kind == 5:
        problem.pop(rng.choice(("numbers", "target")), None)
    elif kind == 6:
        problem.update(numbers=[1, *_numbers(problem)], target=rng.choice((2, True)))
        block["solution"] = rng.choice(([1, True], [True], [1.0, 1], [True, False]))
    else:
        problem.update(numbers=[2**53 + 1, 5], target=rng.choice((float(2**53), 2**53 + 1)))
        block["solution"] = rng.choice(([2**53 + 1], [float(2**53)]))


def _numbers(problem: Block) -> list[Any]:
    numbers = problem.get("numbers")
    return numbers if isinstance(numbers, list) else []


def bad_tier_size(rng: Random, block: Block, _parent: Known) -> None:
    """Take a size beside the tier's, or no size."""
    problem = block.get("problem")
    if isinstance(problem, dict):
        sizes = (0, 7, 33, 7.999999999999999, 32.00000000000001, -8, values.NAN, True, 10**30, values.INF)
        problem["size"] = rng.choice(sizes)
        if rng.random() < 0.2:
            del problem["size"]


def malformed(rng: Random, block: Block, _parent: Known) -> None:
    """Leave out a field, or put a value where its type cannot be used."""
    kind, complexity = rng.randrange(5), block.get("complexity")
    if kind == 0:
        block.pop(rng.choice(REQUIRED), None)
    elif kind == 1 and isinstance(complexity, dict):
        complexity.pop(rng.choice(READ_BY_WORK), None)
    elif kind == 2 and isinstance(complexity, dict):
        complexity[rng.choice(READ_BY_WORK)] = rng.choice((None, "1", [], {}, [1]))
    elif kind == 3:
        block["mining_capacity"] = rng.choice(("", "Mobile", "mobile ", None, 1, [], "\ud800"))
    else:
        block[rng.choice(REQUIRED)] = rng.choice(("x", [1], {"a": 1}, None))


def odd_field(rng: Random, block: Block, _parent: Known) -> None:
    """Put any value into any field."""
    block[rng.choice(REQUIRED)] = values.odd(rng)


def odd_measure(rng: Random, block: Block, _parent: Known) -> None:
    """Put any number into one or two of the measures that decide the work."""
    complexity = block.get("complexity")
    if isinstance(complexity, dict):
        for field in rng.sample(MEASURED, rng.choice((1, 1, 2))):
            draw = rng.random()
            edge = rng.choice(values.EDGES) if draw < 0.3 else values.number(rng)
            complexity[field] = edge if draw < 0.85 else values.odd(rng)
        if rng.random() < 0.2:
            joules = values.number(rng)
            complexity["energy_metrics"] = {"solve_energy_joules": joules}


def odd_form(rng: Random, block: Block, _parent: Known) -> None:
    """Write an asymptotic form in an unusual way."""
    complexity = block.get("complexity")
    if isinstance(complexity, dict):
        long = rng.randrange(values.LONG_ONE_IN) == 0
        form = values.long_form(rng) if long else rng.choice(values.FORMS)
        complexity[rng.choice(("time_solve_O", "time_verify_O"))] = form
        sizes = (0, 1, -1, 0.5, -2.5, -3, 100, 4096, rng.randint(1, 50), values.number(rng))
        complexity["problem_size"] = rng.choice(sizes)


def odd_problem(rng: Random, block: Block, _parent: Known) -> None:
    """Put any value into the problem or the solution."""
    problem, solution = block.get("problem"), block.get("solution")
    if isinstance(problem, dict) and rng.random() < 0.7:
        problem[rng.choice(("numbers", "target", "size", "type"))] = values.odd(rng)
    elif isinstance(solution, list) and solution:
        solution[rng.randrange(len(solution))] = values.odd(rng)


def huge_sum(rng: Random, block: Block, _parent: Known) -> None:
    """Make the work so large that a sum is infinite, no number, or swallows every later block."""
    complexity = block.get("complexity")
    if isinstance(complexity, dict):
        times = (1e290, 1e308, values.INF, values.NAN, 10**300, 1e30)
        complexity.update(measured_solve_time=rng.choice(times), measured_verify_time=1)


def deep(rng: Random, block: Block, _parent: Known) -> None:
    """Nest to the limit of the domain, and one beyond."""
    block[rng.choice(("cumulative_work_score", "transactions", "remark"))] = values.nested(
        rng.choice((62, 63, 64))
    )


def unsealed(rng: Random, block: Block, _parent: Known) -> None:
    """Say another hash than that of the content."""
    sealed = block.get("block_hash")
    other: tuple[Any, ...] = (f"{rng.getrandbits(256):064x}", None, "", 1, values.odd(rng))
    if isinstance(sealed, str) and sealed:
        other += (sealed.upper(), sealed[:-1], sealed + "0", [sealed])
    block["block_hash"] = rng.choice(other)


def late_change(rng: Random, block: Block, _parent: Known) -> None:
    """Change a hashed field by as little as can be."""
    fields = ("timestamp", "cumulative_work_score", "merkle_root", "solution", "mining_capacity")
    field = rng.choice(fields)
    value = block.get(field)
    if isinstance(value, float) and value == value:
        block[field] = rng.choice((value + abs(value) * 2.0**-52, -value))
    elif isinstance(value, int):
        block[field] = float(value) if abs(value) < 2**1000 else -value
    elif isinstance(value, str):
        block[field] = value[:-1] + rng.choice("0a")
    elif isinstance(value, list):
        block[field] = value[::-1]
    else:
        block[field] = values.odd(rng)


AIMS: tuple[tuple[Change, int], ...] = (
    (unknown_parent, 5),
    (bad_height, 5),
    (bad_timestamp, 5),
    (missing_proof, 5),
    (bad_merkle_root, 5),
    (missing_complexity, 4),
    (no_work, 7),
    (bad_proof, 9),
    (bad_tier_size, 6),
    (malformed, 4),
    (odd_field, 6),
    (odd_measure, 10),
    (odd_form, 12),
    (odd_problem, 6),
    (huge_sum, 1),
    (deep, 1),
)
"""Changes by weight, no list of reasons: tests/replay/test_chain.py asks that mutants reach each."""
CALM_AIMS = tuple(aim for aim in AIMS if aim[0] not in (odd_measure, odd_form, huge_sum))
"""The changes that leave the work as it is: one block of huge work would own the tip for ever."""

AFTER_SEALING: tuple[tuple[Change, int], ...] = ((unsealed, 1), (late_change, 1))
SHARE_AFTER_SEALING = 0.09


def change(rng: Random, block: Block, parent: Known, *, calm: bool = False) -> tuple[str, bool]:
    """Change one or two things. Returns what was done, and whether the change waits for the seal.

    A `calm` change leaves the work alone.

    Where it waits, the block is as it was: seal it, then call `change_sealed`.
    """
    if rng.random() < SHARE_AFTER_SEALING:
        return "", True
    chosen = _pick(rng, CALM_AIMS if calm else AIMS, 2 if rng.random() < 0.12 else 1)
    for one in chosen:
        one(rng, block, parent)
    return ", ".join(one.__name__ for one in chosen), False


def change_sealed(rng: Random, block: Block, parent: Known) -> str:
    """Change a sealed block so that its hash no longer fits. Returns what was done."""
    (chosen,) = _pick(rng, AFTER_SEALING, 1)
    chosen(rng, block, parent)
    return chosen.__name__


def _pick(rng: Random, table: tuple[tuple[Change, int], ...], count: int) -> list[Change]:
    return rng.choices([one for one, _ in table], [weight for _, weight in table], k=count)
