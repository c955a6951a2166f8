"""Destinations follow their listener's public host, and no other listener's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pytest_twisted import ensureDeferred
from twisted.logger import formatEvent, globalLogPublisher

from ppl.listener.public_host import PublicHost
from ppl.listener.tls import self_signed
from ppl.model import Destination, destination_named
from tests.fixtures.database import execute

PORTS = range(20000, 20010)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What the module logs."""
    lines: list[str] = []

    def observe(event: dict) -> None:
        if event["log_namespace"] == PublicHost.__module__ + ".PublicHost":
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


async def registered(store: Any, host: str, count: int = 1) -> list[int]:
    """Register ``count`` new destinations of ``host``; return their ids."""
    made = []
    for number in range(count):
        name = f"{host}-{number}-{len(await store.destinations())}@example.com"
        made.append((await store.register(name, "hash", "UTC", host, PORTS, only_first=False))[1].id)
    return made


async def served(store: Any, host: str) -> Sequence[str]:
    """The names of the destinations that the listener of ``host`` serves."""
    return [each.user_id for each in await store.destinations() if each.served_by == host]


async def started(store: Any, data_dir: Path, host: str, former: str | None = None) -> PublicHost:
    listener = PublicHost(store, data_dir, host, former)
    await listener.startService()
    return listener


async def ran(store: Any, data_dir: Path, host: str, former: str | None = None) -> None:
    (await started(store, data_dir, host, former)).stopService()


@ensureDeferred
async def test_destinations_are_renamed_with_their_listener_there_and_back(store: Any, tmp_path: Path) -> None:
    await ran(store, tmp_path, "localhost")
    await registered(store, "localhost", 2)
    await ran(store, tmp_path, "logs.example.com")
    assert await served(store, "logs.example.com") == ["logs.example.com:20000", "logs.example.com:20001"]
    await ran(store, tmp_path, "localhost")
    first, _ = await store.destinations()
    assert first.user_id == "localhost:20000"
    assert set(first.former_hosts) == {"localhost", "logs.example.com"}
    assert destination_named("logs.example.com:20000", [first]) == first


@ensureDeferred
async def test_a_pinned_destination_keeps_its_name_and_is_served(store: Any, tmp_path: Path, dsn: str) -> None:
    await ran(store, tmp_path, "a")
    pinned, _ = await registered(store, "a", 2)
    execute(dsn, "UPDATE destination SET listener_host = host WHERE id = %s", [pinned])
    await ran(store, tmp_path, "b")
    await ran(store, tmp_path, "c")
    assert await served(store, "c") == ["a:20000", "c:20001"]
    # Its port is not given to a new destination.
    await registered(store, "c")
    assert await served(store, "c") == ["a:20000", "c:20001", "c:20002"]


@ensureDeferred
async def test_a_name_that_is_taken_is_kept_and_still_served(store: Any, tmp_path: Path) -> None:
    await ran(store, tmp_path, "a")
    await registered(store, "a", 2)
    await registered(store, "b")
    await ran(store, tmp_path, "b")
    assert sorted(await served(store, "b")) == ["a:20000", "b:20000", "b:20001"]


@ensureDeferred
async def test_listeners_with_different_hosts_take_nothing_from_each_other(store: Any, tmp_path: Path) -> None:
    for directory in (tmp_path / "one", tmp_path / "two"):
        await registered(store, directory.name)
        await ran(store, directory, directory.name)
    # Two listeners on one machine, with one data directory, that both run.
    one = await started(store, tmp_path / "both", "one")
    two = await started(store, tmp_path / "both", "two")
    # The host "two" is known here already: "one", which does not run then, is not its former name.
    two.stopService()
    one.stopService()
    await ran(store, tmp_path / "both", "two")
    assert await served(store, "one") == ["one:20000"]
    assert await served(store, "two") == ["two:20000"]


@ensureDeferred
async def test_what_no_listener_is_known_to_serve_is_said_and_moved_on_demand(
    store: Any, tmp_path: Path, said: list[str]
) -> None:
    await registered(store, "lost", 3)
    await ran(store, tmp_path, "here")
    assert any("3 destinations of lost" in line and "--former-host lost" in line for line in said)
    del said[:]
    await ran(store, tmp_path, "here", "lost")
    assert await served(store, "here") == ["here:20000", "here:20001", "here:20002"]
    assert said == [
        "3 destinations moved from lost to here: senders use the new name; links with the old name still work"
    ]


@ensureDeferred
async def test_without_a_place_to_remember_it_the_host_is_moved_from_on_demand_only(
    store: Any, tmp_path: Path, said: list[str]
) -> None:
    await registered(store, "former")
    (tmp_path / "file").write_text("")
    await ran(store, tmp_path / "file", "here")
    assert any("cannot be written to (Not a directory)" in line for line in said)
    assert await served(store, "here") == []
    await ran(store, tmp_path / "file", "here", "former")
    assert await served(store, "here") == ["here:20000"]


def test_a_present_name_wins_over_a_former_one() -> None:
    former = Destination(1, "b", 1, "UTC", former_hosts=("a",))
    present = Destination(2, "a", 1, "UTC")
    assert destination_named("a:1", [former, present]) is present
    assert destination_named("a:1", [former]) is former
    assert destination_named("a:2", [former, present]) is None


def test_the_certificate_made_for_a_former_host_is_made_anew(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path, "localhost")
    first = certificate.read_bytes()
    assert self_signed(tmp_path, "localhost")[0].read_bytes() == first
    renewed = x509.load_pem_x509_certificate(self_signed(tmp_path, "192.0.2.1")[0].read_bytes())
    assert renewed.subject.rfc4514_string() == "CN=192.0.2.1"
