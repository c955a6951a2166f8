"""Turns a connection's bytes into lines, for each way of sending, over any transport.

A stream takes the bytes of a connection, and tells the :class:`StreamConnection` (the receiver) what to submit and
write, and when to pause reading and to end.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import attrs

from ppl.sources.first_line import Patience
from ppl.sources.framing import Framer, Frames, whole_message
from ppl.sources.relp import Relp, RelpError
from ppl.sources.screening import NONE_REFUSED, Committed, Refused

#: Messages of one RELP client that may wait for their commit; its window is about a hundred (librelp's default: 128).
MOST_PENDING = 10_000

#: Most lines of one turn; a read that holds more (lines of less than 250 bytes) is processed in several.
MOST_LINES = 512


class StreamConnection(Protocol):
    """A connection as its stream uses it."""

    def submit(self, frames: Frames, size: int, committed: Committed | None = None) -> None:
        """Hand lines on; ``committed`` is called when the accepted ones are durable."""

    def write(self, data: bytes) -> None:
        """Send to the peer, unless it has gone."""

    def hold(self, reason: str) -> None:
        """Pause reading until every reason has gone."""

    def let_go(self, reason: str) -> None:
        """Note that ``reason`` has gone; resume reading after the last."""

    def hang_up(self, why: str | None = None) -> None:
        """End the connection once all is written; ``why`` is for the log, when it is the peer's fault."""

    def read_out(self) -> None:
        """End the connection, and read what arrives until the peer knows."""


class Stream(Protocol):
    """One way of sending."""

    @property
    def held(self) -> int:
        """Bytes of the unfinished line or frame."""

    @property
    def has_more(self) -> bool:
        """Whether a part of what was fed waits for the next :meth:`feed`, with or without data."""

    @property
    def patience(self) -> Patience:
        """How long to wait for the rest of the unfinished line or frame."""

    def feed(self, data: bytes) -> None:
        """Take the data of one read."""

    def finish(self) -> None:
        """The connection has ended; :meth:`feed` is still called while there is more."""

    def close(self) -> None:
        """The port closes: end the connection in the way that suits this protocol."""

    def expire(self) -> None:
        """End the line or frame that has been unfinished for too long; :meth:`feed` is called while there is more."""

    def give_up(self, why: str) -> None:
        """End the connection and hold nothing any more; ``why`` is for the log."""


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

    @property
    def patience(self) -> Patience:
        """See :class:`Stream`."""
        return self._framer.patience

    def feed(self, data: bytes) -> None:
        """See :class:`Stream`."""
        self._lane.submit(self._framer.feed(data), len(data))
        if self._has_ended:
            self.finish()

    def finish(self) -> None:
        """See :class:`Stream`; a line that the end cut off is kept."""
        self._has_ended = True
        if not self._framer.has_more:
            self.expire()

    def close(self) -> None:
        """See :class:`Stream`; the sender would not learn that lines on their way are lost, so they are read."""
        self._lane.read_out()

    def expire(self) -> None:
        """See :class:`Stream`; the part that has come becomes a line, and the rest will be another."""
        self._lane.submit(self._framer.flush(), 0)

    def give_up(self, why: str) -> None:
        """See :class:`Stream`; the part of a line that has come is kept."""
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

    A message that is not taken and never will be is answered as refused: then rsyslog goes on with the next one.
    Without an answer it would send the message again and again.
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

    @property
    def patience(self) -> Patience:
        """See :class:`Stream`."""
        return Patience.LONG

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
        """See :class:`Stream`; an unfinished frame was never acknowledged, so its sender repeats it."""
        self._ending = True
        self._relp.discard()

    def expire(self) -> None:
        """See :class:`Stream`."""
        self.give_up("a RELP frame was begun and not finished in time (--partial-seconds)")

    def give_up(self, why: str) -> None:
        """See :class:`Stream`; an unfinished frame was never acknowledged, so it is not lost."""
        self._end(why)

    def close(self) -> None:
        """See :class:`Stream`; the client is told, and gets the answers that are due."""
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
        """Stop reading, and end the connection when all answers are out."""
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
            # Only a connection that is read from notices that the peer ends, too.
            self._lane.let_go("ending")
