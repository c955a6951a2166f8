"""Checks whether every sender and viewer has recovered since a moment, such as the end of a fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import attrs

from tests.faults.chaos.senders import FLOODS, Sender
from tests.faults.chaos.viewers import Paging, Pausing, Watching

#: Seconds within which every sender and viewer recovers.
GETS_ON_WITHIN = 60.0


@attrs.frozen
class Late:
    """A sender or viewer that has not recovered.

    Attributes:
        why: what is missing.
        stands: seconds without any progress.
    """

    why: str
    stands: float


class Settling:
    """Checks recovery since the moment of its creation.

    A sender has recovered when a line that it began since is acknowledged; a viewer, when it has seen every line that
    was sent before. A viewer of a flood, with which it may never catch up, must see something new; one that pauses or
    pages must get an answer.
    """

    def __init__(self, senders: Sequence[Sender], viewers: Sequence[Watching]) -> None:
        self._senders, self._viewers = senders, viewers
        self._began = time.monotonic()
        self._sent = {sender.name: sender.sent for sender in senders}
        self._rounds = [viewer.rounds for viewer in viewers]
        self._last = [viewer.seen.last for viewer in viewers]

    @property
    def lasts(self) -> float:
        """Seconds since that moment."""
        return time.monotonic() - self._began

    def late(self) -> list[Late]:
        """The senders and viewers that have not recovered."""
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
    """Checks whether viewers have reached their end; one with much to catch up with has time while it makes progress.

    Args:
        viewers: all viewers.
        has_ended: tells whether a viewer has reached its end.
    """

    def __init__(self, viewers: Sequence[Watching], has_ended: Callable[[Watching], bool]) -> None:
        self._has_ended = has_ended
        self._began = time.monotonic()
        self._moved = {viewer: (viewer.seen.last, self._began) for viewer in viewers}

    @property
    def lasts(self) -> float:
        """Seconds since its creation."""
        return time.monotonic() - self._began

    def late(self) -> list[Late]:
        """The viewers that have not reached their end."""
        return list(self._late())

    def _late(self) -> Iterator[Late]:
        for viewer, (last, _) in self._moved.items():
            if viewer.seen.last != last:
                self._moved[viewer] = viewer.seen.last, time.monotonic()
            if not self._has_ended(viewer):
                yield Late(f"{viewer.name} has not reached the end,", time.monotonic() - self._moved[viewer][1])
