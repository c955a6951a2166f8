"""Gap-free and duplicate-free through anything: random histories against the real database, hub and WebSockets."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppl.model import Destination
from ppl.search.query import parse
from ppl.store.events.searching import SearchLimits
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import turns, until

#: The viewers: (``watched_ip``, ``batch``, ``query``). Equal ones share frames while they are in step.
READERS = [
    ("", True, ""),
    ("", True, ""),
    ("192.0.2.2", True, ""),
    ("", False, ""),
    ("", True, "many"),
    ("", True, "many"),
    ("192.0.2.1", False, "few OR last"),
]
SENDERS = ("192.0.2.1", "192.0.2.2")

#: What may happen, how much of it, and to which reader or from which sender.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.integers(1, 12), st.integers(0, 1)),
        st.tuples(st.just("ingest_unannounced"), st.integers(1, 5), st.integers(0, 1)),
        *(
            st.tuples(st.just(step), st.just(0), st.integers(0, len(READERS) - 1))
            for step in ("pause", "resume", "get_logs", "reconnect", "cancel_search")
        ),
        st.tuples(st.just("cut"), st.just(0), st.just(0)),
        st.tuples(st.just("link"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 4), st.just(0)),
    ),
    min_size=3,
    max_size=40,
)


class Reader:
    """A viewer program that keeps what it was shown, as the protocol page tells it to."""

    def __init__(
        self, house: House, destination: Destination, portion: int, watched_ip: str, batch: bool, query: str
    ) -> None:
        self.house, self.destination = house, destination
        self.fields = {
            "user_id": destination.user_id,
            "logs_portion": portion,
            "watched_ip": watched_ip,
            "batch": batch,
            "query": query,
        }
        self.query = parse(query, UTC, 0)
        self.shown: list[int] = []
        self.paused = False
        self._taken = 0
        self._expected: list[str] = []

    async def open(self, since: int | None = None) -> None:
        self.client = await self.house.connect()
        self._taken, self.paused = 0, False
        fields: dict[str, Any] = dict(self.fields)
        if since is not None:
            fields["since"] = str(since)
            # The server's view begins there; older events come again when they are asked for.
            self.shown = [since]
        self._expected = ["since" if since is not None else "view"]
        self.client.say("send_user_data", **fields)
        await until(lambda: self.take() or not self._waits_for("view", "since"), "the first answer")

    def _waits_for(self, *kinds: str) -> bool:
        return any(kind in self._expected for kind in kinds)

    def ask(self, event: str, kind: str | None = None) -> None:
        if kind:
            self._expected.append(kind)
        self.client.say(event)

    def take(self) -> bool:
        """Work through what has come; ``True`` when nothing that was asked is outstanding."""
        while self._taken < len(self.client.received):
            name, data = self.client.received[self._taken]
            self._taken += 1
            events = data.get("events") or ([data["event"]] if "event" in data and name == "live_update_logs" else [])
            ids = [int(event["id"]) for event in events]
            assert ids == sorted(set(ids)), "ascending within a frame"
            if name == "live_update_logs":
                assert not self.shown or not ids or ids[0] > self.shown[-1], "live never repeats, never goes back"
                self.shown += ids
            elif name == "send_logs":
                self._take_logs(ids, "since" in data, "isPartial" in data)
            else:
                # Too many searches at once: the view's beginning is retried, history may be asked for again.
                assert name in ("paused_count", "search_progress") or data["code"] == "too_many_searches", (
                    f"{name}: {data}"
                )
                if data.get("event") == "get_logs":
                    self._expected.remove("older")
        return not self._expected

    def _take_logs(self, ids: list[int], is_since: bool, is_partial: bool) -> None:
        kind = "since" if is_since else next(each for each in self._expected if each != "since")
        if kind in self._expected:
            at = self._expected.index(kind)
            del self._expected[at]
            if is_partial and not is_since:
                # The parts that follow are older.
                self._expected.insert(at, "older")
        if kind == "view":
            self.shown = ids
        elif kind == "older":
            assert not ids or not self.shown or ids[-1] < self.shown[0], "history never repeats"
            self.shown = ids + self.shown
        else:
            assert not ids or not self.shown or ids[0] > self.shown[-1], "since never repeats"
            self.shown += ids

    async def reconnect(self) -> None:
        await until(self.take, "all answers")
        known = self.shown[-1] if self.shown else None
        await self.client.leave()
        await self.open(known)

    async def resume(self) -> None:
        """Resume if paused, and wait for the view."""
        if self.paused:
            await until(self.take, "all answers")
            self.ask("resume_live_update", "view")
            self.paused = False
        await until(self.take, "the view after the pause")

    async def saw(self) -> None:
        """Check that it was shown a stretch of what is stored for it, up to the newest event."""
        page = await self.house.store.newest(self.destination.id, 1000, self.fields["watched_ip"] or None)
        matches = self.query.predicate()
        stored = [event.id for event in page.events if matches(event)]
        await until(lambda: self.take() and self.shown[-1:] == stored[-1:], "the newest event")
        assert self.shown == stored[-len(self.shown) :], "a stretch up to the newest, without gap or duplicate"


def texts(amount: int) -> list[str]:
    """Messages: most have the word "many", some "few", some neither."""
    return [("many", "many few", "neither", "many")[number % 4] for number in range(amount)]


@pytest.fixture
def search_limits() -> SearchLimits:
    """Limits with which searches take several steps over few events."""
    return SearchLimits(first_scan=4)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, portion=st.integers(1, 8))
@pytest_twisted.ensureDeferred
async def test_what_a_viewer_was_shown_is_a_stretch_of_the_history_without_gap_or_duplicate(
    make_house: MakeHouse, steps: list[tuple[str, int, int]], portion: int
) -> None:
    house, destination = await _house(make_house)
    readers = [Reader(house, destination, portion, *how) for how in READERS]
    for reader in readers:
        await reader.open()
    for step, amount, which in steps:
        reader = readers[which]
        if step == "ingest":
            await house.ingest(destination, *texts(amount), sender_ip=SENDERS[which])
        elif step == "ingest_unannounced" and not house.listener.linked:
            await house.store_events(destination, texts(amount), SENDERS[which])
        elif step == "pause":
            reader.ask("pause_live_update")
            reader.paused = True
        elif step == "resume":
            reader.ask("resume_live_update", "view")
            reader.paused = False
        elif step == "get_logs":
            reader.ask("get_logs", "older")
        elif step == "cancel_search":
            reader.ask("cancel_search")
        elif step == "cut" and house.listener.linked:
            house.listener.cut()
        elif step == "link" and not house.listener.linked:
            house.listener.connect()
        elif step == "reconnect":
            await reader.reconnect()
        elif step == "wait":
            await turns(amount)
    if not house.listener.linked:
        house.listener.connect()
    for reader in readers:
        await reader.resume()
    for sender_ip in SENDERS:
        await house.ingest(destination, "the last of many", sender_ip=sender_ip)
    for reader in readers:
        await reader.saw()
        await reader.client.leave()


async def _house(make_house: Any) -> tuple[House, Destination]:
    """One house for all examples of a run; each has a destination of its own."""
    house = getattr(make_house, "house", None)
    if house is None:
        house, _ = await make_house()
        make_house.house = house
    if not house.listener.linked:
        house.listener.connect()
    number = len(house.accounts)
    account, destination = await house.store.register(
        f"e{number}@example.com", "hash", "UTC", "h", range(100, 9000), only_first=False
    )
    house.accounts[f"extra {number}"] = account
    house.accounts["owner"] = account
    return house, destination
