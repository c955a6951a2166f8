"""A registered destination and a running listener."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_twisted

from ppl.listener.tls import Certificates
from ppl.model import Destination
from tests.listener.receiving import Receiving, free_port

MakeDestination = Callable[[], Awaitable[Destination]]
MakeReceiving = Callable[..., Awaitable[Receiving]]


@pytest_twisted.async_yield_fixture
async def make_destination(store: Any) -> AsyncIterator[MakeDestination]:
    """Registers one more destination on a free port."""
    count = 0

    async def make() -> Destination:
        nonlocal count
        count += 1
        port = free_port()
        _, destination = await store.register(
            f"{count}@example.com", "hash", "+02:00", "h", range(port, port + 1), only_first=False
        )
        return destination

    yield make


@pytest_twisted.async_yield_fixture
async def make_receiving() -> AsyncIterator[MakeReceiving]:
    """Makes running ports and writer over a store, stopped at the end."""
    made: list[Receiving] = []

    async def make(store: Any, certificates: Certificates | None = None, **limits: Any) -> Receiving:
        receiving = Receiving(store, certificates, **limits)
        await receiving.writer.startService()
        made.append(receiving)
        return receiving

    yield make
    for receiving in made:
        await receiving.stop()
