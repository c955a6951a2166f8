"""A running house of viewers over a real store, with an owner and a stranger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_twisted

from ppl.model import Destination
from tests.viewer.watching import House

MakeHouse = Callable[..., Awaitable[tuple[House, Destination]]]


@pytest_twisted.async_yield_fixture
async def make_house(store: Any) -> AsyncIterator[MakeHouse]:
    """Makes a running house with given settings; gives it and the owner's destination."""
    houses: list[House] = []

    async def make(**settings: Any) -> tuple[House, Destination]:
        owner, destination = await store.register("o@example.com", "hash", "UTC", "h", range(1, 9), only_first=False)
        stranger, _ = await store.register("s@example.com", "hash", "UTC", "h", range(1, 9), only_first=False)
        house = House(store, {"owner": owner, "stranger": stranger}, **settings)
        await house.start()
        houses.append(house)
        return house, destination

    yield make
    for house in houses:
        await house.stop()
