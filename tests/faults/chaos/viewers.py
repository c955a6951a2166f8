"""Viewer programs that reconnect whatever happens, and keep what they saw to be compared with what is stored."""

from __future__ import annotations

import random
import time
import zlib
from array import array
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import attrs
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tests.faults.soaking import Part
from tests.fixtures.running import Registered
from tests.fixtures.watching import Viewer

#: Errors by which a connection may be refused or break during faults.
LOST = (OSError, EOFError, WebSocketException)
_AWAY = {429, 500, 502, 503}
_OURS = {1002, 1009, 1011, 4401}


def fingerprint(message: str) -> int:
    """A 32-bit checksum of a message."""
    return zlib.crc32(message.encode("utf-8", "surrogatepass"))


@attrs.define
class Gap:
    """A ``live_gap`` with its first and last id, and the ids fetched for it so far: all up to ``reached``."""

    first: int
    last: int
    skipped: int
    reached: int
    fetched: array[int] = attrs.Factory(lambda: array("q"))


@attrs.define
class Seen:
    """The events that one view showed.

    Attributes:
        since: the view has every event after this id; ``None``: every event from the first one shown on.
        ids, texts: ids of the events, ascending, and fingerprints of their texts.
        gaps: the gaps that the server reported.
    """

    since: int | None
    ids: array[int] = attrs.Factory(lambda: array("q"))
    texts: array[int] = attrs.Factory(lambda: array("L"))
    gaps: list[Gap] = attrs.Factory(list)

    @property
    def last(self) -> int:
        """The newest id that was shown or left out."""
        return max(
            self.ids[-1] if self.ids else 0, self.gaps[-1].last if self.gaps else 0, 0 if not self.since else self.since
        )

    def newer(self, events: Iterable[dict[str, str]]) -> None:
        """Append newer events."""
        for event in events:
            number = int(event["id"])
            assert number > self.last, f"{number} after {self.last}: each event once, in order"
            self.ids.append(number)
            self.texts.append(fingerprint(event["message"]))

    def older(self, events: Iterable[dict[str, str]]) -> None:
        """Prepend events older than all others."""
        before = Seen(None)
        before.newer(events)
        assert not (before.ids and self.ids) or before.last < self.ids[0], "history is older than what was shown"
        self.ids, self.texts = before.ids + self.ids, before.texts + self.texts


class Watching(Part):
    """A viewer of all events from the first on, in one view over many connections; it fetches what it missed.

    Args:
        url: Ppl's.
        who: the account whose events it views.
        names: names of the senders whose lines it must see.
        rng: decides how long it stays, and how it leaves.
        query: its search; ``""``: none.

    Attributes:
        views: what was shown, view by view; the last one is the present one.
        newest: number of the last line seen, by its sender's name.
        rounds: how many requests were answered.
        refused: the errors that kept it out, and how often.
    """

    #: Whether every line of ``names`` must reach it soon.
    is_prompt = True
    batch = True

    def __init__(self, url: str, who: Registered, names: list[str], rng: random.Random, query: str = "") -> None:
        super().__init__(f"{type(self).__name__} of {names}{' by query' * bool(query)}")
        self.names, self.query = names, query
        self.views = [Seen(0)]
        self.newest: dict[str, int] = {}
        self.rounds = self.connections = 0
        self.refused: dict[str, int] = {}
        self.rng = rng
        self._url, self._who = url, who
        self._until: int | None = None
        self._fetching = False
        self._given_up = False

    @property
    def seen(self) -> Seen:
        """The present view."""
        return self.views[-1]

    def end_at(self, last_id: int) -> None:
        """End once every event up to this id was shown."""
        self._until = last_id
        self.finishing.set()

    def give_up(self) -> None:
        """End without waiting for anything."""
        self._given_up = True
        self.finishing.set()

    @property
    def has_all(self) -> bool:
        """Whether it was shown every event that it waits for."""
        return self._given_up or (self._until is not None and self.seen.last >= self._until and self.missing is None)

    @property
    def missing(self) -> Gap | None:
        """A gap whose events are not all fetched; ``None``: there is none."""
        return next((gap for gap in self.seen.gaps if len(gap.fetched) < gap.skipped), None)

    def act(self) -> None:
        """Connect again and again."""
        while not self.has_all:
            viewer = None
            try:
                # It reads nothing more when it closes, and so may not see the answer to its close frame.
                viewer = Viewer(self._url, self._who, closes_within=1)
                self.connections += 1
                self._watch(viewer)
            except InvalidStatus as refusal:
                status = refusal.response.status_code
                assert status in _AWAY, f"refused with {status}"
                self._note(str(status))
            except ConnectionClosed as closed:
                self._check_code(closed)
            except LOST as error:
                self._note(type(error).__name__)
            if viewer is not None:
                self._leave(viewer)
            self.finishing.wait(0.1 + self.rng.random() * 0.2)

    @staticmethod
    def _check_code(closed: ConnectionClosed) -> None:
        assert closed.rcvd is None or closed.rcvd.code not in _OURS, f"closed by Ppl: {closed.rcvd}"

    def _note(self, refusal: str) -> None:
        self.refused[refusal] = self.refused.get(refusal, 0) + 1

    def _leave(self, viewer: Viewer) -> None:
        with suppress(*LOST):
            if self.rng.random() < 0.5:
                viewer.close()
            else:
                viewer.abandon()

    def _watch(self, viewer: Viewer) -> None:
        leaves = time.monotonic() + self.rng.uniform(4, 20)
        self._fetching = False
        viewer.send("send_user_data", self.wanted())
        while time.monotonic() < leaves and not self.has_all:
            frame = viewer.poll(0.2)
            if frame is not None and not self._take(viewer, *frame):
                return
            self.habit(viewer)

    def wanted(self) -> dict[str, Any]:
        """The fields with which it identifies itself."""
        return {**self.usual(), "since": str(self.seen.last)}

    def usual(self) -> dict[str, Any]:
        """These fields without where the view begins."""
        fields: dict[str, Any] = {"user_id": self._who.user_id, "logs_portion": "1000"}
        if self.batch:
            fields["batch"] = True
        if self.query:
            fields["query"] = self.query
        return fields

    def habit(self, viewer: Viewer) -> None:
        """Act on its own, after each frame and at least five times a second."""

    def _take(self, viewer: Viewer, name: str, data: Any) -> bool:
        """Handle a frame; returns whether to stay connected."""
        match name:
            case "live_update_logs":
                self._newer(data["events"] if "events" in data else [data["event"]])
            case "send_logs" if "after" in data:
                self._fill(viewer, data)
            case "send_logs":
                self.logs(data)
                self._fetch(viewer)
            case "live_gap":
                first = int(data["from"])
                self.seen.gaps.append(Gap(first, int(data["to"]), data["skipped"], first - 1))
                self._fetch(viewer)
            case "error":
                assert data["code"] == "store_unavailable", f"refused: {data}"
                return False
            case _:
                assert name in ("paused_count", "search_progress"), name
        return True

    def logs(self, data: dict[str, Any]) -> None:
        """Handle a portion that was not requested with ``after``."""
        assert "since" in data, f"a portion that nobody asked for: {str(data)[:200]}"
        self._newer(data["events"])

    def _newer(self, events: list[dict[str, Any]]) -> None:
        self.seen.newer(events)
        for event in events:
            self.notice(event["message"])

    def notice(self, message: str) -> None:
        """Remember the number of the sender's last line."""
        name, _, number = message.partition(" ")
        if number.isdecimal():
            self.newest[name] = max(int(number), self.newest.get(name, 0))

    def _fetch(self, viewer: Viewer) -> None:
        gap = self.missing
        if gap is not None and not self._fetching:
            self._fetching = True
            viewer.send("get_logs", {"after": str(gap.reached), "before": str(gap.last + 1)})

    def _fill(self, viewer: Viewer, data: dict[str, Any]) -> None:
        # A search answers in parts; the next request must wait for the last part.
        self._fetching = data.get("isPartial") == "true"
        # The gap may belong to a view that has ended meanwhile.
        gap = next(gap for seen in self.views for gap in seen.gaps if gap.last + 1 == int(data["before"]))
        gap.fetched += array("q", (int(event["id"]) for event in data["events"]))
        for event in data["events"]:
            self.notice(event["message"])
        assert len(gap.fetched) <= gap.skipped, "no more than what was skipped is in a gap"
        reached = int(data.get("reached", gap.fetched[-1] if data["events"] else 0))
        assert self._fetching or reached > gap.reached, f"{gap.skipped} were skipped, {len(gap.fetched)} are there"
        gap.reached = max(gap.reached, reached)
        self._fetch(viewer)


