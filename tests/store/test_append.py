"""Appending: durable, whole, recognised when repeated, and no row blocks another."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred

from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.events import HERE, T0, events


@ensureDeferred
async def test_every_field_comes_back_as_it_was_stored(store: PostgresStore) -> None:
    batch = events(
        T0,
        ['plain', 'quo"te \\ back {brace}, comma', "", "NULL", "tab\tnew\nline Ä Σ \U0001f600 %s %% 'x'"],
        sender_ip="2001:db8::1",
        created_at=[T0 - 5, None, 0, T0 + 7, None],
        facility=[0, None, 23, 1, 2],
        severity=[7, None, 0, 1, 2],
        hostname=["a", "", "b\\", 'c"', "{}"],
        file_name=["", "x", "NULL", ",", "ü"],
        procid=["", "1", "2", "3", "4"],
        msgid=["ID47", "", "", "", ""],
        structured_data=['[a@1 b="c\\"d"]', "", "", "", ""],
    )
    await store.append([batch])
    page = await store.newest(HERE.id, 10)
    assert page.events == tuple(batch)
    assert page.complete
