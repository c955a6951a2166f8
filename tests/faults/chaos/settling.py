"""Whether everybody has got on since a moment, such as the end of a fault."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import attrs

from tests.faults.chaos.senders import Sender
from tests.faults.chaos.viewers import Paging, Pausing, Watching

#: Seconds within which everybody gets on.
GETS_ON_WITHIN = 60.0

#: The same for viewers that have much to catch up with, and come nearer.
CATCHES_UP_WITHIN = 240.0


@attrs.frozen
class Late:
    """Somebody that has not got on.

    Attributes:
        why: what is missing.
        stands: seconds since it last came nearer, or since the moment.
    """

    why: str
    stands: float


class Settling:
    """The moment is when it is made.

    A sender has got on when a line that it began afterwards is acknowledged; a viewer, when it saw every line that was
    sent before, or got an answer.
    """

    def __init__(self, senders: Sequence[Sender], viewers: Sequence[Watching]) -> None:
        self._senders, self._viewers = senders, viewers
        self._began = time.monotonic()
        self._sent = {sender.name: sender.sent for sender in senders}
        self._rounds = [viewer.rounds for viewer in viewers]
        self._moved = [(viewer.seen.last, self._began) for viewer in viewers]

    @property
    def lasts(self) -> float:
        """Seconds since the moment."""
        return time.monotonic() - self._began

    def late(self) -> list[Late]:
        """Who has not got on."""
        return [*self._late_senders(), *self._late_viewers()]

    def is_too_long(self, late: Sequence[Late]) -> bool:
        """Whether one of them should have."""
        return any(each.stands > GETS_ON_WITHIN for each in late) or (bool(late) and self.lasts > CATCHES_UP_WITHIN)

    def _late_senders(self) -> Iterator[Late]:
        for sender in self._senders:
            acknowledged = getattr(sender, "acknowledged", None)
            due = self._sent[sender.name]
            if acknowledged is not None and acknowledged <= due:
                yield Late(f"{sender.name} has {acknowledged} of {due} lines acknowledged", self.lasts)

    def _late_viewers(self) -> Iterator[Late]:
        for number, viewer in enumerate(self._viewers):
            if viewer.seen.last != self._moved[number][0]:
                self._moved[number] = viewer.seen.last, time.monotonic()
            if missing := self._missing(number, viewer):
                who = f"{viewer.name} ({viewer.connections} connections, {viewer.refused})"
                yield Late(f"{who} {missing}", time.monotonic() - self._moved[number][1])

    def _missing(self, number: int, viewer: Watching) -> str:
        if isinstance(viewer, (Pausing, Paging)):
            return "got no answer" if viewer.rounds == self._rounds[number] else ""
        seen = {name: viewer.newest.get(name, -1) for name in viewer.names}
        late = [f"{name} {last} of {self._sent[name]}" for name, last in seen.items() if last < self._sent[name]]
        return f"saw {', '.join(late)}" if late and viewer.is_prompt else ""
