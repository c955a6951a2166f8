"""Splits a TCP stream into syslog messages: the framings of RFC 6587, detected for each connection.

:class:`Framer` takes the bytes of a socket and returns whole lines, whatever they contain. The listener feeds it and
hands its :class:`Frames` to :func:`ppl.sources.message.parse_message`.
"""

from __future__ import annotations

import sys

import attrs

from ppl.sources.counting import Counting
from ppl.sources.first_line import FirstLine, Framing, Patience
from ppl.sources.framing_signs import (
    BETWEEN,
    BREAK,
    BYTE_ORDER_MARK,
    COUNTED,
    COUNTED_LINE,
    LINE_WITH_PRI,
    LONGEST_MAY_BE_COUNTED,
    LONGEST_MAY_BE_END,
    MAY_BE_COUNTED,
    MAY_BE_ENDING_NUL,
    MAY_BE_LINE_WITH_PRI,
    MAY_END_WITH_NUL,
    NUL,
    NULS,
    NULS_AT_BEGINNING,
)
from ppl.sources.unfinished_line import CUT_MARK, TRAILERS, CompletedLines, UnfinishedLine, whole_characters

__all__ = ["CUT_MARK", "LOOKAHEAD", "Framer", "Frames", "whole_message"]

#: Most bytes that a :class:`Framer` holds besides an unfinished line, because what follows shows what they are.
LOOKAHEAD = 32

#: Bytes of lines after which a connection is known not to count octets; looking for counts costs time.
_OPEN = 1 << 16


@attrs.frozen
class Frames:
    """The lines that one read completed: a block or messages.

    Attributes:
        block: lines each ended by LF, as received (CR, NUL and empty lines included); the usual, fast form.
        messages: messages that may hold LF; trailers removed.
    """

    block: bytes = b""
    messages: tuple[bytes, ...] = ()