class Founding(Watching):
    """A viewer as in the founding document: one event per frame, and a new view with each connection."""

    batch = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._begins = False

    def wanted(self) -> dict[str, Any]:
        """The fields of a new view, whatever was seen before."""
        return self.begin()

    def begin(self) -> dict[str, Any]:
        """Expect a new view."""
        self._begins = True
        return self.usual()

    def logs(self, data: dict[str, Any]) -> None:
        """Handle the beginning of a view, or older events."""
        self.rounds += 1
        events = data["events"]
        if self._begins:
            self._begins = False
            self.views.append(Seen(None))
            self._newer(events)
            return
        self.seen.older(events)


class Pausing(Founding):
    """A viewer that pauses and resumes; each resume begins a new view."""

    is_prompt = False
    batch = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._changes = 0.0
        self._is_paused = False

    def wanted(self) -> dict[str, Any]:
        """The fields of a new view, which is not paused."""
        self._is_paused = False
        return super().wanted()

    def habit(self, viewer: Viewer) -> None:
        """Pause, or resume; not before the beginning of the view has come."""
        if time.monotonic() < self._changes or self._begins:
            return
        self._changes = time.monotonic() + self.rng.uniform(0.2, 2)
        if self._is_paused:
            viewer.send("resume_live_update")
            self.begin()
        elif not self.finishing.is_set():
            viewer.send("pause_live_update")
        else:
            return
        self._is_paused = not self._is_paused


class Paging(Founding):
    """A viewer that pages back through history while live events arrive."""

    is_prompt = False
    batch = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._asked = 0.0
        self._waits = False

    def wanted(self) -> dict[str, Any]:
        """The fields of a new view with small portions."""
        self._waits = True
        return {**super().wanted(), "logs_portion": "50"}

    def logs(self, data: dict[str, Any]) -> None:
        """Handle a portion; the next page may then be requested."""
        self._waits = False
        super().logs(data)

    def habit(self, viewer: Viewer) -> None:
        """Request the next page once the last one has come."""
        if self._waits or time.monotonic() < self._asked or self.finishing.is_set():
            return
        self._asked = time.monotonic() + 0.2
        self._waits = True
        viewer.send("get_logs")


class Slow(Watching):
    """A viewer that reads a few frames a second, and fetches the events that were skipped."""

    is_prompt = False

    def habit(self, viewer: Viewer) -> None:
        """Wait before the next frame, but not when finishing."""
        self.finishing.wait(self.rng.uniform(0.05, 0.5))
