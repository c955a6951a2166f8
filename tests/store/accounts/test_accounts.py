"""Accounts, destinations and sessions."""

from __future__ import annotations

import hashlib

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList

from ppl.errors import AlreadyExists, NoPortLeft, RegistrationClosed
from ppl.model import SECOND
from ppl.store.connecting.pool import Pool
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute

PORTS = range(20000, 20010)
HOSTILE = ["'; DROP TABLE account; --", '" OR ""="', "%s %(x)s %%", "\\", "a\nb", "ü' || 'x"]


async def register(store: PostgresStore, email: str, ports: range = PORTS, only_first: bool = False) -> tuple:
    return await store.register(email, "hash", "+02:00", "logs.example.com", ports, only_first=only_first)


def secret(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


@ensureDeferred
async def test_a_registered_account_owns_a_destination_on_the_lowest_free_port(store: PostgresStore) -> None:
    account, destination = await register(store, "User@Example.com")
    assert (account.email, account.time_zone) == ("user@example.com", "+02:00")
    assert (destination.user_id, destination.time_zone) == ("logs.example.com:20000", "+02:00")
    _, second = await register(store, "other@example.com")
    assert second.port == 20001
    assert await store.count_accounts() == 2
    assert await store.destinations() == [destination, second]
    assert await store.destinations_of(account.id) == [(destination, "owner")]
    assert await store.destination("logs.example.com", 20001) == second
    assert await store.destination("logs.example.com", 20002) is None
    assert await store.destination("logs.example.com", 10**12) is None
    assert await store.destination("\0", 20001) is None


@ensureDeferred
async def test_another_host_has_all_ports_of_its_own(store: PostgresStore) -> None:
    await register(store, "a@example.com")
    _, destination = await store.register("b@example.com", "h", "UTC", "other.example.com", PORTS, only_first=False)
    assert destination.port == 20000


@ensureDeferred
async def test_an_email_address_registers_once_however_it_is_written(store: PostgresStore) -> None:
    await register(store, "ärger@example.com")
    with pytest.raises(AlreadyExists):
        await register(store, "ÄRGER@EXAMPLE.COM")
    assert len(await store.destinations()) == 1, "a refused registration creates nothing"


@ensureDeferred
async def test_the_last_port_is_given_and_then_none(store: PostgresStore) -> None:
    await register(store, "a@example.com", range(20000, 20001))
    with pytest.raises(NoPortLeft):
        await register(store, "b@example.com", range(20000, 20001))
    assert await store.count_accounts() == 1


@ensureDeferred
async def test_registration_for_the_first_account_only_closes_after_it(store: PostgresStore) -> None:
    await register(store, "a@example.com", only_first=True)
    with pytest.raises(RegistrationClosed):
        await register(store, "b@example.com", only_first=True)


@ensureDeferred
async def test_of_many_registrations_at_once_exactly_one_is_first(dsn: str) -> None:
    results = await _at_once(dsn, only_first=True)
    assert sorted(type(result).__name__ for result in results) == ["RegistrationClosed"] * 7 + ["tuple"]


@ensureDeferred
async def test_of_many_registrations_at_once_no_two_get_the_same_port(dsn: str) -> None:
    results = await _at_once(dsn, only_first=False)
    assert sorted(destination.port for _, destination in results) == list(range(20000, 20008))


async def _at_once(dsn: str, *, only_first: bool) -> list:
    pools = [Pool(reactor, dsn, 2) for _ in range(2)]
    for pool in pools:
        await pool.startService()
    stores = [PostgresStore(pool, lambda: 0, 3600) for pool in pools]
    calls = [
        Deferred.fromCoroutine(register(stores[number % 2], f"u{number}@example.com", only_first=only_first))
        for number in range(8)
    ]
    results = await DeferredList(calls, consumeErrors=True)
    for pool in pools:
        await pool.stopService()
    return [result if succeeded else result.value for succeeded, result in results]


@ensureDeferred
async def test_credentials_are_found_by_address_in_any_case(store: PostgresStore) -> None:
    account, _ = await register(store, "user@example.com")
    assert await store.credentials("USER@example.com") == (account, "hash")
    await store.set_password_hash(account.id, "rehashed")
    assert await store.credentials("user@example.com") == (account, "rehashed")
    assert await store.credentials("nobody@example.com") is None
    assert await store.credentials("\0") is None


@ensureDeferred
async def test_a_new_time_zone_is_that_of_the_owned_destinations_too(store: PostgresStore, dsn: str) -> None:
    account, destination = await register(store, "a@example.com")
    _, foreign = await register(store, "b@example.com")
    execute(dsn, "INSERT INTO membership VALUES (%s, %s, 'member')", [account.id, foreign.id])
    await store.set_time_zone(account.id, "Europe/Berlin")
    found = await store.credentials("a@example.com")
    assert found is not None
    assert found[0].time_zone == "Europe/Berlin"
    zones = [(each.id, each.time_zone, role) for each, role in await store.destinations_of(account.id)]
    assert zones == [(destination.id, "Europe/Berlin", "owner"), (foreign.id, "+02:00", "member")]


@ensureDeferred
async def test_a_session_is_found_by_the_hash_of_its_secret_until_it_expires(dsn: str) -> None:
    now = 1000 * SECOND
    pool = Pool(reactor, dsn, 1)
    await pool.startService()
    store = PostgresStore(pool, lambda: now, 3600)
    account, _ = await register(store, "a@example.com")
    browser = await store.create_session(account.id, secret("browser"), "browser", "", now + SECOND)
    token = await store.create_session(account.id, secret("token"), "token", "backup script", None)
    assert await store.session(secret("browser")) == (browser, account)
    assert await store.session(secret("token")) == (token, account)
    assert await store.session(secret("guess")) is None
    assert await store.sessions_of(account.id, "token") == [token]
    now += SECOND
    assert await store.session(secret("browser")) is None
    assert await store.sessions_of(account.id, "browser") == []
    assert await store.delete_expired_sessions() == 1
    assert await store.delete_expired_sessions() == 0
    assert await store.session(secret("token")) == (token, account)
    await pool.stopService()


@ensureDeferred
async def test_a_session_is_deleted_by_its_own_account_only(store: PostgresStore) -> None:
    account, _ = await register(store, "a@example.com")
    other, _ = await register(store, "b@example.com")
    session = await store.create_session(account.id, secret("s"), "token", "", None)
    assert not await store.delete_session(other.id, session.id)
    assert await store.delete_session(account.id, session.id)
    assert not await store.delete_session(account.id, session.id)
    assert await store.session(secret("s")) is None


@pytest.mark.parametrize("text", HOSTILE)
@ensureDeferred
async def test_text_is_only_ever_text(store: PostgresStore, text: str) -> None:
    account, destination = await store.register(text, text, text, text, PORTS, only_first=True)
    assert await store.credentials(text) == (account, text)
    assert (account.time_zone, destination.host) == (text, text)
    session = await store.create_session(account.id, text.encode(), "token", text, None)
    assert await store.session(text.encode()) == (session, account)
    assert session.label == text
    assert await store.count_accounts() == 1
