"""Whether everybody has got on since a moment, such as the end of a fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import attrs

from tests.faults.chaos.senders import FLOODS, Sender
from tests.faults.chaos.viewers import Paging, Pausing, Watching

#: Seconds within which everybody gets on.
GETS_ON_WITHIN = 60.0


@attrs.frozen
class Late:
    """Somebody that has not got on.

    Attributes:
        why: what is missing.
        stands: seconds since it last came nearer.
    """

    why: str
    stands: float


class Settling:
    """The moment is when it is made.

    A sender has got on when a line that it began afterwards is acknowledged; a viewer, when it saw every line that was
    sent before. Of a flood, which it may not catch up with, it must see something new. Others must get an answer.
    """

    def __init__(self, senders: Sequence[Sender], viewers: Sequence[Watching]) -> None:
        self._senders, self._viewers = senders, viewers
        self._began = time.monotonic()
        self._sent = {sender.name: sender.sent for sender in senders}
        self._rounds = [viewer.rounds for viewer in viewers]
        self._last = [viewer.seen.last for viewer in viewers]

    @property
    def lasts(self) -> float:
        """Seconds since the moment."""
        return time.monotonic() - self._began

    def late(self) -> list[Late]:
        """Who has not got on."""
        return [*self._late_senders(), *self._late_viewers()]

    def _late_senders(self) -> Iterator[Late]:
        for sender in self._senders:
            acknowledged = getattr(sender, "acknowledged", None)
            due = self._sent[sender.name]
            if acknowledged is not None and acknowledged <= due:
                yield Late(f"{sender.name} has {acknowledged} of {due} lines acknowledged", self.lasts)

    def _late_viewers(self) -> Iterator[Late]:
        for number, viewer in enumerate(self._viewers):
            if missing := self._missing(number, viewer):
                yield Late(f"{viewer.name} ({viewer.connections} connections, {viewer.refused}) {missing}", self.lasts)

    def _missing(self, number: int, viewer: Watching) -> str:
        if isinstance(viewer, (Pausing, Paging)):
            return "got no answer" if viewer.rounds == self._rounds[number] else ""
        if not viewer.is_prompt:
            return ""
        if any(flood in name for flood in FLOODS for name in viewer.names):
            return "saw nothing new" if viewer.seen.last == self._last[number] else ""
        seen = {name: viewer.newest.get(name, -1) for name in viewer.names}
        late = [f"{name} {last} of {self._sent[name]}" for name, last in seen.items() if last < self._sent[name]]
        return f"saw {', '.join(late)}" if late else ""


class Ending:
    """Whether viewers have reached their end; one with much to catch up with has time, as long as it comes nearer.

    Args:
        viewers: all of them.
        has_ended: whether one has.
    """

    def __init__(self, viewers: Sequence[Watching], has_ended: Callable[[Watching], bool]) -> None:
        self._has_ended = has_ended
        self._began = time.monotonic()
        self._moved = {viewer: (viewer.seen.last, self._began) for viewer in viewers}

    @property
    def lasts(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    def late(self) -> list[Late]:
        """Who has not reached it."""
        return list(self._late())

    def _late(self) -> Iterator[Late]:
        for viewer, (last, _) in self._moved.items():
            if viewer.seen.last != last:
                self._moved[viewer] = viewer.seen.last, time.monotonic()
            if not self._has_ended(viewer):
                yield Late(f"{viewer.name} has not reached the end,", time.monotonic() - self._moved[viewer][1])
