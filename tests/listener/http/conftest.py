"""Running drains, a destination to which ``TOKEN`` leads, and the answers that clients get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import attrs
import pytest
import pytest_twisted

from ppl.errors import StoreUnavailable
from ppl.listener.http import upload
from ppl.model import Destination
from ppl.sources.kinds import BodyKind
from ppl.sources.known import upload_kind
from ppl.store.postgres import PostgresStore
from tests.listener.receiving import GatedStore
from tests.listener.uploading import Drained, token_for
from tests.waiting import until

MakeDrained = Callable[..., Awaitable[Drained]]
MakeShut = Callable[..., Awaitable[tuple[Drained, GatedStore]]]


class Away(GatedStore):
    """A store whose database cannot be reached when a token is looked up."""

    async def drained(self, hashed: bytes) -> Destination:
        raise StoreUnavailable("PostgreSQL cannot be reached.")


@pytest.fixture
def impatient_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients of every kind wait for a fifth of a second only."""

    def impatient(header: Callable[[str], str], kinds: Sequence[BodyKind]) -> BodyKind | None:
        kind = upload_kind(header, kinds)
        return kind and attrs.evolve(kind, patience=0.2)

    monkeypatch.setattr(upload, "upload_kind", impatient)


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


@pytest.fixture
def make_shut(store: PostgresStore, make_drained: MakeDrained) -> MakeShut:
    """Makes a running drain, and its store, which stores nothing until it is opened."""

    async def make(**limits: Any) -> tuple[Drained, GatedStore]:
        gated = GatedStore(store)
        gated.shut = True
        return await make_drained(gated, **limits), gated

    return make


async def held_up(drained: Drained, gated: GatedStore, first: bytes, second: bytes) -> list[Any]:
    """Two clients: the lines of the first wait for the database, and so the upload of the second for its turn."""
    clients = [await drained.connect() for _ in range(2)]
    clients[0].send(first)
    await until(lambda: gated.batches)
    clients[1].send(second)
    await until(lambda: drained.drain.under_way == 2)
    return clients


@pytest_twisted.async_yield_fixture
async def destination(store: PostgresStore) -> AsyncIterator[Destination]:
    """A destination to which ``TOKEN`` leads."""
    owner, made = await store.register("o@example.com", "hash", "+02:00", "h", range(8, 9), only_first=False)
    await token_for(store, owner, made)
    yield made
