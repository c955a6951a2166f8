"""What a walk does with its steps: those of an answer, of a viewer's portion and of an export."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.task import Clock

from ppl.errors import PplError, StatementTimeout, StoreUnavailable
from ppl.model import Counted, Found
from ppl.store.walker import TRIES, Walker


@attrs.define
class Scripted:
    """A search whose steps take a second each and end as they are told to, the last one the search too."""

    clock: Clock
    script: list[PplError | int]
    is_complete: bool = False
    left: int | None = None
    closed: int = 0

    async def step(self, limit: int, most_bytes: int = 0) -> Found:
        """The next one of the script."""
        self.clock.advance(1)
        outcome = self.script.pop(0)
        if isinstance(outcome, PplError):
            raise outcome
        self.is_complete = not self.script
        return Found((), outcome, self.is_complete)

    async def count(self, width: int) -> Counted:
        """As a step."""
        found = await self.step(0)
        return Counted((), found.reached, found.complete)

    def close(self) -> None:
        """Counts."""
        self.closed += 1


Walk = Callable[..., tuple[Walker, Scripted]]


@pytest.fixture
def walk() -> Walk:
    """A walker over a script, with a budget of so many seconds."""

    def begin(*script: PplError | int, budget: float | None = None) -> tuple[Walker, Scripted]:
        clock = Clock()
        search = Scripted(clock, list(script))
        return Walker(search, clock.seconds, budget), search

    return begin


async def reached(walker: Walker) -> list[int]:
    """How far each step came, until the walk is over."""
    found = []
    while (each := await walker.step(_asking(walker))) is not None:
        found.append(each.reached)
    return found


def _asking(walker: Walker) -> Callable[[], Awaitable[Found]]:
    return lambda: walker.search.step(10)


@pytest.mark.parametrize("budget", [None, 100])
@ensureDeferred
async def test_it_goes_to_the_end_of_the_search(walk: Walk, budget: float | None) -> None:
    walker, search = walk(30, 20, 10, budget=budget)
    assert await reached(walker) == [30, 20, 10]
    assert walker.is_over
    walker.close()
    assert search.closed == 1


@ensureDeferred
async def test_a_step_is_begun_even_where_there_is_no_time_and_then_none(walk: Walk) -> None:
    walker, search = walk(30, 20, 10, budget=0)
    assert await reached(walker) == [30]
    assert not search.is_complete


@ensureDeferred
async def test_steps_are_begun_until_the_time_is_over(walk: Walk) -> None:
    walker, _ = walk(40, 30, 20, 10, budget=2)
    assert await reached(walker) == [40, 30]


@pytest.mark.parametrize("budget", [None, 100])
@ensureDeferred
async def test_a_step_that_takes_too_long_is_repeated(walk: Walk, budget: float | None) -> None:
    late = [StatementTimeout() for _ in range(TRIES - 1)]
    walker, _ = walk(*late, 20, *late, 10, budget=budget)
    assert await reached(walker) == [20, 10]


@pytest.mark.parametrize("failure", [StoreUnavailable("PostgreSQL is away."), StatementTimeout()])
@ensureDeferred
async def test_with_a_budget_what_was_found_before_a_failure_is_the_answer(walk: Walk, failure: PplError) -> None:
    walker, search = walk(30, *[failure] * TRIES, 10, budget=100)
    assert await reached(walker) == [30]
    assert not search.is_complete, "it can be gone on from there"


@pytest.mark.parametrize("script", [(), (30,)])
@pytest.mark.parametrize("failure", [StoreUnavailable("PostgreSQL is away."), StatementTimeout()])
@ensureDeferred
async def test_without_a_budget_a_failure_is_told(walk: Walk, script: tuple[int, ...], failure: PplError) -> None:
    walker, _ = walk(*script, *[failure] * TRIES, 10)
    with pytest.raises(type(failure)):
        await reached(walker)


@pytest.mark.parametrize("failure", [StoreUnavailable("PostgreSQL is away."), StatementTimeout()])
@ensureDeferred
async def test_a_first_step_that_fails_is_told(walk: Walk, failure: PplError) -> None:
    walker, _ = walk(*[failure] * TRIES, 10, budget=100)
    with pytest.raises(type(failure)):
        await reached(walker)


@ensureDeferred
async def test_repeating_ends_with_the_time(walk: Walk) -> None:
    walker, search = walk(*[StatementTimeout()] * 10, budget=2)
    with pytest.raises(StatementTimeout):
        await reached(walker)
    assert len(search.script) == 8


@ensureDeferred
async def test_a_walk_that_was_stopped_ends_without_an_error(walk: Walk) -> None:
    walker, search = walk(StoreUnavailable("The search is closed."), 10, budget=100)

    async def stopped_meanwhile() -> Found:
        walker.stop()
        return await search.step(10)

    assert await walker.step(stopped_meanwhile) is None
    assert await walker.step(_asking(walker)) is None
    assert search.closed == 1
    assert walker.is_over
