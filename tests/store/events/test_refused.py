"""A row that PostgreSQL refuses for its content, for whatever reason, never blocks the rows beside it."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.samples import HERE, T0, events

RULES = {
    "a broken value": "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF new.message LIKE '%poison%' THEN RAISE SQLSTATE '22023'; END IF; RETURN new; END $$;"
    "CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()",
    "an operator's own trigger": "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF new.message LIKE '%poison%' THEN RAISE EXCEPTION 'no'; END IF; RETURN new; END $$;"
    "CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()",
    "an operator's own constraint": "ALTER TABLE event ADD CHECK (message NOT LIKE '%poison%')",
}


@pytest.fixture(params=[10**9, 1], ids=["INSERT", "COPY"])
def copy_events(request: pytest.FixtureRequest) -> int:
    """Both ways of storing a batch."""
    return int(request.param)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@ensureDeferred
async def test_a_refused_row_is_left_out_counted_and_logged(
    rule: str, store: PostgresStore, dsn: str, nothing_left_behind: list[str]
) -> None:
    await store.append([events(T0, ["before"])])
    execute(dsn, rule)
    texts = [f"m{number}" for number in range(50)]
    texts[20] = texts[41] = "poison"
    await store.append([events(T0 + 1, texts), events(T0 + 60, ["tail"], sender_ip="::1")])
    found = [event.message for event in (await store.newest(HERE.id, 100)).events]
    assert found == ["before", *(text for text in texts if text != "poison"), "tail"]
    assert execute(dsn, "SELECT sum(count) FROM event_count") == [(len(found),)]
    assert store.refused == 2
    assert len(nothing_left_behind) == 2
    assert not any("poison" in text for text in nothing_left_behind), "customers' lines stay out of Ppl's log"
    nothing_left_behind.clear()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@ensureDeferred
async def test_a_batch_sent_ahead_fails_and_is_stored_without_refused_rows_afterwards(
    rule: str, store: PostgresStore, dsn: str, nothing_left_behind: list[str]
) -> None:
    await store.append([events(T0, ["before"])])
    execute(dsn, rule)
    batch = [events(T0 + 1, ["a", "poison", "b"])]
    turn: Deferred[None] = Deferred()
    ahead = Deferred.fromCoroutine(store.append(batch, turn))
    turn.callback(None)
    with pytest.raises(Exception):  # noqa: B017, PT011  (after any error the caller tries again)
        await ahead
    await store.append(batch)
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["before", "a", "b"]
    nothing_left_behind.clear()


@ensureDeferred
async def test_an_error_outside_the_row_is_no_reason_to_leave_it_out(store: PostgresStore, dsn: str) -> None:
    await store.append([events(T0, ["before"])])
    ((user,),) = execute(dsn, "SELECT current_user")
    execute(dsn, f"ALTER TABLE event_count RENAME TO elsewhere; REVOKE INSERT ON event FROM {user}")
    with pytest.raises(Exception):  # noqa: B017, PT011
        await store.append([events(T0 + 1, ["after"])])
    execute(dsn, "ALTER TABLE elsewhere RENAME TO event_count")
    execute(dsn, f"GRANT INSERT ON event TO {user}")
    await store.append([events(T0 + 1, ["after"])])
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["before", "after"]
    assert store.refused == 0