class Framer:
    """One connection's framing.

    Lines end with LF, messages end with NUL, or octets are counted (RFC 6587 section 3.4); :class:`FirstLine` tells
    which. Later the framing changes where the stream plainly shows another one:

    - from LF to counts, where one of the first lines begins with a count, a blank and a PRI;
    - from LF to NUL, at a NUL (not the first byte of a line) with a PRI after it, or with ``{`` after it if the line
      begins with a PRI or ``{``; any other NUL is text, or a trailer beside LF;
    - from NUL to LF, at LF with a PRI after it.

    All this depends on the bytes alone, and never on where a read ends: what shows only with more bytes waits for them,
    or for :meth:`flush`. A byte order mark at the beginning is dropped. Memory is bounded by ``max_line_bytes``,
    ``LOOKAHEAD`` and one read; each byte is looked at a constant number of times.

    Args:
        max_line_bytes: longer lines are cut and marked.
        most_lines: most lines of one :meth:`feed`; the others wait for its next call, with or without data.
        counted: whether octets are counted; ``None``: the bytes decide.
    """

    def __init__(self, max_line_bytes: int, most_lines: int | None = None, *, counted: bool | None = None) -> None:
        self._most = sys.maxsize if most_lines is None else most_lines
        self._line = UnfinishedLine(max_line_bytes)
        self._first = FirstLine(self._line)
        self._counting = Counting(self._line, self._most)
        self._framing = {None: Framing.UNKNOWN, False: Framing.LF, True: Framing.COUNTED}[counted]
        # Bytes of lines within which the connection may still go over to counts.
        self._open = _OPEN if counted is None else 0
        self._is_new = True
        # Data that was fed and waits for the next call: for its turn, or for data that shows what it is.
        self._rest = b""
        self._has_more = False

    @property
    def has_more(self) -> bool:
        """Whether lines wait for the next :meth:`feed`."""
        return self._has_more

    @property
    def held(self) -> int:
        """Bytes of the unfinished line or message."""
        return len(self._line) + (0 if self._has_more else len(self._rest))

    @property
    def patience(self) -> Patience:
        """How long to wait for the rest of the unfinished line before :meth:`flush`."""
        if self._framing is Framing.UNKNOWN:
            return self._first.patience(self._rest)
        is_ended = self._framing is Framing.LF and self._rest.startswith(b"\0") and not self._has_more
        return Patience.QUIET if is_ended else Patience.LONG

    def feed(self, data: bytes) -> Frames:
        """Take the ``data`` of one read; return the lines that it completes."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        self._has_more = False
        position = 0
        if self._is_new and data:
            if len(data) < len(BYTE_ORDER_MARK) and BYTE_ORDER_MARK.startswith(data):
                self._rest = data
                return Frames()
            self._is_new = False
            position = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
        completed = CompletedLines()
        while position < len(data):
            if completed.count >= self._most:
                self._has_more = True
                break
            before, framing = (position, completed.count), self._framing
            if framing is Framing.LF:
                position = self._feed_lines(data, position, completed)
                self._open = max(0, self._open - (position - before[0]))
            elif framing is Framing.COUNTED:
                position = self._counting.feed(data, position, completed)
            elif framing is Framing.NUL:
                position = self._feed_messages(data, position, completed)
            else:
                position, self._framing = self._first.feed(data, position, completed)
                if self._framing is Framing.LF and (lines := self._first.take_lines()):
                    data, position = lines + data[position:], 0
                    continue
            if (position, completed.count) == before and self._framing is framing:
                break
        self._rest = data[position:]
        return _frames(completed)

    def finish(self) -> Frames:
        """The unfinished line as a line of its own, once the connection has ended and no line waits.

        There may be several; then :attr:`has_more` tells, and :meth:`feed` has the others.
        """
        return self.flush()

    def flush(self) -> Frames:
        """The unfinished line as a line of its own; the rest of it, when it comes, will be another line.

        There may be several, as after :meth:`finish`.
        """
        if self._has_more:
            return Frames()
        self._is_new = False
        completed = CompletedLines()
        rest, self._rest = self._rest, b""
        if self._framing is Framing.UNKNOWN:
            if not len(self._line) and not rest:
                return Frames()
            self._framing = self._first.finish(rest, completed)
            if self._framing is Framing.LF:
                return self.feed(self._line.take() + rest + b"\n")
        elif self._framing is Framing.COUNTED:
            self._counting.finish(rest, completed)
        else:
            if self._framing is Framing.LF and rest.startswith(b"\0"):
                self._end_with_nul(rest, completed)
            else:
                self._line.keep(rest)
                completed.add(self._line.take())
        return _frames(completed)

    # Lines that end with LF (RFC 6587 section 3.4.2)

    def _feed_lines(self, data: bytes, position: int, completed: CompletedLines) -> int:
        if self._is_at_beginning and (nuls := NULS.match(data, position)):
            # Some senders end a line with LF and NUL.
            return nuls.end()
        nul = data.find(b"\0", position)
        most = self._most - completed.count
        # NULs are looked for one by one, so they count too.
        stop = _part_end(data, position, len(data), most, b"\n", b"\n\0" if nul >= 0 else b"\n")
        is_turn = stop < len(data)
        open_until = position + self._open
        if self._open and self._is_at_beginning and COUNTED.match(data, position, open_until):
            self._framing = Framing.COUNTED
            return position
        ending = self._ending_nul(data, position, stop) if 0 <= nul < stop else -1
        last = min(open_until, stop if ending < 0 else ending)
        found = COUNTED_LINE.search(data, position, last) if self._open else None
        if found:
            stop = found.start() + 1
        elif ending >= 0:
            self._framing = Framing.NUL
            self._add_lines(data[position:ending] + b"\n", completed)
            return ending + 1
        end = data.rfind(b"\n", position, stop) + 1
        if not end:
            return self._keep_certain(data, position)
        if nul >= 0 or found:
            self._add_lines(data[position:end], completed, most if is_turn else 0)
            return end
        completed.add_block(self._line.completed_by(data[position:end]), most if is_turn else 0)
        return end if is_turn or end == len(data) else self._keep_certain(data, end)

    @property
    def _is_at_beginning(self) -> bool:
        return not len(self._line) and not self._line.is_cut

    def _add_lines(self, block: bytes, completed: CompletedLines, least: int = 0) -> None:
        """Complete lines that may have NULs at their beginnings; they count for ``least`` or more."""
        block = NULS_AT_BEGINNING.sub(b"", block)
        completed.add_block(self._line.completed_by(block), max(least, block.count(b"\n")))

    def _ending_nul(self, data: bytes, position: int, stop: int) -> int:
        """The position of the first NUL that ends a message, or -1."""
        searched, may_end = position, None
        if not self._is_at_beginning:
            head = self._line.head(LONGEST_MAY_BE_END) + data[position : position + LONGEST_MAY_BE_END]
            may_end = bool(MAY_END_WITH_NUL.match(head))
        begins = position
        for found in NUL.finditer(data, position, stop):
            if found.lastgroup == "pri":
                return found.start()
            if found.lastgroup == "object":
                newline = data.rfind(b"\n", searched, found.start())
                if newline >= 0:
                    begins, may_end = newline + 1, None
                if may_end is None:
                    may_end = bool(MAY_END_WITH_NUL.match(data, begins))
                if may_end:
                    return found.start()
                searched = found.start()
        return -1

    def _keep_certain(self, data: bytes, position: int) -> int:
        """Add to the unfinished line the bytes from ``position`` on, but for those that may be a sign."""
        end = len(data)
        is_short = end - position <= LONGEST_MAY_BE_COUNTED
        if self._open and is_short and self._is_at_beginning and MAY_BE_COUNTED.match(data, position):
            return position
        nul = data.rfind(b"\0", max(position, end - LONGEST_MAY_BE_END))
        if nul >= 0 and MAY_BE_ENDING_NUL.match(data, nul):
            end = nul
        self._line.keep(data[position:end])
        return end

    def _end_with_nul(self, rest: bytes, completed: CompletedLines) -> None:
        """End the line before ``rest``, a NUL and maybe the beginning of a PRI, because nothing more has come."""
        if MAY_END_WITH_NUL.match(self._line.head(LONGEST_MAY_BE_END)):
            self._framing = Framing.NUL
        completed.add(self._line.take())
        completed.add(rest[1:])

    # Messages that end with NUL (RFC 6587 section 3.4.2)

    def _feed_messages(self, data: bytes, position: int, completed: CompletedLines) -> int:
        if self._is_at_beginning and (between := BETWEEN.match(data, position)):
            return between.end()
        has_break = data.find(b"\n", position) >= 0 or data.find(b"\r", position) >= 0
        found = BREAK.search(data, position) if has_break else None
        end = data.rfind(b"\0", position, found.start() if found else len(data)) + 1
        if end and b"\n" not in self._line:
            most = self._most - completed.count
            stop = _part_end(data, position, end, most, b"\0", b"\0")
            is_turn, end = stop < end, stop
            block = data[position:end].replace(b"\0", b"\n")
            completed.add_block(self._line.completed_by(block), most if is_turn else block.count(b"\n"))
            return end
        end = data.find(b"\0", position)
        stop = end if end >= 0 else len(data)
        if found := LINE_WITH_PRI.search(data, position, stop):
            stop, self._framing = found.start(), Framing.LF
        elif end < 0:
            newline_at = data.rfind(b"\n", max(position, stop - LONGEST_MAY_BE_END))
            if newline_at >= 0 and MAY_BE_LINE_WITH_PRI.match(data, newline_at):
                stop = newline_at
            self._line.keep(data[position:stop])
            return stop
        self._line.keep(data[position:stop])
        completed.add(self._line.take())
        return stop + 1


def _part_end(data: bytes, position: int, end: int, most: int, mark: bytes, counted: bytes) -> int:
    """The end of a part of the bytes from ``position`` to ``end``, behind a ``mark``: all of them, if that may be.

    A part holds at most ``most`` of the ``counted`` bytes, but one ``mark`` in any case. It has no more than half of
    the bytes, so that the next one is not a small rest.
    """
    stop = end
    while (size := stop - position) > most:
        count = sum(data.count(each, position, stop) for each in counted)
        if count <= most:
            break
        stop = position + max(most, min(size // 2, size * most // count))
    if stop == end:
        return end
    last = data.rfind(mark, position, stop)
    return (last if last >= 0 else data.find(mark, position)) + 1 or end


def _frames(completed: CompletedLines) -> Frames:
    if completed.messages:
        return Frames(messages=tuple(completed.messages))
    blocks = completed.blocks
    return Frames(block=blocks[0] if len(blocks) == 1 else b"".join(blocks))


def whole_message(message: bytes, max_line_bytes: int) -> bytes:
    """``message`` of a known length (from a datagram or a RELP frame), as :class:`Framer` would give it."""
    if len(message) > max_line_bytes:
        return whole_characters(message[:max_line_bytes]) + CUT_MARK.format(max_line_bytes).encode("ascii")
    return message.rstrip(TRAILERS)
