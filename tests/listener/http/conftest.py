"""Running drains, a destination to which ``TOKEN`` leads, and the answers that clients get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import attrs
import pytest_twisted

from ppl.model import Destination
from ppl.sources.kinds import BodyKind
from ppl.sources.known import upload_kind
from ppl.store.postgres import PostgresStore
from tests.listener.receiving import GatedStore
from tests.listener.uploading import Drained, token_for

MakeDrained = Callable[..., Awaitable[Drained]]


def impatient(header: Callable[[str], str], kinds: Sequence[BodyKind]) -> BodyKind | None:
    """As :func:`ppl.sources.known.upload_kind`, of clients that wait for a fifth of a second."""
    kind = upload_kind(header, kinds)
    return kind and attrs.evolve(kind, patience=0.2)


@pytest_twisted.async_yield_fixture
async def make_drained() -> AsyncIterator[MakeDrained]:
    """Makes running drains over a store, stopped at the end."""
    made: list[Drained] = []

    async def make(store: Any, **limits: Any) -> Drained:
        drained = Drained(store, **limits)
        made.append(drained)
        await drained.start()
        return drained

    yield make
    for drained in made:
        if isinstance(drained.store, GatedStore):
            drained.store.open()
        await drained.stop()


@pytest_twisted.async_yield_fixture
async def destination(store: PostgresStore) -> AsyncIterator[Destination]:
    """A destination to which ``TOKEN`` leads."""
    owner, made = await store.register("o@example.com", "hash", "+02:00", "h", range(8, 9), only_first=False)
    await token_for(store, owner, made)
    yield made
