"""A store in memory that waits in each step until a test says how the step ends: it fails as told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred

from ppl.errors import IdConflict, StatementTimeout, StoreUnavailable
from ppl.model import Destination, Events

DESTINATIONS = [Destination(number, "h", 20_000 + number, "+00:00") for number in range(1, 7)]


@attrs.define(eq=False)
class Call:
    """A call of the store that waits to be told how it ends."""

    ends: Deferred[str]
    events: int


class ToldStore:
    """Events in memory, by the rules of the real store; each step of each call waits until a test says how it ends.

    ``ok``; ``away``, ``timeout`` and ``error`` raise before anything is committed; ``reply lost`` raises afterwards.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.rows: dict[int, dict[int, str]] = defaultdict(dict)

    async def last_ids(self) -> dict[int, int]:
        await self._told(0)
        return {destination: max(rows) for destination, rows in self.rows.items() if rows}

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        number = sum(map(len, batch))
        end = await self._told(number)
        if after is not None:
            await after
            end = await self._told(number)
        self._commit(batch)
        if end == "reply lost":
            raise StoreUnavailable("The connection was lost.")

    async def _told(self, events: int) -> str:
        call = Call(Deferred(), events)
        self.calls.append(call)
        end = await call.ends
        if end == "away":
            raise StoreUnavailable("away")
        if end == "timeout":
            raise StatementTimeout("slow")
        if end == "error":
            raise RuntimeError("of a kind that nobody expected")
        return end

    def end(self, index: int, how: str) -> None:
        self.calls.pop(index).ends.callback(how)

    def _commit(self, batch: Sequence[Events]) -> None:
        new = {(events.destination.id, id_): text for events in batch for id_, text in texts(events)}
        found = {key: self.rows[key[0]].get(key[1]) for key in new}
        if any(found.values()):
            if found != new:
                raise IdConflict("taken")
            return
        for (destination, id_), text in new.items():
            self.rows[destination][id_] = text


def texts(events: Events) -> list[tuple[int, str]]:
    return list(zip(events.ids, events.lines.message, strict=True))
