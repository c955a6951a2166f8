"""Any text comes back from PostgreSQL as it was stored, by ``INSERT`` or by ``COPY``."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from ppl.services.clock import wall_clock
from ppl.store.connecting.pool import Pool
from ppl.store.postgres import PostgresStore
from tests.store.samples import HERE, T0, events


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    messages=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), min_size=1, max_size=6
    ),
    offset=st.integers(0, 10**9),
    copied=st.booleans(),
)
@ensureDeferred
async def test_any_text_survives(pool: Pool, messages: list[str], offset: int, copied: bool) -> None:
    store = PostgresStore(pool, wall_clock, 3600, copy_events=1 if copied else 500)
    newest = (await store.last_ids()).get(HERE.id, T0)
    await store.append([events(newest + 1 + offset, messages, file_name=messages)])
    page = await store.newest(HERE.id, len(messages))
    assert [event.message for event in page.events] == messages
    assert [event.file_name for event in page.events] == messages
