"""Gap-free and duplicate-free through anything: random histories against the real database, hub and WebSockets."""

from __future__ import annotations

from typing import Any

import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppl.model import Destination
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import turns, until

#: What may happen, and how much of it.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.integers(1, 12)),
        st.tuples(st.just("ingest_unannounced"), st.integers(1, 5)),
        st.tuples(st.just("pause"), st.just(0)),
        st.tuples(st.just("resume"), st.just(0)),
        st.tuples(st.just("get_logs"), st.just(0)),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("link"), st.just(0)),
        st.tuples(st.just("reconnect"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 4)),
    ),
    min_size=3,
    max_size=25,
)


class Reader:
    """A viewer program that keeps what it was shown, as the protocol page tells it to."""

    def __init__(self, house: House, destination: Destination, portion: int) -> None:
        self.house, self.destination, self.portion = house, destination, portion
        self.shown: list[int] = []
        self.paused = False
        self._taken = 0
        self._expected: list[str] = []

    async def open(self, since: int | None = None) -> None:
        self.client = await self.house.connect()
        self._taken, self.paused = 0, False
        fields: dict[str, Any] = {"user_id": self.destination.user_id, "logs_portion": self.portion, "batch": True}
        if since is not None:
            fields["since"] = str(since)
            # The server's view begins there; what is older comes again when it is asked for.
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
                self._take_logs(ids, "since" in data)
            else:
                assert name == "paused_count", f"{name}: {data}"
        return not self._expected

    def _take_logs(self, ids: list[int], is_since: bool) -> None:
        kind = "since" if is_since else next(each for each in self._expected if each != "since")
        if kind in self._expected:
            self._expected.remove(kind)
        if kind == "view":
            self.shown = ids
        elif kind == "older":
            assert not ids or not self.shown or ids[-1] < self.shown[0], "history never repeats"
            self.shown = ids + self.shown
        else:
            assert not ids or not self.shown or ids[0] > self.shown[-1], "since never repeats"
            self.shown += ids


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, portion=st.integers(1, 8))
@pytest_twisted.ensureDeferred
async def test_what_a_viewer_was_shown_is_a_stretch_of_the_history_without_gap_or_duplicate(
    make_house: MakeHouse, steps: list[tuple[str, int]], portion: int
) -> None:
    house, destination = await _house(make_house)
    reader = Reader(house, destination, portion)
    await reader.open()
    for step, amount in steps:
        if step == "ingest":
            await house.ingest(destination, *("x" for _ in range(amount)))
        elif step == "ingest_unannounced" and not house.listener.linked:
            await house.store_events(destination, ["x"] * amount)
        elif step == "pause":
            reader.ask("pause_live_update")
            reader.paused = True
        elif step == "resume":
            reader.ask("resume_live_update", "view")
            reader.paused = False
        elif step == "get_logs":
            reader.ask("get_logs", "older")
        elif step == "cut" and house.listener.linked:
            house.listener.cut()
        elif step == "link" and not house.listener.linked:
            house.listener.connect()
        elif step == "reconnect":
            await until(reader.take, "all answers")
            known = reader.shown[-1] if reader.shown else None
            await reader.client.leave()
            await reader.open(known)
        elif step == "wait":
            await turns(amount)
    if not house.listener.linked:
        house.listener.connect()
    await until(reader.take, "all answers")
    if reader.paused:
        reader.ask("resume_live_update", "view")
        await until(reader.take, "the view after the pause")
    await house.ingest(destination, "the last")
    stored = [event.id for event in (await house.store.newest(destination.id, 1000)).events]
    await until(lambda: reader.take() and reader.shown[-1:] == stored[-1:], "the newest event")
    assert reader.shown == stored[-len(reader.shown) :], "a stretch up to the newest, without gap or duplicate"
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
