"""How a connection's bytes become lines, for each way of sending, over any transport.

A stream takes what a connection gave. It tells the :class:`StreamConnection` (the receiver) what to submit, write, hold
and end.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import attrs

from ppl.sources.framing import Framer, Frames, whole_message
from ppl.sources.relp import Relp, RelpError
from ppl.sources.screening import NONE_REFUSED, Committed, Refused

#: Messages of one RELP client that may wait for their commit; its window is some hundred (librelp's default: 128).
MOST_PENDING = 10_000

#: Lines of one turn; those of a read that holds more (lines of a byte or two) are done in several.
MOST_LINES = 2048


class StreamConnection(Protocol):
    """What a stream asks of its connection."""

    def submit(self, frames: Frames, size: int, committed: Committed | None = None) -> None:
        """Hand lines on; ``committed`` is called when those that are taken are durable."""

    def write(self, data: bytes) -> None:
        """Send to the peer, unless it has gone."""

    def hold(self, reason: str) -> None:
        """Read no more, until every reason has gone."""

    def let_go(self, reason: str) -> None:
        """A reason has gone."""

    def hang_up(self, why: str | None = None) -> None:
        """End the connection once all is written; ``why`` it is the peer's fault, for the log."""

    def read_out(self) -> None:
        """End the connection, and take what comes until its peer knows."""


class Stream(Protocol):
    """One way of sending."""

    @property
    def held(self) -> int:
        """Bytes of what was begun and not ended."""

    @property
    def has_more(self) -> bool:
        """Whether a part of what was fed waits for the next :meth:`feed`, with or without data."""

    def feed(self, data: bytes) -> None:
        """What a read gave."""

    def finish(self) -> None:
        """The connection has ended; :meth:`feed` is still called while there is more."""

    def close(self) -> None:
        """The port closes: end the connection as this way of sending wants it."""

    def expire(self) -> None:
        """What was begun has waited for its end too long."""

    def give_up(self, why: str) -> None:
        """It must hold nothing any more: end the connection."""


class LineStream:
    """Syslog lines or counted messages (RFC 6587): nothing is ever answered."""

    def __init__(self, lane: StreamConnection, max_line_bytes: int) -> None:
        self._lane = lane
        self._framer = Framer(max_line_bytes, MOST_LINES)
        self._has_ended = False

    @property
    def held(self) -> int:
        """See :class:`Stream`."""
        return self._framer.held

    @property
    def has_more(self) -> bool:
        """See :class:`Stream`."""
        return self._framer.has_more

    def feed(self, data: bytes) -> None:
        """See :class:`Stream`."""
        self._lane.submit(self._framer.feed(data), len(data))
        if self._has_ended:
            self.finish()

    def finish(self) -> None:
        """A line that was cut off by the end is kept."""
        self._has_ended = True
        if not self._framer.has_more:
            self.expire()

    def close(self) -> None:
        """See :class:`Stream`; what is on its way was told to nobody as lost, so it is read."""
        self._lane.read_out()

    def expire(self) -> None:
        """What has come of the line is shown; what comes on will be another."""
        self._lane.submit(self._framer.flush(), 0)

    def give_up(self, why: str) -> None:
        """See :class:`Stream`; what has come is kept."""
        self.finish()
        self._lane.hang_up(why)


@attrs.define(eq=False)
class _Read:
    """The messages of one read, acknowledged together."""

    count: int
    refused: Refused = NONE_REFUSED
    is_durable: bool = False


class RelpStream:
    """RELP: each message is answered after its commit, so a client repeats what was not stored.

    A message that is not taken, and will not be, is answered as refused: rsyslog goes on with the next one then, while
    it would send one without an answer again and again.
    """

    def __init__(self, lane: StreamConnection, max_line_bytes: int) -> None:
        self._lane = lane
        self._relp = Relp(max_line_bytes)
        self._most = max_line_bytes
        self._reads: deque[_Read] = deque()
        self._ending = False
        self._why: str | None = None

    @property
    def held(self) -> int:
        """See :class:`Stream`."""
        return self._relp.held

    @property
    def has_more(self) -> bool:
        """See :class:`Stream`."""
        return self._relp.has_more

    def feed(self, data: bytes) -> None:
        """See :class:`Stream`."""
        if self._ending:
            return
        fault = None
        try:
            messages = self._relp.feed(data)
        except RelpError as error:
            messages, fault = error.messages, str(error)
        if messages:
            read = _Read(len(messages))
            self._reads.append(read)
            lines = tuple(whole_message(message, self._most) for message in messages)
            self._lane.submit(Frames(messages=lines), len(data), lambda refused: self._committed(read, refused))
            if self._ending:
                return
        if fault is not None:
            self._end(f"it does not speak RELP: {fault}")
            return
        if self._relp.pending > MOST_PENDING:
            self._lane.hold("window")
        self._say()

    def finish(self) -> None:
        """What was begun and not finished was never acknowledged, so its sender repeats it."""
        self._ending = True
        self._relp.discard()

    def expire(self) -> None:
        """See :class:`Stream`."""
        self.give_up("a RELP frame was begun and not finished in time (--partial-seconds)")

    def give_up(self, why: str) -> None:
        """See :class:`Stream`; what was begun was never acknowledged, so it is not lost."""
        self._end(why)

    def close(self) -> None:
        """The client is told, and gets the answers that are due."""
        self._end(None)

    def _committed(self, read: _Read, refused: Refused) -> None:
        read.is_durable, read.refused = True, refused
        # A read of nothing but empty messages is durable at once; its answers still wait for those before it.
        while self._reads and self._reads[0].is_durable:
            first = self._reads.popleft()
            self._relp.acknowledge(first.count, first.refused)
        if self._relp.pending <= MOST_PENDING // 2:
            self._lane.let_go("window")
        self._say()

    def _end(self, why: str | None) -> None:
        """Read no more; when all answers are out, end."""
        self._ending, self._why = True, why
        self._relp.discard()
        self._lane.hold("ending")
        self._say()

    def _say(self) -> None:
        ends = self._ending and not self._relp.pending
        if ends:
            self._relp.hint_close()
        output = self._relp.take_output()
        if output:
            self._lane.write(output)
        if ends or self._relp.closed:
            self._lane.hang_up(self._why)
            # Only who reads sees that the peer ends, too.
            self._lane.let_go("ending")
